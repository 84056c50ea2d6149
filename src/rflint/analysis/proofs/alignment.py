"""Where in the input the centre of what a value sees lies, and whether merged branches agree on it.

Position p of a value with jump j looks at a part of the input that is centred at c + p * j, in
input pixels. A window of extent K that starts at `start` moves c by (start + (K - 1) / 2) * j:
nothing for a 3x3 convolution with padding 1, half a position for an even kernel. Where branches
with different c are added or concatenated, features of different places of the image meet.

Over several paths the smallest and the largest c are kept; the step adds the same to all, so that
is exact. A merge counts for what it adds: how much further apart the centres lie than in any of its
branches. Shifted copies of one map that meet (differences, wavelets, space-to-depth) are a window
like that of a convolution, spelled out, and no merge of branches.

Along time (the axis of a sequence, the first one of a video) branches of causal networks agree on
something else (causality.py).

Copies of a first frame, or frames that were remembered, that are joined to a map in front of it are
padding: of what is joined along an axis, the longest part tells where the map looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from rflint.analysis.proofs.causality import Causality
from rflint.analysis.proofs.shifts import centre_shift, concatenates_along
from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number
from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.graph.windows import Window


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


Sights: TypeAlias = Mapping[Number, Range]
"""By jump, where position 0 of a value looks, over all its paths."""

_PIXEL = Range(0, 0)

_MERGING = frozenset({Kind.ARITHMETIC, Kind.MERGE})


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


def misalignments(architecture: Architecture) -> tuple[Misalignment, ...]:
    """Every merge of centres that none of its branches had brought together before."""
    return tuple(found for axis in range(architecture.axes) for found in _along(architecture, axis))


def _along(architecture: Architecture, axis: int) -> Iterable[Misalignment]:
    values: dict[int, Sights] = {INPUT: {1: _PIXEL}}
    is_time = axis == 0 and architecture.axes != 2
    origins = _origins(architecture)
    causal = Causality(architecture, axis, origins)
    for index, layer in enumerate(architecture.layers):
        stepped = _stepped(architecture, axis, index, values)
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
            if apart and not (is_time and causal.agree(index, [source for source, _ in whole])):
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
    axis: int,
    index: int,
    values: Mapping[int, Sights],
) -> list[tuple[int, Sights]]:
    """For every branch into a layer where it comes from, and where what the layer makes looks."""
    layer = architecture.layers[index]
    edges: Sequence[Edge] = layer.feature_edges
    sizes = [architecture.positions_of(edge.source)[axis] for edge in edges]
    out = layer.positions[axis]
    if concatenates_along(layer, axis, sizes):
        edges = [edge for edge, n in zip(edges, sizes, strict=True) if n == max(sizes)]
        sizes = [max(sizes)] * len(edges)
    return [
        (edge.source, _step(values.get(edge.source, {}), layer, edge, axis, size, out))
        for edge, size in zip(edges, sizes, strict=True)
    ]


def _at_merge(index: int, axis: int, branches: list[tuple[int, Sights]]) -> Iterable[Misalignment]:
    for jump in dict.fromkeys(jump for _, sights in branches for jump in sights):
        there = [(sights[jump], source) for source, sights in branches if jump in sights]
        added = _added([sight for sight, _ in there])
        if added <= 0:
            continue
        _, first = min(there, key=lambda one: one[0].low)
        _, last = max(there, key=lambda one: one[0].high)
        yield Misalignment(index, axis, Fraction(added), jump, (first, last))


def _added(ranges: Sequence[Range]) -> Number:
    """What they are apart together, and none of them was: the rest was reported where it arose."""
    together = ranges[0]
    for one in ranges[1:]:
        together |= one
    return together.spread - max(one.spread for one in ranges)


def _step(seen: Sights, layer: Layer, edge: Edge, axis: int, size: int, out: int) -> Sights:
    moved = centre_shift(layer, edge, axis, size, out)
    if moved is None:
        return {}
    by, stride = moved
    return {jump * stride: sight.moved(by * jump) for jump, sight in seen.items()}


def _union(branches: Iterable[Sights]) -> Sights:
    union: dict[Number, Range] = {}
    for sights in branches:
        for jump, sight in sights.items():
            union[jump] = union[jump] | sight if jump in union else sight
    return union
