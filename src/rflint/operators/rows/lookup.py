"""Looking numbers up: embeddings, one-hot vectors, buckets. Indices in, rows of a table out.

What comes out lies where its index lay, whatever the table holds. So an embedding is pointwise, and
only a table that is itself computed from the input is read from end to end.
"""

from __future__ import annotations

from typing import Any

from rflint.graph.layer import Kind
from rflint.graph.windows import Extent, Reach
from rflint.operators.call import Call
from rflint.operators.dimensions import Dimensions, all_axes, axes_of, plain_dimensions
from rflint.operators.effect import Effect, pointwise, reach_per_axis
from rflint.operators.reaches import mixing_geometry, mixing_reaches
from rflint.operators.shapes import Shape, ShapeError, shape_of, shape_text
from rflint.operators.table import operator
from rflint.operators.weights import weight_of


def embedding_shape(call: Call) -> Shape:
    """A row of the table for every index."""
    indices, table = _indices_and_table(call)
    return (*shape_of(indices), *table[1:])


def _indices_and_table(call: Call) -> tuple[Any, Shape]:
    """The indices, and the table's shape: (entries, features)."""
    if call.module is not None:
        table = weight_of(call.module, (call.module.num_embeddings, call.module.embedding_dim))
    else:
        table = shape_of(call.arg("weight", 1))
    if len(table) != 2:
        raise ShapeError(f"expects a table of two dimensions, got {shape_text(table)}")
    return call.arg("input", 0) if call.module is None else call.input, table


@operator("embedding", "Embedding", kind=Kind.EMBEDDING, shape=embedding_shape)
def embedding(call: Call) -> Effect:
    """A row of a table for every index."""
    indices, table = _indices_and_table(call)
    return _looked_up(call, indices, (*indices.dimensions, *plain_dimensions(table[1:])))


def _looked_up(call: Call, indices: Any, dimensions: Dimensions) -> Effect:
    """What lies where its index lies; all of a table that depends on the input."""
    tables = [value for value in call.data if value is not indices]
    read = [mixing_reaches(value.dimensions, (0,), dimensions) for value in tables]
    everything: dict[int, Reach] = {axis: r for reaches in read for axis, r in reaches.items()}
    own = iter(read)
    return Effect(
        dimensions,
        tuple(reach_per_axis(call.axes, {} if v is indices else next(own)) for v in call.data),
        mixing_geometry(call.axes, everything),
    )


def bag_shape(call: Call) -> Shape:
    """One row a bag: a bag is a row of indices, or what lies between two offsets."""
    indices, table = _indices_and_table(call)
    shape = shape_of(indices)
    if len(shape) == 2:
        return (shape[0], table[1])
    at = 2 if call.module is None else 1
    offsets = call.kwargs.get("offsets", call.args[at] if len(call.args) > at else None)
    if offsets is None:
        raise ShapeError("indices in one dimension want offsets")
    last = int(bool(call.arg("include_last_offset", 9, False)))
    return (shape_of(offsets)[0] - last, table[1])


@operator("embedding_bag", "EmbeddingBag", kind=Kind.EMBEDDING, shape=bag_shape)
def embedding_bag(call: Call) -> Effect:
    """The rows of every bag of indices, summed, averaged, or the largest of them."""
    indices, _ = _indices_and_table(call)
    shape = bag_shape(call)
    dimensions = plain_dimensions(shape)
    if len(indices.dimensions) == 2:
        dimensions = (indices.dimensions[0], *dimensions[1:])
    reaches: dict[int, Reach] = {}
    for value in call.data:
        reaches |= mixing_reaches(value.dimensions, (len(value.shape) - 1,), dimensions)
    return Effect(
        dimensions,
        tuple(reach_per_axis(call.axes, reaches) for _ in call.data),
        mixing_geometry(call.axes, reaches),
    )


@operator("take", kind=Kind.EMBEDDING)
def take(call: Call) -> Effect:
    """Single numbers of a tensor as if it had one dimension."""
    table, indices = call.arg("input", 0), call.arg("index", 1)
    if table.source is None:
        return pointwise(call, indices.dimensions)
    anywhere = dict.fromkeys(all_axes(table.dimensions), Extent.GLOBAL)
    return Effect(
        indices.dimensions,
        tuple(reach_per_axis(call.axes, anywhere if v is table else {}) for v in call.data),
        mixing_geometry(call.axes, anywhere),
    )


@operator("one_hot", kind=Kind.EMBEDDING)
def one_hot(call: Call) -> Effect:
    """A vector for every index."""
    value = call.input
    return _looked_up(
        call, value, (*value.dimensions, *plain_dimensions(shape_of(call.result)[-1:]))
    )


def bucket_shape(call: Call) -> Shape:
    """The result's shape: a number for every value."""
    values, _ = _values_and_bounds(call)
    return shape_of(values) if hasattr(values, "shape") else ()


def _values_and_bounds(call: Call) -> tuple[Any, Any]:
    if call.name == "bucketize":
        return call.arg("input", 0), call.arg("boundaries", 1)
    return call.arg("input", 1), call.arg("sorted_sequence", 0)


@operator("bucketize", "searchsorted", kind=Kind.EMBEDDING, shape=bucket_shape)
def bucketize(call: Call) -> Effect:
    """Between which bounds every value lies. Bounds that depend on the input are all read."""
    values, bounds = _values_and_bounds(call)
    dimensions: Dimensions = values.dimensions if hasattr(values, "dimensions") else ()
    rows = bounds.dimensions[:-1]
    dimensions = (
        tuple(
            row if axes_of(row) and not axes_of(carried) else carried
            for row, carried in zip(rows, dimensions, strict=False)
        )
        + dimensions[len(rows) :]
    )
    reaches = mixing_reaches(bounds.dimensions, (len(rows),), dimensions)
    return Effect(
        dimensions,
        tuple(reach_per_axis(call.axes, reaches if v is bounds else {}) for v in call.data),
        mixing_geometry(call.axes, reaches),
    )
