"""What could be done about a map with unread positions: other strides, paddings or input sizes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd

from rflint.analysis.proofs.regions import runs
from rflint.analysis.proofs.unread_maps import UnreadMap, jumping_readers
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind


def strides_instead(
    architecture: Architecture, found: UnreadMap
) -> tuple[tuple[int, int], ...] | None:
    """Stride and padding with which a convolution would make nothing but what its readers read.

    Those then read with a stride of one, and compute the same. None where that is not known.
    """
    maker = architecture.layers[found.value] if found.value != INPUT else None
    if maker is None or maker.kind is not Kind.CONV or not jumping_readers(architecture, found):
        return None
    if not all(_is_called_once(architecture, index) for index in (found.value, *found.readers)):
        return None
    strides = []
    for axis in range(architecture.axes):
        own = maker.taps_along(axis)
        reading = {architecture.layers[index].taps_along(axis) for index in found.readers}
        steps = {taps.stride for taps in reading if taps is not None}
        if own is None or None in reading or len(steps) != 1 or own.before != own.behind:
            return None
        step = steps.pop()
        if step > 1 and any(x and (x.extent > 1 or x.before) for x in reading):
            return None
        strides.append((own.stride * step, own.before))
    return tuple(strides)


def padding_instead(
    architecture: Architecture, found: UnreadMap
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
        own, pieces = maker.taps_along(axis), runs(places)
        if own is None or len(pieces) != 1 or not own.pads_zeros:
            return None
        ((first, last),) = pieces
        left = own.windows - 1 - last
        ends = (own.before - own.stride * first, own.behind - own.stride * left)
        if own.positions + min(0, ends[0]) + min(0, ends[1]) < 1:
            return None  # all that is read is padding
        padding.append(ends)
    return tuple(padding)


def padded_in_front(architecture: Architecture, found: UnreadMap) -> int | None:
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
    architecture: Architecture, padded: Sequence[UnreadMap]
) -> tuple[list[tuple[int, ...]], ...]:
    """Smaller and larger sizes of the input at which maps may need no padding, nearest first."""
    given = architecture.resolution
    found: tuple[set[tuple[int, ...]], ...] = (set(), set())
    for unread in padded:
        kept = [places.bit_count() for places in unread.region.boxes[0]]
        to = unread.region.sizes
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


def _is_called_once(architecture: Architecture, index: int) -> bool:
    """Whether what is changed at a layer changes nothing elsewhere: other calls of a module."""
    layer = architecture.layers[index]
    return not layer.is_module or sum(x.name == layer.name for x in architecture.layers) == 1
