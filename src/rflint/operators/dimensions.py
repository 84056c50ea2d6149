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
    """The windows that an unfold has laid side by side in the channels, by dimension of the map."""

    kernel: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, ...]
    stride: tuple[int, ...]
    sizes: tuple[int, ...]
    """How many positions the map has."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A view that cuts across factors: what was there, and the lengths that it was cut into."""

    before: tuple[Factor, ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Factor:
    """A run of positions along a dimension.

    `axes` names the spatial axes that vary along it: none for batch and channels, one normally,
    several where they can no longer be told apart. Neighbours lie `step` positions of the
    axis apart: splitting 8 positions into 4 x 2 gives an outer factor of step 2, an inner of 1.
    A step of 0 says that they lie anywhere, in no order: a view has cut across them.
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
    """The windows that an unfold has laid into these channels, if nothing has mixed them since."""

    cut: tuple[Cut, int] | None = field(default=None, compare=False)
    """Of what a view has cut across: the cut, and the place among its lengths."""

    @property
    def is_scattered(self) -> bool:
        """Whether its neighbours may be any positions of its axes."""
        return self.step == 0


Dimension: TypeAlias = tuple[Factor, ...]
Dimensions: TypeAlias = tuple[Dimension, ...]
"""What lies along each dimension of a tensor."""


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
    """How many positions of an axis a tensor has, over all its dimensions."""
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


def with_picked_position(dimensions: Dimensions, axis: int, place: int) -> Dimensions:
    """Dimensions of which one was indexed by a number: the batch remembers axis and position."""
    if not dimensions or any(factor.place is None for factor in dimensions[0] if factor.axes):
        return dimensions
    return ((Factor(1, (axis,), place=place), *dimensions[0]), *dimensions[1:])


def picked_position(dimensions: Dimensions) -> Factor | None:
    """The position that a tensor was picked at, if it was picked along one axis."""
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
    """Whether all others, aligned at their last dimension, have the same axes in the same order.

    Of a sum of a map and its transpose, say, they do not.
    """
    return all(
        not axes_of(carried) or _runs(carried) in ((), _runs(there))
        for other in others
        for carried, there in zip(reversed(other), reversed(dimensions), strict=False)
    )


def _runs(dimension: Dimension) -> tuple[tuple[int, tuple[int, ...], int], ...]:
    return tuple((f.size, f.axes, f.step) for f in dimension if f.size > 1)


def patches_of(dimension: Dimension) -> Patches | None:
    """The windows that lie along a dimension, complete and in order; None where none do."""
    there = {factor.patches for factor in dimension}
    steps = [factor.step for factor in dimension]
    sizes = [factor.size for factor in dimension]
    in_order = all(step == prod(sizes[i + 1 :]) for i, step in enumerate(steps))
    return there.pop() if len(there) == 1 and in_order else None


def same_patches(all_dimensions: Sequence[Dimensions]) -> bool:
    """Whether the windows of an unfold lie in the same places in all of these tensors."""
    found = [
        [
            [(f.size, f.step, f.patches) if f.patches else None for f in dimension]
            for dimension in dimensions
        ]
        for dimensions in all_dimensions
    ]
    return all(one == found[0] for one in found[1:])


def without_patches(dimensions: Dimensions) -> Dimensions:
    """Dimensions whose channels no longer are the windows of an unfold."""
    return tuple(
        tuple(replace(factor, patches=None) if factor.patches else factor for factor in dimension)
        for dimension in dimensions
    )
