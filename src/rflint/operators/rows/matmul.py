"""Matrix products: linear layers and matmul. They mix what they contract over."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from rflint.graph.layer import Kind
from rflint.graph.windows import Extent, Reach
from rflint.operators.broadcasting import broadcast_dimensions
from rflint.operators.call import Call
from rflint.operators.dimensions import Dimensions, Factor, all_axes
from rflint.operators.effect import Effect, reach_per_axis
from rflint.operators.reaches import (
    mixing_geometry,
    mixing_reaches,
    operand_reaches,
    without_inner_part,
)
from rflint.operators.shapes import Shape, ShapeError, broadcast, shape_of, shape_text
from rflint.operators.table import operator
from rflint.operators.values import Value
from rflint.operators.weights import linear_weight, weight_of


def _features(call: Call) -> tuple[int, int]:
    """A linear layer's (out, in) features; out is 0 where one number comes out."""
    if call.module is not None:
        weight = linear_weight(call.module)
    else:
        weight = shape_of(call.arg("weight", 1))
    return weight[0] if len(weight) > 1 else 0, weight[-1]


def linear_shape(call: Call) -> Shape:
    """The input's shape with other features along the last dimension."""
    shape = shape_of(call.input)
    out, expected = _features(call)
    if not shape or shape[-1] != expected:
        raise ShapeError(
            f"expects {expected} input features, got {shape[-1] if shape else 0} "
            f"(input {shape_text(shape)})"
        )
    return (*shape[:-1], out) if out else shape[:-1]


@operator(
    *("linear", "Linear", "NonDynamicallyQuantizableLinear", "QuantizedLinearReLU"),
    kind=Kind.LINEAR,
    shape=linear_shape,
)
def linear(call: Call) -> Effect:
    """Pointwise where the last dimension is channels; global where positions were flattened in."""
    dimensions = call.input.dimensions
    out, features = _features(call)
    macs = prod(call.input.shape[:-1]) * out * features
    if not out:
        reaches = mixing_reaches(dimensions, (len(dimensions) - 1,))
        rest = tuple(without_inner_part(carried, reaches) for carried in dimensions[:-1])
        return Effect(rest, operand_reaches(call, reaches), mixing_geometry(call.axes, reaches))
    # as many positions as before: token mixing, whose results take the places of the tokens
    only_positions = all(factor.axes or factor.size == 1 for factor in dimensions[-1])
    last = dimensions[-1] if only_positions and out == features else (Factor(out),)
    reaches = mixing_reaches(dimensions, (len(dimensions) - 1,), (last,))
    rest = tuple(without_inner_part(carried, reaches) for carried in dimensions[:-1])
    return Effect(
        (*rest, last),
        operand_reaches(call, reaches),
        mixing_geometry(call.axes, reaches),
        macs=macs,
    )


def _factors(call: Call) -> tuple[Any, Any]:
    """The left and the right factor; `a.__rmatmul__(b)` is b @ a."""
    first, second = call.tensors[:2]
    return (second, first) if call.name == "rmatmul" else (first, second)


def matmul_shape(call: Call) -> Shape:
    """The shape of a matrix product, with broadcasting over the batch."""
    a, b = (shape_of(tensor) for tensor in _factors(call))
    ranks = {"mm": (2, 2), "bmm": (3, 3), "mv": (2, 1), "dot": (1, 1), "vdot": (1, 1)}
    wanted = ranks.get(call.name, (len(a), len(b)))
    if wanted != (len(a), len(b)) or (call.name == "bmm" and a[0] != b[0]):
        raise ShapeError(f"{call.name} does not multiply {shape_text(a)} and {shape_text(b)}")
    if not a or not b:
        raise ShapeError("matmul of a scalar")
    if len(a) == 1 or len(b) == 1:
        inner = a[-1], b[0] if len(b) == 1 else b[-2]
        out = (*a[:-1], *b[:-2], *(b[-1:] if len(b) > 1 else ()))
    else:
        inner = a[-1], b[-2]
        out = (*broadcast(a[:-2], b[:-2]), a[-2], b[-1])
    if inner[0] != inner[1]:
        raise ShapeError(f"shapes {shape_text(a)} and {shape_text(b)} cannot be multiplied")
    return out


