"""Copies side by side, and every position several times."""

from __future__ import annotations

from fractions import Fraction

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.graph.windows import Extent, Reach, Window
from rflint.operators.call import Call
from rflint.operators.dimensions import Factor, all_axes, axes_of, length
from rflint.operators.effect import Effect, as_number, geometry, reach_per_axis
from rflint.operators.reaches import (
    sliding_along,
)
from rflint.operators.regrouping import at_lengths, tangled
from rflint.operators.shapes import shape_of
from rflint.operators.table import operator


@operator("repeat", "tile", kind=Kind.RESHAPE, traits=[Trait.MIXES_CHANNELS])
def repeat(call: Call) -> Effect:
    """Copies side by side; along positions, the same positions come again."""
    value, shape = call.input, shape_of(call.result)
    new = len(shape) - len(value.dimensions)
    old = ((Factor(1),),) * new + tuple(value.dimensions)
    dimensions = at_lengths(old, shape)
    # a single position that is copied over many is read by all of them
    copied = {
        axis: Extent.GLOBAL
        for carried, size in zip(old, shape, strict=True)
        if length(carried) == 1 < size
        for axis in axes_of(carried)
    }
    return Effect(dimensions, (reach_per_axis(call.axes, copied),), geometry(call.axes))


@operator("repeat_interleave", kind=Kind.UPSAMPLE)
def repeat_interleave(call: Call) -> Effect:
    """Every position several times: nearest-neighbour upsampling along one dimension."""
    value, shape = call.input, shape_of(call.result)
    dim, times = call.arg("dim", 2), call.arg("repeats", 1)
    if dim is None or not isinstance(times, int):
        mixed_all: dict[int, Reach] = dict.fromkeys(all_axes(value.dimensions), Extent.GLOBAL)
        reach = reach_per_axis(call.axes, mixed_all)
        return Effect(
            tangled(value.dimensions, shape), (reach,) * len(call.data), geometry(call.axes)
        )
    at = int(dim) % len(shape)
    window = Window(1, as_number(Fraction(1, times)), 0)
    reaches, carried = sliding_along(value.dimensions, at, window, shape[at])
    dimensions = (*value.dimensions[:at], carried, *value.dimensions[at + 1 :])
    return Effect(dimensions, (reach_per_axis(call.axes, reaches),), geometry(call.axes))
