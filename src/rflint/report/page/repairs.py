"""Repairs for the page: the code that makes them, to be copied, and the command that writes it."""

from __future__ import annotations

from rflint.repair.repair import Repair
from rflint.repair.source_file import statements
from rflint.report.model_report import ModelReport
from rflint.report.schema import JsonObject


def repair_entries(model: ModelReport) -> list[JsonObject]:
    """All repairs of a model."""
    return [
        {
            "words": repair.words,
            "title": repair.title,
            "code": _code(repair),
            "command": model.how_to_get(number)[1],
            "edits": [step.code for step in repair.steps if not step.defines],
        }
        for number, repair in enumerate(model.repairs, start=1)
    ]


def _code(repair: Repair) -> str:
    """A function that makes the change to a model."""
    classes = "".join(f"{step.code}\n\n\n" for step in repair.steps if step.defines)
    edits = statements(repair)
    imports = "import torch\nfrom torch import nn" if "torch." in f"{classes}{edits}" else ""
    return (
        f"{imports or 'from torch import nn'}\n\n\n{classes}"
        f"def changed(m: nn.Module) -> nn.Module:\n{edits}\n    return m\n"
    )
