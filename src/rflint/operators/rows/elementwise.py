"""Operators that write each position from the same position of their inputs.

Normalisation belongs here: its statistics are no feature path (the paper treats batch
normalisation as part of the convolution). So do activations, dropout and arithmetic.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod

from rflint.graph.layer import Kind
from rflint.graph.windows import Extent, Reach, Window
from rflint.operators.call import Call
from rflint.operators.dimensions import (
    Dimension,
    Factor,
    Layout,
    all_axes,
    axes_of,
    lie_alike,
    picked_from,
    sole_axis,
    unpicked,
)
from rflint.operators.effect import Effect, geometry, pointwise, reach_of
from rflint.operators.mixing import displaced, mixed, shuffled
from rflint.operators.shapes import Shape, ShapeError, broadcast, checked_dim, shape_of, show
from rflint.operators.table import operator
from rflint.operators.weights import normalised_channels, stored_shape, weight_of
from rflint.operators.zeros import of_arithmetic, of_function


def same_shape(call: Call) -> Shape:
    """The first tensor's."""
    return shape_of(call.input)


def broadcast_shape(call: Call) -> Shape:
    """PyTorch's broadcasting over all tensors."""
    return broadcast(*(shape_of(tensor) for tensor in call.tensors))


def channel_norm_shape(call: Call) -> Shape:
    """Checks dimensions and the number of channels, which users get wrong, and what is left.

    PyTorch refuses to normalise a single value: a map of one position by its own statistics, or a
    batch of one such map in training.
    """
    shape = shape_of(call.input)
    module = call.module
    _check_values(call, shape)
    if module is not None and call.name[-1] == "d" and call.name[-2].isdigit():
        spatial = call.spatial
        unbatched = call.name.startswith("Instance") or spatial == 1
        if len(shape) != spatial + 2 and not (unbatched and len(shape) == spatial + 1):
            raise ShapeError(f"expects {spatial} spatial dimensions, got an input of {show(shape)}")
        if len(shape) == spatial + 1 and call.name.startswith("Instance"):
            return shape
    if module is not None and len(shape) > 1:
        for expected in normalised_channels(module):
            if expected != shape[1]:
                raise ShapeError(
                    f"expects {expected} channels, got {shape[1]} (input {show(shape)})"
                )
        if shape[1] % int(getattr(module, "num_groups", 1)):
            raise ShapeError(f"{shape[1]} channels do not divide into {module.num_groups} groups")
    return shape


