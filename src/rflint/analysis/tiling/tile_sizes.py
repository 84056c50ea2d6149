"""Which sizes tiles may have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil

from rflint.analysis.sizes.facts import Size
from rflint.analysis.tiling.ends import Ends
from rflint.analysis.tiling.follow import Course
from rflint.analysis.tiling.tiling import Tiling
from rflint.graph.architecture import Architecture

_USUAL = {1: (4096, 16384, 65536), 2: (256, 512, 1024), 3: (64, 128, 256)}
"""By number of axes, sides of tiles that people take."""


def remainder_of(architecture: Architecture, strides: Size) -> Size:
    """What is left of the size of the image beyond multiples of the stride, per axis.

    Tiles have the same remainder: then what happens at the last end of maps is the same in both.
    """
    return tuple(n % stride for n, stride in zip(architecture.resolution, strides, strict=True))


def smallest_tile(architecture: Architecture, courses: Sequence[Course], strides: Size) -> Size:
    """The smallest tile of which a stride is kept, and of which padding can copy what it needs."""
    each = zip(courses, strides, strict=True)
    return tuple(_least(architecture, axis, *one) for axis, one in enumerate(each))


def _least(architecture: Architecture, axis: int, course: Course, stride: int) -> int:
    own, least = architecture.resolution[axis], Fraction(stride)

    def missing(value: int, wanted: int) -> None:
        nonlocal least
        ends = course.ends[value]
        if isinstance(ends, Ends):
            more = wanted - architecture.positions_of(value)[axis]
            least = max(least, own + more * Fraction(ends.jump))

    for value in architecture.outputs:
        ends = course.ends[value]
        if isinstance(ends, Ends):
            kept = ceil(stride / Fraction(ends.jump))
            missing(value, ends.before + ends.after + kept)
    for room in course.rooms:
        ends = course.ends[room.value]
        if isinstance(ends, Ends):
            missing(room.value, max(room.in_front + ends.after, room.behind + ends.before))
    return ceil(least) + (own - ceil(least)) % stride


def with_other_lengths(tile: Size, strides: Size, image: Size) -> Size:
    """A tile about as large that has another length along every axis, none that of the image.

    A trace of it tells which axis lies along which dimension.
    """
    found: list[int] = []
    for length, stride, own in zip(tile, strides, image, strict=True):
        while length == own or length in found:
            length += stride
        found.append(length)
    return tuple(found)


def usual_tiles(tiling: Tiling) -> Iterator[Size]:
    """Three sizes with sides of about the usual lengths, larger ones where these are too small."""
    sides = _USUAL.get(len(tiling.stride), _USUAL[3])
    side, found = sides[0], 0
    while found < len(sides):
        lengths = zip(tiling.stride, tiling.remainder, strict=True)
        tile = tuple(side - (side - rest) % stride for stride, rest in lengths)
        if all(n >= least for n, least in zip(tile, tiling.smallest, strict=True)):
            found += 1
            yield tile
        side *= 2
