"""A model in a file, as deep as a test wants it, and a configuration that names it."""

from __future__ import annotations

SOUND = "        nn.Conv2d(8, 8, 3, padding=1),\n"
WIDE = "        nn.Conv2d(8, 8, 7, padding=3),\n"
TOO_DEEP = "        nn.Conv2d(8, 8, 3, padding=1),  # the second of its kind\n"


def model(*layers: str) -> str:
    """At 16 px. Behind two wide convolutions, each further one lies past the border."""
    body = "".join(layers)
    return (
        "from torch import nn\n\n\ndef build():\n    return nn.Sequential(\n"
        f"        nn.Sequential(nn.Conv2d(3, 8, 7, padding=3), nn.ReLU()),\n{body}"
        "        nn.AdaptiveAvgPool2d(1),\n"
        "        nn.Flatten(),\n        nn.Linear(8, 10),\n    )\n"
    )


CONFIGURATION = """
[tool.rflint]
baseline = "rflint-baseline.json"

[[tool.rflint.models]]
target = "model:build"
res = 16
"""
