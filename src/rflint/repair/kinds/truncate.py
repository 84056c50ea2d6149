"""Truncation (paper, Fig. 11): the network ends earlier, with a classifier of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from rflint.analysis.analysis import Analysis
from rflint.repair.forecast.cuts import block_ending_at, cut_points, why_no_classifier
from rflint.repair.transformation import Transformation


@dataclass(frozen=True, slots=True)
class Truncation(Transformation):
    """Global average pooling and a linear layer follow behind one of the layers."""

    kind: ClassVar[str] = "truncate"
    edits: ClassVar[str] = "rflint.repair.edits.truncate"

    last: int
    """Index of the last layer that stays."""

    @classmethod
    def proposals(cls, analysis: Analysis) -> Iterator[tuple[Truncation]]:
        """Every place where a classifier can end."""
        if not why_no_classifier(analysis):
            yield from ((cls(cut),) for cut in cut_points(analysis))

    @classmethod
    def refusals(cls, analysis: Analysis, reasons: Iterable[str]) -> list[str]:
        """Why no place is one where it could end."""
        reason = why_no_classifier(analysis)
        if not reason and not cut_points(analysis):
            reason = "nowhere does one tensor carry all that follows"
        return [f"truncation, since {reason}"] if reason else []

    @property
    def cut(self) -> int:
        """The index of the last layer."""
        return self.last

    def title(self, analysis: Analysis) -> str:
        """Where the network ends."""
        return f"truncate after {block_ending_at(analysis.architecture, self.last)}"
