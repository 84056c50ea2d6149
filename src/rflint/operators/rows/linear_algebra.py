"""Matrices taken apart, solved for, and measured: what reads all of them, and their diagonals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rflint.graph.layer import Kind
from rflint.graph.windows import Extent, Reach
from rflint.operators.call import Call, tensors_in
from rflint.operators.dimensions import Dimensions, Factor, all_axes, axes_of, plain_dimensions
from rflint.operators.effect import Effect, geometry, reach_per_axis
from rflint.operators.reaches import mixing_geometry, mixing_reaches
from rflint.operators.regrouping import at_lengths
from rflint.operators.rows.reduction import reduced
from rflint.operators.shapes import checked_dim, shape_of
from rflint.operators.table import operator

_PREFIXED = (
    *("cholesky", "cholesky_ex", "det", "eig", "eigh", "eigvals", "eigvalsh", "inv_ex"),
    *("ldl_factor", "lu", "lu_factor", "lu_solve", "matrix_rank", "cond"),
    *("pinv", "qr", "slogdet", "solve", "solve_triangular", "svd", "svdvals"),
)


@operator(
    *(f"linalg_{name}" for name in _PREFIXED),
    *("cholesky", "cholesky_inverse", "cholesky_solve", "det", "logdet", "slogdet", "pinverse"),
    *("qr", "svd", "lu_solve", "triangular_solve"),
    kind=Kind.MIX,
)
def decomposition(call: Call) -> Effect:
    """Whatever comes out depends on all of the last two dimensions; those in front are a batch."""
    shapes = [shape_of(tensor) for tensor in tensors_in(call.result)]
    effects = [_of_matrices(call, shape) for shape in shapes]
    if len(effects) == 1:
        return effects[0]
    first = effects[0]
    return Effect(first.dimensions, first.reaches, first.geometry, parts=tuple(effects))


def _of_matrices(call: Call, shape: tuple[int, ...]) -> Effect:
    """One result: rows and columns that were positions are numbers of a spectrum now."""
    reaches: dict[int, Reach] = {}
    dimensions = list(plain_dimensions(shape))
    read = []
    for value in call.data:
        batch = len(value.dimensions) - 2
        inside = mixing_reaches(
            value.dimensions, range(max(batch, 0), len(value.dimensions)), value.dimensions
        )
        read.append(reach_per_axis(call.axes, inside))
        reaches |= inside
        for dim, carried in enumerate(value.dimensions[: max(batch, 0)]):
            if dim < len(shape) and value.shape[dim] == shape[dim] and axes_of(carried):
                dimensions[dim] = carried
        if shape == value.shape:
            # the inverse, a triangle: its positions are those of the matrix
            dimensions = list(value.dimensions)
    return Effect(tuple(dimensions), tuple(read), mixing_geometry(call.axes, reaches))


@operator("trace", kind=Kind.REDUCE)
def trace(call: Call) -> Effect:
    """The sum of a diagonal."""
    return reduced(call, (0, 1), keep=False)


@operator("dist", kind=Kind.REDUCE)
def dist(call: Call) -> Effect:
    """The distance of two tensors: one number that reads everything."""
    return _of_everything(call)


def _of_everything(call: Call) -> Effect:
    read = [dict.fromkeys(all_axes(v.dimensions), Extent.GLOBAL) for v in call.data]
    everything: dict[int, Reach] = {axis: r for axes in read for axis, r in axes.items()}
    return Effect(
        plain_dimensions(shape_of(call.result)),
        tuple(reach_per_axis(call.axes, axes) for axes in read),
        mixing_geometry(call.axes, everything),
    )


@operator("linalg_norm", "linalg_matrix_norm", "frobenius_norm", "nuclear_norm", kind=Kind.REDUCE)
def matrix_norm(call: Call) -> Effect:
    """(input, order, dim, keepdim), over two dimensions, or over everything."""
    rank = len(call.input.shape)
    at = 1 if call.name in ("frobenius_norm", "nuclear_norm") else 2
    default: Any = (-2, -1) if call.name == "linalg_matrix_norm" else tuple(range(rank))
    dims = call.arg("dim", at)
    given: Sequence[int] = (dims,) if isinstance(dims, int) else (dims or default)
    keep = len(shape_of(call.result)) == rank
    return reduced(call, [checked_dim(int(d), rank) for d in given], keep=keep)


@operator("cross", "linalg_cross", kind=Kind.ATTENTION)
def cross(call: Call) -> Effect:
    """A vector product: every number reads two others along one dimension."""
    value = call.input
    default = -1 if call.name == "linalg_cross" else None
    dim = call.arg("dim", 2, default)
    if dim is None:
        dim = next(d for d, n in enumerate(value.shape) if n == 3)
    dim = checked_dim(int(dim), len(value.shape))
    read = [mixing_reaches(v.dimensions, (dim,), v.dimensions) for v in call.data]
    reaches: dict[int, Reach] = {axis: r for axes in read for axis, r in axes.items()}
    return Effect(
        value.dimensions,
        tuple(reach_per_axis(call.axes, axes) for axes in read),
        mixing_geometry(call.axes, reaches),
    )


# -- diagonals


@operator("diagonal", "linalg_diagonal", kind=Kind.SLICE)
def diagonal(call: Call) -> Effect:
    """The diagonal of two dimensions: one dimension along which both go on."""
    first, second = (-2, -1) if call.name == "linalg_diagonal" else (0, 1)
    dimensions, shape = call.input.dimensions, shape_of(call.result)
    rank = len(dimensions)
    gone = {
        checked_dim(int(call.arg("dim1", 2, first)), rank),
        checked_dim(int(call.arg("dim2", 3, second)), rank),
    }
    kept = tuple(carried for dim, carried in enumerate(dimensions) if dim not in gone)
    return _diagonal(call, kept, [dimensions[dim] for dim in gone], shape)


@operator("diag", kind=Kind.SLICE)
def diag(call: Call) -> Effect:
    """The diagonal of a matrix, or the matrix of a diagonal."""
    dimensions, shape = call.input.dimensions, shape_of(call.result)
    if len(shape) > len(dimensions):
        return Effect(
            tuple(dimensions[0] if axes_of(dimensions[0]) else c for c in plain_dimensions(shape)),
            (reach_per_axis(call.axes, {}),),
            geometry(call.axes),
            reorders_positions=True,
        )
    return _diagonal(call, (), list(dimensions), shape)


def _diagonal(call: Call, kept: Dimensions, gone: list[Any], shape: tuple[int, ...]) -> Effect:
    """What lay along either dimension lies along the last one; a shift is not followed."""
    spatial = [carried for carried in gone if axes_of(carried)]
    if len(spatial) == 1:
        last = at_lengths((spatial[0],), shape[-1:])[0]
    else:
        last = (Factor(shape[-1], tuple(sorted(all_axes(tuple(gone))))),)
    moves = bool(spatial)
    return Effect(
        (*kept, last),
        (reach_per_axis(call.axes, {}),),
        geometry(call.axes),
        reorders_positions=moves,
    )


@operator("diag_embed", kind=Kind.RESHAPE)
def diag_embed(call: Call) -> Effect:
    """The last dimension becomes two, with zeros beside the diagonal."""
    dimensions, shape = call.input.dimensions, shape_of(call.result)
    rank = len(shape)
    first = checked_dim(int(call.arg("dim1", 2, -2)), rank)
    second = checked_dim(int(call.arg("dim2", 3, -1)), rank)
    rest = iter(dimensions[:-1])
    carried = (
        dimensions[-1]
        if shape[second] == call.input.shape[-1]
        else plain_dimensions(shape[second:][:1])[0]
    )
    made = tuple(carried if d in (first, second) else next(rest) for d in range(rank))
    return Effect(
        made, (reach_per_axis(call.axes, {}),), geometry(call.axes), reorders_positions=True
    )
