"""Which dimension of a tensor carries which spatial axis of the input.

A 4-d image tensor starts as (batch, channels, axis 0, axis 1), but code permutes, flattens,
splits and merges dimensions, and an operator is spatial or not by what lies along the dimensions
that it works on: a Linear over the last dimension is pointwise behind a permute to channels-last
and global behind a flatten. So every dimension is described by its factors, outermost first, and
views rearrange factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Patches:
    """How windows were laid side by side in the channels: those of an unfold, per dimension."""

    kernel: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, ...]
    stride: tuple[int, ...]
    sizes: tuple[int, ...]
    """Of the map."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A run of positions along a dimension.

    `axes` names the spatial axes that vary along it: none for batch and channels, one normally,
    several where they can no longer be told apart. Neighbours lie `step` positions of the
    axis apart: splitting 8 positions into 4 x 2 gives an outer factor of step 2, an inner of 1.
    What was concatenated remembers its `parts`, so that a slice that takes one of them back (the
    patches behind a class token) finds what lay there. A single position that was picked out of
    its axis (one frame of a video) remembers its `place`, so that frames that are put together
    again become the axis again.
    """

    size: int
    axes: tuple[int, ...] = ()
    step: int = 1
    parts: tuple[tuple[Factor, ...], ...] = ()
    place: int | None = None
    patches: Patches | None = field(default=None, compare=False)
    """Of channels in which an unfold has laid windows, and that nothing has mixed since."""


Dimension: TypeAlias = tuple[Factor, ...]
Dimensions: TypeAlias = tuple[Dimension, ...]
"""Of a tensor: what lies along each of them."""


def input_dimensions(shape: Sequence[int], axes: Sequence[int | None]) -> Dimensions:
    """The dimensions of an input, from the axis that lies along each dimension (None: no axis)."""
    return tuple(
        (Factor(size),) if axis is None else (Factor(size, (axis,)),)
        for size, axis in zip(shape, axes, strict=True)
    )


def image_dimensions(shape: Sequence[int]) -> Dimensions:
    """The dimensions of a model's input: batch, channels, then one dimension per spatial axis."""
    spatial = tuple((Factor(size, (axis,)),) for axis, size in enumerate(shape[2:]))
    return plain_dimensions(shape[:2]) + spatial


def plain_dimensions(shape: Sequence[int]) -> Dimensions:
    """Dimensions along which no spatial axis lies."""
    return tuple((Factor(size),) for size in shape)


def axes_of(dimension: Dimension) -> frozenset[int]:
    """The spatial axes that vary along a dimension."""
    return frozenset(axis for factor in dimension for axis in factor.axes)


def all_axes(dimensions: Dimensions) -> frozenset[int]:
    """The spatial axes that a tensor still has."""
    return frozenset(axis for dimension in dimensions for axis in axes_of(dimension))


def position_count(dimensions: Dimensions, axis: int) -> int:
    """How many positions of an axis a tensor tells apart, over all its dimensions."""
    steps = {(f.size, f.step) for dimension in dimensions for f in dimension if f.axes == (axis,)}
    return prod(size for size, _ in steps)


def length(dimension: Dimension) -> int:
    """How long a dimension is."""
    return prod(factor.size for factor in dimension)


def sole_axis(dimension: Dimension) -> int | None:
    """The axis, if a dimension is exactly the positions of one spatial axis, in order."""
    spatial = [factor for factor in dimension if factor.axes]
    if len(spatial) > 1:
        spatial = [factor for factor in spatial if factor.size > 1]  # one position is no order
    alone = all(factor.size == 1 for factor in dimension if not factor.axes)
    if alone and len(spatial) == 1 and len(spatial[0].axes) == 1 and spatial[0].step == 1:
        return spatial[0].axes[0]
    return None


