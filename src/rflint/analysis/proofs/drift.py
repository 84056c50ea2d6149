"""Whether the branches that a merge adds or concatenates have the same step, not only a centre.

Position p of a map looks at c + p * s of the input, with the step s: the product of all strides,
and of the steps of resizes. A resize to the size of another map always fits, whatever it makes of
the step. From 9 to 65 positions, with 32 pixels between the 9, it makes a step of 32 * 9 / 65 =
4.43. Beside a map with a step of 4 that is aligned in the middle, and drifts apart on the way to
the border.

Of two branches those paths are compared that stay nearest to each other. So what a branch brings
along is not counted again, and where a decoder doubles its map level by level, each level stands
for itself. Left out are paths that see all of the map, or through the few bins of a pyramid of
poolings (context, which has no place), and branches one of which steps twice as far as the other:
that is a crop that zooms. Near its ends a resized map reads the very end, however far beyond it
would look: positions whose centres lie outside of a map are not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from math import ceil, floor
from typing import TypeAlias

from rflint.analysis.proofs.shifts import centre_shift, merged_edges
from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number
from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.graph.traits import Trait
from rflint.graph.windows import Resampling, Window


@dataclass(frozen=True, slots=True)
class Line:
    """The paths of one step to a value: where its positions look, in pixels of the input."""

    low: Number
    """The smallest centre of position 0 over all these paths,"""
    high: Number
    """and the largest."""
    first: Number
    """The positions from here"""
    last: Number
    """to there have their centres within every map on the way."""
    coarsest: Number
    """The largest step on the way."""


Lines: TypeAlias = Mapping[Number, Line]
"""By step."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Two branches of a merge whose steps differ, along one axis."""

    layer: int
    axis: int
    branches: tuple[int, int]
    """The values (layer indices, or INPUT)."""
    steps: tuple[Number, Number]
    """Input pixels from one position of each to the next."""
    apart: tuple[Fraction, Fraction]
    """How far their centres lie apart at the first and at the last position that is compared."""
    compared: tuple[int, int]
    """These positions."""
    coarsest: Number
    """The largest step on the way of either branch."""

    @property
    def pixels(self) -> Fraction:
        """How far they lie apart towards the border, at most."""
        return max(self.apart)

    @property
    def positions(self) -> Fraction:
        """The same in positions of the merged map: in steps of the branch that goes further."""
        return self.pixels / Fraction(max(self.steps))

    @property
    def change(self) -> Fraction:
        """By how many positions of the merged map they drift, from one end to the other.

        It is as much as they lie apart where they are aligned at one end, and twice as much where
        they are in the middle.
        """
        first, last = self.compared
        a, b = map(Fraction, self.steps)
        return abs(a - b) * (last - first) / max(a, b)

    def exceeds(self, positions: Fraction) -> bool:
        """Whether they are so far apart, and because of their steps."""
        return min(self.positions, self.change) > positions


Branch: TypeAlias = tuple[int, Lines]
"""A value that a merge reads, and the paths of the merge's output through it."""


def drifts(architecture: Architecture) -> tuple[Drift, ...]:
    """Of every merge of branches with different steps the pair that drifts furthest, by axis."""
    return tuple(
        found
        for axis in range(architecture.axes)
        if architecture.input_has(axis)
        and any(layer.resampling_along(axis) for layer in architecture.layers)
        for found in _along(architecture, axis)
    )


def apart_with_corners(architecture: Architecture, drift: Drift, aligned: bool) -> Fraction | None:
    """How far these branches would lie apart, in positions, if all resizes aligned corners.

    Or if none did; all that can be told. None where it cannot be told of the branches then.
    """
    for index, branches in _merges(architecture, drift.axis, aligned):
        if index == drift.layer:
            one, other = (next(x for x in branches if x[0] == y) for y in drift.branches)
            found = _nearest(index, drift.axis, one, other)
            return found.positions if found is not None else None
    return None


def _along(architecture: Architecture, axis: int) -> Iterable[Drift]:
    for index, branches in _merges(architecture, axis, None):
        if len({step for _, lines in branches for step in lines}) < 2:
            continue
        pairs = (_nearest(index, axis, *pair) for pair in combinations(branches, 2))
        furthest = max(filter(None, pairs), key=_severity, default=None)
        if furthest is not None and _severity(furthest):
            yield furthest


def _severity(drift: Drift) -> Fraction:
    return min(drift.positions, drift.change)


def _merges(
    architecture: Architecture, axis: int, corners: bool | None
) -> Iterator[tuple[int, list[Branch]]]:
    """Every layer that merges maps position by position, with its branches."""
    size = architecture.resolution[axis]
    lines: dict[int, Lines] = {INPUT: {1: Line(0, 0, 0, size - 1, 1)}}
    for index, layer in enumerate(architecture.layers):
        branches = [
            (edge.source, _behind(lines.get(edge.source, {}), layer, edge, axis, n, corners))
            for edge, n in merged_edges(architecture, axis, index)
        ]
        lines[index] = _union([found for _, found in branches])
        # in tables of scores, and sequences of tokens, positions do not lie side by side
        if layer.kind in (Kind.ARITHMETIC, Kind.MERGE) and layer.is_map:
            yield (
                index,
                [x for x in branches if architecture.positions_of(x[0]) == layer.positions],
            )


