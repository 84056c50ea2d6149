"""How a model is to be linted, beside which model and at which resolution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for all models of a run."""

    train: bool = False
    """As in training (auxiliary heads), not as in evaluation."""
    tracer: str = "auto"
    allow_unknown: tuple[str, ...] = ()
    """Operators that may be unknown without a finding."""

    def settings(self, code: str) -> Mapping[str, Any]:
        """What a rule is told."""
        return {"allow-unknown": self.allow_unknown} if code == "RF901" else {}
