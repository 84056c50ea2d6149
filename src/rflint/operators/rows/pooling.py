"""Pooling: windows like a convolution's, and adaptive ones whose window follows from the shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from rflint.graph.exact import Number
from rflint.graph.layer import Kind
from rflint.graph.sizing import KEPT, FixedSize, Sizing, Sliding
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.graph.windows import Extent, Reach, Window, adaptive_window
from rflint.operators.call import Call
from rflint.operators.dimensions import sole_axis
from rflint.operators.effect import Effect, as_number, geometry, reach_per_axis
from rflint.operators.reaches import add_reaches, on_axes, sliding_along
from rflint.operators.shapes import Shape, ShapeError, per_axis, shape_of, shape_text
from rflint.operators.table import operator
from rflint.operators.zeros import behind_adaptive_pooling, behind_pooling

_MAX = ("max_pool1d", "max_pool2d", "max_pool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d")
_MAX_INDICES = tuple(f"max_pool{n}d_with_indices" for n in (1, 2, 3))
_AVG = ("avg_pool1d", "avg_pool2d", "avg_pool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d")
_LP = ("lp_pool1d", "lp_pool2d", "lp_pool3d", "LPPool1d", "LPPool2d", "LPPool3d")
_ADAPTIVE = tuple(
    spelling.format(n)
    for spelling in (
        "adaptive_avg_pool{}d",
        "adaptive_max_pool{}d",
        "AdaptiveAvgPool{}d",
        "AdaptiveMaxPool{}d",
    )
    for n in (1, 2, 3)
)
_ADAPTIVE_INDICES = tuple(f"adaptive_max_pool{n}d_with_indices" for n in (1, 2, 3))


class _Windows:
    """The hyper-parameters of a pooling call, once per dimension."""

    def __init__(self, call: Call) -> None:
        n = call.spatial
        first = 2 if call.name in _LP else 1
        self.kernel = per_axis(call.arg("kernel_size", first), n)
        stride = call.arg("stride", first + 1)
        missing = stride is None or (isinstance(stride, (tuple, list)) and not stride)
        self.stride = self.kernel if missing else per_axis(stride, n)
        pads = call.name not in _LP
        dilates = call.name in _MAX + _MAX_INDICES
        self.padding = per_axis(call.arg("padding", 3, 0), n) if pads else (0,) * n
        self.dilation = per_axis(call.arg("dilation", 4, 1), n) if dilates else (1,) * n
        ceil_position = 5 if dilates else 4
        self.ceil_mode = bool(call.arg("ceil_mode", ceil_position, False))

        self.sizing = [
            Sliding(d * (k - 1) + 1, s, pad, pad, self.ceil_mode)
            for k, s, d, pad in zip(
                self.kernel, self.stride, self.dilation, self.padding, strict=True
            )
        ]


def pool_shape(call: Call) -> Shape | list[Any]:
    """The result's shape; twice where indices are returned too."""
    shape, spatial, windows = shape_of(call.input), call.spatial, _Windows(call)
    _check_rank(shape, spatial)
    for kernel, pad in zip(windows.kernel, windows.padding, strict=True):
        if pad > kernel // 2:
            raise ShapeError(f"its padding {pad} is more than half its kernel size {kernel}")
    sizes = shape[-spatial:]
    out = [pooled(n) for pooled, n in zip(windows.sizing, sizes, strict=True)]
    # PyTorch's average pooling in 3-d does not count padding here
    strict = call.name in ("avg_pool3d", "AvgPool3d")
    if min(out) < 1 or (strict and any(n < k for n, k in zip(sizes, windows.kernel, strict=True))):
        raise ShapeError(
            f"its window spans {shape_text(windows.kernel)} positions, "
            f"but the map is only {shape_text(shape[-spatial:])}"
        )
    result = (*shape[:-spatial], *out)
    return [result, result] if _returns_indices(call) else result


def adaptive_shape(call: Call) -> Shape | list[Any]:
    """The result's shape: the given size, in which None keeps an axis as it is."""
    shape, spatial = shape_of(call.input), call.spatial
    _check_rank(shape, spatial)
    result = (*shape[:-spatial], *_adaptive_sizes(call, shape))
    return [result, result] if _returns_indices(call) else result


