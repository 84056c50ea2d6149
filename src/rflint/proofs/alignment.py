"""Where in the input the centre of what a value sees lies, and whether merged branches agree on it.

Position p of a value with jump j looks at a part of the input that is centred at c + p * j, in
input pixels. A window of extent K that starts at `start` moves c by (start + (K - 1) / 2) * j:
nothing for a 3x3 convolution with padding 1, half a position for an even kernel. Where branches
with different c are added or concatenated, features of different places of the image meet.

Over several paths the smallest and the largest c are kept; the step adds the same to all, so that
is exact. A merge counts for what it adds: how much further apart the centres lie than in any of its
branches. Shifted copies of one map that meet (differences, wavelets, space-to-depth) are a window
like that of a convolution, spelled out, and no merge of branches.

Causal networks pad in front only, so that nothing sees the future: there it is the last position
that a window sees, and not its centre, that branches have to agree on. Along time (the axis of a
sequence, the first one of a video) branches that agree on it are aligned, if they see nothing later
than their own position of the map where they part. What happened in front of that is the same for
all of them. Behind a stride s a position is what the last of s positions makes it.

Copies of a first frame, or frames that were remembered, that are joined to a map in front of it are
padding: of what is joined along an axis, the longest part tells where the map looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from rflint.architecture import (
    INPUT,
    POINTWISE,
    Architecture,
    Edge,
    Extent,
    Kind,
    Layer,
    Number,
    Window,
)
from rflint.proofs.reads import taps_along


@dataclass(frozen=True, slots=True)
class Range:
    """The smallest and the largest over all paths, in input pixels."""

    low: Number
    high: Number

    @property
    def spread(self) -> Number:
        """How far apart they are."""
        return self.high - self.low

    def moved(self, by: Number) -> Range:
        """All of them moved."""
        return Range(self.low + by, self.high + by) if by else self

    def __or__(self, other: Range) -> Range:
        return Range(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True, slots=True)
class Sight:
    """Where position 0 of a value looks, over all paths of one jump."""

    centre: Range
    last: Range
    """The last position that is seen."""

    def __or__(self, other: Sight) -> Sight:
        return Sight(self.centre | other.centre, self.last | other.last)


Sights: TypeAlias = Mapping[Number, Sight]
"""By jump."""

_PIXEL = Sight(Range(0, 0), Range(0, 0))

_JOINS = frozenset({"cat", "quantized::cat"})
"""Operations that put maps one behind the other along an axis."""

_MERGING = frozenset({Kind.ARITHMETIC, Kind.MERGE})

_WINDOWS = frozenset({Kind.CONV, Kind.POOL, Kind.SLICE, Kind.PAD, Kind.MEASURED, Kind.TAUGHT})
"""Kinds whose windows say where they start."""


@dataclass(frozen=True, slots=True)
class Misalignment:
    """A merge of branches with different centres, along one axis."""

    layer: int
    axis: int
    pixels: Fraction
    """How far apart the branches are, in input pixels, beside what any of them brings along."""
    jump: Number
    """Input pixels between neighbouring positions of the merged map."""
    branches: tuple[int, int]
    """The values (layer indices, or INPUT) whose centres lie outermost, the first one first."""

    @property
    def positions(self) -> Fraction:
        """How far apart, in positions of the merged map."""
        return self.pixels / Fraction(self.jump)


def misalignments(
    architecture: Architecture, gates: frozenset[tuple[int, int]] = frozenset()
) -> tuple[Misalignment, ...]:
    """Every merge that brings together centres which none of its branches brought together before.

    `gates` are edges that are no feature paths (see `attention_gates`).
    """
    return tuple(
        found for axis in range(architecture.axes) for found in _along(architecture, gates, axis)
    )


def _along(
    architecture: Architecture, gates: frozenset[tuple[int, int]], axis: int
) -> Iterable[Misalignment]:
    values: dict[int, Sights] = {INPUT: {1: _PIXEL}}
    is_time = axis == 0 and architecture.axes != 2
    origins = _origins(architecture)
    for index, layer in enumerate(architecture.layers):
        stepped = _stepped(architecture, gates, axis, index, values)
        values[index] = _union(sights for _, sights in stepped)
        # in tables of scores, and sequences of tokens, positions do not lie side by side
        if (
            layer.kind in _MERGING
            and layer.is_map
            and len({origins[source] for source, _ in stepped}) > 1
        ):
            # maps that are put side by side, or repeated, do not meet position by position
            whole = [x for x in stepped if architecture.positions_of(x[0]) == layer.positions]
            apart = list(_at_merge(index, axis, whole))
            if apart and not (is_time and _is_causal(architecture, gates, axis, index, whole)):
                yield from apart


def _origins(architecture: Architecture) -> dict[int, int]:
    """For every value the map that it is a shifted copy of, or put together from; mostly itself."""
    origins = {INPUT: INPUT}
    for index, layer in enumerate(architecture.layers):
        below = {origins[edge.source] for edge in layer.inputs}
        shifts = layer.kind in (Kind.SLICE, Kind.PAD)
        keeps = layer.kind in _MERGING | {Kind.ACTIVATION} and all(
            isinstance(reach, Window) and reach.size == reach.stride == 1
            for edge in layer.inputs
            for reach in edge.reach
        )
        origins[index] = below.pop() if len(below) == 1 and (shifts or keeps) else index
    return origins


def _stepped(
    architecture: Architecture,
    gates: frozenset[tuple[int, int]],
    axis: int,
    index: int,
    values: Mapping[int, Sights],
) -> list[tuple[int, Sights]]:
    """For every branch into a layer where it comes from, and where what the layer makes looks."""
    layer = architecture.layers[index]
    edges = [edge for i, edge in enumerate(layer.inputs) if (index, i) not in gates]
    sizes = [architecture.positions_of(edge.source)[axis] for edge in edges]
    out = layer.positions[axis]
    if layer.kind is Kind.MERGE and layer.operation in _JOINS and out > max(sizes, default=out):
        edges = [edge for edge, n in zip(edges, sizes, strict=True) if n == max(sizes)]
        sizes = [max(sizes)] * len(edges)
    return [
        (edge.source, _step(values.get(edge.source, {}), layer, edge, axis, size, out))
        for edge, size in zip(edges, sizes, strict=True)
    ]


def _at_merge(index: int, axis: int, branches: list[tuple[int, Sights]]) -> Iterable[Misalignment]:
    for jump in dict.fromkeys(jump for _, sights in branches for jump in sights):
        there = [(sights[jump], source) for source, sights in branches if jump in sights]
        added = _added([sight.centre for sight, _ in there])
        if added <= 0:
            continue
        _, first = min(there, key=lambda one: one[0].centre.low)
        _, last = max(there, key=lambda one: one[0].centre.high)
        yield Misalignment(index, axis, Fraction(added), jump, (first, last))


def _is_causal(
    architecture: Architecture,
    gates: frozenset[tuple[int, int]],
    axis: int,
    index: int,
    branches: Sequence[tuple[int, Sights]],
) -> bool:
    """Whether branches agree on the last position that they see, and none sees the future.

    In positions of the map where they part: the last of the s positions that a position behind a
    stride s stands for is its present. Resizing has none: it takes from either side.
    """
    layers = architecture.layers
    parting = _parting(architecture, gates, [source for source, _ in branches])
    if parting is None:
        return False
    values: dict[int, Sights] = {parting: {1: _PIXEL}}
    for later in range(parting + 1, index):
        if any(edge.source in values for edge in layers[later].inputs):
            if layers[later].kind is Kind.UPSAMPLE:
                return False
            values[later] = _union(
                sights for _, sights in _stepped(architecture, gates, axis, later, values)
            )
    met = dict(_stepped(architecture, gates, axis, index, values))
    seen = [met[source] for source, _ in branches]
    lasts = {(jump, sight.last.high) for sights in seen for jump, sight in sights.items()}
    return all(seen) and len(lasts) == 1 and all(last <= jump - 1 for jump, last in lasts)


def _parting(
    architecture: Architecture, gates: frozenset[tuple[int, int]], sources: Iterable[int]
) -> int | None:
    """The last value that all paths to these values go through; None: there is none."""
    pending = set(sources)
    while len(pending) > 1:
        index = max(pending)
        pending.remove(index)
        inputs = architecture.layers[index].inputs
        before = [edge.source for i, edge in enumerate(inputs) if (index, i) not in gates]
        if not before:
            return None
        pending.update(before)
    return pending.pop() if pending else None


def _added(ranges: Sequence[Range]) -> Number:
    """What they are apart together, and none of them was: the rest was reported where it arose."""
    together = ranges[0]
    for one in ranges[1:]:
        together |= one
    return together.spread - max(one.spread for one in ranges)


def _step(seen: Sights, layer: Layer, edge: Edge, axis: int, size: int, out: int) -> Sights:
    moved = _moved(layer, edge, axis, size, out)
    if moved is None:
        return {}
    by, stride = moved
    reach = edge.reach[axis]
    to_last = by + _half(reach.size - 1) if isinstance(reach, Window) else by
    return {
        jump * stride: Sight(sight.centre.moved(by * jump), sight.last.moved(to_last * jump))
        for jump, sight in seen.items()
    }


def _moved(
    layer: Layer, edge: Edge, axis: int, size: int, out: int
) -> tuple[Number, Number] | None:
    """How far a layer moves centres, in positions of its input, and its stride; None: unknown.

    Where output phases differ, it is their mean that counts.
    """
    reach = edge.reach[axis]
    taps = taps_along(layer, axis)
    if reach is POINTWISE or reach == POINTWISE:
        return None if layer.operation == "roll" else (0, 1)
    if isinstance(reach, Extent):
        return None
    if layer.kind is Kind.CONV_TRANSPOSE:
        if taps is None:
            return None
        # the mean over output phases: output q is reached from (q + before - t * d) / stride
        return Fraction(2 * taps.before - taps.extent + 1, 2 * taps.stride), reach.stride
    if layer.kind is Kind.UPSAMPLE and reach.size == 1:
        # the nearest position: the mean over all output phases of floor(p * stride) + start
        phases = Fraction(reach.stride).denominator
        return Fraction(1 - phases, 2 * phases) + Fraction(reach.start), reach.stride
    if layer.kind is Kind.UPSAMPLE or Fraction(reach.stride).denominator > 1:
        # resizing leaves the middle of the map where it is
        return Fraction(size - out, 2 * out), reach.stride
    if layer.kind is Kind.MERGE and layer.operation in _JOINS:
        return (reach.start, 1) if reach.size == reach.stride == 1 else None
    if layer.operation == "roll" or layer.kind not in _WINDOWS:
        return _blocks(reach)
    return reach.start + _half(reach.size - 1), reach.stride


def _half(length: Number) -> Number:
    """Exactly, and an integer where it is one: those are faster, and nearly all are."""
    whole = isinstance(length, int) and length % 2 == 0
    return length // 2 if whole else Fraction(length) / 2


def _blocks(reach: Window) -> tuple[Number, Number] | None:
    """Blocks side by side (patches, space-to-depth); of other windows nobody knows the start."""
    if reach.size == reach.stride and reach.start == 0:
        return _half(reach.size - 1), reach.stride
    return None


def _union(branches: Iterable[Sights]) -> Sights:
    union: dict[Number, Sight] = {}
    for sights in branches:
        for jump, sight in sights.items():
            union[jump] = union[jump] | sight if jump in union else sight
    return union
