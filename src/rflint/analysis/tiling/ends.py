"""What a cut through the image spoils: how many positions at the ends of every map, exactly.

A tile is cut out of an image, and the model runs on it alone. Along one axis, position p of a map
that it makes is position p + offset / jump of the map of the whole image, if the offset is a
multiple of every jump: windows then lie in the tile as they lie in the image. It holds the same
number, unless it depends on what was cut off. At an end where the image was cut, padding stands
where the image goes on, so whatever reads padding there is spoilt, and so is whatever reads what
is spoilt. At an end where the image ends too, padding is what it is in the whole, and nothing is.

Spoilt positions are counted from the end at which the cut is, layer by layer: each layer says
which positions are the first and the last that it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import TypeAlias

from rflint.graph.exact import Number
from rflint.graph.layer import Edge, Kind, Layer
from rflint.graph.taps import Taps
from rflint.graph.windows import POINTWISE, Resampling, Window


@dataclass(frozen=True, slots=True)
class Ends:
    """A map that a tile gives, along one axis."""

    jump: Number
    """Positions of the input from one position to the next."""
    before: int
    """How many positions at the first end are spoilt, where the image goes on in front of it."""
    after: int
    """How many at the last end, where it goes on behind it."""


WHOLE = Ends(1, 0, 0)
"""A tile itself: nothing of it is spoilt."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many positions a layer reads, and how many it makes, along an axis."""

    read: int
    made: int


_Reads: TypeAlias = Callable[[int], tuple[int, int]]
"""By position of the result, the first and the last position that are read for it."""

_SLIDING = frozenset({Kind.CONV, Kind.POOL, Kind.PAD, Kind.SLICE, Kind.TAUGHT, Kind.RESHAPE})
"""Kinds whose windows say exactly what is read, where they have no slack."""


def ends_behind(layer: Layer, edge: Edge, axis: int, ends: Ends, counts: Counts) -> Ends | None:
    """What is spoilt of what a layer makes of one of its inputs; None where that is not known."""
    reach = edge.reach[axis]
    if not isinstance(reach, Window):
        return None
    taps = layer.taps_along(axis)
    if layer.kind is Kind.CONV_TRANSPOSE:
        return _behind_transposed(taps, ends, counts) if taps is not None else None
    if taps is not None:
        return _behind_window(taps.extent, taps.stride, -taps.before, ends, counts)
    if reach == POINTWISE and counts.read == counts.made:
        return None if reach.slack else ends
    resampling = layer.resampling_along(axis)
    if resampling is not None:
        reads = _resized_reads(reach, resampling)
        return None if reads is None else _behind_resize(reads, resampling, reach, ends, counts)
    if reach.slack:
        return None
    times = 1 / Fraction(reach.stride)
    if times > 1 and times.denominator == reach.size == 1 and not reach.start:
        return _repeated(int(times), ends, counts)
    if layer.kind in _SLIDING or (layer.kind is Kind.MERGE and reach.stride > 1):
        size, stride, start = reach.size, reach.stride, reach.start
        if isinstance(size, int) and isinstance(stride, int) and isinstance(start, int):
            return _behind_window(size, stride, start, ends, counts)
    return None


def _behind_window(extent: int, stride: int, start: int, ends: Ends, counts: Counts) -> Ends:
    """Of a window over positions p * stride + start to p * stride + start + extent - 1."""
    last_read = counts.read - 1 - ends.after
    last = (last_read - start - extent + 1) // stride
    return Ends(
        _number(ends.jump * stride),
        max(0, -((start - ends.before) // stride)),
        max(0, counts.made - 1 - last),
    )


def _behind_transposed(taps: Taps, ends: Ends, counts: Counts) -> Ends:
    """Of a window that is spread: position i goes to i * stride - before + t * dilation."""
    before = (ends.before - 1) * taps.stride - taps.before + taps.extent
    first_spoilt = (counts.read - ends.after) * taps.stride - taps.before
    return Ends(
        _number(Fraction(ends.jump) / taps.stride),
        max(0, before),
        max(0, counts.made - first_spoilt),
    )


def _repeated(times: int, ends: Ends, counts: Counts) -> Ends:
    """Of positions each of which becomes several."""
    kept = (counts.read - ends.after) * times
    return Ends(
        _number(Fraction(ends.jump) / times), ends.before * times, max(0, counts.made - kept)
    )


def _resized_reads(reach: Window, resampling: Resampling) -> tuple[_Reads, int] | None:
    """What a resize reads, and by how much that may lie beside the place it resizes from.

    None where it depends on the size of the map: corners are aligned.
    """
    step, size = Fraction(resampling.step), reach.size
    middle = (step - 1) / 2
    if resampling.aligns_corners:
        return None
    if size == 1:
        shift = step / 2 if resampling.start == middle else 0  # nearest to the middle, or rounded
        return (lambda p: (floor(p * step + shift),) * 2), 1
    if resampling.otherwise is None:  # means of areas
        return (lambda p: (floor(p * step), ceil((p + 1) * step) - 1)), int(step) + 2
    if size == 2:
        return (lambda p: (floor(p * step + middle), ceil(p * step + middle))), 1
    if step <= 1 or reach.start == middle - 1:
        return (lambda p: _cubic(p * step + middle)), 2
    support = step if size == ceil(2 * step) else 2 * step  # a kernel as wide as the step
    return (
        lambda p: (
            floor((p + Fraction(1, 2)) * step - support + Fraction(1, 2)),
            floor((p + Fraction(1, 2)) * step + support + Fraction(1, 2)) - 1,
        )
    ), ceil(support) + 2


def _cubic(place: Fraction) -> tuple[int, int]:
    """The four positions around a place; the one that it falls on, if it does."""
    if place.denominator == 1:
        return int(place), int(place)
    return floor(place) - 1, floor(place) + 2


def _behind_resize(
    reads: tuple[_Reads, int], resampling: Resampling, reach: Window, ends: Ends, counts: Counts
) -> Ends:
    """Of a resize: the positions near the spoilt ones are looked at one by one."""
    read, beside = reads
    step = Fraction(resampling.step)
    bound = counts.read - ends.after
    near = floor((ends.before - 2 - beside) / step), ceil((ends.before + 2 + beside) / step)
    spoilt = [p for p in range(max(0, near[0]), near[1] + 1) if read(p)[0] < ends.before]
    far = floor((bound - 2 - beside) / step), ceil((bound + 2 + beside) / step)
    first = next((p for p in range(max(0, far[0]), far[1] + 1) if read(p)[1] >= bound), far[1])
    return Ends(_number(ends.jump * step), max(spoilt, default=-1) + 1, max(0, counts.made - first))


def _number(value: Number) -> Number:
    """An integer where it is one."""
    return int(value) if value == int(value) else value
