"""Convolutions, 1-d to 3-d, as modules and as functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from rflint.graph.layer import Kind
from rflint.graph.sizing import Sizing, Sliding
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.graph.windows import Reach, Window
from rflint.operators.call import Call
from rflint.operators.effect import Effect, geometry, reach_per_axis
from rflint.operators.reaches import (
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


def weight_shape(call: Call) -> Shape:
    """The shape of the weight; of a module, of the one that it has now."""
    if call.module is None:
        return shape_of(call.arg("weight", 1))
    return convolution_weight(call.module)


def slid_dimensions(call: Call) -> range:
    """The dimensions of its input that a convolution slides over: the last ones."""
    rank = len(call.input.shape)
    return range(rank - (len(weight_shape(call)) - 2), rank)


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


def checked_input(call: Call, weight: Shape, channels: int) -> Shape:
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
    """The result's shape: floor((n + padding - K) / stride) + 1 per axis."""
    weight = weight_shape(call)
    spatial = len(weight) - 2
    groups = int(call.arg("groups", 6, 1))
    shape = checked_input(call, weight, weight[1] * groups)
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
    weight = weight_shape(call)
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
    effect = sliding_effect(
        call, weight, windows, stride, dilation, before, out, macs, taps, sizing
    )
    if getattr(call.module, "padding_mode", "zeros") != "circular":
        return effect
    padded = {window.axis for window, pad in zip(effect.taps, pads, strict=True) if any(pad)}
    return replace(effect, absolute=frozenset(axis for axis in padded if axis is not None))


def _pads_with_zeros(call: Call) -> bool:
    return call.module is None or getattr(call.module, "padding_mode", "zeros") == "zeros"


def _is_linear(call: Call, taps: Sequence[Taps]) -> bool:
    """Whether zeros give zeros: there is no bias, and padding is no copy of what lies inside."""
    return call.arg("bias", 2) is None and all(window.pads_zeros for window in taps)


def sliding_effect(
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
    """The effect of windows that slide over a map and have weights; an argument a dimension."""
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
