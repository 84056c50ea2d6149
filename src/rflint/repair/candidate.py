"""Changes that were weighed on the graph, and the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rflint.analysis.analysed_layer import Verdict
from rflint.analysis.analysis import Analysis
from rflint.repair.change import Change
from rflint.repair.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change, and what the architecture would be with it."""

    change: Change
    metrics: Metrics
    productive: int
    """Convolutions that are left, can contribute, and keep their weights."""
    pooled_before: int | None = None
    """The layer in front of which the map is pooled to its old size, or that is made anew."""
    head_inputs: int = 0
    """Features that reach a head that is made anew for a map of another size; else 0."""
    dilation: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Layers whose dilation and padding are multiplied, and by how much along each axis."""

    def dominates(self, other: Candidate) -> bool:
        """Whether this one is at least as good in everything, and better in something."""
        mine, theirs = self._objectives(), other._objectives()
        return mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True))

    def _objectives(self) -> tuple[int, int, int, int]:
        """What is to be small, the most important first."""
        x = self.metrics
        return (x.unproductive, x.macs, x.params, -self.productive)


def productive_convolutions(analysis: Analysis) -> int:
    """How many of the judged convolutions are not unproductive."""
    return sum(x.is_judged and x.verdict is not Verdict.UNPRODUCTIVE for x in analysis.layers)


def pareto_front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The Pareto front: the candidates that no other one dominates, cheapest first."""
    ordered = sorted(candidates, key=Candidate._objectives)
    found: list[Candidate] = []
    for candidate in ordered:  # whatever dominates it comes before it
        if not any(better.dominates(candidate) for better in found):
            found.append(candidate)
    return sorted(found, key=lambda candidate: candidate.metrics.macs)
