"""Taking an image apart into patches, putting it together again, and sampling it anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rflint.graph.layer import Kind
from rflint.graph.sizing import Sliding
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.graph.windows import Extent, Reach, Window
from rflint.operators.call import Call
from rflint.operators.dimensions import (
    Dimension,
    Dimensions,
    Factor,
    Patches,
    all_axes,
    axes_of,
    patches_of,
    sole_axis,
)
from rflint.operators.effect import Effect, as_number, geometry, reach_per_axis
from rflint.operators.reaches import mixing_reaches, on_axes, sliding_along
from rflint.operators.regrouping import resized
from rflint.operators.shapes import Shape, ShapeError, per_axis, shape_of, shape_text
from rflint.operators.table import operator


class _Grid:
    """The windows of an unfold or fold over a map of `sizes`, once per dimension."""

    def __init__(self, call: Call, sizes: Sequence[int], first: int) -> None:
        n = len(sizes)
        self.kernel = per_axis(call.arg("kernel_size", first), n)
        self.dilation = per_axis(call.arg("dilation", first + 1, 1), n)
        self.padding = per_axis(call.arg("padding", first + 2, 0), n)
        self.stride = per_axis(call.arg("stride", first + 3, 1), n)
        self.extent = tuple(
            d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)
        )
        self.patches = Patches(self.kernel, self.dilation, self.padding, self.stride, tuple(sizes))
        self.out = tuple(
            (size + 2 * pad - extent) // stride + 1
            for size, pad, extent, stride in zip(
                sizes, self.padding, self.extent, self.stride, strict=True
            )
        )
        if min(self.out) < 1:
            raise ShapeError(
                f"its window spans {shape_text(self.extent)}, the map is {shape_text(sizes)}"
            )


def _is_method(call: Call) -> bool:
    """Tensor.unfold(dimension, size, step), as opposed to torch.nn.functional's (im2col)."""
    return call.module is None and len(shape_of(call.result)) == len(shape_of(call.input)) + 1


@operator("unfold", "Unfold", "im2col", kind=Kind.POOL)
def unfold(call: Call) -> Effect:
    """Sliding windows, side by side in the channels, one column per window."""
    if _is_method(call):
        return _unfold_method(call)
    value, shape = call.input, shape_of(call.result)
    grid = _Grid(call, value.shape[-2:], 1)
    rank = len(value.shape)
    reaches: dict[int, Reach] = dict(mixing_reaches(value.dimensions, (rank - 3,)))
    columns: list[Factor] = []
    dims = (rank - 2, rank - 1)
    taps = [
        Taps(kernel, size, windows, stride, dilation, padding)
        for kernel, size, windows, stride, dilation, padding in zip(
            grid.kernel,
            value.shape[-2:],
            grid.out,
            grid.stride,
            grid.dilation,
            grid.padding,
            strict=True,
        )
    ]
    for i, dim in enumerate(dims):
        window = Window(grid.extent[i], grid.stride[i], -grid.padding[i])
        read, carried = sliding_along(value.dimensions, dim, window, grid.out[i])
        reaches |= read
        columns += carried
    patches = None if all_axes(value.dimensions[rank - 3 : rank - 2]) else grid.patches
    channels = (Factor(shape[-2], patches=patches),)
    dimensions = (*value.dimensions[: rank - 3], channels, tuple(columns))
    return _windowed(call, dimensions, reaches, on_axes(value, dims, taps))


def _unfold_method(call: Call) -> Effect:
    """The window of every position lies along a new last dimension."""
    value, shape = call.input, shape_of(call.result)
    dim = int(call.arg("dimension", 1)) % len(value.shape)
    size, step = int(call.arg("size", 2)), int(call.arg("step", 3))
    reaches, carried = sliding_along(value.dimensions, dim, Window(size, step, 0), shape[dim])
    dimensions = (*value.dimensions[:dim], carried, *value.dimensions[dim + 1 :], (Factor(size),))
    taps = Taps(size, value.shape[dim], shape[dim], step)
    return _windowed(call, dimensions, reaches, on_axes(value, (dim,), (taps,)))


def _windowed(
    call: Call, dimensions: Dimensions, reaches: dict[int, Reach], taps: tuple[Taps, ...]
) -> Effect:
    placed = {window.axis: window for window in taps if window.axis is not None}
    return Effect(
        dimensions,
        (reach_per_axis(call.axes, reaches),),
        geometry(
            call.axes,
            {axis: window.kernel for axis, window in placed.items()},
            {axis: window.stride for axis, window in placed.items()},
            {axis: window.dilation for axis, window in placed.items()},
            {axis: window.before for axis, window in placed.items()},
        ),
        sizing={
            axis: Sliding(window.extent, window.stride, window.before, window.before)
            for axis, window in placed.items()
        },
        taps=taps,
    )


