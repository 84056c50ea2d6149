"""Attention over positions: every query reads all keys and values that it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from rflint.graph.layer import Kind
from rflint.graph.windows import Reach
from rflint.operators.call import Call
from rflint.operators.dimensions import Dimensions, Factor
from rflint.operators.effect import Effect, reach_per_axis
from rflint.operators.reaches import mixing_geometry, mixing_reaches
from rflint.operators.regrouping import tangled
from rflint.operators.shapes import Shape, ShapeError, broadcast, shape_of, shape_text
from rflint.operators.table import operator
from rflint.operators.values import Value
from rflint.operators.weights import linear_weight


def attention_shape(call: Call) -> Shape:
    """The result's shape: (..., queries, value features)."""
    query, key, value = (shape_of(tensor) for tensor in call.tensors[:3])
    if query[-1] != key[-1] or key[-2] != value[-2]:
        raise ShapeError(
            f"{shape_text(query)}, {shape_text(key)} and {shape_text(value)} do not fit together"
        )
    batch = query[:-2]
    if not call.arg("enable_gqa", 7, False):
        batch = broadcast(query[:-2], key[:-2], value[:-2])
    return (*batch, query[-2], value[-1])


@operator("scaled_dot_product_attention", kind=Kind.ATTENTION, shape=attention_shape)
def attention(call: Call) -> Effect:
    """Reads along whatever the positions of keys and values run: a window in window attention."""
    query, key, value = call.tensors[:3]
    out = attention_shape(call)
    dimensions = _with_features(query, out)
    if len(dimensions) == len(value.dimensions):
        dimensions = (
            *dimensions[:-1],
            value.dimensions[-1],
        )  # positions there, in attention over channels
    scores = prod(out[:-1]) * key.shape[-2]
    macs = scores * (query.shape[-1] + value.shape[-1])
    features = mixing_reaches(query.dimensions, (len(query.shape) - 1,))
    features |= mixing_reaches(key.dimensions, (len(key.shape) - 1,))
    keys = int(key.shape[-2])
    return _attending(call, dimensions, key, value, len(key.shape) - 2, keys, macs, features)


@dataclass(frozen=True, slots=True)
class _Heads:
    """What attention with several heads is given, as a module or as a function."""

    query: Any
    key: Any
    value: Any
    embedding: int
    """Features that queries and keys are compared in, all heads together."""
    out: int
    """Features of the result."""
    features: tuple[int, int, int]
    """What query, key and value must have."""
    heads: int
    extra: int
    """Keys that are added: a learned one, one of zeros."""
    batch_first: bool
    returns_weights: bool
    averages: bool

    @property
    def at(self) -> int:
        """The dimension that the positions run along."""
        return 1 if self.batch_first and len(self.query.shape) == 3 else 0

    @property
    def keys(self) -> int:
        """How many positions each query is compared with."""
        return int(self.key.shape[self.at]) + self.extra

    @property
    def shape(self) -> Shape:
        """That of the result."""
        return (*self.query.shape[:-1], self.out)

    @property
    def macs(self) -> int:
        """Projections, products with keys and values, projection."""
        queries, keys = prod(self.query.shape[:-1]), prod(self.key.shape[:-1])
        projected = queries * self.query.shape[-1] + keys * self.key.shape[-1]
        projected += prod(self.value.shape[:-1]) * self.value.shape[-1]
        scores = queries * self.keys
        return int((projected + 2 * scores + queries * self.out) * self.embedding)


def _heads(call: Call) -> _Heads:
    query, key, value = (call.arg(name, at) for at, name in enumerate(_OPERANDS))
    module = call.module
    if module is None:
        embedding = int(call.arg("embed_dim_to_check", 3))
        separate = [call.arg(f"{name}_proj_weight", at) for at, name in enumerate("qkv", 18)]
        features = [embedding] * 3
        if call.arg("use_separate_proj_weight", 17, False):
            features = [shape_of(weight)[-1] for weight in separate]
        return _Heads(
            *(query, key, value, embedding),
            out=shape_of(call.arg("out_proj_weight", 11))[0],
            features=(features[0], features[1], features[2]),
            heads=int(call.arg("num_heads", 4)),
            extra=_added(call.arg("bias_k", 7), call.arg("add_zero_attn", 9)),
            batch_first=False,
            returns_weights=call.arg("need_weights", 15, True) is not False,
            averages=bool(call.arg("average_attn_weights", 23, True)),
        )
    given = [*call.args[:3]]
    query, key, value = (*given, *(call.kwargs[name] for name in _OPERANDS[len(given) :]))
    embedding = int(module.embed_dim)
    wanted = call.args[4] if len(call.args) > 4 else True
    return _Heads(
        *(query, key, value, embedding),
        out=linear_weight(module.out_proj)[0],
        features=(embedding, int(module.kdim), int(module.vdim)),
        heads=int(module.num_heads),
        extra=_added(module.bias_k, module.add_zero_attn),
        batch_first=bool(module.batch_first),
        returns_weights=call.kwargs.get("need_weights", wanted) is not False,
        averages=bool(call.kwargs.get("average_attn_weights", True)),
    )


_OPERANDS = ("query", "key", "value")


def _added(learned: Any, zeros: Any) -> int:
    return int(learned is not None) + int(bool(zeros))


def multihead_shape(call: Call) -> list[Any]:
    """The query's shape with the projection's features, and the weights' where they are wanted."""
    given = _heads(call)
    operands = (given.query, given.key, given.value)
    for tensor, features in zip(operands, given.features, strict=True):
        if tensor.shape[-1] != features:
            raise ShapeError(
                f"expects {features} features, got an input of {shape_text(tensor.shape)}"
            )
    if not given.returns_weights:
        return [given.shape, None]
    batch = () if len(given.shape) == 2 else (given.query.shape[0 if given.at else 1],)
    heads = () if given.averages else (given.heads,)
    return [given.shape, (*batch, *heads, given.query.shape[given.at], given.keys)]


@operator(
    *("MultiheadAttention", "multi_head_attention_forward"),
    kind=Kind.ATTENTION,
    shape=multihead_shape,
)
def multihead_attention(call: Call) -> Effect:
    """Projections, attention over positions, projection: torch.nn's module, or its function."""
    given = _heads(call)
    dimensions = _with_features(given.query, given.shape)
    operands = (given.query, given.key, given.value)
    features: dict[int, Reach] = {}
    for value in operands:
        features |= mixing_reaches(value.dimensions, (len(value.dimensions) - 1,))
    return _attending(
        call, dimensions, given.key, given.value, given.at, given.keys, given.macs, features
    )


def _with_features(query: Value, out: Shape) -> Dimensions:
    if len(query.dimensions) != len(out):
        return tangled(query.dimensions, out)
    return (*query.dimensions[:-1], (Factor(out[-1]),))


def _attending(
    call: Call,
    dimensions: Dimensions,
    key: Value,
    value: Value,
    dim: int,
    keys: int,
    macs: int,
    features: Mapping[int, Reach] = {},
) -> Effect:
    """`features` is what is read along the dimensions that are projected or compared."""
    reaches = mixing_reaches(key.dimensions, (dim,), dimensions) | mixing_reaches(
        value.dimensions, (dim,), dimensions
    )
    reaches |= features
    return Effect(
        dimensions,
        tuple(reach_per_axis(call.axes, reaches) for _ in call.data),
        mixing_geometry(call.axes, reaches),
        macs=macs,
        normalised_over=keys,
    )
