"""Convolutions and transposed convolutions, 1-d to 3-d, as modules and as functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod

from rflint.graph.layer import Kind
from rflint.graph.sizing import Scaled, Sizing, Sliding
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.graph.windows import Reach, Window
from rflint.operators.call import Call
from rflint.operators.effect import Effect, geometry, reach_per_axis
from rflint.operators.mixing import (
    add_reaches,
    mixing_reaches,
    on_axes,
    operand_reaches,
    sliding_along,
    without_inner_part,
)
from rflint.operators.regrouping import resized
from rflint.operators.shapes import (
    Shape,
    ShapeError,
    check_padding_mode,
    per_axis,
    shape_of,
    shape_text,
)
from rflint.operators.table import operator
from rflint.operators.weights import convolution_weight
from rflint.operators.zeros import behind_convolution


def _weight(call: Call) -> Shape:
    """The weight's shape: of a module, that of the weight it has now."""
    if call.module is None:
        return shape_of(call.arg("weight", 1))
    return convolution_weight(call.module)


def slid_dimensions(call: Call) -> range:
    """The dimensions of its input that a convolution slides over: the last ones."""
    rank = len(call.input.shape)
    return range(rank - (len(_weight(call)) - 2), rank)


def _pads(call: Call, weight: Shape) -> list[tuple[int, int]]:
    """Padding before and after, per axis; "same" may be uneven."""
    spatial = len(weight) - 2
    padding = call.arg("padding", 4, 0)
    if padding == "valid":
        return [(0, 0)] * spatial
    if call.module is not None and not _pads_with_zeros(call):
        # worked out when the module was built, whatever its kernel is now
        ends = call.module._reversed_padding_repeated_twice
        return [(ends[i], ends[i + 1]) for i in reversed(range(0, 2 * spatial, 2))]
    if padding == "same":
        dilation = per_axis(call.arg("dilation", 5, 1), spatial)
        totals = [d * (k - 1) for d, k in zip(dilation, weight[2:], strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    return [(pad, pad) for pad in per_axis(padding, spatial)]


def _check(call: Call, weight: Shape, channels: int) -> Shape:
    """The input's shape, if this convolution can run on it."""
    shape = shape_of(call.input)
    spatial = len(weight) - 2
    if len(shape) not in (spatial + 1, spatial + 2):
        raise ShapeError(
            f"expects {spatial} spatial dimensions, got an input of {shape_text(shape)}"
        )
    if shape[-spatial - 1] != channels:
        raise ShapeError(
            f"expects {channels} input channels, got {shape[-spatial - 1]} "
            f"(input {shape_text(shape)})"
        )
    return shape


def conv_shape(call: Call) -> Shape:
    """floor((n + padding - K) / stride) + 1 per axis."""
    weight = _weight(call)
    spatial = len(weight) - 2
    groups = int(call.arg("groups", 6, 1))
    shape = _check(call, weight, weight[1] * groups)
    if not weight[0]:
        raise ShapeError("it has no output channels")
    if weight[0] % groups:
        raise ShapeError(f"its {weight[0]} output channels do not divide into {groups} groups")
    stride = per_axis(call.arg("stride", 3, 1), spatial)
    dilation = per_axis(call.arg("dilation", 5, 1), spatial)
    out = []
    for n, k, s, d, (before, after) in zip(
        shape[-spatial:], weight[2:], stride, dilation, _pads(call, weight), strict=True
    ):
        extent = d * (k - 1) + 1
        if call.module is not None:
            check_padding_mode(getattr(call.module, "padding_mode", "zeros"), n, before, after)
        if n + before + after < extent:
            raise ShapeError(
                f"its kernel spans {extent} positions, but the map is only {n} wide"
                + (f" ({n + before + after} with padding)" if before + after else "")
            )
        out.append((n + before + after - extent) // s + 1)
    # PyTorch makes nothing of nothing, whatever the weight
    return (*shape[: -spatial - 1], weight[0] if weight[1] else 0, *out)


def conv_transpose_shape(call: Call) -> Shape:
    """(n - 1) * stride - 2 * padding + K + output_padding per axis."""
    weight = _weight(call)
    spatial = len(weight) - 2
    shape = _check(call, weight, weight[0])
    if 0 in weight[:2]:
        raise ShapeError(f"it has no channels (weight {shape_text(weight)})")
    stride = per_axis(call.arg("stride", 3, 1), spatial)
    padding = per_axis(call.arg("padding", 4, 0), spatial)
    extra = per_axis(call.arg("output_padding", 5, 0), spatial)
    dilation = per_axis(call.arg("dilation", 7, 1), spatial)
    groups = int(call.arg("groups", 6, 1))
    for e, s, d in zip(extra, stride, dilation, strict=True):
        if e >= max(s, d):
            raise ShapeError(f"its output_padding {e} must be smaller than stride or dilation")
    out = [
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, k, s, p, e, d in zip(
            shape[-spatial:], weight[2:], stride, padding, extra, dilation, strict=True
        )
    ]
    if min(out) < 1:
        raise ShapeError(f"its output would be empty ({shape_text(out)})")
    return (*shape[: -spatial - 1], weight[1] * groups, *out)


@operator(
    *("conv1d", "conv2d", "conv3d", "Conv1d", "Conv2d", "Conv3d"),
    kind=Kind.CONV,
    shape=conv_shape,
    traits=[Trait.DILATABLE, Trait.RESIZABLE_KERNEL],
)
@operator(
    *("QuantizedConvReLU1d", "QuantizedConvReLU2d", "QuantizedConvReLU3d"),
    kind=Kind.CONV,
    shape=conv_shape,
    traits=[Trait.DILATABLE],
)
def conv(call: Call) -> Effect:
    """A window of extent K = d * (k - 1) + 1."""
    weight = _weight(call)
    spatial = len(weight) - 2
    stride = per_axis(call.arg("stride", 3, 1), spatial)
    dilation = per_axis(call.arg("dilation", 5, 1), spatial)
    pads = _pads(call, weight)
    windows = [
        Window(d * (k - 1) + 1, s, -before)
        for k, s, d, (before, _) in zip(weight[2:], stride, dilation, pads, strict=True)
    ]
    out = conv_shape(call)
    macs = prod(weight) * prod(out) // weight[0]
    before = [pad for pad, _ in pads]
    zeros = _pads_with_zeros(call)
    taps = [
        Taps(k, n, m, s, d, pad, pads_zeros=zeros)
        for k, n, m, s, d, pad in zip(
            weight[2:],
            call.input.shape[-spatial:],
            out[-spatial:],
            stride,
            dilation,
            before,
            strict=True,
        )
    ]
    sizing = [
        Sliding(int(window.size), s, *pad)
        for window, s, pad in zip(windows, stride, pads, strict=True)
    ]
    return _windowed(call, weight, windows, stride, dilation, before, out, macs, taps, sizing)


@operator(
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    kind=Kind.CONV_TRANSPOSE,
    shape=conv_transpose_shape,
)
def conv_transpose(call: Call) -> Effect:
    """Divides the jump by s; an output position reads at most ceil(K / s) inputs.

    With dilation d and stride s, taps land on one output phase every s / gcd(s, d) taps.
    """
    weight = _weight(call)
    spatial = len(weight) - 2
    stride = per_axis(call.arg("stride", 3, 1), spatial)
    padding = per_axis(call.arg("padding", 4, 0), spatial)
    dilation = per_axis(call.arg("dilation", 7, 1), spatial)
    windows = []
    for k, s, p, d in zip(weight[2:], stride, padding, dilation, strict=True):
        size = _transposed_extent(k, s, d)
        # output q is reached from inputs up to floor((q + p) / s)
        start = p // s - size + 1
        # over all phases, output q is reached from (q + p - d * (k - 1)) / s to (q + p) / s
        slack = max(Fraction(p, s) - p // s, start - Fraction(p - d * (k - 1), s))
        windows.append(Window(size, Fraction(1, s) if s > 1 else 1, start, slack if s > 1 else 0))
    shape = shape_of(call.input)
    macs = prod(weight) * prod(shape) // weight[0]
    out = conv_transpose_shape(call)
    taps = [
        Taps(k, n, m, s, d, p, transposed=True)
        for n, k, s, d, p, m in zip(
            shape[-spatial:], weight[2:], stride, dilation, padding, out[-spatial:], strict=True
        )
    ]
    sizing = [
        Scaled(s, m - n * s)
        for n, s, m in zip(shape[-spatial:], stride, out[-spatial:], strict=True)
    ]
    return _windowed(call, weight, windows, stride, dilation, padding, out, macs, taps, sizing)


def deformable_shape(call: Call) -> Shape:
    """As a convolution's."""
    return conv_shape(_undeformed(call))


@operator(
    *("torchvision::deform_conv2d", "DeformConv2d"),
    kind=Kind.CONV,
    shape=deformable_shape,
    traits=[Trait.DILATABLE],
)
def deformable_conv(call: Call) -> Effect:
    """Torchvision's deformable convolution, counted as the regular grid that its offsets start on.

    The branches that compute offsets and masks are read at the position that is written.
    """
    effect = conv(_undeformed(call))
    beside = reach_per_axis(call.axes, {})
    reaches = tuple(effect.reaches[0] if v is call.input else beside for v in call.data)
    return replace(effect, reaches=reaches, taps=(), weights=0, covers_map=False)


def _undeformed(call: Call) -> Call:
    """The plain convolution of the same hyper-parameters."""
    if call.module is not None:
        return replace(call, name="Conv2d", args=call.args[:1], kwargs={})
    # torch.ops.torchvision.deform_conv2d(input, weight, offset, mask, bias, stride, ..., groups)
    x, weight = call.args[:2]
    numbers = call.args[5:12]
    stride, padding, dilation, groups = numbers[0:2], numbers[2:4], numbers[4:6], numbers[6]
    args = (x, weight, None, stride, padding, dilation, groups)
    return replace(call, name="conv2d", args=args, kwargs={})


def _transposed_extent(k: int, s: int, d: int) -> int:
    """Inputs spanned by one output position, the widest over the s output phases."""
    widest = 1
    for phase in range(s):
        taps = [tap * d for tap in range(k) if (tap * d) % s == phase]
        if taps:
            widest = max(widest, (taps[-1] - taps[0]) // s + 1)
    return widest


def _pads_with_zeros(call: Call) -> bool:
    return call.module is None or getattr(call.module, "padding_mode", "zeros") == "zeros"


def _is_linear(call: Call, taps: Sequence[Taps]) -> bool:
    """Whether zeros give zeros: there is no bias, and padding is no copy of what lies inside."""
    return call.arg("bias", 2) is None and all(window.pads_zeros for window in taps)


def _windowed(
    call: Call,
    weight: Shape,
    windows: list[Window],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: list[int] | tuple[int, ...],
    out: Shape,
    macs: int,
    taps: Sequence[Taps],
    sizing: Sequence[Sizing],
) -> Effect:
    value = call.input
    spatial = len(windows)
    dims = range(len(value.shape) - spatial, len(value.shape))
    channels = dims[0] - 1
    # what lies in the channels has been gathered there: all of an axis (a Linear that someone
    # reshaped), or the inner part of one (space-to-depth, spelled out in views)
    inner = mixing_reaches(value.dimensions, (channels,))
    dimensions = [without_inner_part(carried, inner) for carried in value.dimensions]
    dimensions[channels] = resized((), out[channels])
    whole = tuple(dimensions)
    reaches: dict[int, Reach] = {}
    position: dict[int, int] = {}
    for i, dim in enumerate(dims):
        read, dimensions[dim] = sliding_along(whole, dim, windows[i], out[dim])
        position.update(dict.fromkeys(read, i))
        add_reaches(reaches, read)
    slid = on_axes(value, dims, taps, known=not inner)
    covers = all(
        size == 1 and window.size == n and not pad and not window.start
        for size, window, n, pad in zip(
            out[-spatial:], windows, value.shape[-spatial:], padding, strict=True
        )
    )
    return Effect(
        tuple(dimensions),
        operand_reaches(call, reaches),
        geometry(
            call.axes,
            {axis: weight[2 + i] for axis, i in position.items()},
            {axis: stride[i] for axis, i in position.items()},
            {axis: dilation[i] for axis, i in position.items()},
            {axis: padding[i] for axis, i in position.items()},
        ),
        macs=macs,
        taps=slid,
        zeros=behind_convolution(value, slid, out) if _is_linear(call, slid) else (),
        weights=prod(weight),
        covers_map=covers and max(value.shape[-spatial:]) > 1,
        gathered=reach_per_axis(call.axes, inner) if inner else (),
        sizing={axis: sizing[i] for axis, i in position.items()} if not inner else {},
    )