@operator(
    *("matmul", "rmatmul", "bmm", "mm", "linalg_matmul", "mv", "dot", "vdot"),
    kind=Kind.ATTENTION,
    shape=matmul_shape,
)
def matmul(call: Call) -> Effect:
    """Mixes, on both sides, the dimension that is contracted."""
    a, b = _factors(call)
    out = matmul_shape(call)
    contracted_b = max(len(b.shape) - 2, 0)
    sides = ((a, len(a.shape) - 1), (b, contracted_b))
    dimensions = _product_dimensions(a, b, out)
    reaches = [
        (side, mixing_reaches(side.dimensions, (dim,), dimensions))
        for side, dim in (reversed(sides) if call.name == "rmatmul" else sides)
        if side.source is not None
    ]
    # with a vector, it is no product of matrices to those who count
    macs = prod(out) * a.shape[-1] if min(len(a.shape), len(b.shape)) > 1 else 0
    merged: dict[int, Reach] = {axis: r for _, side in reaches for axis, r in side.items()}
    return Effect(
        tuple(without_inner_part(carried, merged) for carried in dimensions),
        tuple(reach_per_axis(call.axes, side) for _, side in reaches),
        mixing_geometry(call.axes, merged),
        macs=macs,
    )


def _product_dimensions(a: Value, b: Value, out: Shape) -> Dimensions:
    rows = a.dimensions[-2:-1] if len(a.shape) > 1 else ()
    columns = b.dimensions[-1:] if len(b.shape) > 1 else ()
    batch = out[: len(out) - len(rows) - len(columns)]
    return broadcast_dimensions(batch, [a.dimensions[:-2], b.dimensions[:-2]]) + rows + columns


def added_product_shape(call: Call) -> Shape:
    """The shape of the product that something is added to."""
    return matmul_shape(_product_of(call))


def _product_of(call: Call) -> Call:
    name = {"addmm": "mm", "baddbmm": "bmm", "addmv": "mv"}.get(call.name, "matmul")
    return replace(call, name=name, args=tuple(call.tensors[1:3]), kwargs={})


@operator("addmm", "baddbmm", "addmv", kind=Kind.ATTENTION, shape=added_product_shape)
def added_product(call: Call) -> Effect:
    """Input + a @ b."""
    product = matmul(_product_of(call))
    if call.tensors[0].source is None:
        return product
    return replace(product, reaches=(reach_per_axis(call.axes, {}), *product.reaches))


def cdist_shape(call: Call) -> Shape:
    """The result's shape: a number for every pair of rows."""
    a, b = (shape_of(tensor) for tensor in call.tensors[:2])
    return (*broadcast(a[:-2], b[:-2]), a[-2], b[-2])


@operator("cdist", kind=Kind.ATTENTION, shape=cdist_shape)
def cdist(call: Call) -> Effect:
    """Distances between all pairs of rows: like a product with the transpose."""
    a, b = call.tensors[:2]
    out = cdist_shape(call)
    lead = broadcast_dimensions(out[:-2], [a.dimensions[:-2], b.dimensions[:-2]])
    reaches = (
        mixing_reaches(v.dimensions, (len(v.shape) - 1,)) for v in (a, b) if v.source is not None
    )
    return Effect(
        lead + a.dimensions[-2:-1] + b.dimensions[-2:-1],
        tuple(reach_per_axis(call.axes, read) for read in reaches),
        mixing_geometry(call.axes, {}),
    )


def bilinear_shape(call: Call) -> Shape:
    """The first input's shape with other features along the last dimension."""
    out = _bilinear_weight(call)[0]
    return (*shape_of(call.input)[:-1], int(out))


def _bilinear_weight(call: Call) -> Shape:
    module = call.module
    if module is None:
        return shape_of(call.tensors[2])
    return weight_of(module, (module.out_features, module.in1_features, module.in2_features))


@operator("bilinear", "Bilinear", kind=Kind.LINEAR, shape=bilinear_shape, bias_at=3)
def bilinear(call: Call) -> Effect:
    """x1^T A x2 at every position."""
    out = bilinear_shape(call)
    first = call.tensors[0]
    reaches = tuple(
        reach_per_axis(
            call.axes,
            mixing_reaches(v.dimensions, (len(v.shape) - 1,))
            if any(v is x for x in call.tensors[:2])
            else dict.fromkeys(all_axes(v.dimensions), Extent.GLOBAL),
        )
        for v in call.data
    )
    dimensions = (*first.dimensions[:-1], (Factor(out[-1]),))
    return Effect(dimensions, reaches, mixing_geometry(call.axes, {}))
