"""One position of a map that is all that the outputs read, and what it sees of the input.

A temporal network that returns `x[:, :, -1]`, or a classifier of pixels that returns
`x[:, :, h // 2, w // 2]`, has one unit that counts. What that unit does not see of the input never
reaches an output, while somewhere else on the map another unit may see it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rflint.analysis.proofs.read_positions import read_positions
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.traits import Trait


@dataclass(frozen=True, slots=True)
class PickedPosition:
    """The one position that is read of a map, along one axis."""

    axis: int
    reader: int
    """The layer that picks it,"""
    source: int
    """and the value of which it does; several values, if `alone` is false: the last of them."""
    place: int
    size: int
    """How many positions that value has along the axis."""
    seen: int
    """The positions of the input that it sees, as a set,"""
    offered: int
    """and those that something reads, whatever is read of its own result."""
    alone: bool = True

    @property
    def unseen(self) -> int:
        """The positions of the input that are read, and that never reach an output."""
        return self.offered & ~self.seen


def picked_positions(architecture: Architecture) -> Iterator[PickedPosition]:
    """For every axis of the input along which all outputs depend on one position, that one.

    A position that sees no other one of the input is passed over: a part of the input that is cut
    out, for one, is meant so.
    """
    if architecture.returns_input or architecture.left_out is not None:
        return
    architecture = without_batch_statistics(architecture)
    picks = {
        axis: readers
        for axis in range(architecture.axes)
        if architecture.input_has(axis) and (readers := _pickers(architecture, axis))
    }
    if not picks:
        return
    reads = read_positions(architecture)
    seen, offered = reads.by_outputs[INPUT], reads.by_readers[INPUT]
    for axis, readers in picks.items():
        places = {_place(architecture.layers[index], axis) for index in readers}
        place, size = places.pop() or (0, 0)
        if not places and seen.along(axis).bit_count() > 1:
            reader = readers[-1]
            source = architecture.layers[reader].inputs[0].source
            yield PickedPosition(
                *(axis, reader, source, place, size),
                seen.along(axis),
                offered.along(axis),
                len(readers) == 1,
            )


def _pickers(architecture: Architecture, axis: int) -> tuple[int, ...]:
    """The layers that pick one position, where every path to an output goes through one."""
    found: set[int] = set()
    passed: set[int] = set()
    pending = list(architecture.outputs)
    while pending:
        index = pending.pop()
        if index == INPUT:
            return ()
        if index in passed:
            continue
        passed.add(index)
        layer = architecture.layers[index]
        if _place(layer, axis) is not None:
            found.add(index)
        else:
            pending += [edge.source for edge in layer.inputs]
    return tuple(sorted(found))


def _place(layer: Layer, axis: int) -> tuple[int, int] | None:
    """Which position a layer picks along an axis, and of how many; None: it picks no single one."""
    if layer.kind not in (Kind.SLICE, Kind.PAD) or len(layer.inputs) != 1:
        return None
    taps = layer.taps_along(axis)
    if taps is None or taps.transposed or (taps.kernel, taps.windows) != (1, 1):
        return None
    place = -taps.before
    return (place, taps.positions) if 0 <= place < taps.positions > 1 else None


def without_batch_statistics(architecture: Architecture) -> Architecture:
    """The same, as if batch normalisations in training took no statistics.

    They carry no features, and in evaluation there are none.
    """
    if not architecture.training:
        return architecture
    layers = tuple(
        replace(x, statistics=()) if Trait.RUNNING_STATISTICS in x.traits else x
        for x in architecture.layers
    )
    return replace(architecture, layers=layers)
