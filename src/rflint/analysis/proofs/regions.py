"""Sets of positions of a map, as boxes: along each axis a set, and all their combinations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TypeAlias

from rflint.graph.taps import everything, members

Box: TypeAlias = tuple[int, ...]
"""Per axis a set of positions, as the bits of an integer."""

_MOST_BOXES = 4
"""More boxes than these count as the one box around them all."""


@dataclass(frozen=True, slots=True)
class Region:
    """Some positions of a map: all that lie in any of its boxes."""

    sizes: tuple[int, ...]
    """How many positions there are, per axis."""
    boxes: tuple[Box, ...]

    @property
    def count(self) -> int:
        """How many lie in it."""
        return sum(prod(map(int.bit_count, box)) for box in self._disjoint())

    @property
    def outside(self) -> int:
        """How many positions of the map do not lie in it."""
        return prod(self.sizes) - self.count

    def along(self, axis: int) -> int:
        """The rows (or columns, or frames) of which any position lies in it, as a set."""
        found = 0
        for box in self.boxes:
            found |= box[axis]
        return found

    def within(self, other: Region) -> bool:
        """Whether every box lies in one of the other region's."""
        return all(any(_within(box, around) for around in other.boxes) for box in self.boxes)

    def __contains__(self, position: tuple[int, ...]) -> bool:
        return any(
            all(places >> place & 1 for places, place in zip(box, position, strict=True))
            for box in self.boxes
        )

    def _disjoint(self) -> Iterator[Box]:
        """The same positions in boxes that do not overlap: every row with others of its kind."""
        if len(self.boxes) < 2:
            yield from self.boxes
            return
        per_axis = [
            _alike([box[axis] for box in self.boxes], size) for axis, size in enumerate(self.sizes)
        ]
        for combination in product(*per_axis):
            common = frozenset.intersection(*(holders for holders, _ in combination))
            if common:
                yield tuple(places for _, places in combination)


def _alike(sets: Sequence[int], size: int) -> list[tuple[frozenset[int], int]]:
    """Positions grouped by which of these sets hold them."""
    groups: list[tuple[frozenset[int], int]] = [(frozenset(), everything(size))]
    for number, places in enumerate(sets):
        groups = [
            group
            for holders, those in groups
            for group in ((holders | {number}, those & places), (holders, those & ~places))
            if group[1]
        ]
    return [group for group in groups if group[0]]


def add_box(boxes: list[Box], new: Box) -> None:
    """Add a box to those that are not part of another; too many of them become one."""
    if not all(new) or any(_within(new, old) for old in boxes):
        return
    boxes[:] = [old for old in boxes if not _within(old, new)]
    boxes.append(new)
    if len(boxes) > _MOST_BOXES:
        around = boxes.pop()
        for box in boxes:
            around = tuple(a | b for a, b in zip(around, box, strict=True))
        boxes[:] = [around]


def _within(inner: Box, outer: Box) -> bool:
    return all(a & ~b == 0 for a, b in zip(inner, outer, strict=True))


def runs(places: int) -> list[tuple[int, int]]:
    """A set of positions as runs of neighbours: the first and the last of each."""
    found: list[tuple[int, int]] = []
    for place in members(places):
        if found and found[-1][1] == place - 1:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return found