def _check_rank(shape: Shape, spatial: int) -> None:
    if len(shape) not in (spatial + 1, spatial + 2):
        raise ShapeError(
            f"expects {spatial} spatial dimensions, got an input of {shape_text(shape)}"
        )


def _returns_indices(call: Call) -> bool:
    if call.name.endswith("_with_indices"):
        return True
    return call.module is not None and bool(getattr(call.module, "return_indices", False))


def _adaptive_sizes(call: Call, shape: Shape) -> tuple[int, ...]:
    return tuple(
        n if size is None else int(size)
        for n, size in zip(shape[-call.spatial :], _wanted_sizes(call), strict=True)
    )


def _wanted_sizes(call: Call) -> tuple[int | None, ...]:
    wanted = call.arg("output_size", 1)
    one = isinstance(wanted, int) or wanted is None
    return (wanted,) * call.spatial if one else tuple(wanted)


@operator(*_MAX, *_MAX_INDICES, kind=Kind.POOL, shape=pool_shape, traits=[Trait.DILATABLE])
@operator(*_AVG, kind=Kind.POOL, shape=pool_shape, traits=[Trait.AVERAGES])
@operator(*_LP, kind=Kind.POOL, shape=pool_shape)
def pool(call: Call) -> Effect:
    """A window like a convolution's."""
    windows = _Windows(call)
    reaches = [Window(x.extent, x.stride, -x.before) for x in windows.sizing]
    shapes = pool_shape(call)
    out = shapes[0] if isinstance(shapes, list) else shapes
    return _effect(
        call,
        out,
        reaches,
        windows.kernel,
        windows.stride,
        windows.dilation,
        windows.padding,
        windows.sizing,
        [
            Taps(k, n, m, s, d, pad)
            for k, n, m, s, d, pad in zip(
                windows.kernel,
                call.input.shape[-call.spatial :],
                out[-call.spatial :],
                windows.stride,
                windows.dilation,
                windows.padding,
                strict=True,
            )
        ],
    )


@operator(
    *(*_ADAPTIVE, *_ADAPTIVE_INDICES),
    kind=Kind.POOL,
    shape=adaptive_shape,
    traits=[Trait.READS_EVERYTHING],
)
def adaptive_pool(call: Call) -> Effect:
    """Output p reads inputs floor(p * n / m) to ceil((p + 1) * n / m) - 1: the widest such window.

    One output position reads everything, also of a map that happens to be a single position:
    that is global pooling whatever the input size.
    """
    shape = shape_of(call.input)
    reaches: list[Reach] = []
    kernels: list[int | None] = []
    strides: list[Number | None] = []
    for n, m in zip(shape[-call.spatial :], _adaptive_sizes(call, shape), strict=True):
        if m == 1:
            reaches.append(Extent.GLOBAL)
            kernels.append(None)
            strides.append(None)
            continue
        window = adaptive_window(n, m)
        reaches.append(window)
        kernels.append(int(window.size))
        strides.append(window.stride)
    ones = (1,) * call.spatial
    shapes = adaptive_shape(call)
    out = shapes[0] if isinstance(shapes, list) else shapes
    sizing = [KEPT if size is None else FixedSize(int(size)) for size in _wanted_sizes(call)]
    effect = _effect(
        call, out, reaches, tuple(kernels), tuple(strides), ones, (0,) * call.spatial, sizing
    )
    return replace(effect, zeros=behind_adaptive_pooling(call.input, out))


_FRACTIONAL = tuple(
    spelling.format(n)
    for spelling in (
        "fractional_max_pool{}d",
        "fractional_max_pool{}d_with_indices",
        "FractionalMaxPool{}d",
    )
    for n in (2, 3)
)


