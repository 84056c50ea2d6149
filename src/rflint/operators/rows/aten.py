"""ATen's own operators, as they stand in exported graphs, traced TorchScript and torch.ops.aten.

Most ATen operators are called like the functions of torch and need no row of their own. These are
not, or take their arguments in another order, which is that of the ATen schemas here.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.operators.broadcasting import same_shape
from rflint.operators.call import Call
from rflint.operators.dimensions import all_axes
from rflint.operators.effect import Effect, pointwise
from rflint.operators.rearranging import as_view
from rflint.operators.rows import (
    convolution,
    indexing,
    lookup,
    normalisation,
    reduction,
    resampling,
    transposed_convolution,
    views,
)
from rflint.operators.shapes import Shape, shape_of
from rflint.operators.table import operator


def _as_function(call: Call) -> Call:
    """`convolution` as the function of torch.nn.functional that takes the same arguments."""
    image, weight, bias, stride, padding, dilation, transposed, extra, groups = call.args[:9]
    arguments = (image, weight, bias, stride, padding)
    if transposed:
        return replace(call, args=(*arguments, extra, groups, dilation))
    return replace(call, args=(*arguments, dilation, groups))


def _convolution_shape(call: Call) -> Shape:
    return convolution.conv_shape(_as_function(call))


@operator(
    "convolution",
    kind=Kind.CONV,
    shape=_convolution_shape,
    traits=[Trait.DILATABLE, Trait.RESIZABLE_KERNEL],
)
def any_convolution(call: Call) -> Effect:
    """A convolution of any dimensionality."""
    return convolution.conv(_as_function(call))


def _transposed_convolution_shape(call: Call) -> Shape:
    return transposed_convolution.conv_transpose_shape(_as_function(call))


@operator("transposed_convolution", kind=Kind.CONV_TRANSPOSE, shape=_transposed_convolution_shape)
def any_transposed_convolution(call: Call) -> Effect:
    """A transposed convolution of any dimensionality."""
    return transposed_convolution.conv_transpose(_as_function(call))


# -- resampling


def _interpolation(call: Call) -> Call:
    """The call as one of F.interpolate; ATen's is (input, output_size, ..., scale_factors)."""
    size = call.arg("output_size", 1)
    lists = [a for a in (*call.args[2:], *call.kwargs.values()) if isinstance(a, tuple | list)]
    factors = lists[-1] if size is None and lists else None
    mode = next(mode for word, mode in _MODES.items() if word in call.name)
    options = {"size": size, "scale_factor": factors, "mode": mode}
    if mode.endswith(("linear", "cubic")):
        options["align_corners"] = call.arg("align_corners", 2)
    return replace(call, args=(call.input,), kwargs=options)


_MODES = {
    "nearest_exact": "nearest-exact",
    "nearest": "nearest",
    "bicubic": "bicubic",
    "linear": "bilinear",
}


def _interpolation_shape(call: Call) -> Shape:
    return resampling.resize_shape(_interpolation(call))


@operator(
    *(f"upsample_nearest{n}d" for n in (1, 2, 3)),
    *(f"upsample_nearest_exact{n}d" for n in (1, 2, 3)),
    *("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"),
    kind=Kind.UPSAMPLE,
    shape=_interpolation_shape,
)
def upsample(call: Call) -> Effect:
    """One operator for every mode of F.interpolate."""
    return resampling.resize(_interpolation(call))


def _padding(call: Call) -> Call:
    """The call as one of F.pad; ATen's is (input, padding)."""
    word = call.name.split("_")[0]
    mode = {"reflection": "reflect", "replication": "replicate"}.get(word, "constant")
    return replace(
        call, name="pad", args=(call.input, call.args[1], mode, *call.args[2:3]), kwargs={}
    )


def _padding_shape(call: Call) -> Shape:
    return resampling.pad_shape(_padding(call))


@operator(
    "constant_pad_nd",
    *(f"{mode}_pad{n}d" for mode in ("reflection", "replication") for n in (1, 2, 3)),
    kind=Kind.PAD,
    shape=_padding_shape,
)
def pad(call: Call) -> Effect:
    """One operator for every mode of F.pad."""
    return resampling.pad(_padding(call))


# -- normalisation and what else leaves positions where they are


