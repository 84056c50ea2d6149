"""Operators along one dimension: cumulative sums, sorting, gathering, recurrent networks.

Where they work along positions, any output may depend on any input.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import prod
from typing import Any

from rflint.graph.layer import Kind
from rflint.graph.windows import Extent, Reach, Window
from rflint.operators.call import Call
from rflint.operators.dimensions import Dimensions, Factor, axes_of
from rflint.operators.effect import Effect, geometry, reach_per_axis
from rflint.operators.reaches import mixing_geometry, mixing_reaches, row_shifts, sliding_along
from rflint.operators.regrouping import at_lengths, resized, tangled
from rflint.operators.rows.indexing import getitem
from rflint.operators.rows.reduction import reduced
from rflint.operators.shapes import Shape, ShapeError, checked_dim, shape_of, shape_text
from rflint.operators.table import operator
from rflint.operators.values import Value


def _dim(call: Call, position: int, default: int = -1) -> int:
    dim = call.arg("dim", position, default)
    return checked_dim(default if dim is None else int(dim), len(call.input.shape))


def _along_all(call: Call, dim: int) -> Effect:
    """Every output reads all positions along a dimension, and lies where its input lay."""
    value, shape = call.input, shape_of(next(iter(_results(call))))
    reaches = mixing_reaches(value.dimensions, (dim,), value.dimensions)
    dimensions = at_lengths(value.dimensions, shape)
    return Effect(
        dimensions,
        tuple(reach_per_axis(call.axes, reaches) for _ in call.data),
        mixing_geometry(call.axes, reaches),
    )


def _results(call: Call) -> list[Any]:
    return list(call.result) if isinstance(call.result, tuple | list) else [call.result]


def cumulative_shape(call: Call) -> Shape:
    """The input's."""
    _dim(call, 1)
    return shape_of(call.input)


@operator("cumsum", "cumprod", "logcumsumexp", "argsort", kind=Kind.MIX, shape=cumulative_shape)
def cumulative(call: Call) -> Effect:
    """Reads everything in front of a position, or everything."""
    return _along_all(call, _dim(call, 1))


@operator("cummax", "cummin", "sort", "msort", "cumulative_trapezoid", kind=Kind.MIX)
def ordering(call: Call) -> Effect:
    """Values may come from anywhere along the dimension."""
    if call.name == "cumulative_trapezoid":
        return _along_all(call, _dim(call, 2))
    return _along_all(call, 0 if call.name == "msort" else _dim(call, 1))


@operator("topk", kind=Kind.MIX)
def topk(call: Call) -> Effect:
    """Some values, from anywhere along the dimension."""
    return _along_all(call, _dim(call, 2))


@operator("kthvalue", kind=Kind.REDUCE)
def kthvalue(call: Call) -> Effect:
    """One value, from anywhere along the dimension."""
    keep = len(shape_of(_results(call)[0])) == len(call.input.shape)
    return reduced(call, (_dim(call, 2),), keep=keep)


@operator("diff", kind=Kind.ARITHMETIC)
def diff(call: Call) -> Effect:
    """Neighbours subtracted, n times."""
    value, shape = call.input, shape_of(call.result)
    dim, times = _dim(call, 2), int(call.arg("n", 1, 1))
    reaches, carried = sliding_along(value.dimensions, dim, Window(times + 1, 1, 0), shape[dim])
    dimensions = (*value.dimensions[:dim], carried, *value.dimensions[dim + 1 :])
    return Effect(dimensions, (reach_per_axis(call.axes, reaches),), geometry(call.axes))


@operator("index_select", kind=Kind.SLICE)
def index_select(call: Call) -> Effect:
    """Positions along a dimension, by their numbers."""
    index = call.arg("index", 2)
    if not isinstance(index, list):
        return gather(call)
    value = call.args[0]
    dim = int(call.arg("dim", 1)) % len(value.shape)
    picked = (value, (slice(None),) * dim + (index,))
    return getitem(replace(call, name="getitem", args=picked, kwargs={}))