@operator("fold", "Fold", "col2im", kind=Kind.UPSAMPLE, traits=[Trait.CROPS])
def fold(call: Call) -> Effect:
    """Sums overlapping windows: a transposed convolution without weights.

    Of windows that an unfold has made, and that nothing has mixed since, every position gets itself
    back, as often as there are windows that it lies in: what the unfold adds to a receptive field
    is taken away again.
    """
    value, shape = call.input, shape_of(call.result)
    output = call.arg("output_size", 1)
    sizes = per_axis(output, 2)
    grid = _Grid(call, sizes, 2)
    columns = _split_columns(value.dimensions[-1], grid.out)
    rank = len(shape)
    reaches: dict[int, Reach] = {}
    dimensions: list[Dimension] = [*value.dimensions[:-2], (Factor(shape[-3]),)]
    for i, factor in enumerate(columns):
        s, size = grid.stride[i], -(-grid.extent[i] // grid.stride[i])
        window = Window(size, as_number(Fraction(1, s)), grid.padding[i] // s - size + 1)
        if patches_of(value.dimensions[-2]) == grid.patches:
            undone = as_number(1 - Fraction(grid.extent[i] - 1, s))
            window = Window(undone, window.stride, as_number(Fraction(grid.padding[i], s)))
        axis = sole_axis((factor,))
        if axis is not None:
            reaches[axis] = window
        elif size > 1 or s > 1:
            reaches.update(dict.fromkeys(axes_of((factor,)), Extent.UNKNOWN))
        dimensions.append(resized((factor,), sizes[i]))
    # positions inside of the patches (an unfold undone) are channels here
    reaches |= mixing_reaches(value.dimensions, (len(value.dimensions) - 2,))
    assert len(dimensions) == rank
    return Effect(tuple(dimensions), (reach_per_axis(call.axes, reaches),), geometry(call.axes))


def _split_columns(columns: Dimension, sizes: Sequence[int]) -> list[Factor]:
    """The columns of a fold as one factor per dimension of the map."""
    spatial = [factor for factor in columns if factor.axes]
    if [factor.size for factor in spatial] == [size for size in sizes if size > 1]:
        rest = iter(spatial)
        return [next(rest) if size > 1 else Factor(1) for size in sizes]
    axes = tuple(sorted(axes_of(columns)))
    return [Factor(size, axes) for size in sizes]


def affine_shape(call: Call) -> Shape:
    """The result's shape: (batch, *positions, coordinates)."""
    size = tuple(int(n) for n in call.arg("size", 1))
    return (size[0], *size[2:], len(size) - 2)


@operator("affine_grid", "affine_grid_generator", kind=Kind.MIX, shape=affine_shape)
def affine_grid(call: Call) -> Effect:
    """Coordinates of all positions, by one matrix a sample: they say nothing of where it lies."""
    everywhere: dict[int, Reach] = dict.fromkeys(all_axes(call.input.dimensions), Extent.GLOBAL)
    dimensions = tuple((Factor(n),) for n in affine_shape(call))
    return Effect(dimensions, (reach_per_axis(call.axes, everywhere),), geometry(call.axes))


def sampled_shape(call: Call) -> Shape:
    """The result's shape: the input's batch and channels, the grid's positions."""
    x, grid = (shape_of(tensor) for tensor in call.tensors[:2])
    if len(x) != len(grid) or x[0] != grid[0] or grid[-1] != len(x) - 2:
        raise ShapeError(f"cannot sample {shape_text(x)} on a grid of {shape_text(grid)}")
    return (*x[:2], *grid[1:-1])


@operator("grid_sample", "grid_sampler", kind=Kind.MIX, shape=sampled_shape)
def grid_sample(call: Call) -> Effect:
    """Reads the map wherever the grid says, which may be anywhere."""
    x, grid = call.tensors[:2]
    shape = sampled_shape(call)
    everywhere: dict[int, Reach] = dict.fromkeys(all_axes(x.dimensions), Extent.GLOBAL)
    positions: Dimensions = x.dimensions[2:]
    if grid.source is not None and all_axes(grid.dimensions):
        positions = grid.dimensions[1:-1]
    dimensions = x.dimensions[:2] + tuple(
        resized(carried, size) for carried, size in zip(positions, shape[2:], strict=True)
    )
    return Effect(
        dimensions,
        tuple(reach_per_axis(call.axes, everywhere if v is x else {}) for v in call.data),
        geometry(call.axes),
    )
