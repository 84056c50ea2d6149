"""Follow a tile through an architecture, along one axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import lcm
from typing import TypeAlias

from rflint.analysis.tiling.ends import WHOLE, Counts, Ends, ends_behind
from rflint.analysis.tiling.obstacles import Obstacle, obstacle_of
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.graph.sizing import Sliding
from rflint.graph.windows import Extent


class Without(Enum):
    """Values that have no positions to cut."""

    AXIS = "axis"
    """The axis does not lie along it, and it is the same in every tile."""
    PLACE = "place"
    """It was made of all positions, or nobody knows of which: an obstacle is before it."""


Followed: TypeAlias = Ends | Without


@dataclass(frozen=True, slots=True)
class Room:
    """How many positions of a value have to be sound, for padding that mirrors them."""

    value: int
    in_front: int
    """Sound positions at the first end, whatever is spoilt at the last one."""
    behind: int


@dataclass(frozen=True)
class Course:
    """A tile along one axis, through every layer that some output depends on."""

    ends: Mapping[int, Followed]
    """By value; INPUT is the tile itself."""
    obstacles: tuple[tuple[int, Obstacle], ...]
    """With the layers' indices."""
    rooms: tuple[Room, ...]

    @property
    def stride(self) -> int:
        """The step of the places at which a tile may begin: a multiple of all jumps."""
        jumps = [Fraction(x.jump) for x in self.ends.values() if isinstance(x, Ends)]
        return lcm(*(jump.numerator for jump in jumps))


def follow(architecture: Architecture, axis: int) -> Course:
    """What becomes of a tile along an axis, at the size at which the architecture was traced."""
    ends: dict[int, Followed] = {INPUT: WHOLE}
    obstacles: list[tuple[int, Obstacle]] = []
    rooms: list[Room] = []
    for index in sorted(architecture.relations.live_layers):
        layer = architecture.layers[index]
        read = [(edge, ends[edge.source]) for edge in layer.inputs]
        placed = [(edge, found) for edge, found in read if isinstance(found, Ends)]
        if not placed:
            without = any(found is Without.PLACE for _, found in read)
            ends[index] = Without.PLACE if without else Without.AXIS
            continue
        reads = _reads(placed, axis)
        obstacle = obstacle_of(layer, axis, reads, training=architecture.training)
        made = None if reads else _made(architecture, layer, axis, placed)
        if obstacle is None and made is None:
            what = "reads positions in a way that rflint does not follow exactly"
            obstacle = Obstacle(layer, what, is_certain=False)
        if obstacle is not None:
            obstacles.append((index, obstacle))
        ends[index] = made or _in_place(architecture, layer, axis, placed)
        rooms += _rooms(architecture, layer, axis, placed)
    return Course(ends, tuple(obstacles), tuple(rooms))


def _reads(placed: Sequence[tuple[Edge, Ends]], axis: int) -> Extent | None:
    extents = {e.reach[axis] for e, _ in placed if isinstance(e.reach[axis], Extent)}
    if Extent.GLOBAL in extents:
        return Extent.GLOBAL
    return Extent.UNKNOWN if extents else None


def _made(
    architecture: Architecture, layer: Layer, axis: int, placed: Sequence[tuple[Edge, Ends]]
) -> Ends | None:
    """The worst of what a layer makes of its inputs, which lie at the same places."""
    found = []
    for edge, ends in placed:
        counts = Counts(architecture.positions_of(edge.source)[axis], layer.positions[axis])
        found.append(ends_behind(layer, edge, axis, ends, counts))
    known = [ends for ends in found if ends is not None]
    if len(known) < len(found) or len({ends.jump for ends in known}) != 1:
        return None
    return Ends(
        known[0].jump, max(ends.before for ends in known), max(ends.after for ends in known)
    )


def _in_place(
    architecture: Architecture, layer: Layer, axis: int, placed: Sequence[tuple[Edge, Ends]]
) -> Followed:
    """Behind an obstacle: the map as it was, if that is as large, so that others are named too."""
    for edge, ends in placed:
        if architecture.positions_of(edge.source)[axis] == layer.positions[axis] > 1:
            return ends
    return Without.PLACE


def _rooms(
    architecture: Architecture, layer: Layer, axis: int, placed: Sequence[tuple[Edge, Ends]]
) -> list[Room]:
    """What padding reads that copies positions from inside."""
    taps = layer.taps_along(axis)
    before, after = 0, 0
    for edge, _ in placed:
        read, made = architecture.positions_of(edge.source)[axis], layer.positions[axis]
        if layer.kind is Kind.PAD and taps is None:
            before = -int(getattr(edge.reach[axis], "start", 0))
            after = made - read - before
        elif layer.kind is Kind.CONV and taps is not None and not taps.pads_zeros:
            sizing = layer.sizing[axis] if layer.sizing else None
            before = taps.before
            after = sizing.after if isinstance(sizing, Sliding) else before
        if max(before, after) > 0:
            return [Room(edge.source, before + 1, after + 1)]
    return []