def _behind(
    lines: Lines, layer: Layer, edge: Edge, axis: int, size: int, corners: bool | None
) -> Lines:
    """The lines behind a layer, through one of its edges."""
    out = layer.positions[axis]
    places = _places(layer, edge, axis, size, corners)
    if places is None:
        return {}
    if not lines:
        return lines
    start, step = places
    if (start, step) == (0, 1) and out == size:
        return lines
    return {
        before * step: Line(
            line.low + start * before,
            line.high + start * before,
            max(Fraction(line.first - start) / step, Fraction(0)),
            min(Fraction(line.last - start) / step, Fraction(out - 1)),
            max(line.coarsest, before * step),
        )
        for before, line in lines.items()
    }


def _places(
    layer: Layer, edge: Edge, axis: int, size: int, corners: bool | None
) -> tuple[Number, Number] | None:
    """Where a layer's position 0 looks in what it reads, and its step; None: it has no place."""
    resized = layer.resampling_along(axis)
    if resized is not None:
        chosen = _as_wanted(resized, corners)
        return (chosen.start, chosen.step) if chosen.step else None
    if _gathers_context(layer, edge, axis, size):
        return None
    shift = centre_shift(layer, edge, axis, size, layer.positions[axis])
    if shift is None:
        return None
    measured = layer.kind in (Kind.MEASURED, Kind.TAUGHT)
    return None if measured and Fraction(shift[1]).denominator > 1 else shift


def _as_wanted(resized: Resampling, corners: bool | None) -> Resampling:
    if corners is None or resized.otherwise is None or resized.aligns_corners is corners:
        return resized
    return resized.otherwise


_BINS = 6
"""A pyramid of poolings has 1, 2, 3 and 6 bins along an axis."""


def _gathers_context(layer: Layer, edge: Edge, axis: int, size: int) -> bool:
    """Whether a pooling makes a few bins of its map: of a small map that is no sign by itself."""
    reach = edge.reach[axis]
    if layer.kind is not Kind.POOL or not isinstance(reach, Window):
        return False
    is_adaptive = Trait.READS_EVERYTHING in layer.traits
    return reach.size * _BINS >= size and (is_adaptive or reach.stride > 3)


_MOST_STEPS = 16
_EVERYWHERE: Lines = {}
"""In place of more steps than that: pyramids that are gone through again and again at odd sizes
have hundreds, and paths that lie everywhere. They are compared with nothing."""


def _union(branches: Sequence[Lines]) -> Lines:
    if all(branch is branches[0] for branch in branches[1:]):
        return branches[0] if branches else {}
    if any(branch is _EVERYWHERE for branch in branches):
        return _EVERYWHERE
    union: dict[Number, Line] = {}
    for lines in branches:
        for step, line in lines.items():
            there = union.get(step)
            union[step] = line if there is None else _joined(there, line)
    return union if len(union) <= _MOST_STEPS else _EVERYWHERE


def _joined(one: Line, other: Line) -> Line:
    return Line(
        min(one.low, other.low),
        max(one.high, other.high),
        max(one.first, other.first),
        min(one.last, other.last),
        max(one.coarsest, other.coarsest),
    )


def _nearest(index: int, axis: int, one: Branch, other: Branch) -> Drift | None:
    """The paths of two branches that stay nearest to each other; None: none can be compared."""
    (first_source, first), (second_source, second) = one, other
    pairs = [
        found
        for a, ours in first.items()
        for b, theirs in second.items()
        if max(a, b) < 2 * min(a, b)
        and (found := _apart(index, axis, (a, b), (ours, theirs))) is not None
    ]
    nearest = min(pairs, key=lambda x: x.pixels, default=None)
    return nearest and replace(nearest, branches=(first_source, second_source))


def _apart(
    index: int, axis: int, steps: tuple[Number, Number], lines: tuple[Line, Line]
) -> Drift | None:
    first = ceil(max(line.first for line in lines))
    last = floor(min(line.last for line in lines))
    if first >= last:
        return None
    (a, b), (ours, theirs) = steps, lines
    apart = [
        max(
            Fraction(0),
            Fraction(theirs.low + b * at - ours.high - a * at),
            Fraction(ours.low + a * at - theirs.high - b * at),
        )
        for at in (first, last)
    ]
    coarsest = max(line.coarsest for line in lines)
    return Drift(index, axis, (INPUT, INPUT), steps, (apart[0], apart[1]), (first, last), coarsest)
