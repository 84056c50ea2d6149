"""Which changes are worth showing, of all that could be made.

Every subset of the downsamplings, every place to end the network, and both together are weighed on
the graph (forecast.py). Four things count: unproductive convolutions, multiply-accumulates,
parameters, and how many convolutions are left that contribute with the weights they have. Without
the last, cutting everything off would beat every other change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, combinations
from math import log

from rflint.analysis.analysis import Analysis
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind
from rflint.graph.traits import Trait
from rflint.graph.windows import Window
from rflint.repair.candidate import Candidate, pareto_front, productive_convolutions
from rflint.repair.change import Change
from rflint.repair.forecast.axis import SMALL_STEM, Unpredictable
from rflint.repair.forecast.cuts import cut_points, no_cut_because
from rflint.repair.forecast.downsampling import Group, groups
from rflint.repair.forecast.forecaster import Forecast, Forecaster
from rflint.repair.metrics import Metrics

MOST_SHOWN = 5

_ALL_SUBSETS = 7
"""Of more downsamplings than this, neighbouring ones are taken together only."""


@dataclass(frozen=True, slots=True)
class Preference:
    """What somebody may want of a repair, and the candidates that answer it, the best first."""

    words: str
    candidates: Sequence[Candidate]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """All that was weighed, what of it serves which preference, and what cannot be offered."""

    candidates: tuple[Candidate, ...]
    preferences: tuple[Preference, ...]
    refusals: tuple[str, ...]


NOTHING = SearchResult((), (), ())


def search(analysis: Analysis, kinds: Sequence[str] = ()) -> SearchResult:
    """The changes to a model with unproductive layers; nothing for a sound one.

    `kinds` limits them: "truncate", "remove-downsampling", "dilate". A dilation leaves receptive
    fields as they are (Eq. 1) and the map larger, so that it mends nothing by itself: it is weighed
    only where it is asked for.
    """
    if not analysis.unproductive or any(not layer.sizing for layer in analysis.architecture.layers):
        return NOTHING
    found = groups(analysis)
    forecaster = Forecaster(analysis)
    refused: dict[str, None] = {}
    cannot_cut = no_cut_because(analysis)
    cuts = () if cannot_cut else cut_points(analysis)
    everything = _all(analysis.architecture, forecaster, found, cuts, refused)
    candidates = list(dict.fromkeys(everything))
    refusals = [
        *_not_removable(found),
        *(f"removing some downsamplings, since {x}" for x in refused),
    ]
    if cannot_cut:
        refusals.insert(0, f"truncation, since {cannot_cut}")
    before = Metrics.of(analysis)
    wanted = [
        candidate
        for candidate in candidates
        if (candidate.change.kind in kinds if kinds else candidate.change.kind != "dilate")
        and (_mends(candidate, before) or "dilate" in kinds)
    ]
    if "dilate" in kinds:
        ordered = sorted(wanted, key=_cleanest)
        preferences = [Preference("keeps every layer and what it sees", [each]) for each in ordered]
    else:
        border = next(i for i, x in enumerate(analysis.layers) if x is analysis.border_min)
        now = productive_convolutions(analysis)
        preferences = list(_preferences(wanted, found, border, before, now))
    answered = tuple(x for x in preferences if x.candidates)
    return SearchResult(tuple(candidates), answered, tuple(refusals))


def _mends(candidate: Candidate, before: Metrics) -> bool:
    """Whether fewer layers are unproductive, and it is more than another classifier that goes."""
    after, change = candidate.metrics, candidate.change
    smaller = after.params < 0.99 * before.params or after.macs < 0.99 * before.macs
    cut_only = change.cut is not None and not change.without_downsampling
    return after.unproductive < before.unproductive and (smaller or not cut_only)


# -- candidates


def _all(
    architecture: Architecture,
    forecaster: Forecaster,
    found: Sequence[Group],
    cuts: Sequence[int],
    refused: dict[str, None],
) -> Iterator[Candidate]:
    untouched = forecaster.forecast(Change())
    cut_only: dict[int, Candidate] = {}
    for cut in cuts:
        with suppress(Unpredictable):
            cut_only[cut] = forecaster.truncated(untouched, cut)
    yield from cut_only.values()
    removable = [group for group in found if not group.kept_because]
    for chosen in _subsets(removable):
        for change in _removals(architecture, chosen):
            yield from _with_and_without_cut(forecaster, change, cut_only, refused)
    for start in range(len(removable)):
        dilated = frozenset(name for group in removable[start:] for name in group.layers)
        yield from _with_and_without_cut(forecaster, Change(dilated=dilated), {}, {})


def _subsets(items: Sequence[Group]) -> Iterable[tuple[Group, ...]]:
    if len(items) <= _ALL_SUBSETS:
        return chain.from_iterable(combinations(items, size) for size in range(1, len(items) + 1))
    return (
        tuple(items[start:end])
        for start in range(len(items))
        for end in range(start + 1, len(items) + 1)
    )


def _removals(architecture: Architecture, chosen: Sequence[Group]) -> Iterator[Change]:
    """Taking these strides away, with the stem's kernel as it is and small."""
    change = Change(
        unit_stride=frozenset(name for group in chosen for name in group.convolutions),
        removed=frozenset(name for group in chosen for name in group.poolings),
    )
    yield change
    stem = _large_stem(architecture)
    if stem in change.unit_stride:
        yield replace(change, small_stem=stem)


