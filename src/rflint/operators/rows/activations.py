"""Activations: functions of one number, and the few that compare the numbers of a position."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.graph.windows import Extent
from rflint.operators.broadcasting import same_shape
from rflint.operators.call import Call
from rflint.operators.dimensions import Dimensions, Factor, axes_of
from rflint.operators.effect import Effect, geometry, pointwise, reach_per_axis
from rflint.operators.reaches import mixing_reaches
from rflint.operators.shapes import Shape, ShapeError, checked_dim, shape_of, shape_text
from rflint.operators.table import operator
from rflint.operators.weights import weight_of


@operator(
    *("relu", "ReLU", "leaky_relu", "LeakyReLU", "elu", "ELU", "celu", "CELU", "selu", "SELU"),
    *("gelu", "GELU", "silu", "SiLU", "mish", "Mish", "softsign", "Softsign"),
    *("tanhshrink", "Tanhshrink", "hardshrink", "Hardshrink", "softshrink", "Softshrink"),
    *("hardswish", "Hardswish", "rrelu", "RReLU"),
    *("abs", "absolute", "neg", "negative", "sign", "sgn", "square", "sqrt", "expm1", "log1p"),
    *("sin", "tan", "asin", "atan", "sinh", "asinh", "atanh", "erf", "rad2deg", "deg2rad"),
    *("floor", "ceil", "round", "trunc", "frac", "nan_to_num", "conj", "real", "imag"),
    kind=Kind.ACTIVATION,
    shape=same_shape,
)
@operator(
    *("tanh", "Tanh", "relu6", "ReLU6"),
    kind=Kind.ACTIVATION,
    shape=same_shape,
    traits=[Trait.BOUNDED],
)
def zero_at_zero(call: Call) -> Effect:
    """A function of every number by itself that is zero at zero."""
    return replace(pointwise(call, call.input.dimensions), zeros=call.input.zeros)


@operator(
    *("sigmoid", "Sigmoid", "hardsigmoid", "Hardsigmoid"),
    kind=Kind.ACTIVATION,
    shape=same_shape,
    traits=[Trait.BOUNDED],
)
@operator(
    *("softplus", "Softplus", "threshold", "Threshold", "logsigmoid", "LogSigmoid", "log_sigmoid"),
    *("exp", "exp2", "log", "log2", "log10", "rsqrt", "reciprocal", "logit", "special_expit"),
    *("cos", "acos", "cosh", "acosh", "erfc", "erfinv", "lgamma", "digamma", "sinc", "i0"),
    *("mvlgamma", "polygamma", "angle", "conj_physical", "resolve_conj", "resolve_neg"),
    *("isnan", "isfinite", "isinf", "isneginf", "isposinf", "isreal", "isin", "signbit"),
    *("logical_not", "bitwise_not", "invert", "zero", "fill", "index_fill", "fill_diagonal"),
    *(f"special_{name}" for name in ("entr", "erfcx", "i0e", "i1", "i1e", "log_ndtr", "ndtr")),
    *("special_ndtri", "special_spherical_bessel_j0"),
    *("normal", "uniform", "exponential", "random", "poisson", "cauchy", "geometric"),
    kind=Kind.ACTIVATION,
    shape=same_shape,
)
def activation(call: Call) -> Effect:
    """A function of every number by itself."""
    return pointwise(call, call.input.dimensions)


_BOUNDS = {
    "hardtanh": (("min_val", -1.0), ("max_val", 1.0)),
    "Hardtanh": (("min_val", -1.0), ("max_val", 1.0)),
    "clamp": (("min", None), ("max", None)),
    "clip": (("min", None), ("max", None)),
    "clamp_min": (("min", None), ("", None)),
    "clamp_max": (("", None), ("max", None)),
}
"""What the least and the greatest number are called, and what they are if they are not given."""


@operator(
    *("hardtanh", "Hardtanh", "clamp", "clip"),
    kind=Kind.ACTIVATION,
    shape=same_shape,
    traits=[Trait.BOUNDED],
)
@operator("clamp_min", "clamp_max", kind=Kind.ACTIVATION, shape=same_shape)
def clamp(call: Call) -> Effect:
    """Every number brought between two bounds; zeros stay zeros if they lie between them."""
    (low, lowest), (high, highest) = _BOUNDS[call.name]
    least = call.arg(low, 1, lowest) if low else None
    greatest = call.arg(high, 2 if low else 1, highest) if high else None
    numbers = all(bound is None or isinstance(bound, int | float) for bound in (least, greatest))
    keeps_zeros = numbers and (least or 0) <= 0 <= (greatest or 0)
    return replace(
        pointwise(call, call.input.dimensions), zeros=call.input.zeros if keeps_zeros else ()
    )


def prelu_shape(call: Call) -> Shape:
    """The input's shape; checks that there is one slope, or one for each channel."""
    shape = shape_of(call.input)
    if call.module is not None:
        slopes = prod(weight_of(call.module, (int(call.module.num_parameters),)))
    else:
        slopes = prod(shape_of(call.arg("weight", 1)))
    channels = shape[1] if len(shape) > 1 else 1
    if slopes not in (1, channels):
        raise ShapeError(f"has {slopes} slopes for {channels} channels (input {shape_text(shape)})")
    return shape


