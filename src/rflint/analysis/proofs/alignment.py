"""Whether the branches that a merge adds or concatenates look at the same places of the input.

Position p of a map with jump j has a receptive field that is centred at c + p * j, in input pixels.
A window of extent K that starts at `start` shifts c by (start + (K - 1) / 2) * j: not at all for a
3x3 convolution with padding 1, by half a position for an even kernel. Where branches with different
c are added or concatenated, features of different places of the image meet.

Over several paths the smallest and the largest c are kept. A layer shifts both by the same amount,
so that is exact. What counts against a merge is what it adds: by how much the centres lie further
apart behind it than in any one of its branches. Shifted copies of one map that meet (differences,
wavelets, space-to-depth) are not branches: together they are a window, as a convolution has one.

Along time (the axis of a sequence, the first axis of a video) the branches of causal networks are
aligned in another way: see causality.py.

Where maps are concatenated along the axis itself, the longest one tells where the result looks. The
others are padding: copies of a first frame, or frames that were remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from rflint.analysis.proofs.causality import Causality
from rflint.analysis.proofs.shifts import centre_shift, merged_edges
from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number
from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.graph.windows import Window


@dataclass(frozen=True, slots=True)
class Interval:
    """The smallest and the largest centre over all paths, in input pixels."""

    low: Number
    high: Number

    @property
    def length(self) -> Number:
        """How far apart the two are."""
        return self.high - self.low

    def shifted(self, by: Number) -> Interval:
        """Both centres, shifted by the same amount."""
        return Interval(self.low + by, self.high + by) if by else self

    def __or__(self, other: Interval) -> Interval:
        return Interval(min(self.low, other.low), max(self.high, other.high))


Centres: TypeAlias = Mapping[Number, Interval]
"""By jump, the centres of the receptive field of a value's position 0, over all paths."""

_PIXEL = Interval(0, 0)

_MERGING = frozenset({Kind.ARITHMETIC, Kind.MERGE})


@dataclass(frozen=True, slots=True)
class Misalignment:
    """A merge of branches with different centres, along one axis."""

    layer: int
    axis: int
    pixels: Fraction
    """How much further apart the centres are than in any one branch, in input pixels."""
    jump: Number
    """Input pixels between neighbouring positions of the merged map."""
    branches: tuple[int, int]
    """The values (layer indices, or INPUT) whose centres lie outermost, the first one first."""

    @property
    def positions(self) -> Fraction:
        """The same in positions of the merged map."""
        return self.pixels / Fraction(self.jump)


def misalignments(architecture: Architecture) -> tuple[Misalignment, ...]:
    """Every merge behind which centres lie further apart than in any one of its branches."""
    return tuple(found for axis in range(architecture.axes) for found in _along(architecture, axis))


def _along(architecture: Architecture, axis: int) -> Iterable[Misalignment]:
    centres: dict[int, Centres] = {INPUT: {1: _PIXEL}}
    is_time = axis == 0 and architecture.axes != 2
    originals = _originals(architecture)
    causality = Causality(architecture, axis, originals)
    for index, layer in enumerate(architecture.layers):
        branches = _branches(architecture, axis, index, centres)
        centres[index] = _union(found for _, found in branches)
        # in tables of scores, and sequences of tokens, positions do not lie side by side
        merges = layer.kind in _MERGING and layer.is_map
        if merges and len({originals[source] for source, _ in branches}) > 1:
            # maps that are put side by side, or repeated, do not meet position by position
            whole = [x for x in branches if architecture.positions_of(x[0]) == layer.positions]
            found = list(_misaligned(index, axis, whole))
            if found and not (is_time and causality.agree(index, [source for source, _ in whole])):
                yield from found


def _originals(architecture: Architecture) -> dict[int, int]:
    """By value, the map that it is a shifted copy of, or made of such copies; mostly itself."""
    originals = {INPUT: INPUT}
    for index, layer in enumerate(architecture.layers):
        read = {originals[edge.source] for edge in layer.inputs}
        shifts = layer.kind in (Kind.SLICE, Kind.PAD)
        keeps = layer.kind in _MERGING | {Kind.ACTIVATION} and all(
            isinstance(reach, Window) and reach.size == reach.stride == 1
            for edge in layer.inputs
            for reach in edge.reach
        )
        originals[index] = read.pop() if len(read) == 1 and (shifts or keeps) else index
    return originals


def _branches(
    architecture: Architecture, axis: int, index: int, centres: Mapping[int, Centres]
) -> list[tuple[int, Centres]]:
    """The values that a layer reads, and the centres of its output through each of them alone."""
    layer = architecture.layers[index]
    out = layer.positions[axis]
    return [
        (edge.source, _centres_behind(centres.get(edge.source, {}), layer, edge, axis, size, out))
        for edge, size in merged_edges(architecture, axis, index)
    ]


def _misaligned(
    index: int, axis: int, branches: Sequence[tuple[int, Centres]]
) -> Iterable[Misalignment]:
    """Of a merge, the jumps for which it brings centres together that were apart."""
    for jump in dict.fromkeys(jump for _, centres in branches for jump in centres):
        meeting = [(centres[jump], source) for source, centres in branches if jump in centres]
        added = _added_length([interval for interval, _ in meeting])
        if added <= 0:
            continue
        _, first = min(meeting, key=lambda one: one[0].low)
        _, last = max(meeting, key=lambda one: one[0].high)
        yield Misalignment(index, axis, Fraction(added), jump, (first, last))


def _added_length(intervals: Sequence[Interval]) -> Number:
    """How much longer the interval around all is than any: the rest was reported where it arose."""
    around = intervals[0]
    for interval in intervals[1:]:
        around |= interval
    return around.length - max(interval.length for interval in intervals)


def _centres_behind(
    centres: Centres, layer: Layer, edge: Edge, axis: int, size: int, out: int
) -> Centres:
    shift = centre_shift(layer, edge, axis, size, out)
    if shift is None:
        return {}
    by, stride = shift
    return {jump * stride: interval.shifted(by * jump) for jump, interval in centres.items()}


def _union(branches: Iterable[Centres]) -> Centres:
    union: dict[Number, Interval] = {}
    for centres in branches:
        for jump, interval in centres.items():
            union[jump] = union[jump] | interval if jump in union else interval
    return union
