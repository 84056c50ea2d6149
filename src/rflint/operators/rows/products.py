"""Products of tensors other than matmul: tensordot, outer and Kronecker products, chains, powers.

Multiply-accumulates are those of the matrix products that PyTorch makes of them; what it does not
compute as one has none, as in torch.utils.flop_counter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Any

from rflint.graph.layer import Kind
from rflint.operators.broadcasting import broadcasting
from rflint.operators.call import Call
from rflint.operators.dimensions import Factor, all_axes
from rflint.operators.effect import Effect, pointwise, reach_per_axis
from rflint.operators.reaches import (
    mixing_geometry,
    mixing_reaches,
    unshuffled_dimensions,
    without_inner_part,
)
from rflint.operators.rows.einsum import contracted
from rflint.operators.rows.matmul import matmul
from rflint.operators.rows.reduction import reduced
from rflint.operators.shapes import Shape, ShapeError, broadcast, checked_dim, shape_of, shape_text
from rflint.operators.table import operator


def _summed(call: Call) -> tuple[list[int], list[int]]:
    """The dimensions of either operand that a product sums over, in pairs."""
    a, b = (len(shape_of(tensor)) for tensor in call.tensors[:2])
    if call.name == "inner":
        return ([a - 1], [b - 1]) if a and b else ([], [])
    dims = call.arg("dims", 2, 2)
    if hasattr(dims, "tolist"):
        dims = dims.tolist()
    if isinstance(dims, int):
        return [*range(a - dims, a)], [*range(dims)]
    left, right = ([d] if isinstance(d, int) else d for d in dims)
    return [checked_dim(d, a) for d in left], [checked_dim(d, b) for d in right]


def tensordot_shape(call: Call) -> Shape:
    """The result's shape: what is not summed over, of the first operand and of the second."""
    a, b = (shape_of(tensor) for tensor in call.tensors[:2])
    left, right = _summed(call)
    if len(left) != len(right) or any(
        a[i] != b[j] and 1 not in (a[i], b[j]) for i, j in zip(left, right, strict=False)
    ):
        raise ShapeError(
            f"cannot sum over dimensions {left} of {shape_text(a)} and {right} of {shape_text(b)}"
        )
    return (
        *(n for d, n in enumerate(a) if d not in left),
        *(n for d, n in enumerate(b) if d not in right),
    )


@operator("tensordot", "inner", kind=Kind.ATTENTION, shape=tensordot_shape)
def tensordot(call: Call) -> Effect:
    """One matrix product, whatever is summed over."""
    a, b = call.tensors[:2]
    left, right = _summed(call)
    first = [f"a{d}" for d in range(len(a.shape))]
    second = [f"b{d}" for d in range(len(b.shape))]
    for i, j in zip(left, right, strict=True):
        second[j] = first[i]
    out = [name for d, name in enumerate(first) if d not in left]
    out += [name for d, name in enumerate(second) if d not in right]
    # the numbers of two vectors are summed without a matrix product
    vectors = call.name == "inner" and len(a.shape) == len(b.shape) == 1
    summed = prod(min(a.shape[i], b.shape[j]) for i, j in zip(left, right, strict=True))
    macs = 0 if vectors else prod(tensordot_shape(call)) * summed
    return contracted(call, [first, second], out, [a, b], macs)


def outer_shape(call: Call) -> Shape:
    """The result's shape: a number for every pair."""
    a, b = (shape_of(tensor) for tensor in call.tensors[-2:])
    if len(a) != 1 or len(b) != 1:
        raise ShapeError(f"expects two vectors, got {shape_text(a)} and {shape_text(b)}")
    return (*a, *b)


@operator("outer", "ger", kind=Kind.ATTENTION, shape=outer_shape)
def outer(call: Call) -> Effect:
    """Every number of one vector times every number of another."""
    return contracted(call, [["a"], ["b"]], ["a", "b"], call.tensors[:2], 0)


@operator("addr", kind=Kind.ATTENTION, shape=outer_shape)
def added_outer(call: Call) -> Effect:
    """Input + the outer product of two vectors."""
    return contracted(call, [["a", "b"], ["a"], ["b"]], ["a", "b"], call.tensors[:3], 0)


