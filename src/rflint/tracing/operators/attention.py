"""Attention over positions: every query reads all keys and values that it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from rflint.architecture import Kind, Reach
from rflint.tracing.layout import Factor, Layout, tangled
from rflint.tracing.operators.mixing import mixed, mixing_geometry
from rflint.tracing.operators.table import (
    Call,
    Effect,
    Shape,
    ShapeError,
    Value,
    broadcast,
    operator,
    reach_of,
    shape_of,
    show,
)


def attention_shape(call: Call) -> Shape:
    """(..., queries, value features)."""
    query, key, value = (shape_of(tensor) for tensor in call.tensors[:3])
    if query[-1] != key[-1] or key[-2] != value[-2]:
        raise ShapeError(f"{show(query)}, {show(key)} and {show(value)} do not fit together")
    batch = query[:-2]
    if not call.arg("enable_gqa", 7, False):
        batch = broadcast(query[:-2], key[:-2], value[:-2])
    return (*batch, query[-2], value[-1])


@operator("scaled_dot_product_attention", kind=Kind.ATTENTION, shape=attention_shape)
def attention(call: Call) -> Effect:
    """Reads along whatever the positions of keys and values run: a window in window attention."""
    query, key, value = call.tensors[:3]
    out = attention_shape(call)
    layout = _with_features(query, out)
    if len(layout) == len(value.layout):
        layout = (*layout[:-1], value.layout[-1])  # positions there, in attention over channels
    scores = prod(out[:-1]) * key.shape[-2]
    macs = scores * (query.shape[-1] + value.shape[-1])
    features = mixed(query.layout, (len(query.shape) - 1,))
    features |= mixed(key.layout, (len(key.shape) - 1,))
    return _attending(call, layout, key, value, len(key.shape) - 2, macs, features)


def multihead_shape(call: Call) -> list[Any]:
    """The query's shape with the embedding's features, and the weights' where they are wanted."""
    query, key, value = _operands(call)
    embedding = int(call.module.embed_dim)
    for tensor, features in (
        (query, embedding),
        (key, call.module.kdim),
        (value, call.module.vdim),
    ):
        if tensor.shape[-1] != features:
            raise ShapeError(f"expects {features} features, got an input of {show(tensor.shape)}")
    out = (*query.shape[:-1], embedding)
    if call.kwargs.get("need_weights", call.args[4] if len(call.args) > 4 else True) is False:
        return [out, None]
    at = _positions(call, query)
    batch = () if len(out) == 2 else (query.shape[0 if at else 1],)
    averaged = call.kwargs.get("average_attn_weights", True)
    heads = () if averaged else (int(call.module.num_heads),)
    return [out, (*batch, *heads, query.shape[at], key.shape[at])]


@operator("MultiheadAttention", kind=Kind.ATTENTION, shape=multihead_shape)
def multihead_attention(call: Call) -> Effect:
    """torch.nn's module: projections, attention over positions, projection."""
    query, key, value = _operands(call)
    at = _positions(call, query)
    embedding = int(call.module.embed_dim)
    out = (*query.shape[:-1], embedding)
    queries, keys = prod(query.shape[:-1]), prod(key.shape[:-1])
    projections = queries * 2 * embedding + keys * (key.shape[-1] + value.shape[-1])
    extra = int(call.module.bias_k is not None) + int(bool(call.module.add_zero_attn))
    scores = queries * (key.shape[at] + extra)
    macs = (projections + 2 * scores) * embedding
    return _attending(call, _with_features(query, out), key, value, at, macs)


def _operands(call: Call) -> tuple[Any, Any, Any]:
    given = [*call.args[:3]]
    names = ("query", "key", "value")[len(given) :]
    query, key, value = (*given, *(call.kwargs[name] for name in names))
    return query, key, value


def _positions(call: Call, query: Any) -> int:
    """The dimension that the positions run along."""
    return 1 if call.module.batch_first and len(query.shape) == 3 else 0


def _with_features(query: Value, out: Shape) -> Layout:
    if len(query.layout) != len(out):
        return tangled(query.layout, out)
    return (*query.layout[:-1], (Factor(out[-1]),))


def _attending(
    call: Call,
    layout: Layout,
    key: Value,
    value: Value,
    dim: int,
    macs: int,
    features: Mapping[int, Reach] = {},
) -> Effect:
    """`features` is what is read along the dimension in which queries and keys are compared."""
    reaches = mixed(key.layout, (dim,), layout) | mixed(value.layout, (dim,), layout)
    reaches |= features
    return Effect(
        layout,
        tuple(reach_of(call.axes, reaches) for _ in call.data),
        mixing_geometry(call.axes, reaches),
        macs=macs,
    )
