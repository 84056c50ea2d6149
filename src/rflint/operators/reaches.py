"""What an operator reads, per spatial axis, from what it does along the dimensions of a tensor.

Rows of the table know dimensions ("a window of 3 along the last one"), receptive fields know axes.
What lies along the dimensions of a tensor connects the two: it is worked out here, for all rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from rflint.graph.layer import Geometry
from rflint.graph.taps import Taps
from rflint.graph.windows import POINTWISE, Extent, Reach, Window
from rflint.operators.call import Call
from rflint.operators.dimensions import (
    Dimension,
    Dimensions,
    Factor,
    all_axes,
    axes_elsewhere,
    axes_of,
    length,
    picked_position,
    sole_axis,
)
from rflint.operators.effect import geometry, reach_per_axis
from rflint.operators.regrouping import at_lengths, resized
from rflint.operators.values import Value
from rflint.operators.zeros import all_zero


def mixing_reaches(
    dimensions: Dimensions, dims: Iterable[int], out: Dimensions = ()
) -> dict[int, Reach]:
    """What is read, per axis, by an operator that mixes all positions along `dims`.

    All of the axis; but of an axis that was split, the inner part alone is a window, as in window
    attention. Its stride is the window's size, unless positions survive: in the other dimensions,
    or in those of the result, `out`.
    """
    dims = set(dims)
    rest = [
        factor for d, dimension in enumerate(dimensions) if d not in dims for factor in dimension
    ]
    surviving = {*rest, *(factor for dimension in out for factor in dimension)}
    reaches: dict[int, Reach] = {}
    for dim in dims:
        for factor in dimensions[dim]:
            for axis in factor.axes:
                if axis not in reaches and _is_inner(factor, rest):
                    stride = 1 if factor in surviving else factor.size
                    # wherever in the window a position that survives lies, it reads all of it
                    slack = factor.size - 1 if stride == 1 else 0
                    reaches[axis] = Window(factor.size, stride, 0, slack)
                else:
                    reaches[axis] = Extent.GLOBAL
    return reaches


def operand_reaches(call: Call, reaches: Mapping[int, Reach]) -> tuple[tuple[Reach, ...], ...]:
    """What a layer reads: these reaches of its input, and all of any other operand.

    So it is with a kernel or a bias that a network computes from its input.
    """
    return tuple(
        reach_per_axis(
            call.axes,
            reaches if v is call.input else dict.fromkeys(all_axes(v.dimensions), Extent.GLOBAL),
        )
        for v in call.data
    )


def _is_inner(factor: Factor, rest: Iterable[Factor]) -> bool:
    """Whether a factor is a run of neighbours, several of which make up the axis."""
    outer = any(f.axes == factor.axes and f.step >= factor.size for f in rest)
    return outer and len(factor.axes) == 1 and factor.step == 1


def without_inner_part(carried: Dimension, reaches: Mapping[int, Reach]) -> Dimension:
    """The outer part of a split axis once its inner part is gone: its positions are neighbours."""
    return tuple(
        Factor(factor.size, factor.axes, max(1, factor.step // int(window.stride)))
        if len(factor.axes) == 1
        and not factor.is_scattered
        and isinstance(window := reaches.get(factor.axes[0]), Window)
        and window.stride > 1
        else factor
        for factor in carried
    )


def row_shifts(dimensions: Dimensions, there: Dimensions) -> dict[int, Reach]:
    """By how much a row that was picked from an axis is shifted against another such row.

    So a recurrence over rows, whose state was made of the row before, sees one more with each row.
    """
    one, other = picked_position(dimensions), picked_position(there)
    if one is None or other is None or one.axes != other.axes:
        return {}
    if one.place is None or other.place is None or one.place == other.place:
        return {}
    return dict.fromkeys(one.axes, Window(1, 1, one.place - other.place, is_shift=True))


def composed_reach(first: Reach, then: Reach) -> Reach:
    """What `then` reads of what `first` made, as one window of what `first` reads (Eq. 1)."""
    if not (isinstance(first, Window) and isinstance(then, Window)):
        return Extent.UNKNOWN if Extent.UNKNOWN in (first, then) else Extent.GLOBAL
    return Window(
        first.size + (then.size - 1) * first.stride,
        first.stride * then.stride,
        first.start + then.start * first.stride,
        first.rounding + then.rounding * first.stride,
        first.is_shift or then.is_shift,
    )


def add_reaches(reaches: dict[int, Reach], more: Mapping[int, Reach]) -> None:
    """Adds what is read along a further dimension, along which parts of the same axis may lie.

    A window over rows and one within them read, of the axis, from the first to the last of both.
    """
    for axis, reach in more.items():
        before = reaches.get(axis)
        if before is None:
            reaches[axis] = reach
        elif not (isinstance(before, Window) and isinstance(reach, Window)):
            reaches[axis] = Extent.UNKNOWN if Extent.UNKNOWN in (before, reach) else Extent.GLOBAL
        elif before.stride == reach.stride == 1:
            size, start = before.size + reach.size - 1, before.start + reach.start
            reaches[axis] = Window(size, 1, start, before.rounding + reach.rounding)
        else:
            reaches[axis] = Extent.UNKNOWN


def shuffled_channels(dimensions: Dimensions, dim: int) -> tuple[int, int] | None:
    """The axis between whose positions channels were moved, and how many; None where none were.

    That is a pixel shuffle, spelled out in views. Views alone cannot tell it from features that
    are listed position by position, so it counts from the first operator on that works along it.
    """
    carried = dimensions[dim]
    if len(carried) < 2:  # nearly always
        return None
    if any(factor.axes and factor.size > 1 for factor in carried):
        # not what is left of an axis of one position, which was squeezed
        carried = tuple(factor for factor in carried if factor.size > 1)
    spatial = max((at for at, factor in enumerate(carried, start=1) if factor.axes), default=0)
    # several factors, where one shuffle follows another
    times = length(carried[spatial:])
    axis = sole_axis(carried[:spatial]) if times > 1 else None
    elsewhere = (
        a for d, dimension in enumerate(dimensions) if d != dim for a in axes_of(dimension)
    )
    return None if axis is None or axis in elsewhere else (axis, times)


def unshuffled_dimensions(dimensions: Dimensions) -> tuple[Dimensions, dict[int, Reach]]:
    """Dimensions in which channels that were moved between positions count as positions."""
    if picked_position(dimensions) is not None:
        return dimensions, {}  # one position of an axis, which is no channel
    reaches: dict[int, Reach] = {}
    result = list(dimensions)
    for dim, carried in enumerate(dimensions):
        moved = shuffled_channels(dimensions, dim)
        if moved is not None:
            axis, times = moved
            reaches[axis] = Window(1, Fraction(1, times), 0)
            result[dim] = resized(carried, length(carried))
    return tuple(result), reaches


def sliding_along(
    dimensions: Dimensions, dim: int, window: Reach, size: int
) -> tuple[dict[int, Reach], Dimension]:
    """What a window that slides along a dimension reads, and what lies along the dimension then.

    `size` is the dimension's new length. Along the merged dimension of a token sequence a window is
    one along the innermost axis (that it wraps around at the end of a row is not counted).
    """
    carried = dimensions[dim]
    (after,) = at_lengths((carried,), (size,))
    spatial = [factor for factor in carried if factor.axes]
    moved = shuffled_channels(dimensions, dim)
    if not spatial or (window == POINTWISE and (moved is None or length(carried) == size)):
        return {}, after
    if not isinstance(window, Window):
        return mixing_reaches(dimensions, (dim,)), resized((), size)
    axis = sole_axis(carried)
    elsewhere = axes_elsewhere(dimensions, dim)
    if axis is not None and axis not in elsewhere:
        return {axis: window}, after
    if moved is None and (window.size, window.stride) == (1, 1):
        return {}, after  # only moves the grid
    if len(spatial) == 1 and size == 1 and window.size >= length(carried):
        return mixing_reaches(dimensions, (dim,)), after
    if moved is not None:
        upsampled = Window(1, Fraction(1, moved[1]), 0)
        return {moved[0]: composed_reach(upsampled, window)}, resized(carried, size)
    between = len(carried) > 1 and not carried[-1].axes and carried[-1].size > 1
    if any(factor.is_scattered for factor in spatial):
        return dict.fromkeys(axes_of(carried), Extent.GLOBAL), after
    if between or any(len(factor.axes) > 1 for factor in spatial):
        return dict.fromkeys(axes_of(carried), Extent.UNKNOWN), after
    if window.stride != 1:
        # windows that begin anywhere in a row and end in another: the row ends are lost
        return dict.fromkeys(axes_of(carried), Extent.GLOBAL), after
    return _raster(spatial, window), after


def on_axes(
    value: Value, dims: Iterable[int], taps: Sequence[Taps], *, known: bool = True
) -> tuple[Taps, ...]:
    """Taps along these dimensions, each with the axis that lies there and the zeros of the map.

    Without the axis where a dimension is not exactly one, or (not `known`) no longer is.
    """
    found = []
    for dim, window in zip(dims, taps, strict=True):
        axis = sole_axis(value.dimensions[dim]) if known else None
        alone = axis is not None and axis not in axes_elsewhere(value.dimensions, dim)
        # what is zero altogether stands for something that was not given
        zeros = value.zeros[dim] if value.zeros and value.zeros != all_zero(value.shape) else 0
        found.append(replace(window, axis=axis if alone else None, zeros=zeros))
    return tuple(found)


def _raster(spatial: Iterable[Factor], window: Window) -> dict[int, Reach]:
    """A window of stride one over several factors of a dimension, the innermost first."""
    reaches: dict[int, Reach] = {}
    size, start = window.size, window.start
    for factor in reversed(list(spatial)):
        (axis,) = factor.axes
        if axis in reaches or size > factor.size:
            reaches[axis] = Extent.GLOBAL
        elif size > 1:
            reaches[axis] = Window((size - 1) * factor.step + 1, 1, start * factor.step)
        # a window longer than a row continues in the next ones
        size, start = -(-size // factor.size), 0
    return reaches


def mixing_geometry(axes: int, reaches: Mapping[int, Reach]) -> Geometry:
    """Kernel and stride as the report shows them: None where everything is read."""
    kernel = {a: r.size if isinstance(r, Window) else None for a, r in reaches.items()}
    stride = {a: r.stride if isinstance(r, Window) else None for a, r in reaches.items()}
    return geometry(axes, kernel, stride)
