"""Matrix products: linear layers, matmul, attention. They mix what they contract over."""

from __future__ import annotations

from math import prod

from rflint.architecture import Extent, Kind, Reach
from rflint.tracing.layout import Factor, Layout, axes_of, tangled
from rflint.tracing.operators.reduction import mixed, mixing_geometry
from rflint.tracing.operators.table import (
    Call,
    Effect,
    Shape,
    ShapeError,
    Value,
    broadcast,
    geometry,
    operator,
    reach_of,
    shape_of,
    show,
)


def _features(call: Call) -> tuple[int, int]:
    """A linear layer's (out, in) features, without touching a parametrised weight."""
    if call.module is not None:
        return int(call.module.out_features), int(call.module.in_features)
    weight = shape_of(call.arg("weight", 1))
    return weight[0], weight[1]


def linear_shape(call: Call) -> Shape:
    """Replaces the last dimension."""
    shape = shape_of(call.input)
    out, expected = _features(call)
    if not shape or shape[-1] != expected:
        raise ShapeError(
            f"expects {expected} input features, got {shape[-1] if shape else 0} "
            f"(input {show(shape)})"
        )
    return (*shape[:-1], out)


@operator(
    "linear", "Linear", "NonDynamicallyQuantizableLinear", kind=Kind.LINEAR, shape=linear_shape
)
def linear(call: Call) -> Effect:
    """Pointwise where the last dimension is channels; global where positions were flattened in."""
    layout = call.input.layout
    reaches = mixed(layout, (len(layout) - 1,))
    out, features = _features(call)
    macs = prod(call.input.shape[:-1]) * out * features
    return Effect(
        (*layout[:-1], (Factor(out),)),
        (reach_of(call.axes, reaches),),
        mixing_geometry(call.axes, reaches),
        macs=macs,
    )


def matmul_shape(call: Call) -> Shape:
    """Batched matrix product with broadcasting."""
    a, b = (shape_of(tensor) for tensor in call.tensors[:2])
    rank = {"mm": 2, "bmm": 3}.get(call.name)
    if rank and not (len(a) == len(b) == rank and a[:-2] == b[:-2]):
        raise ShapeError(f"{call.name} does not multiply {show(a)} and {show(b)}")
    if not a or not b:
        raise ShapeError("matmul of a scalar")
    if len(a) == 1 or len(b) == 1:
        inner = a[-1], b[0] if len(b) == 1 else b[-2]
        out = (*a[:-1], *b[:-2], *(b[-1:] if len(b) > 1 else ()))
    else:
        inner = a[-1], b[-2]
        out = (*broadcast(a[:-2], b[:-2]), a[-2], b[-1])
    if inner[0] != inner[1]:
        raise ShapeError(f"shapes {show(a)} and {show(b)} cannot be multiplied")
    return out


@operator("matmul", "rmatmul", "bmm", "mm", kind=Kind.ATTENTION, shape=matmul_shape)
def matmul(call: Call) -> Effect:
    """Mixes, on both sides, the dimension that is contracted."""
    a, b = call.tensors[:2]
    out = matmul_shape(call)
    contracted_b = max(len(b.shape) - 2, 0)
    sides = ((a, len(a.shape) - 1), (b, contracted_b))
    reaches = [(side, mixed(side.layout, (dim,))) for side, dim in sides if side.source is not None]
    macs = prod(out) * a.shape[-1]
    merged: dict[int, Reach] = {axis: r for _, side in reaches for axis, r in side.items()}
    return Effect(
        _matmul_layout(a, b, out),
        tuple(reach_of(call.axes, side) for _, side in reaches),
        mixing_geometry(call.axes, merged),
        macs=macs,
    )


def _matmul_layout(a: Value, b: Value, out: Shape) -> Layout:
    rows = a.layout[-2:-1] if len(a.shape) > 1 else ()
    columns = b.layout[-1:] if len(b.shape) > 1 else ()
    batch = len(out) - len(rows) - len(columns)
    lead = a.layout[:-2] if len(a.shape) >= len(b.shape) else b.layout[:-2]
    padded = tuple((Factor(size),) for size in out[: batch - len(lead)]) + lead[:batch]
    return padded + rows + columns


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
    """Every query reads all keys and values, along whatever their positions run."""
    query, key, value = call.tensors[:3]
    out = attention_shape(call)
    axes = axes_of(key.layout[-2]) | axes_of(value.layout[-2])
    reaches: dict[int, Reach] = dict.fromkeys(axes, Extent.GLOBAL)
    scores = prod(out[:-1]) * key.shape[-2]
    return Effect(
        (*query.layout[:-1], (Factor(out[-1]),))
        if len(query.layout) == len(out)
        else tangled(query.layout, out),
        tuple(reach_of(call.axes, reaches) for _ in call.data),
        geometry(call.axes, dict.fromkeys(axes), dict.fromkeys(axes)),
        macs=scores * (query.shape[-1] + value.shape[-1]),
    )
