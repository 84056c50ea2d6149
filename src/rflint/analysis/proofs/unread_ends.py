"""Rows and columns at the end of a map that no window reaches, since sizes do not divide.

A window of stride s that no longer fits leaves up to s - 1 positions unread. Which inputs of other
sizes may do better follows from what every layer says of the number of its positions (sizing.py);
whether they do, from an architecture that was traced at that size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, pairwise
from math import prod

from rflint.analysis.proofs.certain_reads import reads_all_of_input
from rflint.analysis.proofs.read_positions import read_along, returned_values, same_value_in
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind
from rflint.graph.sizing import FixedSize
from rflint.graph.taps import Taps, everything, members
from rflint.graph.windows import POINTWISE, Extent, Window

SLIDING = frozenset({Kind.CONV, Kind.POOL})
"""Kinds whose windows may end before the map does."""


def unread_ends(
    architecture: Architecture, axis: int, size: int | None = None, *, count_jumps: bool = False
) -> Mapping[int, int]:
    """Per value how many of its last positions nobody reads along an axis, where it is any.

    Of the input (INPUT), those that no output depends on; of a layer, those that no window of its
    readers reaches. `size` is another size of the input than the traced one. What a stride larger
    than its kernel jumps over anyway counts only with `count_jumps`.
    """
    if size is None and not count_jumps and not any(map(ends_early, _windows(architecture, axis))):
        return {}  # which nearly all are, at the sizes that they were made for
    traced = _sizes(architecture, axis, None)
    sizes = traced if size is None else _sizes(architecture, axis, size)
    reached = architecture.relations.live_layers
    live: dict[int, int] = {}
    direct: dict[int, int] = {}
    slid: dict[int, bool] = {}
    for output in returned_values(architecture):
        live[output] = direct[output] = everything(sizes.get(output, 0))
        slid[output] = False
    for index in sorted(reached, reverse=True):
        layer = architecture.layers[index]
        for edge in layer.inputs:
            source = edge.source
            if source not in sizes or index not in sizes:
                slid[source] = False  # what becomes of them is not known: they count as read
                live[source] = everything(sizes.get(source, 0))
                continue
            given, at = (traced[source], traced[index]), (sizes[source], sizes[index])
            taps = layer.taps_along(axis)
            slides = layer.kind in SLIDING and taps is not None and taps.stride > 1
            read = read_along(layer, edge, axis, everything(at[1]), given, at)
            direct[source] = direct.get(source, 0) | read
            # a reader that takes all positions leaves no end either
            slid[source] = slid.get(source, True) and (slides or read == everything(at[0]))
            if live.get(index):
                places = read_along(layer, edge, axis, live[index], given, at)
                # what a crop leaves out is left out on purpose
                crops = not slides and read != everything(at[0])
                live[source] = live.get(source, 0) | (everything(at[0]) if crops else places)
    ends = {}
    for value, places in direct.items():
        if value not in sizes:
            continue
        found = live.get(value, 0) if value == INPUT else places
        left = sizes[value] - found.bit_length() - _padded_behind(architecture, value, axis, sizes)
        if slid[value] and found and left > (0 if count_jumps else _widest_gap(found)):
            ends[value] = left
    return ends


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


def sizes_that_may_fit(
    architecture: Architecture, axis: int, most: int = 3
) -> tuple[list[int], ...]:
    """The next smaller and the next larger sizes of the input that may leave no ends unread.

    Nearest first, at most so many of each, between half the size and twice the size. They follow
    from what every layer says of the number of its positions; `reads_everything` tells for certain,
    of an architecture that was traced at such a size.
    """
    size = architecture.resolution[axis]
    return tuple(
        list(islice(_without_ends(architecture, axis, sizes), most))
        for sizes in (range(size - 1, size // 2, -1), range(size + 1, 2 * size))
    )


def reads_everything(architecture: Architecture) -> bool:
    """Whether all of the input is read, and every map to its end by the windows that slide."""
    axes = range(architecture.axes)
    ends = any(unread_ends(architecture, axis, count_jumps=True) for axis in axes)
    return not ends and reads_all_of_input(architecture)


def _without_ends(architecture: Architecture, axis: int, sizes: range) -> Iterator[int]:
    for size in sizes:
        if _fits(architecture, axis, size) and not unread_ends(
            architecture, axis, size, count_jumps=True
        ):
            yield size


def _fits(architecture: Architecture, axis: int, size: int) -> bool:
    """Whether the model runs on inputs of this size, as far as that is known.

    It is not where nobody knows how large a map would be that a window strides over.
    """
    before, sizes = _sizes(architecture, axis, None), _sizes(architecture, axis, size)
    known = _sizes(architecture, axis, architecture.resolution[axis]).keys()
    if sizes.keys() != known:
        return False  # some map would have no positions left
    reached = architecture.relations.live_layers
    return not any(
        _is_of_one_size(architecture, index, axis, before, sizes)
        for index in reached
        if any(sizes.get(value) != before[value] for value in _around(architecture, index))
    )


def _around(architecture: Architecture, index: int) -> list[int]:
    return [index, *(edge.source for edge in architecture.layers[index].inputs)]


def _is_of_one_size(
    architecture: Architecture,
    index: int,
    axis: int,
    before: Mapping[int, int],
    sizes: Mapping[int, int],
) -> bool:
    """Whether a layer may want its inputs as large as they were, `before`, and not as in `sizes`.

    A linear layer behind a flatten has weights for every position, and so have parameters that are
    added to a map (an embedding of positions). Merged maps have to be of one size. How much a
    function pads may depend on the size.
    """
    layer = architecture.layers[index]
    slides = layer.kind in SLIDING and any(x.axis == axis and x.stride > 1 for x in layer.taps)
    if any(value not in sizes for value in _around(architecture, index)):
        return slides
    if layer.kind is Kind.PAD and not layer.is_module:
        return any(edge.reach[axis] != POINTWISE for edge in layer.inputs)
    if layer.kind is Kind.LINEAR:
        return any(edge.reach[axis] is Extent.GLOBAL for edge in layer.inputs)
    if layer.kind.is_convolution:
        return any(edge.reach[axis] is Extent.GLOBAL for edge in layer.inputs)
    if before[index] > 1 and any(2 * x > prod(layer.out_shape[1:]) for _, x in layer.parameters):
        return layer.kind in (Kind.ARITHMETIC, Kind.MERGE)
    met = [(before[edge.source], sizes[edge.source]) for edge in layer.inputs]
    return len({old for old, _ in met} - {1}) == 1 and len({new for _, new in met} - {1}) > 1


def _sizes(architecture: Architecture, axis: int, size: int | None) -> dict[int, int]:
    """How many positions the input (of this size, or as traced) and every layer have.

    Of other sizes, those are missing of which nobody knows it.
    """
    if size is None:
        traced = {index: layer.positions[axis] for index, layer in enumerate(architecture.layers)}
        return {INPUT: architecture.resolution[axis], **traced}
    sizes = {INPUT: size}
    for index, layer in enumerate(architecture.layers):
        sizing = layer.sizing[axis] if layer.sizing else None
        given = [sizes[edge.source] for edge in layer.inputs if edge.source in sizes]
        known = isinstance(sizing, FixedSize) or len(given) == len(layer.inputs)
        if sizing is not None and known and (out := sizing(max(given, default=1))) > 0:
            sizes[index] = out
    return sizes
