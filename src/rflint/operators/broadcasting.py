"""Operators on several tensors, position by position, that are broadcast to one shape."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from rflint.graph.windows import Extent, Reach, Window
from rflint.operators.call import Call
from rflint.operators.dimensions import (
    Dimension,
    Dimensions,
    Factor,
    all_axes,
    axes_of,
    picked_position,
    positions_coincide,
    sole_axis,
    without_picked_positions,
)
from rflint.operators.effect import Effect, geometry, reach_per_axis
from rflint.operators.reaches import row_shifts, shuffled_channels
from rflint.operators.shapes import Shape, broadcast, shape_of
from rflint.operators.values import Zeros


def same_shape(call: Call) -> Shape:
    """The shape of the first tensor."""
    return shape_of(call.input)


def broadcast_shape(call: Call) -> Shape:
    """The shape that all tensors broadcast to."""
    return broadcast(*(shape_of(tensor) for tensor in call.tensors))


def broadcasting(call: Call, zeros: Zeros = ()) -> Effect:
    """Every operand is read at the position that is written; what is broadcast, everywhere."""
    values = call.data
    shape = broadcast(*(value.shape for value in call.tensors))
    dimensions = broadcast_dimensions(shape, [value.dimensions for value in values])
    grid = all_axes(without_picked_positions(dimensions))
    reaches = tuple(
        reach_per_axis(
            call.axes,
            _spread(value.dimensions, shape[len(shape) - len(value.dimensions) :], grid)
            | _aligned(value.dimensions, dimensions[len(shape) - len(value.dimensions) :])
            | row_shifts(value.dimensions, dimensions),
        )
        for value in values
    )
    moves = not positions_coincide(dimensions, [value.dimensions for value in values])
    return Effect(dimensions, reaches, geometry(call.axes), reorders_positions=moves, zeros=zeros)


def _spread(dimensions: Dimensions, shape: Shape, grid: frozenset[int]) -> dict[int, Reach]:
    """Axes of which one position is broadcast over many, all of which read everything there is.

    `grid` are the axes that the result has; a frame that was picked may be added to all frames.
    """
    one = picked_position(dimensions)
    reaches: dict[int, Reach] = {
        axis: Extent.GLOBAL
        for carried, size in zip(without_picked_positions(dimensions), shape, strict=True)
        if size > 1 and all(factor.size == 1 for factor in carried)
        for axis in axes_of(carried)
    }
    if one is not None:
        reaches |= {axis: Extent.GLOBAL for axis in one.axes if axis in grid}
    return reaches


def _aligned(dimensions: Dimensions, there: Dimensions) -> dict[int, Reach]:
    """Axes of which an operand has one position for several that it meets.

    That is one for every window of a partition (its mean, subtracted from it), or one for all the
    positions that its channels were moved between, next to a map that has them already.
    """
    reaches: dict[int, Reach] = {}
    for dim, (carried, other) in enumerate(zip(dimensions, there, strict=True)):
        if carried == other:
            continue
        moved, finer = shuffled_channels(dimensions, dim), _moved_between(there, dim)
        if moved and finer and moved[0] == finer[0] and moved[1] != finer[1]:
            reaches[moved[0]] = Window(1, Fraction(finer[1], moved[1]), 0)
        axis = sole_axis(carried)
        if axis is not None and len(other) == 1 and other[0].axes == (axis,) and other[0].step > 1:
            reaches[axis] = Window(1, Fraction(1, other[0].step), 0)
    return reaches


def _moved_between(dimensions: Dimensions, dim: int) -> tuple[int, int] | None:
    """The axis along a dimension, and how many channels lie at each of its positions."""
    axis = sole_axis(dimensions[dim])
    return shuffled_channels(dimensions, dim) if axis is None else (axis, 1)


def broadcast_dimensions(shape: Shape, all_dimensions: list[Dimensions]) -> Dimensions:
    """By dimension, what lies along it in an operand that is not broadcast there."""
    result: list[Dimension] = []
    for back in range(len(shape), 0, -1):
        size = shape[-back]
        carried = [dimensions[-back] for dimensions in all_dimensions if len(dimensions) >= back]
        fitting = [c for c in carried if prod(factor.size for factor in c) == size]
        spatial = [c for c in fitting if axes_of(c)]
        # of a split axis, rather one that still has its inner part
        spatial.sort(key=_coarseness)
        result.append((spatial or fitting or [(Factor(size),)])[0])
    return tuple(result)


def _coarseness(dimension: Dimension) -> tuple[int, int]:
    steps = [factor.step for factor in dimension if factor.axes]
    return -max(steps), prod(factor.size for factor in dimension if not factor.axes)
