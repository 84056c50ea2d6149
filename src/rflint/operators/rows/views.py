"""Views: dimensions that are regrouped, reordered or repeated without computing anything.

Their shapes are not computed here: a view of a meta tensor costs microseconds, so PyTorch itself
is asked. What lies along the dimensions then follows from the shapes before and after.
"""

from __future__ import annotations

from dataclasses import replace

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.graph.windows import Extent
from rflint.operators import zeros
from rflint.operators.call import Call
from rflint.operators.dimensions import Dimension, Dimensions, Factor, all_axes, axes_of
from rflint.operators.effect import Effect, geometry, pointwise, reach_per_axis
from rflint.operators.reaches import (
    unshuffled_dimensions,
)
from rflint.operators.rearranging import (
    as_permutation,
    as_view,
    in_another_way,
    new_order,
)
from rflint.operators.regrouping import permuted, regrouped, reshaped
from rflint.operators.shapes import Shape, shape_of
from rflint.operators.table import operator


@operator(
    *("view", "reshape", "flatten", "Flatten", "unflatten", "Unflatten", "squeeze", "unsqueeze"),
    *("view_as", "reshape_as", "ravel", "atleast_1d", "atleast_2d", "atleast_3d"),
    kind=Kind.RESHAPE,
    traits=[Trait.REGROUPS],
    rearranges=as_view,
)
def reshape(call: Call) -> Effect:
    """Regroups dimensions without moving anything."""
    shape = shape_of(call.result)
    return replace(_reshaped(call, shape), zeros=zeros.regrouped(call.input, shape))


def _reshaped(call: Call, shape: Shape) -> Effect:
    dimensions = call.input.dimensions
    if call.name in ("squeeze", "unsqueeze"):
        return pointwise(call, _ones_moved(call, dimensions, shape))
    view, uneven = regrouped(dimensions, shape)
    if not uneven:
        return pointwise(call, view)
    dimensions, reaches = unshuffled_dimensions(dimensions)
    return Effect(
        reshaped(dimensions, shape), (reach_per_axis(call.axes, reaches),), geometry(call.axes)
    )


def _ones_moved(call: Call, dimensions: Dimensions, shape: Shape) -> Dimensions:
    """Which dimension of size one came or went; it takes its axis with it to a neighbour."""
    dims = call.arg("dim", 1)
    if call.name == "unsqueeze":
        dim = int(dims) % len(shape)
        return (*dimensions[:dim], (Factor(1),), *dimensions[dim:])
    rank = len(dimensions)
    wanted = range(rank) if dims is None else (dims,) if isinstance(dims, int) else dims
    gone = {d % rank for d in wanted if call.input.shape[d] == 1}
    kept: list[Dimension] = []
    orphans: list[Factor] = []
    for dim, carried in enumerate(dimensions):
        if dim not in gone:
            kept.append(carried)
        else:
            orphans += [factor for factor in carried if factor.axes]
    if kept:
        # beside other positions, if there are any: channels are summed up
        spatial = [dim for dim, carried in enumerate(kept) if axes_of(carried)]
        at = spatial[-1] if spatial else len(kept) - 1
        kept[at] = (*kept[at], *orphans)
    return tuple(kept)


@operator(
    *("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "T", "mT"),
    *("adjoint", "mH", "H"),
    kind=Kind.RESHAPE,
    rearranges=as_permutation,
)
def permute(call: Call) -> Effect:
    """Puts dimensions in another order."""
    order = new_order(call)
    effect = pointwise(call, permuted(call.input.dimensions, order))
    return replace(effect, zeros=zeros.permuted(call.input, order))


@operator("rot90", kind=Kind.RESHAPE, traits=[Trait.MIXES_CHANNELS], rearranges=in_another_way)
def rotation(call: Call) -> Effect:
    """Swaps two dimensions, and mirrors one of them."""
    return replace(
        pointwise(call, permuted(call.input.dimensions, new_order(call))), reorders_positions=True
    )


@operator("expand", "expand_as", "broadcast_to", kind=Kind.RESHAPE, rearranges=as_view)
def expand(call: Call) -> Effect:
    """Repeats dimensions of size one: nothing new is read."""
    value = call.input
    shape = shape_of(call.result)
    new = len(shape) - len(value.dimensions)
    dimensions = tuple((Factor(size),) for size in shape[:new]) + tuple(
        dimension if old == size else (Factor(size),)
        for dimension, old, size in zip(value.dimensions, value.shape, shape[new:], strict=True)
    )
    gone = all_axes(value.dimensions) - all_axes(dimensions)
    reach = reach_per_axis(call.axes, dict.fromkeys(gone, Extent.GLOBAL))
    return Effect(dimensions, (reach,), geometry(call.axes))