@operator(
    *("native_batch_norm", "native_batch_norm_legit", "native_batch_norm_legit_no_training"),
    kind=Kind.NORM,
    traits=[Trait.RUNNING_STATISTICS],
)
@operator("native_group_norm", kind=Kind.NORM)
def native_norm(call: Call) -> Effect:
    """Normalisations that return their statistics beside the result."""
    dimensions, shape = call.input.dimensions, shape_of(call.input)
    groups = int(call.arg("group", 6, 1)) if call.name == "native_group_norm" else 0
    past = call.name.endswith("no_training") or (
        call.name.startswith("native_batch_norm") and not call.arg("training", 5, True)
    )
    return replace(
        pointwise(call, dimensions),
        statistics=frozenset[int]() if past else all_axes(dimensions),
        subtracts_mean="batch" in call.name and bool(call.arg("training", 5, False)),
        normalised_over=0 if past else prod(shape[1:]) // groups if groups else prod(shape[2:]),
    )


@operator(*("native_layer_norm", "fused_rms_norm"), kind=Kind.NORM, traits=[Trait.TOLD_LENGTHS])
def native_layer_norm(call: Call) -> Effect:
    """The same with its statistics; its shape follows from the meta kernel."""
    return normalisation.layer_norm(call)


@operator("log_sigmoid_forward", kind=Kind.ACTIVATION)
@operator("native_dropout", kind=Kind.RESHAPE)
@operator("prelu_kernel", kind=Kind.ACTIVATION, shape=same_shape)
@operator(
    *("feature_dropout", "to_copy", "lift", "lift_fresh", "lift_fresh_copy"),
    kind=Kind.RESHAPE,
    shape=same_shape,
    traits=[Trait.KEEPS_NUMBERS],
)
def unmoved(call: Call) -> Effect:
    """Every result is computed from its own position, along the spatial axes."""
    return pointwise(call, call.input.dimensions)


@operator("linalg_vector_norm", kind=Kind.REDUCE)
def vector_norm(call: Call) -> Effect:
    """A norm; ATen's arguments are (input, order, dim, keepdim)."""
    dim = call.arg("dim", 2, None)
    return reduction.statistics(replace(call, args=(call.input,), kwargs={"dim": dim}))


# -- tables


def _indices_first(call: Call) -> Call:
    """The call as one of torch.nn.functional; ATen's is (table, indices, ...)."""
    table, indices, *rest = call.args
    return replace(call, name=call.name.removeprefix("table_"), args=(indices, table, *rest))


def _table_embedding_shape(call: Call) -> Shape:
    return lookup.embedding_shape(_indices_first(call))


@operator("table_embedding", kind=Kind.EMBEDDING, shape=_table_embedding_shape)
def table_embedding(call: Call) -> Effect:
    """A row of the table for every index."""
    return lookup.embedding(_indices_first(call))


@operator("table_embedding_bag", kind=Kind.EMBEDDING)
def table_embedding_bag(call: Call) -> Effect:
    """One row for every bag of indices, and how they were counted."""
    return lookup.embedding_bag(_indices_first(call))


# -- views and indexing

operator(
    *("unsafe_view", "reshape_alias", "view_copy"),
    kind=Kind.RESHAPE,
    traits=[Trait.REGROUPS],
    rearranges=as_view,
)(views.reshape)
operator("unsafe_split", "unsafe_chunk", "unsafe_split_with_sizes", kind=Kind.SLICE)(indexing.split)


@operator("numpy_T", "matrix_H", kind=Kind.RESHAPE)
def transposed(call: Call) -> Effect:
    """All dimensions, or the last two, in reverse order."""
    return views.permute(replace(call, name="T" if call.name == "numpy_T" else "mT"))


@operator("slice", kind=Kind.SLICE)
def slice_(call: Call) -> Effect:
    """`input[:, start:end:step]`; ATen's arguments are (input, dim, start, end, step)."""
    dim = int(call.arg("dim", 1, 0)) % len(shape_of(call.input))
    bounds = slice(call.arg("start", 2), call.arg("end", 3), call.arg("step", 4, 1))
    return indexing.getitem(
        replace(call, name="getitem", args=(call.input, (slice(None),) * dim + (bounds,)))
    )


@operator("index", kind=Kind.SLICE)
def index(call: Call) -> Effect:
    """Indexing with tensors; None among ATen's indices leaves a dimension alone."""
    indices = tuple(slice(None) if i is None else i for i in call.args[1])
    return indexing.getitem(replace(call, name="getitem", args=(call.input, indices)))
