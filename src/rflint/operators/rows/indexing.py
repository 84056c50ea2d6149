"""Indexing: slices, which are windows of one position, and what tensors of indices pick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from rflint.graph.layer import Kind
from rflint.graph.taps import Taps
from rflint.graph.windows import Extent, Reach, Window
from rflint.operators import zeros
from rflint.operators.call import Call
from rflint.operators.dimensions import (
    Dimension,
    Factor,
    axes_of,
    position_count,
    sole_axis,
    with_picked_position,
)
from rflint.operators.effect import Effect, geometry, reach_per_axis
from rflint.operators.indices import basic_index, full_index
from rflint.operators.reaches import (
    mixing_reaches,
    on_axes,
    shuffled_channels,
    sliding_along,
    without_inner_part,
)
from rflint.operators.regrouping import resized, sliced
from rflint.operators.shapes import Shape, broadcast, checked_dim, shape_of
from rflint.operators.table import operator
from rflint.operators.values import Value, depends_on_input


@operator(
    *("chunk", "split", "unbind", "tensor_split", "split_with_sizes"),
    *("hsplit", "vsplit", "dsplit"),
    kind=Kind.SLICE,
)
def split(call: Call) -> Effect:
    """Slices, one behind the other."""
    value = call.input
    position = 1 if call.name == "unbind" else 2
    by_name = {"vsplit": 0, "hsplit": min(1, len(value.shape) - 1), "dsplit": 2}
    dim = by_name.get(call.name)
    if dim is None:
        dim = checked_dim(int(call.arg("dim", position, 0)), len(value.shape))
    parts = []
    start = 0
    for part in map(shape_of, call.result):
        item: int | slice = start
        if call.name != "unbind":
            item = slice(start, start + part[dim])
        parts.append(_basic(call, value, (slice(None),) * dim + (item,)))
        start += 1 if call.name == "unbind" else part[dim]
    return replace(parts[0], parts=tuple(parts))


@operator("getitem", "select", "narrow", kind=Kind.SLICE)
def getitem(call: Call) -> Effect:
    """Indexing: a slice of positions is a window of one with a stride and a start."""
    value = call.input
    if call.name == "select":
        dim = int(call.arg("dim", 1)) % len(value.shape)
        index: tuple[Any, ...] = (slice(None),) * dim + (int(call.arg("index", 2)),)
    elif call.name == "narrow":
        dim = int(call.arg("dim", 1)) % len(value.shape)
        start = int(call.arg("start", 2)) % value.shape[dim]
        index = (slice(None),) * dim + (slice(start, start + int(call.arg("length", 3))),)
    else:
        value = call.args[0]
        raw = call.args[1]
        index = raw if isinstance(raw, tuple) else (raw,)
    full = basic_index(_with_steps(index, value.shape), len(value.shape))
    return _gathered(call, value, index) if full is None else _basic(call, value, full)


def _with_steps(index: tuple[Any, ...], shape: Shape) -> tuple[Any, ...]:
    """An index with its one list of numbers as a slice, if they are evenly spaced."""
    lists = [at for at, item in enumerate(index) if isinstance(item, list)]
    if len(lists) != 1 or any(isinstance(item, int) for item in index):
        return index  # numbers and lists together go to the front
    (at,) = lists
    dim = sum(item is not None for item in index[:at])
    if any(item is ... for item in index[:at]):
        dim = len(shape) - sum(item is not None for item in index[at:])
    numbers = evenly_spaced(index[at], shape[dim])
    return index if numbers is None else (*index[:at], numbers, *index[at + 1 :])


def evenly_spaced(numbers: Sequence[Any], size: int) -> slice | None:
    """A list of positions as a slice, if they are evenly spaced; else None."""
    if not numbers or not all(type(n) is int and -size <= n < size for n in numbers):
        return None
    places = [n % size for n in numbers]
    steps = {b - a for a, b in pairwise(places)} or {1}
    step = steps.pop()
    return slice(places[0], places[-1] + 1, step) if step > 0 and not steps else None


def _basic(call: Call, value: Value, index: tuple[Any, ...]) -> Effect:
    """Indexing with numbers, slices and None."""
    reached: dict[int, Reach] = {}
    dimensions: list[Dimension] = []
    places: dict[int, int] = {}
    taps: dict[int, Taps] = {}
    index += (slice(None),) * (len(value.shape) - sum(item is not None for item in index))
    dim = 0
    for item in index:
        if item is None:
            dimensions.append((Factor(1),))
            continue
        dimension, size = value.dimensions[dim], value.shape[dim]
        dim += 1
        if isinstance(item, int):
            # of an axis that was split, one of the inner positions: a stride
            inner = mixing_reaches(value.dimensions, (dim - 1,))
            reached |= {
                axis: Window(1, window.stride, item % size)
                for axis, window in inner.items()
                if isinstance(window, Window) and window.stride > 1
            }
            axis = sole_axis(dimension)
            if axis is not None and position_count(value.dimensions, axis) == size > 1:
                places[axis] = item % size
                taps[dim - 1] = Taps(1, size, 1, before=-(item % size))
            continue
        start, stop, step = item.indices(size)
        count = len(range(start, stop, step))
        if (start, step, count) == (0, 1, size):
            dimensions.append(dimension)
            continue
        axis = sole_axis(dimension)
        if axis is not None:
            reached[axis] = Window(1, step, start)
            taps[dim - 1] = Taps(1, size, count, step, before=-start)
        elif shuffled_channels(value.dimensions, dim - 1) is not None:
            read, carried = sliding_along(value.dimensions, dim - 1, Window(1, step, start), count)
            reached |= read
            dimensions.append(carried)
            continue
        kept = sliced(dimension, start, stop) if step == 1 else resized(dimension, count)
        dimensions.append(kept)
    stride = {axis: w.stride for axis, w in reached.items() if isinstance(w, Window)}
    result = tuple(without_inner_part(dimension, reached) for dimension in dimensions)
    for axis, place in places.items():
        result = with_picked_position(result, axis, place)
    return Effect(
        result,
        (reach_per_axis(call.axes, reached),),
        geometry(call.axes, stride=stride),
        taps=on_axes(value, taps, list(taps.values())),
        zeros=zeros.sliced(value, index),
    )


def _gathered(call: Call, value: Value, index: tuple[Any, ...]) -> Effect:
    """Indexing with tensors, from any position along the dimensions that they index."""
    rank = len(value.shape)
    items = full_index(index, rank)
    tensors = [item for item in items if _is_index(item)]
    with_picked_position = broadcast(*map(_index_shape, tensors))
    places = [i for i, item in enumerate(items) if _is_index(item)]
    together = places == list(range(places[0], places[0] + len(places)))
    at = places[0] if together else 0
    dimensions: list[Dimension] = []
    chosen: list[int] = []
    dim = 0
    for position, item in enumerate(items):
        if together and position == at:
            dimensions += [(Factor(size),) for size in with_picked_position]
        if item is None:
            dimensions.append((Factor(1),))
            continue
        if _is_index(item):
            chosen.append(dim)
        else:
            count = len(range(*item.indices(value.shape[dim])))
            dimensions.append(resized(value.dimensions[dim], count))
        dim += 1
    if not together:
        dimensions = [(Factor(size),) for size in with_picked_position] + dimensions
    # of a constant index it could be told what it picks, of a computed one it may be anything
    computed = any(depends_on_input(tensor) for tensor in tensors)
    extent = Extent.GLOBAL if computed else Extent.UNKNOWN
    anywhere = mixing_reaches(value.dimensions, chosen, value.dimensions)
    reaches = {
        axis: reach if isinstance(reach, Window) else extent for axis, reach in anywhere.items()
    }
    for tensor in tensors:
        # what an index computed from the input selects lies where the index lies
        if depends_on_input(tensor):
            for back, dimension in enumerate(reversed(tensor.dimensions), start=1):
                dimensions[at + len(with_picked_position) - back] = dimension
    # the same positions in another order: they go on along the first dimension that picks them
    lost = tuple(sorted(set(reaches) - {a for d in dimensions for a in axes_of(d)}))
    if lost and with_picked_position:
        dimensions[at] = (Factor(with_picked_position[0], lost),)
    return Effect(
        tuple(dimensions),
        tuple(reach_per_axis(call.axes, reaches if v is value else {}) for v in call.data),
        geometry(call.axes),
    )


def _is_index(item: Any) -> bool:
    """Whether an item of an index picks single positions, alone or with a tensor."""
    return isinstance(item, int) or not (item is None or isinstance(item, slice))


def _index_shape(index: Any) -> Shape:
    """The shape of an index: a number, a (nested) list of numbers, or a tensor."""
    if isinstance(index, int):
        return ()
    if isinstance(index, list):
        return (len(index), *(_index_shape(index[0]) if index else ()))
    return shape_of(index)