def _large_stem(architecture: Architecture) -> str:
    """A first convolution whose kernel is larger than it has to be; empty where there is none."""
    for layer in architecture.layers:
        if layer.kind is not Kind.CONV:
            continue
        kernels = [kernel for kernel in layer.geometry.kernel if kernel is not None]
        strides = [
            reach.stride
            for edge in layer.inputs
            for reach in edge.reach
            if isinstance(reach, Window)
        ]
        alone = sum(other.name == layer.name for other in architecture.layers) == 1
        reads_input = [edge.source for edge in layer.inputs] == [INPUT]
        large = len(kernels) == architecture.axes and all(kernel > SMALL_STEM for kernel in kernels)
        dilated = any(dilation != 1 for dilation in layer.geometry.dilation)
        # a patch embedding cuts the image up; its kernel is no larger than its stride
        overlaps = all(k > s for k, s in zip(kernels, strides, strict=False))
        plain = Trait.RESIZABLE_KERNEL in layer.traits and layer.is_standard_module
        fits = reads_input and large and alone and overlaps and not dilated and plain
        return layer.name if fits and layer.is_map else ""
    return ""


def _with_and_without_cut(
    forecaster: Forecaster,
    change: Change,
    cut_only: Mapping[int, Candidate],
    refused: dict[str, None],
) -> Iterator[Candidate]:
    """A removal by itself, and with the network ended where it then stops contributing."""
    forecast, whole = _fitting(forecaster, change, refused)
    if whole is not None:
        yield whole
        if whole.pooled_before is not None:
            resized = forecaster.forecast(replace(forecast.change, resized_head=True))
            with suppress(Unpredictable):  # the head may be another than a linear layer
                yield forecaster.whole(resized)
    border = forecast.border
    before = [cut for cut in cut_only if border is not None and cut < border]
    if before:
        with suppress(Unpredictable):
            both = forecaster.truncated(forecast, before[-1])
            # the last pooling in front of a global one changes nothing
            if both.metrics != cut_only[before[-1]].metrics:
                yield both


def _fitting(
    forecaster: Forecaster, change: Change, refused: dict[str, None]
) -> tuple[Forecast, Candidate | None]:
    """A removal with poolings left out, or else with stride 1, whichever fits its branches."""
    first = forecaster.forecast(change)
    try:
        return first, forecaster.whole(first)
    except Unpredictable as error:
        reason = str(error)
    if change.removed:
        slowed = replace(change, removed=frozenset(), slowed=change.removed)
        second = forecaster.forecast(slowed)
        with suppress(Unpredictable):  # the first reason is the one to tell
            return second, forecaster.whole(second)
    refused.setdefault(reason)
    return first, None


def _not_removable(found: Sequence[Group]) -> list[str]:
    return [
        f"removing the downsampling of {_named(group)}, since {group.kept_because}"
        for group in found
        if group.kept_because
    ]


def _named(group: Group) -> str:
    names = group.layers
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


# -- preferences


def _preferences(
    candidates: Sequence[Candidate], found: Sequence[Group], border: int, before: Metrics, now: int
) -> Iterator[Preference]:
    """What people may want, the most wanted first. `now` is how many convolutions contribute."""
    best = pareto_front(candidates)
    dominated = sorted((c for c in candidates if c not in best), key=_cleanest)
    ordered = [*sorted(best, key=_cleanest), *dominated]
    cut_only = [
        c
        for c in ordered
        if c.change.cut is not None and not c.change.without_downsampling and c.change.cut < border
    ]
    whole = [c for c in ordered if c.change.cut is None]
    both = [c for c in ordered if c.change.cut is not None and c.change.without_downsampling]
    from_the_input = _from_the_input(found)
    early = [c for c in whole if c.change.without_downsampling in from_the_input]
    early.sort(key=lambda c: (c.metrics.unproductive, len(c.change.without_downsampling)))

    yield Preference("fewest computations", sorted(cut_only, key=lambda c: -(c.change.cut or 0)))
    yield Preference("keeps every layer", [c for c in whole if not c.change.small_stem])
    yield Preference(
        "keeps every layer and larger maps throughout",
        [c for c in early if not c.change.small_stem],
    )
    yield Preference("contributes as much as now", [c for c in both if c.productive >= now])
    yield Preference(
        "larger maps throughout, and a smaller first kernel",
        [c for c in early if c.change.small_stem],
    )
    yield Preference("a middle way", sorted(both, key=lambda c: _worth(c, before)))


def _cleanest(candidate: Candidate) -> tuple[int, ...]:
    metrics = candidate.metrics
    return (metrics.unproductive, metrics.macs, metrics.params)


def _worth(candidate: Candidate, before: Metrics) -> tuple[float, ...]:
    """Ascending in what is left unproductive, then descending in what the computations buy."""
    times = candidate.metrics.macs / max(before.macs, 1)
    return (candidate.metrics.unproductive, -candidate.productive / (1 + max(0.0, log(times))))


def _from_the_input(found: Sequence[Group]) -> set[frozenset[str]]:
    """The first downsampling, the first two, and so on: what the paper removes (section V)."""
    removable = [group for group in found if not group.kept_because]
    return {
        frozenset(name for group in removable[:count] for name in group.layers)
        for count in range(1, len(removable) + 1)
    }
