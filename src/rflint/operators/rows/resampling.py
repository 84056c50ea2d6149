"""Upsampling, padding, pixel shuffles: what changes the grid without weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any

from rflint.graph.exact import Number
from rflint.graph.layer import Kind
from rflint.graph.sizing import FixedSize, Scaled, Sizing
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.graph.windows import Reach, Resampling, Window, adaptive_window
from rflint.operators import zeros
from rflint.operators.call import Call
from rflint.operators.dimensions import Dimension, Factor, axes_of, length, sole_axis
from rflint.operators.effect import Effect, as_number, geometry, reach_per_axis
from rflint.operators.reaches import on_axes, shuffled_channels, sliding_along
from rflint.operators.regrouping import concatenated, resized, sliced
from rflint.operators.shapes import Shape, ShapeError, check_padding_mode, shape_of, shape_text
from rflint.operators.table import operator
from rflint.operators.values import Value

_NEIGHBOURS = {"nearest": 1, "nearest-exact": 1, "area": 1, "bicubic": 4}
"""How many inputs an interpolated position reads; linear modes read 2."""


def resize_shape(call: Call) -> Shape:
    """The result's shape: the given size, or floor(n * factor)."""
    shape = shape_of(call.input)
    spatial = len(shape) - 2
    size = call.arg("size", 1)
    if size is not None:
        out = _each(size, spatial, int)
    else:
        factors = _each(call.arg("scale_factor", 2), spatial, float)
        out = tuple(floor(n * factor) for n, factor in zip(shape[2:], factors, strict=True))
    if not out or min(out) < 1:
        raise ShapeError(f"its output would be empty ({shape_text(out)})")
    return (*shape[:2], *out)


def _each(value: Any, count: int, convert: type) -> tuple[Any, ...]:
    if isinstance(value, tuple | list):
        if len(value) != count:
            raise ShapeError(f"got {len(value)} sizes for {count} spatial dimensions")
        return tuple(convert(item) for item in value)
    return (convert(value),) * count


