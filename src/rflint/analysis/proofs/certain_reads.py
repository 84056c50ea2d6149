"""Whether the outputs read every position of the input, for certain.

read_positions.py counts as read what it does not know exactly, so that it never calls a position
unread that is read. This module counts that as unread, so that it never calls an input read to its
end that is not.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from rflint.analysis.proofs.read_positions import reads_in_place, returned_values
from rflint.analysis.proofs.regions import Box
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.graph.taps import everything, positions_read
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Extent, Window

_KEEPS_ALL = frozenset(
    {
        Kind.ACTIVATION,
        Kind.NORM,
        Kind.ARITHMETIC,
        Kind.LINEAR,
        Kind.REDUCE,
        Kind.RESHAPE,
        Kind.ATTENTION,
        Kind.RECURRENT,
    }
)
"""Kinds that compute all of their output from all of their input, if no window says otherwise."""

_READS_ALL = frozenset({Kind.LINEAR, Kind.REDUCE})
"""Kinds every output of which reads the whole axis, if it reads more than one position."""

_CONCATENATING = frozenset({Trait.CONCATENATES, Trait.STACKS})
"""What merges do that keep all of what they are given."""

_MOST_BOXES = 16
"""More of them are not kept apart, and what lies in the others counts as unread."""


def reads_all_of_input(architecture: Architecture) -> bool:
    """Whether some output depends on every position of the input, for certain."""
    if architecture.left_out is not None:
        return False  # what follows may read it, or not
    layers = architecture.layers
    boxes: dict[int, list[Box]] = {INPUT: [], **{i: [] for i in range(len(layers))}}
    for output in returned_values(architecture):
        boxes[output] = [tuple(map(everything, architecture.positions_of(output)))]
    for index in sorted(architecture.relations.live_layers, reverse=True):
        layer = layers[index]
        for edge in layer.inputs:
            sizes = architecture.positions_of(edge.source)
            for box in boxes[index]:
                read = tuple(
                    _read_at_least(
                        layer, edge, axis, box[axis], (sizes[axis], layer.positions[axis])
                    )
                    for axis in range(architecture.axes)
                )
                known = boxes[edge.source]
                if all(read) and read not in known and len(known) < _MOST_BOXES:
                    known.append(read)
    return _covers(boxes[INPUT], architecture.resolution)


def _read_at_least(layer: Layer, edge: Edge, axis: int, places: int, sizes: tuple[int, int]) -> int:
    """What a layer reads of one input along an axis, at least, for these positions it writes."""
    writes_over = layer.kind is Kind.MERGE and layer.traits.isdisjoint(_CONCATENATING)
    if Trait.MASKS in layer.traits or writes_over:
        return 0
    taps = layer.taps_along(axis)
    if taps is not None and (taps.positions, taps.windows) == sizes:
        return positions_read(replace(taps, pads_zeros=True), places)
    reach = edge.reach[axis]
    if reach == POINTWISE and sizes[0] == sizes[1] and reads_in_place(layer, axis):
        return places
    whole = places == everything(sizes[1]) or layer.kind in _READS_ALL
    return everything(sizes[0]) if whole and _keeps_all(layer, edge, axis, sizes) else 0


def _keeps_all(layer: Layer, edge: Edge, axis: int, sizes: tuple[int, int]) -> bool:
    """Whether all of an input along an axis is in what a layer writes."""
    reach = edge.reach[axis]
    if sizes[0] == 1:
        return layer.kind is not Kind.UNKNOWN
    if layer.kind in _KEEPS_ALL:
        return reach is Extent.GLOBAL or (reach == POINTWISE and sizes[0] == sizes[1])
    if layer.kind is Kind.MERGE:
        whole = isinstance(reach, Window) and reach.size == reach.stride == 1
        return whole and sizes[0] <= sizes[1]
    if layer.kind is Kind.POOL:
        return reach is Extent.GLOBAL or Trait.READS_EVERYTHING in layer.traits
    if layer.kind is Kind.PAD:
        return sizes[1] >= sizes[0]
    if layer.kind is Kind.UPSAMPLE:
        enlarges = isinstance(reach, Window) and reach.stride <= 1
        return enlarges and Trait.CROPS not in layer.traits
    return Trait.READS_EVERYTHING in layer.traits


def _covers(boxes: list[Box], sizes: tuple[int, ...]) -> bool:
    """Whether boxes hold all positions between them."""
    if any(all(b == everything(n) for b, n in zip(box, sizes, strict=True)) for box in boxes):
        return True
    per_axis = [_memberships([box[axis] for box in boxes], n) for axis, n in enumerate(sizes)]
    return all(frozenset.intersection(*kinds) for kinds in product(*per_axis))


def _memberships(sets: list[int], size: int) -> set[frozenset[int]]:
    """By position, which of these sets hold it; each combination once."""
    return {
        frozenset(number for number, places in enumerate(sets) if places >> place & 1)
        for place in range(size)
    }
