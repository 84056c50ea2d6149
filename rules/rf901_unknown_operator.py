"""An operator that rflint does not know.

What it is
    The model calls an operator that is in none of rflint's tables. What it reads of its input is
    unknown, so everything that depends on it is "not judged", and the report says
    "complete": false.

Why it matters
    A layer behind such an operator may be unproductive without rflint saying so. It never guesses.

How to fix it
    Nothing is wrong with your model. Please report the operator, so that it enters the table.

When to ignore it
    Where the unknown operator sits behind everything that you want judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rflint.analysis import Analysis
from rflint.rule import Example, Finding, Settings, Severity, finding

CODE = "RF901"
NAME = "unknown-operator"
SEVERITY = Severity.WARNING
DEFAULT = True


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each call whose reach nobody knows."""
    for layer in analysis.layers:
        if layer.unknown:
            yield finding(
                globals(),
                layer,
                f"rflint does not know what {layer.layer.op} reads of its input: "
                "what depends on it is not judged",
            )


def sorts_positions() -> Any:
    """Sorting along the width moves every position somewhere that only the data tells."""
    from torch import Tensor, nn

    class SortsPositions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x.sort(-1).values)
            return out

    return SortsPositions()


def known_operators() -> Any:
    """Everything is in the table."""
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())


FAILS = [Example(sorts_positions, 16)]
PASSES = [Example(known_operators, 16)]