@operator(
    *("interpolate", "upsample", "Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"),
    kind=Kind.UPSAMPLE,
    shape=resize_shape,
)
def resize(call: Call) -> Effect:
    """Divides the jump by the factor; linear modes also read the neighbour, bicubic four."""
    mode = str(call.arg("mode", 3, "nearest"))
    neighbours = _NEIGHBOURS.get(mode, 2)
    shape, out = shape_of(call.input), resize_shape(call)
    windows: list[Window] = []
    factors = _factors(call, mode, len(out) - 2)
    for n, m, factor in zip(shape[2:], out[2:], factors, strict=True):
        stride = as_number(Fraction(n, m))
        same = n == m and factor == 1
        size = 1 if same else neighbours
        if mode == "area":
            size = int(adaptive_window(n, m).size)
        # without align_corners, output p lies at input (p + 1/2) * n / m - 1/2
        start = as_number(Fraction(n - m, 2 * m)) - (1 if size == 4 else 0) if size > 1 else 0
        if n > m and size > 1 and mode != "area" and call.arg("antialias", 6, False):
            # the kernel is as wide as in the smaller map
            size = -(-neighbours * n // m)
            start = as_number(Fraction(n, 2 * m) - Fraction(size, 2))
        if mode == "nearest-exact" and n > m and n % m == 0:
            start = n // m // 2  # the middle one of every block, where "nearest" takes the first
        # the given factor need not be that of the sizes, nor the corners of both maps aligned
        exact = same or (size == 1 and m == n * factor and m % n == 0 and mode != "area")
        slack = 0 if exact else 2
        windows.append(Window(min(size, n), stride, start if mode != "area" else 0, slack))
    sizing: list[Sizing]
    if call.arg("size", 1) is None:
        exactly = _each(call.arg("scale_factor", 2), len(shape) - 2, Fraction)
        sizing = [Scaled(factor) for factor in exactly]
    else:
        sizing = [FixedSize(m) for m in out[2:]]
    effect = _regridded(call, windows, out, sizing)
    axes = [sole_axis(dimension) for dimension in effect.dimensions[2:]]
    places = zip(axes, _resampled(call, mode, factors), strict=True)
    moved = {axis: there for axis, there in places if axis is not None}
    return replace(effect, resampling=moved)


def _resampled(call: Call, mode: str, factors: Sequence[float]) -> list[Resampling]:
    """Per dimension, where the positions of the result lie in the input."""
    spatial = slice(2, None)
    found: list[Resampling] = []
    corners = bool(call.arg("align_corners", 4, False))
    for n, m, factor in zip(
        shape_of(call.input)[spatial], resize_shape(call)[spatial], factors, strict=True
    ):
        ratio = Fraction(n, m)
        # factors are floats, of which 1/3 is none
        step = ratio if factor == m / n else 1 / Fraction(factor).limit_denominator(10_000)
        middle = Resampling(as_number(step), as_number((step - 1) / 2))
        if mode == "nearest":
            # the mean over all phases of floor(p * step)
            phases = step.denominator
            found.append(Resampling(as_number(step), Fraction(1 - phases, 2 * phases)))
        elif mode in ("nearest-exact", "area"):
            found.append(middle)
        else:
            between = Fraction(n - 1, m - 1) if m > 1 else Fraction(0)
            ends = Resampling(as_number(between), 0, aligns_corners=True)
            chosen, other = (ends, middle) if corners else (middle, ends)
            found.append(replace(chosen, otherwise=other))
    return found


def _factors(call: Call, mode: str, spatial: int) -> tuple[float, ...]:
    """By how much positions move apart: a factor that is given counts, not what it makes of sizes.

    Where the size is given, or the mode is one that asks for it, they move as the sizes say.
    """
    shape, out = shape_of(call.input), resize_shape(call)
    sizes = tuple(m / n for n, m in zip(shape[2:], out[2:], strict=True))
    recomputed = call.arg("recompute_scale_factor", 5, False)
    if call.arg("size", 1) is not None or mode == "area" or recomputed:
        return sizes
    return _each(call.arg("scale_factor", 2), spatial, float)


def pixel_shuffle_shape(call: Call) -> Shape:
    """The result's shape: fewer channels, more positions."""
    shape, r = shape_of(call.input), int(call.arg("upscale_factor", 1))
    if shape[-3] % (r * r):
        raise ShapeError(f"cannot shuffle {shape[-3]} channels by {r}")
    return (*shape[:-3], shape[-3] // (r * r), shape[-2] * r, shape[-1] * r)


@operator(
    *("pixel_shuffle", "PixelShuffle"),
    kind=Kind.UPSAMPLE,
    shape=pixel_shuffle_shape,
    traits=[Trait.CHANNELS_TO_POSITIONS],
)
def pixel_shuffle(call: Call) -> Effect:
    """Divides the jump; every new position reads one old one."""
    r = int(call.arg("upscale_factor", 1))
    windows = [Window(1, Fraction(1, r), 0)] * 2
    return _regridded(call, windows, pixel_shuffle_shape(call), [Scaled(r)] * 2)


def pixel_unshuffle_shape(call: Call) -> Shape:
    """The result's shape: fewer positions, more channels."""
    shape, r = shape_of(call.input), int(call.arg("downscale_factor", 1))
    if shape[-2] % r or shape[-1] % r:
        raise ShapeError(f"cannot unshuffle a {shape_text(shape[-2:])} map by {r}")
    return (*shape[:-3], shape[-3] * r * r, shape[-2] // r, shape[-1] // r)


@operator("pixel_unshuffle", "PixelUnshuffle", kind=Kind.POOL, shape=pixel_unshuffle_shape)
def pixel_unshuffle(call: Call) -> Effect:
    """A window of r x r with stride r, spread over channels."""
    r = int(call.arg("downscale_factor", 1))
    windows = [Window(r, r, 0)] * 2
    return _regridded(call, windows, pixel_unshuffle_shape(call), [Scaled(Fraction(1, r))] * 2)


def pad_amounts(call: Call) -> list[tuple[int, int]]:
    """Padding before and after for the last dimensions, last dimension first."""
    pads = call.arg("padding", None) if call.module is not None else call.arg("pad", 1)
    if isinstance(pads, int):
        pads = (pads,) * 2 * (len(shape_of(call.input)) - 2)
    return [(int(pads[i]), int(pads[i + 1])) for i in range(0, len(pads), 2)]


def padding_mode(call: Call) -> str:
    """constant, reflect, replicate or circular; modules have the mode in their names."""
    if call.module is None:
        return str(call.arg("mode", 2, "constant"))
    word = call.name.split("Pad")[0]
    modes = {"Reflection": "reflect", "Circular": "circular", "Replication": "replicate"}
    return modes.get(word, "constant")


def _pads_zeros(call: Call) -> bool:
    return padding_mode(call) == "constant" and not call.arg("value", 3, 0)


def pad_shape(call: Call) -> Shape:
    """The result's shape: longer by what is padded; negative padding crops."""
    shape = list(shape_of(call.input))
    mode = padding_mode(call)
    for back, (before, after) in enumerate(pad_amounts(call), start=1):
        check_padding_mode(mode, shape[-back], before, after)
        shape[-back] += before + after
        if shape[-back] < 1:
            raise ShapeError(f"its output would be empty ({shape_text(shape)})")
    return tuple(shape)


@operator(
    "pad",
    *(
        f"{mode}Pad{n}d"
        for mode in ("Zero", "Constant", "Reflection", "Replication", "Circular")
        for n in (1, 2, 3)
    ),
    kind=Kind.PAD,
    shape=pad_shape,
)
def pad(call: Call) -> Effect:
    """Shifts the grid: output p reads input p - before."""
    value: Value = call.input
    dimensions = list(value.dimensions)
    reaches: dict[int, Reach] = {}
    amounts: dict[int, int | None] = {}
    sizing: dict[int, Sizing] = {}
    around = [(0, 0)] * len(dimensions)
    taps: dict[int, Taps] = {}
    for back, (before, after) in enumerate(pad_amounts(call), start=1):
        if not before and not after:
            continue
        size = value.shape[-back]
        if axes_of(value.dimensions[-back]):
            taps[len(dimensions) - back] = Taps(1, size, size + before + after, before=before)
        around[-back] = (before, after)
        dim = len(dimensions) - back
        axis = sole_axis(dimensions[dim])
        if axis is not None:
            reaches[axis] = Window(1, 1, -before)
            amounts[axis] = before
            sizing[axis] = Scaled(1, before + after)
        elif shuffled_channels(value.dimensions, dim) is not None:
            shift = Window(1, 1, -before)
            read, dimensions[dim] = sliding_along(
                value.dimensions, dim, shift, size + before + after
            )
            reaches |= read
            continue
        dimensions[dim] = _padded(dimensions[dim], before, after)
    return Effect(
        tuple(dimensions),
        (reach_per_axis(call.axes, reaches),),
        geometry(call.axes, padding=amounts),
        sizing=sizing,
        # copies of what lies inside are read from there
        taps=on_axes(value, taps, list(taps.values())) if padding_mode(call) == "constant" else (),
        zeros=zeros.padded(value, around, pad_shape(call), zero=_pads_zeros(call)),
        absolute=frozenset(reaches) if padding_mode(call) == "circular" else frozenset(),
    )


def _padded(dimension: Dimension, before: int, after: int) -> Dimension:
    """Longer, or cropped where padding is negative; a later crop finds what was there."""
    kept = sliced(dimension, max(0, -before), length(dimension) + min(0, after))
    around = [() if n <= 0 else (Factor(n),) for n in (before, after)]
    parts = [part for part in (around[0], kept, around[1]) if part]
    return concatenated(parts)


def _regridded(call: Call, windows: list[Window], out: Shape, sizing: Sequence[Sizing]) -> Effect:
    value: Value = call.input
    dimensions = list(value.dimensions)
    channel = len(dimensions) - len(windows) - 1
    dimensions[channel] = resized(dimensions[channel], out[channel])
    reaches: dict[int, Reach] = {}
    kernel: dict[int, Number | None] = {}
    stride: dict[int, Number | None] = {}
    sizes: dict[int, Sizing] = {}
    for i, window in enumerate(windows):
        dim = channel + 1 + i
        axis = sole_axis(dimensions[dim])
        if axis is not None:
            kernel[axis], stride[axis] = window.size, window.stride
            sizes[axis] = sizing[i]
        read, dimensions[dim] = sliding_along(value.dimensions, dim, window, out[dim])
        reaches |= read
    return Effect(
        tuple(dimensions),
        (reach_per_axis(call.axes, reaches),),
        geometry(call.axes, kernel, stride),
        sizing=sizes,
    )