@operator("gather", "take_along_dim", kind=Kind.SLICE)
def gather(call: Call) -> Effect:
    """Values from anywhere along a dimension, which lie where their index lies."""
    shape = shape_of(call.result)
    dim = int(call.arg("dim", 2 if call.name == "take_along_dim" else 1)) % max(len(shape), 1)
    source = call.args[0]
    reaches: dict[int, Reach] = {}
    dimensions = tangled(source.dimensions, shape)
    if source.source is not None:
        # of a constant index it could be told what it picks, of a computed one it may be anything
        computed = any(value is not source for value in call.data)
        extent = Extent.GLOBAL if computed else Extent.UNKNOWN
        reaches = dict.fromkeys(axes_of(source.dimensions[dim]), extent)
        dimensions = tuple(
            carried if d != dim and source.shape[d] == shape[d] else resized(carried, shape[d])
            for d, carried in enumerate(source.dimensions)
        )
    elif call.name == "index_select":
        dimensions = (*dimensions[:dim], call.data[0].dimensions[-1], *dimensions[dim + 1 :])
    elif len(call.data[0].dimensions) == len(shape):
        dimensions = call.data[0].dimensions
    return Effect(
        dimensions,
        tuple(reach_per_axis(call.axes, reaches if v is source else {}) for v in call.data),
        geometry(call.axes),
    )


@operator(
    *("scatter", "scatter_add", "scatter_reduce", "index_add", "index_copy", "index_put"),
    *("masked_scatter",),
    kind=Kind.MERGE,
)
def scatter(call: Call) -> Effect:
    """What was there, with values written over it that may come from anywhere."""
    target = call.args[0]
    axes: Iterable[int] = range(call.axes)
    dimensions = list(target.dimensions)
    dim = call.arg("dim", 1)
    if isinstance(dim, int):
        dim %= max(len(dimensions), 1)
        beside = [v for v in call.data if v is not target and len(v.shape) == len(dimensions)]
        axes = {
            a for v in (target, *beside) if v.source is not None for a in axes_of(v.dimensions[dim])
        }
        for value in beside:
            for d, carried in enumerate(value.dimensions):
                if not axes_of(dimensions[d]) and (d == dim or _fills(value, target, d)):
                    dimensions[d] = resized(carried, target.shape[d]) if d == dim else carried
    elif target.source is None and call.data[0].shape == target.shape:
        dimensions = list(call.data[0].dimensions)
    everywhere: dict[int, Reach] = dict.fromkeys(axes, Extent.GLOBAL)
    return Effect(
        tuple(dimensions),
        tuple(reach_per_axis(call.axes, {} if v is target else everywhere) for v in call.data),
        geometry(call.axes),
        reorders_positions=True,  # what is written may be the target itself
    )


def _fills(value: Value, target: Value, dim: int) -> bool:
    """Whether what is written goes on along a dimension for as long as what it is written to."""
    return bool(value.shape[dim] == target.shape[dim])


def recurrent_shape(call: Call) -> list[Any]:
    """The outputs of every step, and the last hidden state (for an LSTM, two)."""
    shape, module = shape_of(call.input), call.module
    if shape[-1] != module.input_size:
        raise ShapeError(
            f"expects {module.input_size} features, got an input of {shape_text(shape)}"
        )
    directions = 2 if module.bidirectional else 1
    hidden = getattr(module, "proj_size", 0) or module.hidden_size
    batch = () if len(shape) == 2 else (shape[0 if module.batch_first else 1],)
    layers = module.num_layers * directions
    out = (*shape[:-1], directions * hidden)
    if call.name == "LSTM":
        return [out, [(layers, *batch, hidden), (layers, *batch, module.hidden_size)]]
    return [out, (layers, *batch, hidden)]


