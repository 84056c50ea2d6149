"""Fourier transforms: every coefficient reads all positions along the transformed dimensions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from rflint.graph.layer import Kind
from rflint.graph.sizing import FixedSize, Scaled, Sizing
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.graph.windows import Window
from rflint.operators.call import Call
from rflint.operators.dimensions import Factor, all_axes, sole_axis
from rflint.operators.effect import Effect, as_number, geometry, pointwise, reach_per_axis
from rflint.operators.reaches import mixing_geometry, mixing_reaches, on_axes, sliding_along
from rflint.operators.regrouping import at_lengths
from rflint.operators.shapes import Shape, ShapeError, shape_of, shape_text
from rflint.operators.table import operator

_ONE = ("fft_fft", "fft_ifft", "fft_rfft", "fft_irfft", "fft_hfft", "fft_ihfft")
_TWO = ("fft_fft2", "fft_ifft2", "fft_rfft2", "fft_irfft2", "fft_hfft2", "fft_ihfft2")
_MANY = ("fft_fftn", "fft_ifftn", "fft_rfftn", "fft_irfftn", "fft_hfftn", "fft_ihfftn")


def _is_inverse(name: str) -> bool:
    return name.startswith("fft_i")


@operator(
    *(name for name in (*_ONE, *_TWO, *_MANY) if not _is_inverse(name)),
    kind=Kind.MIX,
    traits=[Trait.SPECTRAL, Trait.FOURIER, Trait.READS_EVERYTHING],
)
@operator(
    *(name for name in (*_ONE, *_TWO, *_MANY) if _is_inverse(name)),
    kind=Kind.MIX,
    traits=[Trait.SPECTRAL, Trait.INVERSE_FOURIER, Trait.READS_EVERYTHING],
)
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
    reaches = mixing_reaches(value.dimensions, chosen, value.dimensions)
    dimensions = at_lengths(value.dimensions, shape)
    return Effect(
        dimensions, (reach_per_axis(call.axes, reaches),), mixing_geometry(call.axes, reaches)
    )


@operator(
    *("fft_fftshift", "fft_ifftshift"),
    kind=Kind.SLICE,
    traits=[Trait.SPECTRAL, Trait.READS_EVERYTHING],
)
def shift(call: Call) -> Effect:
    """Moves the zero frequency; as far as receptive fields go, nothing happens."""
    dimensions = call.input.dimensions
    return replace(pointwise(call, dimensions), reorders_positions=bool(all_axes(dimensions)))


@operator("stft", kind=Kind.POOL, traits=[Trait.SPECTRAL])
def stft(call: Call) -> Effect:
    """Windows of n_fft samples, hop_length apart, each turned into a spectrum."""
    value, shape = call.input, shape_of(call.result)
    size = int(call.arg("n_fft", 1))
    hop = int(call.arg("hop_length", 2) or size // 4)
    centred = bool(call.arg("center", 5, True))
    last = len(value.dimensions) - 1
    window = Window(size, hop, -(size // 2) if centred else 0)
    reaches, carried = sliding_along(value.dimensions, last, window, shape[last + 1])
    dimensions = (*value.dimensions[:last], (Factor(shape[last]),), carried)
    dimensions += tuple((Factor(n),) for n in shape[last + 2 :])
    before = size // 2 if centred else 0
    # at the ends there are copies of what lies inside, mirrored
    taps = Taps(
        size, value.shape[last], shape[last + 1], hop, before=before, pads_zeros=not centred
    )
    return Effect(
        dimensions,
        (reach_per_axis(call.axes, reaches),),
        mixing_geometry(call.axes, reaches),
        taps=on_axes(value, (last,), (taps,)),
    )


class _Frames:
    """How the frames of an inverse transform lie: output p reads frames around p / hop."""

    def __init__(self, call: Call) -> None:
        self.size = int(call.arg("n_fft", 1))
        self.hop = int(call.arg("hop_length", 2) or self.size // 4)
        centred = bool(call.arg("center", 5, True))
        self.trimmed = self.size // 2 if centred else 0
        frames = shape_of(call.input)[-1]
        covered = self.size + self.hop * (frames - 1) - 2 * self.trimmed
        self.length = int(call.arg("length", 8) or covered)


def istft_shape(call: Call) -> Shape:
    """As many samples as the frames cover, or as one asks for."""
    shape = shape_of(call.input)
    size = int(call.arg("n_fft", 1))
    onesided = call.arg("onesided", 7)
    bins = size // 2 + 1 if onesided is not False else size
    if len(shape) < 2 or shape[-2] not in (bins, size):
        raise ShapeError(f"expects {bins} frequencies, got a spectrum of {shape_text(shape)}")
    return (*shape[:-2], _Frames(call).length)


@operator("istft", kind=Kind.UPSAMPLE, shape=istft_shape)
def istft(call: Call) -> Effect:
    """Overlapping windows, added: a transposed convolution over frames that reads every frequency.

    Dividing by the sum of the windows is nothing to a receptive field.
    """
    value, frames = call.input, _Frames(call)
    hop, rank = frames.hop, len(value.dimensions)
    size = -(-frames.size // hop)
    window = Window(size, as_number(Fraction(1, hop)), frames.trimmed // hop - size + 1)
    reaches, carried = sliding_along(value.dimensions, rank - 1, window, frames.length)
    axis = sole_axis(carried)
    reaches |= mixing_reaches(value.dimensions, (rank - 2,))
    sizing: dict[int, Sizing] = {}
    if axis is not None:
        extra = frames.length - hop * shape_of(value)[-1]
        given = call.arg("length", 8) is not None
        sizing[axis] = FixedSize(frames.length) if given else Scaled(hop, extra)
    return Effect(
        (*value.dimensions[:-2], carried),
        (reach_per_axis(call.axes, reaches),),
        mixing_geometry(call.axes, reaches),
        sizing=sizing,
    )


@operator("view_as_complex", "view_as_real", kind=Kind.RESHAPE)
def complex_view(call: Call) -> Effect:
    """A last dimension of two, real and imaginary, goes or comes."""
    dimensions = call.input.dimensions
    gone = call.name == "view_as_complex"
    reaches = mixing_reaches(dimensions, (len(dimensions) - 1,)) if gone else {}
    dimensions = dimensions[:-1] if gone else (*dimensions, (Factor(2),))
    return Effect(dimensions, (reach_per_axis(call.axes, reaches),), geometry(call.axes))
