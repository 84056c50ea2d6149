"""Fourier transforms: every coefficient reads all positions along the transformed dimensions."""

from __future__ import annotations

from dataclasses import replace

from rflint.architecture import Kind, Window
from rflint.taps import Taps
from rflint.tracing.layout import Factor, all_axes, at_lengths
from rflint.tracing.operators.mixing import along, located, mixed, mixing_geometry
from rflint.tracing.operators.table import (
    Call,
    Effect,
    geometry,
    operator,
    pointwise,
    reach_of,
    shape_of,
)

_ONE = ("fft_fft", "fft_ifft", "fft_rfft", "fft_irfft", "fft_hfft", "fft_ihfft")
_TWO = ("fft_fft2", "fft_ifft2", "fft_rfft2", "fft_irfft2")
_MANY = ("fft_fftn", "fft_ifftn", "fft_rfftn", "fft_irfftn")


@operator(*_ONE, *_TWO, *_MANY, kind=Kind.MIX)
def fourier(call: Call) -> Effect:
    """Mixes the transformed dimensions; coefficients take the places of positions."""
    value, shape = call.input, shape_of(call.result)
    rank = len(shape)
    default = {_ONE: -1, _TWO: (-2, -1)}
    dims = call.arg("dim", 2, next((d for names, d in default.items() if call.name in names), None))
    if dims is None:
        sizes = call.arg("s", 1)
        dims = range(rank) if sizes is None else range(rank - len(sizes), rank)
    chosen = {d % rank for d in ((dims,) if isinstance(dims, int) else dims)}
    reaches = mixed(value.layout, chosen, value.layout)
    layout = at_lengths(value.layout, shape)
    return Effect(layout, (reach_of(call.axes, reaches),), mixing_geometry(call.axes, reaches))


@operator("fft_fftshift", "fft_ifftshift", kind=Kind.SLICE)
def shift(call: Call) -> Effect:
    """Moves the zero frequency; as far as receptive fields go, nothing happens."""
    layout = call.input.layout
    return replace(pointwise(call, layout), moves=bool(all_axes(layout)))


@operator("stft", kind=Kind.POOL)
def stft(call: Call) -> Effect:
    """Windows of n_fft samples, hop_length apart, each turned into a spectrum."""
    value, shape = call.input, shape_of(call.result)
    size = int(call.arg("n_fft", 1))
    hop = int(call.arg("hop_length", 2) or size // 4)
    centred = bool(call.arg("center", 5, True))
    last = len(value.layout) - 1
    window = Window(size, hop, -(size // 2) if centred else 0)
    reaches, carried = along(value.layout, last, window, shape[last + 1])
    layout = (*value.layout[:last], (Factor(shape[last]),), carried)
    layout += tuple((Factor(n),) for n in shape[last + 2 :])
    before = size // 2 if centred else 0
    # at the ends there are copies of what lies inside, mirrored
    taps = Taps(
        size, value.shape[last], shape[last + 1], hop, before=before, pads_zeros=not centred
    )
    return Effect(
        layout,
        (reach_of(call.axes, reaches),),
        mixing_geometry(call.axes, reaches),
        taps=located(value, (last,), (taps,)),
    )


@operator("view_as_complex", "view_as_real", kind=Kind.RESHAPE)
def complex_view(call: Call) -> Effect:
    """A last dimension of two, real and imaginary, goes or comes."""
    layout = call.input.layout
    gone = call.name == "view_as_complex"
    reaches = mixed(layout, (len(layout) - 1,)) if gone else {}
    layout = layout[:-1] if gone else (*layout, (Factor(2),))
    return Effect(layout, (reach_of(call.axes, reaches),), geometry(call.axes))
