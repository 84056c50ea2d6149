"""Rows and columns at the end of a map that no window reaches, since sizes do not divide.

A window of stride s that no longer fits leaves up to s - 1 positions unread. fitting_sizes.py says
which sizes of the input leave none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise

from rflint.analysis.proofs.read_positions import read_along, returned_values, same_value_in
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Edge, Kind
from rflint.graph.other_sizes import positions_as_traced, positions_at_size
from rflint.graph.taps import Taps, everything, members
from rflint.graph.windows import Window

SLIDING = frozenset({Kind.CONV, Kind.POOL})
"""Kinds whose windows may end before the map does."""


def unread_ends(
    architecture: Architecture, axis: int, size: int | None = None, *, count_jumps: bool = False
) -> Mapping[int, int]:
    """By value, how many of its last positions nobody reads along an axis, where there are any.

    Of the input (INPUT), those that no output depends on; of a layer, those that no window of its
    readers reaches. `size` is another size of the input than the traced one. Positions that a
    stride larger than its kernel jumps over anyway count only with `count_jumps`.
    """
    if size is None and not count_jumps and not any(map(ends_early, _windows(architecture, axis))):
        return {}  # as in nearly all models, at the sizes that they were made for
    traced = positions_as_traced(architecture, axis)
    sizes = traced if size is None else positions_at_size(architecture, axis, size)
    reads = _Reads(architecture, axis, traced, sizes)
    return {
        value: left
        for value in reads.by_readers
        if (left := reads.unread_end(value, count_jumps=count_jumps))
    }


def unread_end(architecture: Architecture, axis: int, value: int, sizes: Mapping[int, int]) -> int:
    """How many of the last positions of one layer's map no reader reaches, at other sizes of maps.

    The same as `unread_ends` says of it, without looking at the whole architecture.
    """
    traced = positions_as_traced(architecture, axis)
    reads = _Reads(architecture, axis, traced, sizes, architecture.relations.readers[value])
    return reads.unread_end(value)


class _Reads:
    """Which positions of every value are read along one axis, at some size of the input."""

    def __init__(
        self,
        architecture: Architecture,
        axis: int,
        traced: Mapping[int, int],
        sizes: Mapping[int, int],
        readers: Collection[int] | None = None,
    ) -> None:
        """Follow all layers, or only these `readers`."""
        self._architecture = architecture
        self._axis = axis
        self._traced = traced
        self._sizes = sizes
        self.by_outputs: dict[int, int] = {}
        """The positions that some output depends on, as a set."""
        self.by_readers: dict[int, int] = {}
        """The positions that readers reach, whatever of their own results is read."""
        self.by_windows: dict[int, bool] = {}
        """Whether windows with a stride, or layers that read everything, are the only readers."""
        for value in returned_values(architecture):
            self.by_outputs[value] = self.by_readers[value] = everything(sizes.get(value, 0))
            self.by_windows[value] = False
        live = architecture.relations.live_layers
        for index in sorted(live if readers is None else live.intersection(readers), reverse=True):
            for edge in architecture.layers[index].inputs:
                self._follow(index, edge)

    def unread_end(self, value: int, *, count_jumps: bool = False) -> int:
        """How many of the last positions of a value nobody reads; 0 where that is not known."""
        if value not in self._sizes or not self.by_windows.get(value, False):
            return 0
        found = (self.by_outputs if value == INPUT else self.by_readers).get(value, 0)
        padded = _padded_behind(self._architecture, value, self._axis, self._sizes)
        left = self._sizes[value] - found.bit_length() - padded
        gap = 0 if count_jumps or left <= 0 else _widest_gap(found)
        return left if found and left > gap else 0

    def _follow(self, index: int, edge: Edge) -> None:
        """One layer that reads one value."""
        source, sizes, traced = edge.source, self._sizes, self._traced
        if source not in sizes or index not in sizes:
            self.by_windows[source] = False  # what is read is not known: everything counts
            self.by_outputs[source] = everything(sizes.get(source, 0))
            return
        layer = self._architecture.layers[index]
        given, at = (traced[source], traced[index]), (sizes[source], sizes[index])
        whole = everything(at[0])
        taps = layer.taps_along(self._axis)
        slides = layer.kind in SLIDING and taps is not None and taps.stride > 1
        read = read_along(layer, edge, self._axis, everything(at[1]), given, at)
        self.by_readers[source] = self.by_readers.get(source, 0) | read
        # a reader that takes all positions leaves no end either
        self.by_windows[source] = self.by_windows.get(source, True) and (slides or read == whole)
        if self.by_outputs.get(index):
            places = read_along(layer, edge, self._axis, self.by_outputs[index], given, at)
            # what a crop leaves out is left out on purpose
            crops = not slides and read != whole
            self.by_outputs[source] = self.by_outputs.get(source, 0) | (whole if crops else places)


def are_unread_in(
    architecture: Architecture, value: int, ends: Mapping[int, int], other: Architecture
) -> bool:
    """Whether in another pass nobody reads these ends (per axis) of the same value either."""
    found = same_value_in(other, architecture, value)
    if found is None:
        return False
    sizes = other.positions_of(found)
    return sizes == architecture.positions_of(value) and all(
        unread_ends(other, axis).get(found, 0) >= left for axis, left in ends.items()
    )


def _windows(architecture: Architecture, axis: int) -> Iterator[Taps]:
    """The sliding windows with a stride along an axis."""
    for layer in architecture.layers:
        if layer.kind in SLIDING:
            yield from (taps for taps in layer.taps if taps.axis == axis and taps.stride > 1)


def ends_early(taps: Taps) -> bool:
    """Whether more is left behind the last window than a stride jumps over anyway."""
    last = (taps.windows - 1) * taps.stride - taps.before + taps.extent
    return taps.positions - last > max(0, taps.stride - taps.extent)


def _padded_behind(
    architecture: Architecture, value: int, axis: int, sizes: Mapping[int, int]
) -> int:
    """How many positions at the end of a value are padding, which nobody misses."""
    layer = architecture.layers[value] if value != INPUT else None
    if layer is None or layer.kind is not Kind.PAD or len(layer.inputs) != 1:
        return 0
    (edge,) = layer.inputs
    reach = edge.reach[axis]
    before = -reach.start if isinstance(reach, Window) else 0
    return max(0, sizes[value] - sizes[edge.source] - int(before))


def _widest_gap(places: int) -> int:
    """How many positions lie, at most, between two of a set: what a stride jumps over anyway."""
    found = members(places)
    return max((after - before - 1 for before, after in pairwise(found)), default=0)
