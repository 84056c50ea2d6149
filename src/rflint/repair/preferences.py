"""What people may want of a repair, and which candidates serve that best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log

from rflint.analysis.analysis import Analysis
from rflint.repair.candidate import Candidate, pareto_front, productive_convolutions
from rflint.repair.forecast.downsampling import removable_groups
from rflint.repair.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Preference:
    """What somebody may want of a repair, and the candidates that serve it, the best first."""

    words: str
    candidates: Sequence[Candidate]


def preferences(
    analysis: Analysis, candidates: Sequence[Candidate], own: Mapping[str, str]
) -> list[Preference]:
    """What people may want, the most wanted first; `own`: what speaks for kinds of repairs."""
    best = pareto_front(candidates)
    dominated = sorted((c for c in candidates if c not in best), key=by_what_is_left)
    ordered = [*sorted(best, key=by_what_is_left), *dominated]
    whole = [c for c in ordered if c.change.cut is None]
    cut_only = [c for c in ordered if c.change.cut is not None and not c.change.layers]
    both = [c for c in ordered if c.change.cut is not None and c.change.layers]
    return [
        *_of_any_kind(analysis, whole, cut_only, both),
        *(
            Preference(words, [c for c in ordered if c.change.kind == kind])
            for kind, words in own.items()
        ),
        _middle_way(analysis, both),
    ]


def _of_any_kind(
    analysis: Analysis,
    whole: Sequence[Candidate],
    cut_only: Sequence[Candidate],
    both: Sequence[Candidate],
) -> Iterator[Preference]:
    border = next(i for i, x in enumerate(analysis.layers) if x is analysis.border_min)
    now = productive_convolutions(analysis)
    from_the_input = _from_the_input(analysis)
    early = [c for c in whole if c.change.layers in from_the_input]
    early.sort(key=lambda c: (c.metrics.unproductive, len(c.change.layers)))

    in_front = [c for c in cut_only if _cut(c) < border]
    yield Preference("fewest computations", sorted(in_front, key=_cut, reverse=True))
    yield Preference("keeps every layer", [c for c in whole if not c.change.retrained])
    yield Preference(
        "keeps every layer and larger maps throughout",
        [c for c in early if not c.change.retrained],
    )
    yield Preference("contributes as much as now", [c for c in both if c.productive >= now])
    yield Preference(
        "larger maps throughout, and a smaller first kernel",
        [c for c in early if c.change.retrained],
    )


def _middle_way(analysis: Analysis, both: Sequence[Candidate]) -> Preference:
    """The combinations, by what they keep for their computations."""
    macs = Metrics.of(analysis).macs
    return Preference("a middle way", sorted(both, key=lambda c: _by_contribution(c, macs)))


def by_what_is_left(candidate: Candidate) -> tuple[int, ...]:
    """Ascending in what is left unproductive, in computations, and in weights."""
    metrics = candidate.metrics
    return (metrics.unproductive, metrics.macs, metrics.params)


def _cut(candidate: Candidate) -> int:
    return candidate.change.cut or 0


def _by_contribution(candidate: Candidate, macs: int) -> tuple[float, ...]:
    """Ascending in what is left unproductive, then descending in what the computations buy.

    `macs` are those of the model as it is.
    """
    times = candidate.metrics.macs / max(macs, 1)
    return (candidate.metrics.unproductive, -candidate.productive / (1 + max(0.0, log(times))))


def _from_the_input(analysis: Analysis) -> set[frozenset[str]]:
    """The first downsampling, the first two, and so on: what the paper removes (section V)."""
    removable = removable_groups(analysis)
    return {
        frozenset(name for group in removable[:count] for name in group.layers)
        for count in range(1, len(removable) + 1)
    }