@operator(
    *("batch_norm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"),
    *("instance_norm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
    *("group_norm", "GroupNorm"),
    kind=Kind.NORM,
    shape=channel_norm_shape,
)
def channel_norm(call: Call) -> Effect:
    """Normalisation by channel or by group of channels.

    Batch normalisation takes its statistics from the past, unless it trains or keeps none.
    """
    own = True
    if "batch" in call.name.lower():
        own = bool(call.arg("training", 5, False)) or call.arg("running_mean", 1) is None
    statistics = all_axes(call.input.layout) if own else frozenset[int]()
    return replace(pointwise(call, call.input.layout), statistics=statistics)


def subtracts_mean(call: Call) -> bool:
    """Whether a normalisation subtracts from every channel its own mean, whatever that is.

    So do batch normalisation while it trains, instance normalisation, and group normalisation with
    one channel a group.
    """
    name = call.name.lower()
    if "batch" in name:
        return call.module is not None or bool(call.arg("training", 5, False))
    if "instance" in name:
        return True
    if name in ("group_norm", "groupnorm"):
        return int(call.arg("num_groups", 1, 0)) == shape_of(call.input)[1]
    return False


_MOST_ARGUMENTS = 8
"""Of the functions that check their input; those of ATen have one more, and check nothing."""


def _check_values(call: Call, shape: Shape) -> None:
    name = call.name.lower()
    if call.module is None and len(call.args) + len(call.kwargs) > _MOST_ARGUMENTS:
        return
    if "instance" in name:
        by_input = call.module is not None and not call.module.track_running_stats
        if call.module is None:
            by_input = bool(call.arg("use_input_stats", 5, True))
        batched = call.module is None or len(shape) == call.spatial + 2
        positions = prod(shape[2 if batched else 1 :])
        if positions == 1 and (by_input or getattr(call.module, "training", False)):
            raise ShapeError(
                "it normalises a map by its own statistics, and there is one position left, which "
                "PyTorch refuses; larger inputs, or a downsampling less, leave more"
            )
    elif "batch" in name and len(shape) > 1 and shape[0] * prod(shape[2:]) == 1:
        trains = getattr(call.module, "training", call.arg("training", 5, False))
        if trains:
            raise ShapeError(
                "in training it normalises over the batch, and there is one value for each "
                "channel, which PyTorch refuses; larger batches or inputs leave more"
            )


def layer_norm_shape(call: Call) -> Shape:
    """Checks the trailing dimensions that are normalised together."""
    shape = shape_of(call.input)
    wanted = call.arg("normalized_shape", 1)
    trailing = (wanted,) if isinstance(wanted, int) else tuple(wanted)
    if shape[len(shape) - len(trailing) :] != trailing:
        raise ShapeError(f"expects trailing dimensions {show(trailing)}, got {show(shape)}")
    if call.module is not None and (stored_shape(call.module, "weight") or trailing) != trailing:
        raise ShapeError(f"its weight does not fit what it normalises, {show(trailing)}")
    return shape


@operator("layer_norm", "LayerNorm", "rms_norm", "RMSNorm", kind=Kind.NORM, shape=layer_norm_shape)
def layer_norm(call: Call) -> Effect:
    """Normalisation over trailing dimensions."""
    wanted = call.arg("normalized_shape", 1)
    trailing = 1 if isinstance(wanted, int) else len(tuple(wanted))
    layout = call.input.layout
    statistics = all_axes(layout[len(layout) - trailing :])
    return replace(pointwise(call, layout), statistics=statistics)


@operator(
    *("renorm", "normalize", "local_response_norm", "LocalResponseNorm", "CrossMapLRN2d"),
    kind=Kind.NORM,
    shape=same_shape,
)
def channel_neighbours_norm(call: Call) -> Effect:
    """Normalisation over all or neighbouring channels."""
    layout = call.input.layout
    neighbours = "local" in call.name.lower() or call.name == "CrossMapLRN2d"
    statistics = frozenset[int]() if neighbours else all_axes(layout)
    return replace(pointwise(call, layout), statistics=statistics)


@operator(
    *("relu", "ReLU", "relu6", "ReLU6", "leaky_relu", "LeakyReLU", "elu", "ELU", "celu", "CELU"),
    *("selu", "SELU", "gelu", "GELU", "silu", "SiLU", "mish", "Mish", "softplus", "Softplus"),
    *("softsign", "Softsign", "tanhshrink", "Tanhshrink", "hardshrink", "Hardshrink"),
    *("softshrink", "Softshrink", "threshold", "Threshold", "logsigmoid", "LogSigmoid"),
    *("hardswish", "Hardswish", "sigmoid", "Sigmoid", "hardsigmoid", "Hardsigmoid"),
    *("tanh", "Tanh", "hardtanh", "Hardtanh", "rrelu", "RReLU", "log_sigmoid"),
    *("exp", "log", "log1p", "expm1", "sqrt", "rsqrt", "abs", "neg", "square", "reciprocal"),
    *("sin", "cos", "erf", "sign", "floor", "ceil", "round", "trunc", "frac", "exp2", "log2"),
    *("clamp", "clip", "clamp_min", "clamp_max", "nan_to_num", "logit", "sinh", "cosh", "atan"),
    *("isnan", "isfinite", "isinf", "logical_not", "bitwise_not", "zero", "fill", "invert"),
    *("tan", "asin", "acos", "asinh", "acosh", "atanh", "erfc", "erfinv", "lgamma", "digamma"),
    *("sinc", "rad2deg", "deg2rad", "signbit", "sgn", "absolute", "negative", "special_expit"),
    *("angle", "conj", "conj_physical", "resolve_conj", "resolve_neg", "real", "imag"),
    *("log10", "i0", "mvlgamma", "polygamma", "isneginf", "isposinf", "isreal", "index_fill"),
    *(f"special_{name}" for name in ("entr", "erfcx", "i0e", "i1", "i1e", "log_ndtr", "ndtr")),
    *("special_ndtri", "special_spherical_bessel_j0", "poisson", "cauchy", "geometric", "isin"),
    *("normal", "uniform", "exponential", "random", "fill_diagonal"),
    kind=Kind.ACTIVATION,
    shape=same_shape,
)
def activation(call: Call) -> Effect:
    """A function of one number."""
    return replace(pointwise(call, call.input.layout), zeros=of_function(call))


def prelu_shape(call: Call) -> Shape:
    """One slope, or one for each channel."""
    shape = shape_of(call.input)
    if call.module is not None:
        slopes = prod(weight_of(call.module, (int(call.module.num_parameters),)))
    else:
        slopes = prod(shape_of(call.arg("weight", 1)))
    channels = shape[1] if len(shape) > 1 else 1
    if slopes not in (1, channels):
        raise ShapeError(f"has {slopes} slopes for {channels} channels (input {show(shape)})")
    return shape


@operator("prelu", "PReLU", kind=Kind.ACTIVATION, shape=prelu_shape)
def prelu(call: Call) -> Effect:
    """A leaky ReLU whose slope is a parameter."""
    return replace(pointwise(call, call.input.layout), zeros=of_function(call))


@operator(
    *("dropout", "Dropout", "dropout1d", "Dropout1d", "dropout2d", "Dropout2d", "dropout3d"),
    *("Dropout3d", "alpha_dropout", "AlphaDropout", "feature_alpha_dropout"),
    *("FeatureAlphaDropout", "identity", "Identity", "clone", "contiguous", "detach", "data"),
    *(
        "to",
        "type",
        "type_as",
        "float",
        "half",
        "bfloat16",
        "double",
        "cuda",
        "cpu",
        "requires_grad",
    ),
    *("byte", "char", "short", "cfloat", "cdouble", "chalf"),
    *("positive", "alias", "bernoulli", "pos", "long", "int", "bool"),
    kind=Kind.RESHAPE,
    shape=same_shape,
)
def unchanged(call: Call) -> Effect:
    """What passes its input through, as far as a receptive field goes."""
    return replace(pointwise(call, call.input.layout), zeros=of_function(call))


@operator(
    *("add", "radd", "iadd", "sub", "rsub", "isub", "subtract", "div", "rdiv", "idiv", "truediv"),
    *("rtruediv", "itruediv", "divide", "true_divide", "floor_divide", "floordiv", "rfloordiv"),
    *(
        "pow",
        "rpow",
        "ipow",
        "remainder",
        "mod",
        "rmod",
        "fmod",
        "lerp",
        "gcd",
        "lcm",
        "addcmul",
        "addcdiv",
    ),
    *("maximum", "minimum", "fmax", "fmin", "where", "masked_fill", "atan2"),
    *("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "isclose"),
    *(
        "and",
        "or",
        "xor",
        "rand",
        "ror",
        "rxor",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "copysign",
        "hypot",
        "copy",
        "xlogy",
        "logaddexp",
        "logaddexp2",
        "ldexp",
        "float_power",
        "heaviside",
        "polar",
        "complex",
        "lshift",
        "rshift",
        *("igamma", "igammac", "nextafter", "special_xlog1py", "special_zeta"),
    ),
    *("quantized::add", "quantized::add_relu"),
    kind=Kind.ARITHMETIC,
    shape=broadcast_shape,
)
def arithmetic(call: Call) -> Effect:
    """Position by position, with broadcasting."""
    return broadcasting(call)


@operator(
    "mul", "rmul", "imul", "multiply", "quantized::mul", kind=Kind.ARITHMETIC, shape=broadcast_shape
)
def multiplication(call: Call) -> Effect:
    """Arithmetic too; a row of its own because attention gates end here."""
    return broadcasting(call)


def glu_shape(call: Call) -> Shape:
    """One dimension is halved."""
    shape = list(shape_of(call.input))
    dim = checked_dim(int(call.arg("dim", 1, -1)), len(shape))
    if shape[dim] % 2:
        raise ShapeError(f"cannot halve dimension {dim} of {show(shape)}")
    shape[dim] //= 2
    return tuple(shape)


@operator("glu", "GLU", kind=Kind.ACTIVATION, shape=glu_shape)
def glu(call: Call) -> Effect:
    """One half of the channels, gated by the sigmoid of the other."""
    value, shape = call.input, glu_shape(call)
    dim = checked_dim(int(call.arg("dim", 1, -1)), len(shape))
    layout = list(value.layout)
    axes = axes_of(layout[dim])
    layout[dim] = (Factor(shape[dim], tuple(sorted(axes))),)
    reach = reach_of(call.axes, dict.fromkeys(axes, Extent.UNKNOWN))
    return Effect(tuple(layout), (reach,), geometry(call.axes))


def softmax_dim(call: Call) -> int:
    """The dimension that softmax works on; legacy calls leave it out."""
    dim = call.arg("dim", 1)
    rank = len(shape_of(call.input))
    if dim is None:
        dim = 0 if rank in (0, 1, 3) else 1
    return checked_dim(int(dim), rank)


def softmax_shape(call: Call) -> Shape:
    """The input's, if there is the dimension to work on."""
    softmax_dim(call)
    return shape_of(call.input)


@operator(
    *("softmax", "Softmax", "log_softmax", "LogSoftmax", "softmin", "Softmin", "gumbel_softmax"),
    kind=Kind.ACTIVATION,
    shape=softmax_shape,
)
def softmax(call: Call) -> Effect:
    """Pointwise over channels; over positions it reads all of them.

    In a table of scores positions lie along two dimensions, queries and keys. There the product
    with the values counts what is mixed, and counting it here as well would count it twice.
    """
    layout, dim = call.input.layout, softmax_dim(call)
    compares = any(axes_of(carried) and carried == layout[dim] for carried in _without(layout, dim))
    reaches = {} if compares else mixed(layout, (dim,), layout)
    return Effect(layout, (reach_of(call.axes, reaches),), geometry(call.axes))


def _without(layout: Layout, dim: int) -> Layout:
    return layout[:dim] + layout[dim + 1 :]


@operator("Softmax2d", kind=Kind.ACTIVATION, shape=same_shape)
def softmax2d(call: Call) -> Effect:
    """Softmax over the channels of every position."""
    return pointwise(call, call.input.layout)


def broadcasting(call: Call) -> Effect:
    """Every operand is read at the position that is written; what is broadcast, everywhere."""
    values = call.data
    shape = broadcast(*(value.shape for value in call.tensors))
    layout = broadcast_layout(shape, [value.layout for value in values])
    grid = all_axes(unpicked(layout))
    reaches = tuple(
        reach_of(
            call.axes,
            _spread(value.layout, shape[len(shape) - len(value.layout) :], grid)
            | _aligned(value.layout, layout[len(shape) - len(value.layout) :])
            | displaced(value.layout, layout),
        )
        for value in values
    )
    moves = not lie_alike(layout, [value.layout for value in values])
    zeros = of_arithmetic(call, shape)
    return Effect(layout, reaches, geometry(call.axes), moves=moves, zeros=zeros)


def _spread(layout: Layout, shape: Shape, grid: frozenset[int]) -> dict[int, Reach]:
    """Axes of which a single position is broadcast over many: all of them read all there is.

    `grid` are the axes that the result has; a frame that was picked may be added to all frames.
    """
    one = picked_from(layout)
    reaches: dict[int, Reach] = {
        axis: Extent.GLOBAL
        for carried, size in zip(unpicked(layout), shape, strict=True)
        if size > 1 and all(factor.size == 1 for factor in carried)
        for axis in axes_of(carried)
    }
    if one is not None:
        reaches |= {axis: Extent.GLOBAL for axis in one.axes if axis in grid}
    return reaches


def _aligned(layout: Layout, there: Layout) -> dict[int, Reach]:
    """Axes of which an operand has fewer positions than it meets: one for several of them.

    That is one for every window of a partition (its mean, subtracted from it), or one for all the
    positions that its channels were moved between, next to a map that has them already.
    """
    reaches: dict[int, Reach] = {}
    for dim, (carried, other) in enumerate(zip(layout, there, strict=True)):
        moved = shuffled(layout, dim)
        if carried == other:
            continue
        if moved is not None and sole_axis(other) == moved[0]:
            reaches[moved[0]] = Window(1, Fraction(1, moved[1]), 0)
        axis = sole_axis(carried)
        if axis is not None and len(other) == 1 and other[0].axes == (axis,) and other[0].step > 1:
            reaches[axis] = Window(1, Fraction(1, other[0].step), 0)
    return reaches


def broadcast_layout(shape: Shape, layouts: list[Layout]) -> Layout:
    """Per dimension, what the operand carries that is not broadcast along it."""
    result: list[Dimension] = []
    for back in range(len(shape), 0, -1):
        size = shape[-back]
        carried = [layout[-back] for layout in layouts if len(layout) >= back]
        fitting = [c for c in carried if prod(factor.size for factor in c) == size]
        spatial = [c for c in fitting if axes_of(c)]
        # of a split axis, rather one that still has its inner part
        spatial.sort(key=_coarseness)
        result.append((spatial or fitting or [(Factor(size),)])[0])
    return tuple(result)


def _coarseness(dimension: Dimension) -> tuple[int, bool]:
    steps = [factor.step for factor in dimension if factor.axes]
    return -max(steps), any(not factor.axes for factor in dimension)
