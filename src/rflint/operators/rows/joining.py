"""Joins: tensors one behind the other, and along a new dimension."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Reach, Window
from rflint.operators import zeros
from rflint.operators.call import Call
from rflint.operators.dimensions import (
    Dimensions,
    Factor,
    all_axes,
    axes_elsewhere,
    axes_of,
    picked_position,
    positions_coincide,
    sole_axis,
    without_picked_positions,
)
from rflint.operators.effect import Effect, geometry, reach_per_axis
from rflint.operators.reaches import (
    row_shifts,
    unshuffled_dimensions,
)
from rflint.operators.regrouping import concatenated
from rflint.operators.shapes import Shape, ShapeError, checked_dim, shape_of, shape_text
from rflint.operators.table import operator
from rflint.operators.values import Value, depends_on_input


def cat_shape(call: Call) -> Shape:
    """The result's shape: sizes add up along one dimension and agree along the others."""
    shapes = [shape_of(tensor) for tensor in call.tensors]
    shapes = [shape for shape in shapes if shape != (0,)]
    dim = _cat_dim(call, len(shapes[0]))
    for shape in shapes[1:]:
        same = len(shape) == len(shapes[0]) and all(
            a == b for d, (a, b) in enumerate(zip(shape, shapes[0], strict=True)) if d != dim
        )
        if not same:
            raise ShapeError(f"cannot concatenate {shape_text(shapes[0])} and {shape_text(shape)}")
    total = sum(shape[dim] for shape in shapes)
    return (*shapes[0][:dim], total, *shapes[0][dim + 1 :])


def _cat_dim(call: Call, rank: int) -> int:
    fixed = {"hstack": 1, "vstack": 0, "row_stack": 0, "dstack": 2}.get(call.name)
    dim = call.arg("dim", 1, None) if fixed is None else fixed
    return checked_dim(int(call.kwargs.get("axis", 0) if dim is None else dim), rank)


@operator(
    *("cat", "quantized::cat", "concat", "concatenate", "hstack", "vstack", "row_stack", "dstack"),
    kind=Kind.MERGE,
    shape=cat_shape,
    traits=[Trait.CONCATENATES],
)
def cat(call: Call) -> Effect:
    """All paths side by side, or one behind the other (class tokens)."""
    out = cat_shape(call)
    dim = _cat_dim(call, len(out))
    parts = [v for v in call.tensors if v.shape != (0,)]
    all_dimensions, reaches = _side_by_side(call, parts)
    dimensions = list(
        next((carried for carried in all_dimensions if all_axes(carried)), all_dimensions[0])
    )
    dimensions[dim] = concatenated([carried[dim] for carried in all_dimensions])
    if out[dim] == len(call.tensors) and (put_back := _put_back(call)):
        dimensions = list(
            without_picked_positions(
                next(v for v in call.data if all_axes(v.dimensions)).dimensions
            )
        )
        dimensions[dim] = (Factor(out[dim], tuple(put_back)),)
        return Effect(
            tuple(dimensions),
            (reach_per_axis(call.axes, put_back),) * len(call.data),
            geometry(call.axes),
            reorders_positions=True,  # perhaps back to front
        )
    reaches = _one_behind_the_other(call, dim, reaches)
    beside = [carried[:dim] + carried[dim + 1 :] for carried in all_dimensions]
    # parts of a partition may come back in another order
    split = any(axes_of(carried[dim]) & axes_elsewhere(carried, dim) for carried in all_dimensions)
    return Effect(
        tuple(dimensions),
        reaches,
        geometry(call.axes),
        reorders_positions=split or not any(positions_coincide(x, beside) for x in beside),
        zeros=zeros.joined(parts, dim, out),
    )


