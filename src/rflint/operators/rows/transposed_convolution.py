"""Transposed convolutions, 1-d to 3-d, as modules and as functions."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from rflint.graph.layer import Kind
from rflint.graph.sizing import Scaled
from rflint.graph.taps import Taps
from rflint.graph.windows import Window
from rflint.operators.call import Call
from rflint.operators.effect import Effect
from rflint.operators.rows.convolution import (
    checked_input,
    sliding_effect,
    weight_shape,
)
from rflint.operators.shapes import (
    Shape,
    ShapeError,
    per_axis,
    shape_of,
    shape_text,
)
from rflint.operators.table import operator


def conv_transpose_shape(call: Call) -> Shape:
    """(n - 1) * stride - 2 * padding + K + output_padding per axis."""
    weight = weight_shape(call)
    spatial = len(weight) - 2
    shape = checked_input(call, weight, weight[0])
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
    weight = weight_shape(call)
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
    return sliding_effect(call, weight, windows, stride, dilation, padding, out, macs, taps, sizing)


def _transposed_extent(k: int, s: int, d: int) -> int:
    """Inputs spanned by one output position, the widest over the s output phases."""
    widest = 1
    for phase in range(s):
        taps = [tap * d for tap in range(k) if (tap * d) % s == phase]
        if taps:
            widest = max(widest, (taps[-1] - taps[0]) // s + 1)
    return widest