@operator("LSTM", "GRU", "RNN", kind=Kind.RECURRENT, shape=recurrent_shape)
def recurrent(call: Call) -> Effect:
    """Every step depends on all steps before it, and so may the whole sequence."""
    value, module = call.input, call.module
    out = recurrent_shape(call)[0]
    dim = 1 if module.batch_first and len(value.shape) == 3 else 0
    reaches = mixing_reaches(value.dimensions, (dim, len(value.shape) - 1), value.dimensions)
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[call.name]
    return Effect(
        (*value.dimensions[:-1], (Factor(out[-1]),)),
        tuple(reach_per_axis(call.axes, reaches) for _ in call.data),
        mixing_geometry(call.axes, reaches),
        macs=_recurrent_macs(module, prod(value.shape[:-1]), gates),
        states=_states(call, dim),
    )


def _states(call: Call, dim: int) -> Dimensions:
    """(layers, batch, features), whatever comes first in the output; `dim` is that of time."""
    value, state = call.input, _results(call)[1]
    shape = shape_of(state[0] if isinstance(state, tuple | list) else state)
    batch = () if len(value.shape) == 2 else (value.dimensions[1 - dim],)
    return ((Factor(shape[0]),), *batch, (Factor(shape[-1]),))


@operator("lstm", "gru", "rnn_tanh", "rnn_relu", kind=Kind.RECURRENT)
def recurrent_function(call: Call) -> Effect:
    """The same as a function, which is given the weights: torch.lstm(x, state, weights, ...)."""
    value = call.args[0]
    weights = [w.shape for w in call.args[2] if len(w.shape) == 2]
    dim = 1 if bool(call.arg("batch_first", 8, False)) and len(value.shape) == 3 else 0
    reaches = mixing_reaches(value.dimensions, (dim, len(value.shape) - 1), value.dimensions)
    return Effect(
        (*value.dimensions[:-1], (Factor(shape_of(_results(call)[0])[-1]),)),
        tuple(reach_per_axis(call.axes, reaches) for _ in call.data),
        mixing_geometry(call.axes, reaches),
        macs=prod(value.shape[:-1]) * sum(map(prod, weights)),
        states=_states(call, dim),
    )


def _recurrent_macs(module: Any, steps: int, gates: int) -> int:
    """Every step multiplies its input and the hidden state with the weights of all gates."""
    directions = 2 if module.bidirectional else 1
    hidden, projected = module.hidden_size, getattr(module, "proj_size", 0)
    out = projected or hidden
    weights = 0
    for layer in range(module.num_layers):
        features = module.input_size if layer == 0 else out * directions
        weights += gates * hidden * (features + out) + projected * hidden
    return int(steps * directions * weights)


def cell_shape(call: Call) -> Shape | list[Any]:
    """The new hidden state (for an LSTM, two)."""
    shape, module = shape_of(call.input), call.module
    if shape[-1] != module.input_size:
        raise ShapeError(
            f"expects {module.input_size} features, got an input of {shape_text(shape)}"
        )
    out = (*shape[:-1], int(module.hidden_size))
    return [out, out] if call.name == "LSTMCell" else out


@operator("LSTMCell", "GRUCell", "RNNCell", kind=Kind.RECURRENT, shape=cell_shape)
def recurrent_cell(call: Call) -> Effect:
    """One step: every position on its own."""
    value, module = call.input, call.module
    reaches = mixing_reaches(value.dimensions, (len(value.shape) - 1,))
    hidden = int(module.hidden_size)
    gates = {"LSTMCell": 4, "GRUCell": 3, "RNNCell": 1}[call.name]
    macs = prod(value.shape[:-1]) * gates * hidden * (module.input_size + hidden)
    return Effect(
        (*value.dimensions[:-1], (Factor(hidden),)),
        tuple(
            reach_per_axis(call.axes, reaches | row_shifts(v.dimensions, value.dimensions))
            for v in call.data
        ),
        mixing_geometry(call.axes, reaches),
        macs=macs,
    )
