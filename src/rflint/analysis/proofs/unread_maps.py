"""Maps of which some positions are computed and never read.

A map counts as made by the layer that computes it; layers that only normalise, activate, pad or
crop it pass it on. Unread is what all layers that compute with it leave out together. What could be
done about it is in unread_remedies.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import prod

from rflint.analysis.proofs.read_positions import (
    ReadPositions,
    passes_map_on,
    read_box,
    read_positions,
    same_value_in,
)
from rflint.analysis.proofs.regions import Region
from rflint.analysis.proofs.unread_ends import SLIDING, ends_early
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE


@dataclass(frozen=True, slots=True)
class UnreadMap:
    """A map with positions that nobody reads."""

    value: int
    """The layer that makes it, or INPUT."""
    region: Region
    """What is read of it."""
    passed: tuple[int, ...]
    """The layers that pass it on, in order: slices among them."""
    readers: tuple[int, ...]
    """The layers that compute with it, in order."""
    macs: int
    """Multiply-accumulates that only serve positions which nobody reads."""


def unread_maps(architecture: Architecture) -> Iterator[UnreadMap]:
    """All maps with unread positions, but for what is meant, and for ends that no window reaches.

    Behind a Fourier transform an index is a frequency. Class tokens lie beside the positions, and
    what a recurrent network or a transform has computed on its way costs nothing to leave.
    """
    found = read_positions(architecture)
    frequencies: dict[int, frozenset[int]] | None = None
    for value, region in found.by_readers.items():
        if not region.outside or not region.count:
            continue
        if value != INPUT and passes_map_on(architecture.layers[value]):
            continue
        passed, readers = _followed(architecture, value)
        if not _skips(architecture, region, value, passed, readers):
            continue
        axes = [axis for axis in range(architecture.axes) if _holes(region, axis)]
        frequencies = frequencies or frequency_axes(architecture)
        on_the_way = [frequencies[index] for index in (value, *passed)]
        if any(axis in spectral for axis in axes for spectral in on_the_way):
            continue
        if any(_has_tokens(architecture, value, axis) for axis in axes):
            continue
        macs = macs_unread(architecture, found)
        macs -= macs_unread(architecture, read_positions(architecture, {value}))
        unread = UnreadMap(value, region, passed, readers, macs)
        if macs > 0 or jumping_readers(architecture, unread):
            yield unread


def macs_unread(architecture: Architecture, found: ReadPositions) -> int:
    """Multiply-accumulates of convolutions and linear layers for positions that nobody reads.

    A transposed convolution computes per position that it reads: trimming what it writes over the
    ends of its map saves nothing.
    """
    wasted = 0
    for index, layer in enumerate(architecture.layers):
        if not architecture.relations.live_readers[index]:
            continue
        region = found.by_outputs[index]
        if layer.kind is Kind.CONV_TRANSPOSE and len(layer.inputs) == 1:
            (edge,) = layer.inputs
            sizes = architecture.positions_of(edge.source)
            boxes = (read_box(layer, edge, box, sizes, architecture.axes) for box in region.boxes)
            region = Region(sizes, tuple(boxes))
        elif layer.kind not in (Kind.CONV, Kind.LINEAR):
            continue
        wasted += layer.macs * region.outside // max(1, prod(region.sizes))
    return wasted


def macs_for_unread(architecture: Architecture, values: Collection[int]) -> int:
    """Multiply-accumulates that only serve what nobody reads of these maps, taken together."""
    unread = macs_unread(architecture, read_positions(architecture))
    return unread - macs_unread(architecture, read_positions(architecture, values))


def partial_readers(architecture: Architecture, found: UnreadMap) -> tuple[int, ...]:
    """The layers that take their part of a map: slices, and readers in front of any."""
    layers = architecture.layers
    whole = {found.value}
    for index in found.passed:
        if layers[index].kind is not Kind.SLICE and layers[index].inputs[0].source in whole:
            whole.add(index)
    return tuple(
        index
        for index in sorted((*found.passed, *found.readers))
        if index not in whole and any(edge.source in whole for edge in layers[index].inputs)
    )


def jumping_readers(architecture: Architecture, found: UnreadMap) -> tuple[int, ...]:
    """The readers whose strides jump over what is left, where that is the only reason."""
    crops = any(architecture.layers[i].kind in (Kind.SLICE, Kind.PAD) for i in found.passed)
    jump = [i for i in found.readers if _jumps(architecture.layers[i], architecture.axes)]
    return tuple(jump) if len(jump) == len(found.readers) and not crops else ()


def is_unread_in(architecture: Architecture, found: UnreadMap, other: Architecture) -> bool:
    """Whether another pass leaves out of the same map all that this one does."""
    value = same_value_in(other, architecture, found.value)
    if value is None:
        return False
    region = read_positions(other).by_readers[value]
    return region.sizes == found.region.sizes and region.within(found.region)


def frequency_axes(architecture: Architecture) -> dict[int, frozenset[int]]:
    """Per value the axes along which lie frequencies: behind a Fourier transform, not undone."""
    found: dict[int, frozenset[int]] = {INPUT: frozenset()}
    for index, layer in enumerate(architecture.layers):
        axes = frozenset[int]().union(*(found[edge.source] for edge in layer.inputs))
        inverts = Trait.INVERSE_FOURIER in layer.traits
        if inverts or Trait.FOURIER in layer.traits:
            mixed = {
                axis
                for edge in layer.inputs
                for axis, reach in enumerate(edge.reach)
                if reach != POINTWISE
            }
            axes = axes - mixed if inverts else axes | mixed
        found[index] = axes
    return found


def _followed(architecture: Architecture, value: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The layers that pass a map on, and those that compute with it."""
    passed: set[int] = set()
    readers: set[int] = set()
    pending = [value]
    while pending:
        for index in architecture.relations.live_readers[pending.pop()]:
            if not passes_map_on(architecture.layers[index]):
                readers.add(index)
            elif index not in passed:
                passed.add(index)
                pending.append(index)
    return tuple(sorted(passed)), tuple(sorted(readers))


