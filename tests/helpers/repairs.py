"""The repairs that are shown for a model, and models that several tests of them need."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

import rflint
from rflint.repair.repair import Repair
from rflint.report.model_report import ModelReport


def report(build: Any, res: int = 32) -> ModelReport:
    return rflint.lint(build, res=res).models[0]


def repairs(build: Any, res: int = 32) -> dict[str, Repair]:
    """What is offered, by what speaks for it."""
    return {repair.words: repair for repair in report(build, res).repairs}


class Calls(nn.Module):
    """A pooling that is called three times, as tutorials do, and a block that is called often."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.block = nn.Conv2d(8, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.stem(x))
        x = self.pool(self.block(x))
        for _ in range(5):
            x = self.block(x)
        return self.fc(self.pool(x).mean((2, 3)))