def kron_shape(call: Call) -> Shape:
    """The result's shape: sizes multiplied, with ones in front for missing dimensions."""
    a, b = _of_equal_rank([shape_of(tensor) for tensor in call.tensors[:2]], 1)
    return tuple(m * n for m, n in zip(a, b, strict=True))


def _of_equal_rank(values: Sequence[Any], one: Any) -> list[Any]:
    rank = max(map(len, values))
    return [(one,) * (rank - len(value)) + tuple(value) for value in values]


@operator("kron", kind=Kind.ATTENTION, shape=kron_shape)
def kron(call: Call) -> Effect:
    """The second tensor once for every number of the first."""
    all_dimensions = [value.dimensions for value in call.tensors[:2]]
    first, second = _of_equal_rank(all_dimensions, ())
    dimensions, finer = unshuffled_dimensions(
        tuple((*a, *b) for a, b in zip(first, second, strict=True))
    )
    reaches = tuple(
        reach_per_axis(
            call.axes, {a: r for a, r in finer.items() if a in all_axes(value.dimensions)}
        )
        for value in call.data
    )
    return Effect(dimensions, reaches, mixing_geometry(call.axes, finer))


# -- several matrices


def _matrices(call: Call) -> list[Shape]:
    """The shapes of a chain of matrices; a vector at either end is a row or a column."""
    shapes = [shape_of(tensor) for tensor in call.tensors]
    if len(shapes[0]) == 1:
        shapes[0] = (1, *shapes[0])
    if len(shapes[-1]) == 1:
        shapes[-1] = (*shapes[-1], 1)
    if any(len(shape) != 2 for shape in shapes) or any(a[1] != b[0] for a, b in pairwise(shapes)):
        raise ShapeError(
            f"cannot multiply {', '.join(map(shape_text, shapes))} one after the other"
        )
    return shapes


def chain_shape(call: Call) -> Shape:
    """The result's shape: the rows of the first matrix, the columns of the last."""
    first, last = _matrices(call)[0], _matrices(call)[-1]
    given = [shape_of(tensor) for tensor in call.tensors]
    return (*first[: len(given[0]) - 1], *last[2 - (len(given[-1]) - 1) :])


@operator("linalg_multi_dot", "chain_matmul", kind=Kind.ATTENTION, shape=chain_shape)
def chain(call: Call) -> Effect:
    """Matrix products in the order that takes the fewest multiplications."""
    ends = {0, len(call.tensors) - 1}
    names = [[f"{i}", f"{i + 1}"] for i in range(len(call.tensors))]
    for i in ends:
        if len(call.tensors[i].shape) == 1:
            names[i] = [f"{i}"] if i else ["1"]
    out = [n for n in (*names[0], *names[-1]) if n in ("0", str(len(names)))]
    return contracted(call, names, out, call.tensors, _cheapest(_matrices(call)))


def _cheapest(matrices: Sequence[Shape]) -> int:
    """The fewest multiplications that a chain of matrix products takes."""
    sizes = [matrices[0][0], *(shape[1] for shape in matrices)]
    cost = {(i, i): 0 for i in range(len(matrices))}
    for width in range(1, len(matrices)):
        for i in range(len(matrices) - width):
            j = i + width
            cost[i, j] = min(
                cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            )
    return cost[0, len(matrices) - 1]


def square_shape(call: Call) -> Shape:
    """The input's shape; checks that its last two dimensions are equal."""
    shape = shape_of(call.input)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"expects square matrices, got {shape_text(shape)}")
    return shape


