"""What passes its input on: dropout, copies, casts."""

from __future__ import annotations

from dataclasses import replace

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.operators.broadcasting import same_shape
from rflint.operators.call import Call
from rflint.operators.effect import Effect, pointwise
from rflint.operators.table import operator


@operator(
    *("clone", "contiguous", "alias", "float", "double"),
    kind=Kind.RESHAPE,
    shape=same_shape,
    traits=[Trait.KEEPS_NUMBERS, Trait.EXACT],
)
@operator(
    *("dropout", "Dropout", "dropout1d", "Dropout1d", "dropout2d", "Dropout2d", "dropout3d"),
    "Dropout3d",
    kind=Kind.RESHAPE,
    shape=same_shape,
    traits=[Trait.KEEPS_NUMBERS, Trait.DROPS],
)
@operator(
    *("identity", "Identity", "detach", "data", "positive", "pos"),
    *("to", "type", "type_as", "half", "bfloat16", "cuda", "cpu", "requires_grad"),
    kind=Kind.RESHAPE,
    shape=same_shape,
    traits=[Trait.KEEPS_NUMBERS],
)
def unchanged(call: Call) -> Effect:
    """Every number as it is, as far as a receptive field goes; zeros stay zeros."""
    return replace(pointwise(call, call.input.dimensions), zeros=call.input.zeros)


@operator(
    *("alpha_dropout", "AlphaDropout", "feature_alpha_dropout", "FeatureAlphaDropout"),
    kind=Kind.RESHAPE,
    shape=same_shape,
    traits=[Trait.DROPS],
)
@operator(
    *("byte", "char", "short", "int", "long", "bool", "cfloat", "cdouble", "chalf", "bernoulli"),
    kind=Kind.RESHAPE,
    shape=same_shape,
)
def in_place_of_each(call: Call) -> Effect:
    """Another number in the place of each; zeros may not stay zeros."""
    return pointwise(call, call.input.dimensions)
