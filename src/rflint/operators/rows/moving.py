"""Positions and channels that change places: flips, rolls, channel shuffles."""

from __future__ import annotations

from dataclasses import replace

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.graph.windows import Reach, Window
from rflint.operators import zeros
from rflint.operators.call import Call
from rflint.operators.dimensions import (
    Dimensions,
    axes_of,
    sole_axis,
)
from rflint.operators.effect import Effect, geometry, pointwise, reach_per_axis
from rflint.operators.reaches import (
    shuffled_channels,
    sliding_along,
)
from rflint.operators.rearranging import (
    as_flip,
    flipped_dimensions,
    in_another_way,
)
from rflint.operators.table import operator


@operator(
    *("channel_shuffle", "ChannelShuffle", "native_channel_shuffle"),
    kind=Kind.RESHAPE,
    traits=[Trait.MIXES_CHANNELS],
)
def channel_shuffle(call: Call) -> Effect:
    """Permutes channels."""
    return pointwise(call, call.input.dimensions)


@operator("tril", "triu", kind=Kind.RESHAPE, traits=[Trait.MASKS])
def triangle(call: Call) -> Effect:
    """A matrix with zeros above its diagonal, or below."""
    dimensions = call.input.dimensions
    last = frozenset(axis for dimension in dimensions[-2:] for axis in axes_of(dimension))
    return replace(pointwise(call, dimensions), absolute=last)


@operator(
    *("flip", "fliplr", "flipud"),
    kind=Kind.RESHAPE,
    traits=[Trait.MIXES_CHANNELS],
    rearranges=as_flip,
)
def flip(call: Call) -> Effect:
    """Mirrors positions. Each reads one, whichever: sizes and jumps stay as they are."""
    dimensions = call.input.dimensions
    dims = flipped_dimensions(call)
    moves = any(axes_of(dimensions[dim]) for dim in dims)
    return replace(
        pointwise(call, dimensions),
        reorders_positions=moves,
        zeros=zeros.mirrored(call.input, dims),
    )


@operator("roll", kind=Kind.SLICE, traits=[Trait.WRAPS_AROUND], rearranges=in_another_way)
def roll(call: Call) -> Effect:
    """Shifts the grid; what leaves on one side and comes back on the other is not followed."""
    value = call.input
    shifts, dims = call.arg("shifts", 1), call.arg("dims", 2, ())
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dimensions: Dimensions = value.dimensions
    dims = [d % len(dimensions) for d in ((dims,) if isinstance(dims, int) else dims)]
    reached: dict[int, Reach] = {}
    for shift, dim in zip(shifts, dims, strict=False):  # without dims the tensor is flattened
        axis = sole_axis(value.dimensions[dim])
        if axis is not None and shift:
            reached[axis] = Window(1, 1, -int(shift), is_shift=True)
        elif shift and shuffled_channels(dimensions, dim) is not None:
            rolled = Window(1, 1, -int(shift), is_shift=True)
            read, carried = sliding_along(dimensions, dim, rolled, value.shape[dim])
            reached |= read
            dimensions = (*dimensions[:dim], carried, *dimensions[dim + 1 :])
    followed = len(reached) == len(shifts) == len(dims)
    spatial = any(axes_of(value.dimensions[dim]) for dim in dims) or not dims
    return Effect(
        dimensions,
        (reach_per_axis(call.axes, reached),),
        geometry(call.axes),
        reorders_positions=spatial and not followed,
    )
