"""Which positions of every value are read, so that the model's outputs depend on them.

This is followed backwards, from the outputs to the input, as compilers find live variables. Where
it is not known exactly what an operator reads, it counts as reading everything. So a position that
is called unread is unread: a NaN there would not reach an output.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rflint.analysis.proofs.regions import Box, Region, add_box
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.graph.taps import everything, positions_read
from rflint.graph.windows import POINTWISE

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

_PASSING = frozenset(
    {Kind.ACTIVATION, Kind.NORM, Kind.ARITHMETIC, Kind.RESHAPE, Kind.PAD, Kind.SLICE}
)
"""Kinds that make no map of their own, if they have one input."""


@dataclass(frozen=True, slots=True)
class ReadPositions:
    """Which positions of every value are read; INPUT is the model's input."""

    by_outputs: Mapping[int, Region]
    """The positions that some output depends on."""
    by_readers: Mapping[int, Region]
    """The positions that the next operators read which compute something, whatever of their own
    results is read."""


def passes_map_on(layer: Layer) -> bool:
    """Whether a layer makes no map of its own: it normalises, activates, pads or crops one."""
    return layer.kind in _PASSING and len(layer.inputs) == 1


def read_positions(
    architecture: Architecture,
    whole_maps: Collection[int] = (),
    wanted: Mapping[int, Box] | None = None,
) -> ReadPositions:
    """Which positions of every value the outputs of an architecture depend on.

    Of the values in `whole_maps` every position counts as read. With `wanted`, it is these
    positions of some values that are asked for, in place of the outputs.
    """
    layers = architecture.layers
    reached = architecture.relations.live_layers
    sizes = {INPUT: architecture.resolution, **{i: x.positions for i, x in enumerate(layers)}}
    whole = {value: tuple(map(everything, size)) for value, size in sizes.items()}
    boxes: dict[int, list[Box]] = {value: [] for value in sizes}
    direct: dict[int, list[Box]] = {value: [] for value in sizes}
    if wanted is None:
        wanted = {output: whole[output] for output in returned_values(architecture)}
    for value, box in wanted.items():
        boxes[value] = [box]
        direct[value] = [box]
    for index in sorted(reached, reverse=True):
        layer = layers[index]
        if index in whole_maps:
            boxes[index] = [whole[index]]
        written = direct[index] if passes_map_on(layer) else [whole[index]]
        for edge in layer.inputs:
            source = edge.source
            size = sizes[source]
            for box in boxes[index]:
                add_box(boxes[source], read_box(layer, edge, box, size, architecture.axes))
            for box in written:
                add_box(direct[source], read_box(layer, edge, box, size, architecture.axes))
    return ReadPositions(
        {value: Region(sizes[value], tuple(found)) for value, found in boxes.items()},
        {value: Region(sizes[value], tuple(found)) for value, found in direct.items()},
    )


def same_value_in(other: Architecture, architecture: Architecture, value: int) -> int | None:
    """The same value in another pass of the model; None where there is none, or several."""
    if value == INPUT:
        return INPUT
    layer = architecture.layers[value]
    return other.relations.find(layer.name, layer.call)


def returned_values(architecture: Architecture) -> frozenset[int]:
    """The values that the model returns, every position of which counts as read.

    Where a trace ends before the model does, what follows may read any value.
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

    `sizes` are how many positions the input and the output had when they were traced; `at`, how
    many they have in question.
    """
    at = at or sizes
    taps = layer.taps_along(axis)
    if taps is not None and (taps.positions, taps.windows) == sizes:
        return positions_read(taps if at == sizes else taps.with_sizes(*at), places)
    if edge.reach[axis] == POINTWISE and sizes[0] == sizes[1] and reads_in_place(layer, axis):
        return places
    return everything(at[0])


def reads_in_place(layer: Layer, axis: int) -> bool:
    """Whether a layer that is pointwise along an axis reads the very positions that it writes."""
    if layer.reorders_positions or axis in layer.statistics:
        return False
    # a window along a dimension that is no axis (tokens) runs over the ends of rows
    elsewhere = [taps for taps in layer.taps if taps.axis != axis]
    beside = len(elsewhere) == len(layer.taps) > 0
    beside = beside and all(taps.axis is not None or taps.is_identity for taps in elsewhere)
    return layer.kind in _IN_PLACE or beside