def resized(dimension: Dimension, size: int) -> Dimension:
    """The same content at another length (after a convolution, a pooling, a concatenation).

    An axis of which one position is left (electrodes that were summed up) stays beside another.
    """
    long = [factor for factor in dimension if factor.size > 1]
    if len(long) == 1 and any(factor.axes for factor in dimension if factor.size == 1):
        return tuple(
            Factor(size, factor.axes) if factor is long[0] else factor for factor in dimension
        )
    axes = tuple(sorted(axes_of(dimension)))
    return (Factor(size, axes),)


def at_lengths(dimensions: Dimensions, shape: Sequence[int]) -> Dimensions:
    """Dimensions at other lengths; those that keep theirs stay as they are."""
    return tuple(
        dimension if length(dimension) == size else resized(dimension, size)
        for dimension, size in zip(dimensions, shape, strict=True)
    )


def concatenated(parts: Sequence[Dimension]) -> Dimension:
    """Dimensions one behind the other."""
    if len(parts) == 1:
        return parts[0]
    # an axis of which one position is left, beside those of another, stays beside them
    beside = {
        factor
        for part in parts
        for factor in part
        if factor.size == 1 and any(other.size > 1 and other.axes for other in part)
    }
    along = [tuple(factor for factor in part if factor not in beside) for part in parts]
    axes = tuple(sorted(frozenset[int]().union(*map(axes_of, along))))
    size = sum(map(length, parts))
    rest = sorted({axis for factor in beside for axis in factor.axes} - set(axes))
    joined = Factor(size, axes, parts=tuple(parts) if axes else ())
    return (joined, *(Factor(1, (axis,)) for axis in rest))


def sliced(dimension: Dimension, start: int, stop: int) -> Dimension:
    """Neighbouring positions of a dimension; whole parts of a concatenation keep what they are."""
    alone = all(factor.size == 1 for factor in dimension[1:])
    parts = dimension[0].parts if dimension and alone else ()
    stop = max(start, stop)  # nothing is left
    taken = []
    at = 0
    for part in parts:
        if start <= at and at + length(part) <= stop:
            taken.append(part)
        at += length(part)
    if taken and sum(map(length, taken)) == stop - start:
        return concatenated(taken)
    return resized(dimension, stop - start)


def with_picked_position(dimensions: Dimensions, axis: int, place: int) -> Dimensions:
    """One position of an axis, whose own dimension is gone: the batch carries it."""
    if not dimensions or any(factor.place is None for factor in dimensions[0] if factor.axes):
        return dimensions
    return ((Factor(1, (axis,), place=place), *dimensions[0]), *dimensions[1:])


def picked_position(dimensions: Dimensions) -> Factor | None:
    """The single position that a tensor was picked from, if it is of one axis."""
    found = [factor for dimension in dimensions for factor in dimension if factor.place is not None]
    return found[0] if len(found) == 1 else None


def axes_elsewhere(dimensions: Dimensions, dim: int) -> frozenset[int]:
    """The spatial axes that vary along other dimensions than this one."""
    others = [
        dimension for d, dimension in enumerate(without_picked_positions(dimensions)) if d != dim
    ]
    return frozenset[int]().union(*map(axes_of, others))


def without_picked_positions(dimensions: Dimensions) -> Dimensions:
    """Dimensions without positions that were picked out of an axis."""
    return tuple(
        tuple(factor for factor in dimension if factor.place is None) for dimension in dimensions
    )


def positions_coincide(dimensions: Dimensions, others: Sequence[Dimensions]) -> bool:
    """Whether the positions of others, aligned at their last dimension, lie where those of one do.

    Of a sum of a map and its transpose, say, they do not.
    """
    return all(
        not axes_of(carried) or _runs(carried) in ((), _runs(there))
        for other in others
        for carried, there in zip(reversed(other), reversed(dimensions), strict=False)
    )


def _runs(dimension: Dimension) -> tuple[tuple[int, tuple[int, ...], int], ...]:
    return tuple((f.size, f.axes, f.step) for f in dimension if f.size > 1)