def _one_behind_the_other(
    call: Call, dim: int, reaches: tuple[tuple[Reach, ...], ...]
) -> tuple[tuple[Reach, ...], ...]:
    """Where parts of an axis are joined along it, each is read from where it begins."""
    read = iter(reaches)
    found: list[tuple[Reach, ...]] = []
    begins = 0
    for value in call.tensors:
        if value.source is not None:
            reach = list(next(read))
            axis = sole_axis(value.dimensions[dim]) if value.shape != (0,) else None
            if axis is not None and begins and reach[axis] == POINTWISE:
                reach[axis] = Window(1, 1, -begins)
            found.append(tuple(reach))
        begins += value.shape[dim] if value.shape != (0,) else 0
    return tuple(found)


def _side_by_side(call: Call, parts: list[Value]) -> tuple[list[Dimensions], tuple[Any, ...]]:
    """The dimensions of what is joined, and what is read of it: positions are the same in all."""
    all_dimensions = [value.dimensions for value in parts]
    as_positions = {id(value): unshuffled_dimensions(value.dimensions) for value in parts}
    carrying = next((carried for carried in all_dimensions if all_axes(carried)), all_dimensions[0])
    apart = {id(value): row_shifts(value.dimensions, carrying) for value in parts}
    if not any(reaches for _, reaches in as_positions.values()) or len(set(all_dimensions)) == 1:
        return all_dimensions, tuple(
            reach_per_axis(call.axes, apart.get(id(v), {})) for v in call.data
        )
    read = {id(value): as_positions[id(value)][1] | apart[id(value)] for value in parts}
    return [as_positions[id(value)][0] for value in parts], tuple(
        reach_per_axis(call.axes, read.get(id(value), {})) for value in call.data
    )


def _put_back(call: Call) -> dict[int, Reach]:
    """What is read of an axis whose single positions are put together again; else nothing."""
    found = [picked_position(v.dimensions) if depends_on_input(v) else None for v in call.tensors]
    places = [one.place for one in found if one is not None and one.place is not None]
    axes = {one.axes for one in found if one is not None}
    steps = {b - a for a, b in pairwise(places)}
    if len(places) < len(found) or len(axes) != 1 or len(steps) != 1 or 0 in steps:
        return {}
    ((axis,),) = axes
    # backwards is mirrored, which is nothing to a receptive field (see `flip`)
    return {axis: Window(1, abs(steps.pop()), min(places))}


def stack_shape(call: Call) -> Shape:
    """The shape of the tensors with a new dimension, as long as there are tensors."""
    shapes = [shape_of(tensor) for tensor in call.tensors]
    if len(set(shapes)) > 1:
        raise ShapeError(f"cannot stack {shape_text(shapes[0])} and {shape_text(shapes[1])}")
    dim = checked_dim(int(call.arg("dim", 1, 0)), len(shapes[0]) + 1)
    return (*shapes[0][:dim], len(shapes), *shapes[0][dim:])


@operator("stack", kind=Kind.MERGE, shape=stack_shape, traits=[Trait.STACKS])
def stack(call: Call) -> Effect:
    """All paths side by side along a new dimension."""
    out = stack_shape(call)
    dim = int(call.arg("dim", 1, 0)) % len(out)
    put_back = _put_back(call)
    if put_back:
        dimensions = without_picked_positions(
            next(v for v in call.data if all_axes(v.dimensions)).dimensions
        )
        reaches: tuple[Any, ...] = (reach_per_axis(call.axes, put_back),) * len(call.data)
    else:
        all_dimensions, reaches = _side_by_side(call, call.tensors)
        dimensions = next(
            (carried for carried in all_dimensions if all_axes(carried)), all_dimensions[0]
        )
    moves = bool(put_back) or not positions_coincide(
        dimensions, [value.dimensions for value in call.tensors]
    )
    dimensions = (*dimensions[:dim], (Factor(out[dim], tuple(put_back)),), *dimensions[dim:])
    return Effect(
        dimensions,
        reaches,
        geometry(call.axes),
        reorders_positions=moves,
        zeros=zeros.stacked(call.tensors, dim, out),
    )