def fractional_shape(call: Call) -> Shape | list[Any]:
    """The result's shape: the given size, or the given share of the input's."""
    shape, spatial = shape_of(call.input), call.spatial
    _check_rank(shape, spatial)
    size, ratio = call.arg("output_size", 2), call.arg("output_ratio", 3)
    if size is None:
        ratios = ratio if isinstance(ratio, tuple | list) else (ratio,) * spatial
        size = tuple(int(n * r) for n, r in zip(shape[-spatial:], ratios, strict=True))
    result = (*shape[:-spatial], *per_axis(size, spatial))
    return [result, result] if _returns_indices(call) else result


@operator(*_FRACTIONAL, kind=Kind.POOL, shape=fractional_shape)
def fractional_pool(call: Call) -> Effect:
    """Windows at random starts, on average (n - k) / (m - 1) apart."""
    spatial = call.spatial
    kernel = per_axis(call.arg("kernel_size", 1), spatial)
    shapes = fractional_shape(call)
    out = shapes[0] if isinstance(shapes, list) else shapes
    windows: list[Reach] = []
    strides: list[int | Fraction | None] = []
    for n, m, k in zip(call.input.shape[-spatial:], out[-spatial:], kernel, strict=True):
        stride = as_number(Fraction(n - k, m - 1)) if m > 1 else k
        windows.append(Window(k, stride, 0))
        strides.append(stride)
    ones = (1,) * spatial
    return _effect(call, out, windows, kernel, tuple(strides), ones, (0,) * spatial)


@operator(
    *(f"max_unpool{n}d" for n in (1, 2, 3)),
    *(f"MaxUnpool{n}d" for n in (1, 2, 3)),
    kind=Kind.UPSAMPLE,
)
def unpool(call: Call) -> Effect:
    """Every value goes back to where its maximum was, somewhere in the window that it came from."""
    spatial = call.spatial
    out = shape_of(call.result)
    kernel = per_axis(call.arg("kernel_size", 2), spatial)
    stride = call.arg("stride", 3)
    stride = per_axis(stride, spatial) if stride not in (None, (), []) else kernel
    padding = per_axis(call.arg("padding", 4, 0), spatial)
    windows: list[Reach] = [
        Window(-(-k // s), as_number(Fraction(1, s)), p // s - -(-k // s) + 1)
        for k, s, p in zip(kernel, stride, padding, strict=True)
    ]
    ones = (1,) * spatial
    return _effect(call, out, windows, kernel, tuple(Fraction(1, s) for s in stride), ones, padding)


def _effect(
    call: Call,
    out: Shape,
    windows: list[Window] | list[Reach],
    kernel: tuple[int | None, ...],
    stride: tuple[Number | None, ...],
    dilation: tuple[int, ...],
    padding: tuple[int, ...],
    sizing: Sequence[Sizing] = (),
    taps: Sequence[Taps] = (),
) -> Effect:
    value, spatial = call.input, call.spatial
    dimensions = list(value.dimensions)
    reaches: dict[int, Reach] = {}
    position: dict[int, int] = {}
    for i in range(spatial):
        dim = len(dimensions) - spatial + i
        axis = sole_axis(value.dimensions[dim])
        if axis is not None:
            position[axis] = i
        read, dimensions[dim] = sliding_along(value.dimensions, dim, windows[i], out[dim])
        add_reaches(reaches, read)
    slid = on_axes(value, range(len(dimensions) - spatial, len(dimensions)), taps) if taps else ()
    # a norm over windows has no gradient at zero
    is_sum_or_maximum = call.name not in _LP
    covers = all(
        isinstance(window, Window) and size == 1 and window.size >= n and not window.start
        for size, window, n in zip(out[-spatial:], windows, value.shape[-spatial:], strict=True)
    )
    return Effect(
        tuple(dimensions),
        tuple(reach_per_axis(call.axes, reaches) for _ in call.data),
        geometry(
            call.axes,
            {axis: kernel[i] for axis, i in position.items()},
            {axis: stride[i] for axis, i in position.items()},
            {axis: dilation[i] for axis, i in position.items()},
            {axis: padding[i] for axis, i in position.items()},
        ),
        covers_map=covers and max(value.shape[-spatial:]) > 1,
        sizing={axis: sizing[i] for axis, i in position.items()} if sizing else {},
        taps=slid,
        zeros=behind_pooling(value, slid, out) if slid and is_sum_or_maximum else (),
    )