def permuted(dimensions: Dimensions, order: Sequence[int]) -> Dimensions:
    """Dimensions behind `permute(order)`."""
    return tuple(dimensions[dim] for dim in order)


def reshaped(dimensions: Dimensions, shape: Sequence[int]) -> Dimensions:
    """Dimensions behind a view to `shape`: factors are regrouped in order, and split where needed.

    Where a factor cannot be split evenly, the dimension is marked as carrying all axes involved.
    Factors of size one stay with a neighbour, so that a 1x1 map still counts as a map.
    """
    pending = [factor for dimension in dimensions for factor in dimension]
    result: list[Dimension] = []
    for position, size in enumerate(shape):
        taken: list[Factor] = []
        filled = 1
        if size == 1:
            # a one-to-one match keeps (B, C, 1, 1) -> (B, C, 1, 1) as it is
            ones_wanted = sum(1 for _ in _leading_ones(shape[position:]))
            ones_there = sum(1 for _ in _leading_ones([factor.size for factor in pending]))
            while pending and pending[0].size == 1 and ones_there >= ones_wanted:
                taken.append(pending.pop(0))
                ones_there -= 1
        while filled < size and pending:
            factor = pending.pop(0)
            if size % (filled * factor.size) == 0:
                taken.append(factor)
                filled *= factor.size
                continue
            wanted = size // filled
            if factor.size % wanted == 0 and len(factor.axes) <= 1:
                inner = factor.size // wanted
                taken.append(replace(factor, size=wanted, step=factor.step * inner, parts=()))
                pending.insert(0, replace(factor, size=inner, parts=()))
                filled = size
            else:
                return tangled(dimensions, shape)
        result.append(_merged(taken) or (Factor(size),))
    if pending and result:
        result[-1] = _merged([*result[-1], *pending])
    return tuple(result)


def patches_of(dimension: Dimension) -> Patches | None:
    """The windows that lie along a dimension, all of them in their order; None: none do."""
    there = {factor.patches for factor in dimension}
    steps = [factor.step for factor in dimension]
    sizes = [factor.size for factor in dimension]
    in_order = all(step == prod(sizes[i + 1 :]) for i, step in enumerate(steps))
    return there.pop() if len(there) == 1 and in_order else None


def same_patches(all_dimensions: Sequence[Dimensions]) -> bool:
    """Whether all of them have windows in their channels, in the same places."""
    found = [
        [
            [(f.size, f.step, f.patches) if f.patches else None for f in dimension]
            for dimension in dimensions
        ]
        for dimensions in all_dimensions
    ]
    return all(one == found[0] for one in found[1:])


def without_patches(dimensions: Dimensions) -> Dimensions:
    """The same, what lies in the channels no longer being told apart."""
    return tuple(
        tuple(replace(factor, patches=None) if factor.patches else factor for factor in dimension)
        for dimension in dimensions
    )


def tangled(dimensions: Dimensions, shape: Sequence[int]) -> Dimensions:
    """Dimensions of which any may carry any axis of the tensor."""
    axes = tuple(sorted(all_axes(dimensions)))
    return tuple((Factor(size, axes if size > 1 else ()),) for size in shape)


def _leading_ones(sizes: Sequence[int]) -> Sequence[int]:
    for count, size in enumerate(sizes):
        if size != 1:
            return sizes[:count]
    return sizes


def _merged(factors: Sequence[Factor]) -> Dimension:
    """Drop plain ones, and rejoin outer and inner parts of an axis that meet again."""
    merged: list[Factor] = []
    for factor in factors:
        if factor.size == 1 and not factor.axes:
            continue
        last = merged[-1] if merged else None
        if last and last.axes == factor.axes and last.step == factor.step * factor.size:
            merged[-1] = Factor(
                last.size * factor.size,
                factor.axes,
                factor.step,
                patches=last.patches if last.patches == factor.patches else None,
            )
        else:
            merged.append(factor)
    if factors and not merged:
        return (Factor(prod(factor.size for factor in factors)),)
    return tuple(merged)