@operator(
    *("matrix_power", "linalg_matrix_power", "matrix_exp", "linalg_matrix_exp"),
    *("linalg_inv", "inverse"),
    kind=Kind.ATTENTION,
    shape=square_shape,
)
def power(call: Call) -> Effect:
    """Products of a matrix with itself; every row and column depends on all others."""
    shape, dimensions = square_shape(call), call.input.dimensions
    times = int(call.arg("n", 1, 0)) if "power" in call.name else -1
    if times == 1:
        return pointwise(call, dimensions)
    reaches = mixing_reaches(dimensions, (len(dimensions) - 2, len(dimensions) - 1), dimensions)
    # repeated squaring, and a product for every further bit
    products = max(abs(times).bit_length() - 1 + abs(times).bit_count() - 1, 0)
    return Effect(
        dimensions,
        (reach_per_axis(call.axes, reaches),),
        mixing_geometry(call.axes, reaches),
        macs=products * prod(shape) * shape[-1],
    )


def summed_product_shape(call: Call) -> Shape:
    """The shape of the product, without its batch."""
    batches = [shape_of(tensor) for tensor in call.tensors[1:3]]
    if any(len(shape) != 3 for shape in batches) or batches[0][2] != batches[1][1]:
        raise ShapeError(f"cannot multiply {' and '.join(map(shape_text, batches))}")
    return (batches[0][1], batches[1][2])


@operator("addbmm", kind=Kind.ATTENTION, shape=summed_product_shape)
def summed_product(call: Call) -> Effect:
    """Input + a @ b, summed over the batch."""
    given, a, b = call.tensors[:3]
    names = [["r", "c"][2 - len(given.shape) :], ["b", "r", "k"], ["b", "k", "c"]]
    return contracted(call, names, ["r", "c"], [given, a, b], 0)


def covariance_shape(call: Call) -> Shape:
    """The result's shape: a number for every pair of rows."""
    shape = shape_of(call.input)
    return (shape[0], shape[0]) if len(shape) == 2 else ()


@operator("cov", "corrcoef", kind=Kind.ATTENTION, shape=covariance_shape)
def covariance(call: Call) -> Effect:
    """The rows times their transpose, less their means."""
    value = call.input
    if len(value.shape) < 2:
        return reduced(call, range(len(value.shape)), keep=False)
    alone = replace(call, name="mm", args=(value, value), kwargs={})
    turned = replace(value, shape=value.shape[::-1], dimensions=value.dimensions[::-1])
    effect = matmul(replace(alone, args=(value, turned)))
    return replace(effect, reaches=effect.reaches[:1])


# -- position by position, and then a sum


def compared_shape(call: Call) -> Shape:
    """The shape of both, broadcast, without the dimension that is summed over."""
    shape = broadcast(*(shape_of(tensor) for tensor in call.tensors[:2]))
    dim = _compared_along(call, len(shape))
    keep = call.name in _DISTANCES and bool(call.arg("keepdim", 4, False))
    return (*shape[:dim], *((1,) if keep else ()), *shape[dim + 1 :])


_DISTANCES = ("pairwise_distance", "PairwiseDistance")


def _compared_along(call: Call, rank: int) -> int:
    if call.name in _DISTANCES:
        return rank - 1
    default = -1 if call.name == "linalg_vecdot" else 1
    return checked_dim(int(call.arg("dim", 2, default)), rank)


@operator(
    *("cosine_similarity", "CosineSimilarity", *_DISTANCES, "linalg_vecdot"),
    kind=Kind.REDUCE,
    shape=compared_shape,
)
def compared(call: Call) -> Effect:
    """Two tensors position by position, summed over one dimension."""
    pairs = replace(call, args=tuple(call.tensors[:2]), kwargs={})
    together = broadcasting(pairs)
    dim = _compared_along(call, len(together.dimensions))
    read = mixing_reaches(together.dimensions, (dim,))
    kept = len(compared_shape(call)) == len(together.dimensions)
    dimensions = tuple(
        (Factor(1),) if d == dim else without_inner_part(carried, read)
        for d, carried in enumerate(together.dimensions)
        if kept or d != dim
    )
    reaches = []
    for value in pairs.data:
        at = dim - len(together.dimensions) + len(value.dimensions)
        own = mixing_reaches(value.dimensions, (at,)) if at >= 0 else {}
        reaches.append(reach_per_axis(call.axes, own))
    return Effect(dimensions, tuple(reaches), mixing_geometry(call.axes, read))
