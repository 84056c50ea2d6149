"""Which positions of every value somebody reads, so that the model's outputs depend on them.

Followed from the outputs back to the input. Where it is not known exactly what an operator reads it
counts as reading everything, so what is called unread is: a NaN there would not reach an output.

The positions that a window reads are a set along each axis, and the map is read at all combinations
of these: a box. A value with several readers is read in several boxes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TypeAlias

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.graph.taps import Taps, everything, members, positions_read
from rflint.graph.windows import POINTWISE

Box: TypeAlias = tuple[int, ...]
"""Per axis a set of positions, as bits; the box holds all their combinations."""

_MOST_BOXES = 4
"""More of them count as the one box around them all."""

_IN_PLACE = frozenset(
    {
        Kind.ACTIVATION,
        Kind.NORM,
        Kind.ARITHMETIC,
        Kind.MERGE,
        Kind.LINEAR,
        Kind.EMBEDDING,
        Kind.REDUCE,
        Kind.RESHAPE,
        Kind.PAD,
    }
)
"""Kinds that, where they are pointwise, read the very position that they write."""


@dataclass(frozen=True, slots=True)
class Region:
    """The positions of a value that are read."""

    sizes: tuple[int, ...]
    """How many positions there are, per axis."""
    boxes: tuple[Box, ...]

    @property
    def positions(self) -> int:
        """How many are read."""
        return sum(prod(map(int.bit_count, box)) for box in self._disjoint())

    @property
    def unread(self) -> int:
        """How many are not."""
        return prod(self.sizes) - self.positions

    def along(self, axis: int) -> int:
        """The rows (or columns, or frames) of which anything is read, as a set."""
        found = 0
        for box in self.boxes:
            found |= box[axis]
        return found

    def within(self, other: Region) -> bool:
        """Whether what is read here is read there as well."""
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


@dataclass(frozen=True, slots=True)
class Reads:
    """What is read of every value of an architecture; INPUT is the model's input."""

    values: Mapping[int, Region]
    """All the way to the outputs: of what nobody reads, nothing is read."""
    directly: Mapping[int, Region]
    """By the next operators that compute something, if everything that these write is read."""
    readers: Mapping[int, tuple[int, ...]]


_PASSING = frozenset(
    {Kind.ACTIVATION, Kind.NORM, Kind.ARITHMETIC, Kind.RESHAPE, Kind.PAD, Kind.SLICE}
)


def passes_on(layer: Layer) -> bool:
    """Whether a layer makes no map of its own: it normalises, activates, pads or crops one."""
    return layer.kind in _PASSING and len(layer.inputs) == 1


def reads(architecture: Architecture, whole_maps: Collection[int] = ()) -> Reads:
    """What the outputs of an architecture read of every value.

    `whole_maps` are values of which everything counts as read.
    """
    layers = architecture.layers
    reached = architecture.relations.live_layers
    sizes = {INPUT: architecture.resolution, **{i: x.positions for i, x in enumerate(layers)}}
    whole = {value: tuple(map(everything, size)) for value, size in sizes.items()}
    boxes: dict[int, list[Box]] = {value: [] for value in sizes}
    direct: dict[int, list[Box]] = {value: [] for value in sizes}
    for output in returned(architecture):
        boxes[output] = [whole[output]]
        direct[output] = [whole[output]]
    for index in sorted(reached, reverse=True):
        layer = layers[index]
        if index in whole_maps:
            boxes[index] = [whole[index]]
        written = direct[index] if passes_on(layer) else [whole[index]]
        for edge in layer.inputs:
            source = edge.source
            size = sizes[source]
            for box in boxes[index]:
                _add(boxes[source], read_box(layer, edge, box, size, architecture.axes))
            for box in written:
                _add(direct[source], read_box(layer, edge, box, size, architecture.axes))
    return Reads(
        {value: Region(sizes[value], tuple(found)) for value, found in boxes.items()},
        {value: Region(sizes[value], tuple(found)) for value, found in direct.items()},
        architecture.relations.live_readers,
    )


def counterpart(architecture: Architecture, value: int, there: Architecture) -> int | None:
    """The same value in another pass of the model; None where there is none, or several."""
    if value == INPUT:
        return INPUT
    layer = architecture.layers[value]
    return there.relations.find(layer.name, layer.call)


def returned(architecture: Architecture) -> frozenset[int]:
    """The values that leave the architecture as they are, so that all of them is read.

    What comes behind the end of a trace may read any of them.
    """
    found = set(architecture.outputs)
    if architecture.left_out is not None:
        found.update(range(len(architecture.layers)))
    if architecture.left_out is not None or architecture.returns_input:
        found.add(INPUT)
    return frozenset(found)


def read_box(layer: Layer, edge: Edge, box: Box, size: tuple[int, ...], axes: int) -> Box:
    """What a layer reads of one input of this size for the positions in a box of its output."""
    return tuple(
        read_along(layer, edge, axis, box[axis], (size[axis], layer.positions[axis]))
        if box[axis]
        else 0
        for axis in range(axes)
    )


def read_along(
    layer: Layer,
    edge: Edge,
    axis: int,
    places: int,
    sizes: tuple[int, int],
    at: tuple[int, int] | None = None,
) -> int:
    """What a layer reads of one input along an axis, for these positions of its output.

    `sizes` are those of the input and of the output as traced, `at` what they are in question.
    """
    at = at or sizes
    taps = taps_along(layer, axis)
    if taps is not None and (taps.positions, taps.windows) == sizes:
        return positions_read(taps if at == sizes else taps.on(*at), places)
    if edge.reach[axis] == POINTWISE and sizes[0] == sizes[1] and stays(layer, axis):
        return places
    return everything(at[0])


def stays(layer: Layer, axis: int) -> bool:
    """Whether a layer that is pointwise along an axis reads the very positions that it writes."""
    if layer.reorders_positions or axis in layer.statistics:
        return False
    # a window along a dimension that is no axis (tokens) runs over the ends of rows
    elsewhere = [taps for taps in layer.taps if taps.axis != axis]
    beside = len(elsewhere) == len(layer.taps) > 0
    beside = beside and all(taps.axis is not None or taps.stays for taps in elsewhere)
    return layer.kind in _IN_PLACE or beside


def taps_along(layer: Layer, axis: int) -> Taps | None:
    """How a layer's window lies along an axis, where it has one input and that is known."""
    if len(layer.inputs) != 1:
        return None
    return next((taps for taps in layer.taps if taps.axis == axis), None)


def _add(boxes: list[Box], new: Box) -> None:
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
