"""Maps of which some positions are computed and read by nobody, and what could be done about each.

A map counts as made by the layer that computes it: what only normalises, activates, pads or crops
it passes it on. What all layers that compute with it leave out together is left over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, prod

from rflint.analysis.proofs.borders import SLIDING, ends_early
from rflint.analysis.proofs.reads import (
    Reads,
    Region,
    counterpart,
    passes_on,
    read_box,
    reads,
    runs,
    taps_along,
)
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE


@dataclass(frozen=True, slots=True)
class Leftover:
    """A map, and what nobody reads of it."""

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


def leftovers(architecture: Architecture) -> Iterator[Leftover]:
    """All of them, but for what is meant, and for the ends of maps that no window reaches.

    Behind a Fourier transform an index is a frequency. Class tokens lie beside the positions, and
    what a recurrent network or a transform has computed on its way costs nothing to leave.
    """
    found = reads(architecture)
    frequencies: dict[int, frozenset[int]] | None = None
    for value, region in found.directly.items():
        if not region.unread or not region.positions:
            continue
        if value != INPUT and passes_on(architecture.layers[value]):
            continue
        passed, readers = _readers(architecture, found, value)
        if not _skips(architecture, region, value, passed, readers):
            continue
        axes = [axis for axis in range(architecture.axes) if _holes(region, axis)]
        frequencies = frequencies or frequency_axes(architecture)
        on_the_way = [frequencies[index] for index in (value, *passed)]
        if any(axis in there for axis in axes for there in on_the_way):
            continue
        if any(_has_tokens(architecture, value, axis) for axis in axes):
            continue
        macs = macs_unread(architecture, found)
        macs -= macs_unread(architecture, reads(architecture, {value}))
        leftover = Leftover(value, region, passed, readers, macs)
        if macs > 0 or jumpers(architecture, leftover):
            yield leftover


def macs_unread(architecture: Architecture, found: Reads) -> int:
    """Multiply-accumulates of convolutions and linear layers for positions that nobody reads.

    A transposed convolution computes per position that it reads: trimming what it writes over the
    ends of its map saves nothing.
    """
    wasted = 0
    for index, layer in enumerate(architecture.layers):
        if not found.readers[index]:
            continue
        region = found.values[index]
        if layer.kind is Kind.CONV_TRANSPOSE and len(layer.inputs) == 1:
            (edge,) = layer.inputs
            sizes = architecture.positions_of(edge.source)
            boxes = (read_box(layer, edge, box, sizes, architecture.axes) for box in region.boxes)
            region = Region(sizes, tuple(boxes))
        elif layer.kind not in (Kind.CONV, Kind.LINEAR):
            continue
        wasted += layer.macs * region.unread // max(1, prod(region.sizes))
    return wasted


def macs_left(architecture: Architecture, values: Collection[int]) -> int:
    """Multiply-accumulates that only serve what nobody reads of these maps, taken together."""
    there = macs_unread(architecture, reads(architecture))
    return there - macs_unread(architecture, reads(architecture, values))


def takers_of(architecture: Architecture, found: Leftover) -> tuple[int, ...]:
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


def jumpers(architecture: Architecture, found: Leftover) -> tuple[int, ...]:
    """The readers whose strides jump over what is left, where that is the only reason."""
    crops = any(architecture.layers[i].kind in (Kind.SLICE, Kind.PAD) for i in found.passed)
    jump = [i for i in found.readers if _jumps(architecture.layers[i], architecture.axes)]
    return tuple(jump) if len(jump) == len(found.readers) and not crops else ()


def strides_instead(
    architecture: Architecture, found: Leftover
) -> tuple[tuple[int, int], ...] | None:
    """Stride and padding with which a convolution would make nothing but what its readers read.

    Those then read with a stride of one, and compute the same. None where that is not known.
    """
    maker = architecture.layers[found.value] if found.value != INPUT else None
    if maker is None or maker.kind is not Kind.CONV or not jumpers(architecture, found):
        return None
    if not all(_is_called_once(architecture, index) for index in (found.value, *found.readers)):
        return None
    strides = []
    for axis in range(architecture.axes):
        own = taps_along(maker, axis)
        reading = {taps_along(architecture.layers[index], axis) for index in found.readers}
        steps = {taps.stride for taps in reading if taps is not None}
        if own is None or None in reading or len(steps) != 1 or own.before != own.behind:
            return None
        step = steps.pop()
        if step > 1 and any(x and (x.extent > 1 or x.before) for x in reading):
            return None
        strides.append((own.stride * step, own.before))
    return tuple(strides)


def padding_instead(
    architecture: Architecture, found: Leftover
) -> tuple[tuple[int, int], ...] | None:
    """Per axis, how much padding at either end makes a convolution compute what is read only.

    Less than zero where even that is too much: the map in front is cropped. None where it is no
    convolution that pads with zeros, or where what is read has holes.
    """
    maker = architecture.layers[found.value] if found.value != INPUT else None
    if maker is None or maker.kind is not Kind.CONV or len(found.region.boxes) != 1:
        return None
    if any(architecture.layers[index].kind is Kind.PAD for index in found.passed):
        return None
    if not _is_called_once(architecture, found.value):
        return None
    padding = []
    for axis, places in enumerate(found.region.boxes[0]):
        own, pieces = taps_along(maker, axis), runs(places)
        if own is None or len(pieces) != 1 or not own.pads_zeros:
            return None
        ((first, last),) = pieces
        left = own.windows - 1 - last
        ends = (own.before - own.stride * first, own.behind - own.stride * left)
        if own.positions + min(0, ends[0]) + min(0, ends[1]) < 1:
            return None  # all that is read is padding
        padding.append(ends)
    return tuple(padding)


def padded_in_front(architecture: Architecture, found: Leftover) -> int | None:
    """The layer that padded the map to the size that is then cropped again, if that happens."""
    if len(found.region.boxes) != 1 or any(len(runs(box)) != 1 for box in found.region.boxes[0]):
        return None
    kept = tuple(places.bit_count() for places in found.region.boxes[0])
    for index in sorted(architecture.relations.ancestors(found.value), reverse=True):
        layer = architecture.layers[index]
        if layer.kind is Kind.PAD and len(layer.inputs) == 1:
            before = architecture.positions_of(layer.inputs[0].source)
            if layer.positions == found.region.sizes and before == kept:
                return index
    return None


def unpadded_sizes(
    architecture: Architecture, padded: Sequence[Leftover]
) -> tuple[list[tuple[int, ...]], ...]:
    """Smaller and larger sizes of the input at which maps may need no padding, nearest first."""
    given = architecture.resolution
    found: tuple[set[tuple[int, ...]], ...] = (set(), set())
    for leftover in padded:
        kept = [places.bit_count() for places in leftover.region.boxes[0]]
        to = leftover.region.sizes
        padding = [t - n for n, t in zip(kept, to, strict=True)]
        # windows are as wide as they are high, nearly always
        common = gcd(*(t for t, pad in zip(to, padding, strict=True) if pad))
        for window in range(max(padding) + 1, common + 1):
            if common % window:
                continue
            smaller = [t - window if pad else t for t, pad in zip(to, padding, strict=True)]
            for way, wanted in ((0, smaller), (1, to)):
                scaled = [Fraction(i * w, n) for i, n, w in zip(given, kept, wanted, strict=True)]
                if all(x > 0 and x.denominator == 1 for x in scaled):
                    found[way].add(tuple(map(int, scaled)))
    return sorted(found[0], reverse=True), sorted(found[1])


def is_left_over_in(architecture: Architecture, found: Leftover, there: Architecture) -> bool:
    """Whether another pass leaves out of the same map all that this one does."""
    value = counterpart(architecture, found.value, there)
    if value is None:
        return False
    region = reads(there).directly[value]
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


def _readers(
    architecture: Architecture, found: Reads, value: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The layers that pass a map on, and those that compute with it."""
    passed: set[int] = set()
    readers: set[int] = set()
    pending = [value]
    while pending:
        for index in found.readers[pending.pop()]:
            if not passes_on(architecture.layers[index]):
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
    return region.positions < prod(trimmed)


def _end_early(layers: list[Layer], axis: int) -> bool:
    """Whether windows with a stride end before the map does: that is RF203."""
    return any(
        layer.kind in SLIDING and taps is not None and taps.stride > 1 and ends_early(taps)
        for layer in layers
        for taps in [taps_along(layer, axis)]
    )


def _holes(region: Region, axis: int) -> bool:
    return region.along(axis).bit_count() < region.sizes[axis]


def _jumps(layer: Layer, axes: int) -> bool:
    """Whether a layer's stride is larger than its kernel along some axis."""
    windows = [taps_along(layer, axis) for axis in range(axes)]
    return layer.kind in SLIDING and any(_leaves(taps) for taps in windows if taps is not None)


def _leaves(taps: Taps) -> bool:
    return taps.stride > taps.extent or (taps.stride > 1 and taps.dilation > 1)


def _is_called_once(architecture: Architecture, index: int) -> bool:
    """Whether what is changed at a layer changes nothing elsewhere: other calls of a module."""
    layer = architecture.layers[index]
    return not layer.is_module or sum(x.name == layer.name for x in architecture.layers) == 1


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