def _skips(
    architecture: Architecture,
    region: Region,
    value: int,
    passed: tuple[int, ...],
    readers: tuple[int, ...],
) -> bool:
    """Whether positions are left out that no remainder of a division explains."""
    layers = [architecture.layers[index] for index in readers]
    if value == INPUT:
        # which part of its input a model takes is its own business
        crops = any(architecture.layers[index].kind in (Kind.SLICE, Kind.PAD) for index in passed)
        if crops or not any(layer.kind in SLIDING for layer in layers):
            return False
    trimmed = [
        region.along(axis).bit_length() if _end_early(layers, axis) else length
        for axis, length in enumerate(region.sizes)
    ]
    return region.count < prod(trimmed)


def _end_early(layers: list[Layer], axis: int) -> bool:
    """Whether windows with a stride end before the map does: that is RF203."""
    return any(
        layer.kind in SLIDING and taps is not None and taps.stride > 1 and ends_early(taps)
        for layer in layers
        for taps in [layer.taps_along(axis)]
    )


def _holes(region: Region, axis: int) -> bool:
    return region.along(axis).bit_count() < region.sizes[axis]


def _jumps(layer: Layer, axes: int) -> bool:
    """Whether a layer's stride is larger than its kernel along some axis."""
    windows = [layer.taps_along(axis) for axis in range(axes)]
    return layer.kind in SLIDING and any(_leaves(taps) for taps in windows if taps is not None)


def _leaves(taps: Taps) -> bool:
    return taps.stride > taps.extent or (taps.stride > 1 and taps.dilation > 1)


def _has_tokens(architecture: Architecture, value: int, axis: int) -> bool:
    """Whether tokens that are no positions were put beside those of an axis, and are there still.

    Classes, registers and prompts are read at the end, or left out, whatever lies beside them.
    """
    size = architecture.positions_of(value)[axis]
    joined = [
        layer
        for layer in (
            architecture.layers[index] for index in architecture.relations.ancestors(value)
        )
        if layer.kind is Kind.MERGE and len(layer.inputs) == 1 and layer.positions[axis] == size
    ]
    return any(architecture.positions_of(x.inputs[0].source)[axis] < size for x in joined)
