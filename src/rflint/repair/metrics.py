"""What a repair is judged by: parameters, multiply-accumulates, unproductive convolutions."""

from __future__ import annotations

from dataclasses import dataclass

from rflint.analysis.analysis import Analysis
from rflint.text.numbers import plural


@dataclass(frozen=True, slots=True)
class Metrics:
    """The numbers of a model that a repair is about."""

    params: int
    macs: int
    unproductive: int

    @classmethod
    def of(cls, analysis: Analysis) -> Metrics:
        """Those of an analysed model."""
        totals = analysis.totals
        return cls(totals.params, totals.macs, totals.unproductive)

    def __str__(self) -> str:
        """In words: '12 parameters, 100 MACs, 0 unproductive'."""
        return (
            f"{plural(self.params, 'parameter', ',')}, {plural(self.macs, 'MAC', ',')}, "
            f"{self.unproductive} unproductive"
        )
