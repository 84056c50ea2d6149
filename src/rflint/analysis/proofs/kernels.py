"""The kernels of convolutions, over all calls that share them, and which of their taps are live.

A tap of a kernel is live if it meets data in some window whose result is read: see dead_weights.py.
Where the data of a map lie is independent for each dimension, so the live taps of a box of windows
are all combinations of the taps that are live along each dimension.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TypeAlias

from rflint.analysis.proofs.read_positions import read_positions
from rflint.analysis.proofs.regions import Region
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.relations import users_of_parameters
from rflint.graph.taps import everything, taps_alive

LiveTaps: TypeAlias = tuple[tuple[int, ...], ...]
"""Per dimension the taps that are live along it; all their combinations are live."""


@dataclass(frozen=True, slots=True)
class SharedKernel:
    """The kernel of a convolution, over all calls that share it."""

    calls: tuple[int, ...]
    """The layers that use it, by index."""
    weight: tuple[str, ...]
    """The parameters that it is made of."""
    size: tuple[int, ...]
    """Taps per dimension."""
    live: LiveTaps
    """Along each dimension, the taps that are live in some call."""
    taps: int
    """How many of all taps are live in some call."""
    weights: int
    """The scalars of the kernel: taps times pairs of channels."""
    meeting: int
    """How many of all taps meet data in some call, whether the result is read or not."""
    mixed: bool = False
    """Whether it is normalised: numbers of its parameter have an influence on all of its taps."""
    in_one_order: bool = True
    """Whether all calls use it the same way round; else `live` counts taps of the parameter."""
    zeros_are_padding: bool = True
    """Whether all zeros on its maps were padded just in front of it."""

    @property
    def dead(self) -> int:
        """The weights whose taps are dead in every call."""
        whole = prod(self.size)
        return self.weights // whole * (whole - self.taps)


@dataclass(frozen=True, slots=True)
class _Use:
    """One call of a kernel."""

    layer: Layer
    boxes: tuple[LiveTaps, ...]
    """The live taps, one box for each box of windows whose results are read."""
    meeting: LiveTaps
    """The taps that meet data."""
    zeros_are_padding: bool


def kernels(*passes: Architecture) -> tuple[SharedKernel, ...]:
    """The kernels of all convolutions that are made of parameters, by their first call.

    All calls in these passes of a model count; they are numbered on from one pass to the next.

    A tap that meets no data says nothing of a parameter in three cases, which are left out: where
    something else uses the parameters, too (a difference convolution subtracts the sum of its
    kernel, a penalty is returned); where calls rearrange them, and it is not known how; and where
    there are more taps than parameters (a filter and its rotations).
    """
    layers = [layer for architecture in passes for layer in architecture.layers]
    otherwise = {name for architecture in passes for name in architecture.read_outside_layers}
    calls: dict[tuple[str, ...], list[int]] = {}
    for index, layer in enumerate(layers):
        if layer.weight and layer.taps:
            calls.setdefault(layer.weight, []).append(index)
    users = users_of_parameters(layers, {name for weight in calls for name in weight})
    judged = {
        weight: indices
        for weight, indices in calls.items()
        if otherwise.isdisjoint(weight)
        and all(users[name] <= set(indices) for name in weight)
        and _taps_are_parameters([layers[i] for i in indices])
    }
    uses = _uses(passes, {index for indices in judged.values() for index in indices})
    return tuple(
        _kernel(weight, [uses[i] for i in indices], indices) for weight, indices in judged.items()
    )


def _taps_are_parameters(calls: Sequence[Layer]) -> bool:
    """Whether the taps of a kernel, in these calls, are numbers of one parameter."""
    orders = {call.weight_order for call in calls}
    apart = all(set(call.weight).isdisjoint(call.bias) for call in calls)
    whole = all(map(_has_a_parameter_for_every_tap, calls))
    if None in orders or not apart or not whole:
        return False
    if len(orders) == 1:
        return len({_size(call) for call in calls}) == 1
    known = all(how.is_known for order in orders for how in order or ())
    # the same dimensions of the parameter are those of channels
    return known and len({_size_in_parameter(call) for call in calls}) == 1


def _size(layer: Layer) -> tuple[int, ...]:
    return tuple(taps.kernel for taps in layer.taps)


def _has_a_parameter_for_every_tap(layer: Layer) -> bool:
    # of a weight that is normalised, another parameter holds the norms
    return max((n for name, n in layer.parameters if name in layer.weight), default=0) == (
        layer.weights
    )


def _uses(passes: Sequence[Architecture], wanted: set[int]) -> Mapping[int, _Use]:
    """What these convolutions do, by their indices."""
    found: dict[int, _Use] = {}
    begins = 0
    for architecture in passes:
        here = [i for i in range(len(architecture.layers)) if begins + i in wanted]
        if any(_may_have_dead_taps(architecture.layers[i]) for i in here):
            read = read_positions(architecture).by_outputs
            reached = architecture.relations.live_layers
        else:
            read, reached = {}, frozenset()
        for i in here:
            # what no output depends on at all is for others to say
            region = read[i] if i in reached and i in read else None
            found[begins + i] = _use(architecture, architecture.layers[i], region)
        begins += len(architecture.layers)
    return found


def _may_have_dead_taps(layer: Layer) -> bool:
    return any(taps.kernel > 1 or taps.zeros or taps.before > 0 for taps in layer.taps)


def _use(architecture: Architecture, layer: Layer, region: Region | None) -> _Use:
    meeting = tuple(taps.live for taps in layer.taps)
    source = layer.inputs[0].source if layer.inputs else INPUT
    padded = source != INPUT and architecture.layers[source].kind is Kind.PAD
    zeros_are_padding = padded or not any(taps.zeros for taps in layer.taps)
    if region is None:
        return _Use(layer, (meeting,), meeting, zeros_are_padding)
    boxes = []
    for box in region.boxes:
        read = [
            box[taps.axis]
            if taps.axis is not None and region.sizes[taps.axis] == taps.windows
            else everything(taps.windows)
            for taps in layer.taps
        ]
        along = zip(layer.taps, read, strict=True)
        boxes.append(tuple(taps_alive(taps, places) for taps, places in along))
    return _Use(layer, tuple(dict.fromkeys(boxes)), meeting, zeros_are_padding)


def _kernel(weight: tuple[str, ...], uses: Sequence[_Use], calls: Sequence[int]) -> SharedKernel:
    first = uses[0].layer
    in_one_order = len({use.layer.weight_order for use in uses}) == 1
    size = _size(first) if in_one_order else tuple(filter(None, _size_in_parameter(first)))
    boxes = {box: None for use in uses for box in use.boxes}
    meeting = {use.meeting: None for use in uses}
    if not in_one_order:
        boxes = {_of_parameter(use.layer, box): None for use in uses for box in use.boxes}
        meeting = {_of_parameter(use.layer, use.meeting): None for use in uses}
    live, count = _together([*boxes], len(size))
    return SharedKernel(
        tuple(calls),
        weight,
        size,
        live,
        count,
        first.weights,
        _together([*meeting], len(size))[1],
        mixed=any(use.layer.weight_mixed for use in uses),
        in_one_order=in_one_order,
        zeros_are_padding=all(use.zeros_are_padding for use in uses),
    )


def _together(boxes: Sequence[LiveTaps], rank: int) -> tuple[LiveTaps, int]:
    """The taps in these boxes along each dimension, and how many they are."""
    if len(boxes) == 1:
        return boxes[0], prod(map(len, boxes[0]))
    found = {tap for box in boxes for tap in product(*box)}
    return tuple(tuple(sorted({tap[d] for tap in found})) for d in range(rank)), len(found)


def _in_parameter(layer: Layer, live: LiveTaps) -> list[tuple[int, tuple[int, ...]]]:
    """Per dimension of the parameter, its size and these taps; zero and none along channels.

    The kernel is made of the parameter by flips and the like, which are undone here.
    """
    dims: list[tuple[int, tuple[int, ...]]] = [
        (0, ()),
        (0, ()),
        *zip(_size(layer), live, strict=True),
    ]
    for how in reversed(layer.weight_order or ()):
        for dim in how.flipped:
            size, places = dims[dim]
            dims[dim] = size, tuple(sorted(size - 1 - place for place in places))
        if how.order:
            dims = [dims[how.order.index(dim)] for dim in range(len(dims))]
    return dims


def _size_in_parameter(layer: Layer) -> tuple[int, ...]:
    """The sizes of the parameter's dimensions: zero along channels."""
    return tuple(size for size, _ in _in_parameter(layer, ((),) * len(layer.taps)))


def _of_parameter(layer: Layer, live: LiveTaps) -> LiveTaps:
    return tuple(places for size, places in _in_parameter(layer, live) if size)