@operator("prelu", "PReLU", kind=Kind.ACTIVATION, shape=prelu_shape)
def prelu(call: Call) -> Effect:
    """A leaky ReLU whose slope is a parameter."""
    return replace(pointwise(call, call.input.dimensions), zeros=call.input.zeros)


def glu_shape(call: Call) -> Shape:
    """The input's shape with one dimension halved."""
    shape = list(shape_of(call.input))
    dim = checked_dim(int(call.arg("dim", 1, -1)), len(shape))
    if shape[dim] % 2:
        raise ShapeError(f"cannot halve dimension {dim} of {shape_text(shape)}")
    shape[dim] //= 2
    return tuple(shape)


@operator("glu", "GLU", kind=Kind.ACTIVATION, shape=glu_shape, traits=[Trait.MIXES_CHANNELS])
def glu(call: Call) -> Effect:
    """One half of the channels, gated by the sigmoid of the other."""
    value, shape = call.input, glu_shape(call)
    dim = checked_dim(int(call.arg("dim", 1, -1)), len(shape))
    dimensions = list(value.dimensions)
    axes = axes_of(dimensions[dim])
    dimensions[dim] = (Factor(shape[dim], tuple(sorted(axes))),)
    reach = reach_per_axis(call.axes, dict.fromkeys(axes, Extent.UNKNOWN))
    return Effect(tuple(dimensions), (reach,), geometry(call.axes))


def softmax_dim(call: Call) -> int:
    """The dimension that softmax works on; old code leaves it out."""
    dim = call.arg("dim", 1)
    rank = len(shape_of(call.input))
    if dim is None:
        dim = 0 if rank in (0, 1, 3) else 1
    return checked_dim(int(dim), rank)


def softmax_shape(call: Call) -> Shape:
    """The input's shape; checks that it has the dimension to work on."""
    softmax_dim(call)
    return shape_of(call.input)


@operator(
    *("softmax", "Softmax"),
    kind=Kind.ACTIVATION,
    shape=softmax_shape,
    traits=[Trait.BOUNDED, Trait.MIXES_CHANNELS],
)
@operator(
    *("log_softmax", "LogSoftmax", "softmin", "Softmin", "gumbel_softmax"),
    kind=Kind.ACTIVATION,
    shape=softmax_shape,
    traits=[Trait.MIXES_CHANNELS],
)
def softmax(call: Call) -> Effect:
    """Pointwise over channels; over positions it reads all of them.

    In a table of scores positions lie along two dimensions, queries and keys. There the product
    with the values counts what is mixed, and counting it here as well would count it twice.
    """
    dimensions, dim = call.input.dimensions, softmax_dim(call)
    compares = any(
        axes_of(carried) and carried == dimensions[dim] for carried in _without(dimensions, dim)
    )
    reaches = {} if compares else mixing_reaches(dimensions, (dim,), dimensions)
    return Effect(
        dimensions,
        (reach_per_axis(call.axes, reaches),),
        geometry(call.axes),
        normalised_over=shape_of(call.input)[dim],
    )


def _without(dimensions: Dimensions, dim: int) -> Dimensions:
    return dimensions[:dim] + dimensions[dim + 1 :]


@operator(
    "Softmax2d",
    kind=Kind.ACTIVATION,
    shape=same_shape,
    traits=[Trait.BOUNDED, Trait.MIXES_CHANNELS],
)
def softmax2d(call: Call) -> Effect:
    """Softmax over the channels of every position."""
    return replace(pointwise(call, call.input.dimensions), normalised_over=shape_of(call.input)[-3])
