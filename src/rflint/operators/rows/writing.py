"""Writing to a part of a tensor, in place or to a copy."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Extent, Reach, Window
from rflint.operators import zeros
from rflint.operators.call import Call
from rflint.operators.dimensions import (
    Dimension,
    Factor,
    all_axes,
    axes_of,
    length,
    picked_position,
    sole_axis,
    without_picked_positions,
)
from rflint.operators.effect import Effect, as_number, geometry, reach_per_axis
from rflint.operators.indices import basic_index
from rflint.operators.reaches import (
    composed_reach,
    unshuffled_dimensions,
)
from rflint.operators.regrouping import at_lengths, concatenated, resized, tangled
from rflint.operators.shapes import checked_dim
from rflint.operators.table import operator
from rflint.operators.values import Value, depends_on_input


@operator("setitem", kind=Kind.MERGE)
def setitem(call: Call) -> Effect:
    """`target[index] = written`: what was there, with something written over part of it.

    Where positions start:stop:step are written, position p holds written position
    (p - start) / step.
    """
    target, index, written = call.args
    carried, finer = unshuffled_dimensions(target.dimensions)
    dimensions = list(carried)
    reaches: dict[int, Reach] = {}
    full = basic_index(index, len(dimensions))
    if full is None:
        reaches = (
            dict.fromkeys(all_axes(written.dimensions), Extent.UNKNOWN)
            if depends_on_input(written)
            else {}
        )
        dimensions = list(tangled(target.dimensions, target.shape))
    elif depends_on_input(written):
        placed = _placed(written, dimensions, full)
        inside, reaches = unshuffled_dimensions(written.dimensions)
        reaches |= placed
        slices = [(dim, item) for dim, item in enumerate(full) if isinstance(item, slice)]
        for back, dimension in enumerate(reversed(without_picked_positions(inside)), start=1):
            if back > len(slices) or not axes_of(dimension):
                continue
            dim, item = slices[-back]
            start, stop, step = item.indices(target.shape[dim])
            axis, there = sole_axis(dimension), axes_of(dimensions[dim])
            if (there and axes_of(dimension) - there) or (step != 1 and axis is None):
                reaches.update(dict.fromkeys(axes_of(dimension), Extent.UNKNOWN))
            elif axis is not None and (start, step) != (0, 1):
                shift = Window(
                    1,
                    as_number(Fraction(1, step)),
                    as_number(Fraction(-start, step)),
                    is_shift=True,
                )
                reaches[axis] = composed_reach(reaches.get(axis, POINTWISE), shift)
            if not there:
                around = (start, target.shape[dim] - stop)
                before, after = (((Factor(n),),) if n and step == 1 else () for n in around)
                written_part = dimension if step == 1 else resized(dimension, target.shape[dim])
                dimensions[dim] = concatenated([*before, written_part, *after])
    read = {id(target): finer, id(written): reaches}
    return Effect(
        tuple(dimensions),
        tuple(reach_per_axis(call.axes, read.get(id(v), {})) for v in call.data),
        geometry(call.axes),
        zeros=zeros.written_into(target, full, written, target.shape) if full is not None else (),
        absolute=_written_apart(target, dimensions, full),
    )


def _written_apart(
    target: Value, dimensions: list[Dimension], index: tuple[Any, ...] | None
) -> frozenset[int]:
    """The axes of which only some positions are written over."""
    if index is None:
        return all_axes(tuple(dimensions))
    places = [item for item in index if item is not None]
    places += [slice(None)] * (len(target.shape) - len(places))
    return frozenset(
        axis
        for item, size, dimension in zip(places, target.shape, dimensions, strict=False)
        if isinstance(item, int) or item.indices(size) != (0, size, 1)
        for axis in axes_of(dimension)
    )


@operator("slice_scatter", "select_scatter", kind=Kind.MERGE)
def written_copy(call: Call) -> Effect:
    """The same on a copy: (target, written, dim, which)."""
    target, written = call.tensors[:2]
    dim = checked_dim(int(call.arg("dim", 2, 0)), len(target.shape))
    item: Any = int(call.arg("index", 3, 0))
    if call.name == "slice_scatter":
        bounds = (call.arg("start", 3), call.arg("end", 4), call.arg("step", 5, 1))
        item = slice(*bounds)
    index = (*(slice(None),) * dim, item)
    return setitem(replace(call, name="setitem", args=(target, index, written), kwargs={}))


def _placed(
    written: Value, dimensions: list[Dimension], index: tuple[Any, ...]
) -> dict[int, Reach]:
    """What is read where one position of an axis goes to where the whole axis is to lie.

    A dimension of `dimensions` that carries nothing yet becomes that axis.
    """
    numbers = [(dim, item) for dim, item in enumerate(index) if isinstance(item, int)]
    one = picked_position(written.dimensions)
    if one is None or one.place is None or len(numbers) != 1:
        return {}
    ((dim, number),) = numbers
    size = length(dimensions[dim])
    if not axes_of(dimensions[dim]):
        dimensions[dim] = (Factor(size, one.axes),)
    shift = one.place - number % size
    if not shift or axes_of(dimensions[dim]) != set(one.axes):
        return {}
    return dict.fromkeys(one.axes, Window(1, 1, shift, is_shift=True))


@operator("overlaid", kind=Kind.MERGE, traits=[Trait.KEEPS_NUMBERS])
def overlaid(call: Call) -> Effect:
    """A tensor of which a view was written to in place: both, position by position."""
    base, written = call.args
    dimensions = base.dimensions
    if not all_axes(base.dimensions) and len(written.shape) <= len(base.shape):
        # a buffer that is filled with something: it becomes what it is filled with
        kept = len(base.dimensions) - len(written.dimensions)
        dimensions = dimensions[:kept] + at_lengths(written.dimensions, base.shape[kept:])
    fits = all_axes(written.dimensions) <= all_axes(dimensions)
    foreign = {} if fits else dict.fromkeys(range(call.axes), Extent.UNKNOWN)
    reaches = (reach_per_axis(call.axes, foreign if v is written else {}) for v in call.data)
    return Effect(dimensions, tuple(reaches), geometry(call.axes))
