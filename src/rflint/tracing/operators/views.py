"""Views and joins: what moves positions around without computing.

Their shapes are not computed here: a view of a meta tensor costs microseconds, so PyTorch itself
is asked. Layouts then follow from the shapes before and after.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeGuard

from rflint.architecture import Extent, Kind, Reach, Window
from rflint.tracing.layout import (
    Dimension,
    Factor,
    Layout,
    all_axes,
    axes_of,
    permuted,
    reshaped,
    resized,
    sole_axis,
    tangled,
)
from rflint.tracing.operators.table import (
    Call,
    Effect,
    Shape,
    ShapeError,
    Value,
    checked_dim,
    geometry,
    operator,
    pointwise,
    reach_of,
    shape_of,
    show,
    whole,
)


@operator(
    *("view", "reshape", "flatten", "Flatten", "unflatten", "Unflatten", "squeeze", "unsqueeze"),
    *("view_as", "reshape_as", "ravel"),
    kind=Kind.RESHAPE,
)
def reshape(call: Call) -> Effect:
    """Regroups dimensions without moving anything."""
    shape = shape_of(call.result)
    layout = call.input.layout
    if call.name in ("squeeze", "unsqueeze"):
        return pointwise(call, _ones_moved(call, layout, shape))
    return pointwise(call, reshaped(layout, shape))


def _ones_moved(call: Call, layout: Layout, shape: Shape) -> Layout:
    """Which dimension of size one came or went; it takes its axis with it to a neighbour."""
    dims = call.arg("dim", 1)
    if call.name == "unsqueeze":
        dim = int(dims) % len(shape)
        return (*layout[:dim], (Factor(1),), *layout[dim:])
    rank = len(layout)
    wanted = range(rank) if dims is None else (dims,) if isinstance(dims, int) else dims
    gone = {d % rank for d in wanted if call.input.shape[d] == 1}
    kept: list[Dimension] = []
    orphans: list[Factor] = []
    for dim, carried in enumerate(layout):
        if dim not in gone:
            kept.append(carried)
        else:
            orphans += [factor for factor in carried if factor.axes]
    if kept:
        kept[-1] = (*kept[-1], *orphans)
    return tuple(kept)


@operator(
    "permute", "transpose", "swapaxes", "swapdims", "movedim", "t", "T", "mT", kind=Kind.RESHAPE
)
def permute(call: Call) -> Effect:
    """Moves whole dimensions."""
    return pointwise(call, permuted(call.input.layout, _order(call)))


def _order(call: Call) -> list[int]:
    rank = len(shape_of(call.input))
    if call.name in ("t", "T"):
        return list(reversed(range(rank)))
    order = list(range(rank))
    if call.name == "mT":
        a, b = rank - 2, rank - 1
    elif call.name == "permute":
        dims = call.arg("dims", 1)
        dims = call.args[1:] if isinstance(dims, int) else dims
        return [int(d) % rank for d in dims]
    elif call.name == "movedim":
        source, target = call.arg("source", 1), call.arg("destination", 2)
        sources = [source] if isinstance(source, int) else list(source)
        targets = [target] if isinstance(target, int) else list(target)
        placed = {t % rank: s % rank for s, t in zip(sources, targets, strict=True)}
        rest = iter(d for d in range(rank) if d not in placed.values())
        return [placed[d] if d in placed else next(rest) for d in range(rank)]
    else:
        a, b = int(call.arg("dim0", 1)) % rank, int(call.arg("dim1", 2)) % rank
    order[a], order[b] = order[b], order[a]
    return order


@operator("expand", "expand_as", "broadcast_to", kind=Kind.RESHAPE)
def expand(call: Call) -> Effect:
    """Repeats dimensions of size one: nothing new is read."""
    value = call.input
    shape = shape_of(call.result)
    new = len(shape) - len(value.layout)
    layout = tuple((Factor(size),) for size in shape[:new]) + tuple(
        dimension if old == size else (Factor(size),)
        for dimension, old, size in zip(value.layout, value.shape, shape[new:], strict=True)
    )
    gone = all_axes(value.layout) - all_axes(layout)
    reach = reach_of(call.axes, dict.fromkeys(gone, Extent.GLOBAL))
    return Effect(layout, (reach,), geometry(call.axes))


@operator("chunk", "split", "unbind", "tensor_split", "split_with_sizes", kind=Kind.SLICE)
def split(call: Call) -> Effect:
    """Parts of what there was. Along positions, which part lies where is no longer told apart."""
    parts = [shape_of(part) for part in call.result]
    value = call.input
    position = 1 if call.name == "unbind" else 2
    dim = int(call.arg("dim", position, 0)) % len(value.shape)
    axes = axes_of(value.layout[dim])
    if call.name == "unbind":
        layout = value.layout[:dim] + value.layout[dim + 1 :]
    elif axes:
        layout = tangled(value.layout, parts[0])
    else:
        layout = (*value.layout[:dim], (Factor(parts[0][dim]),), *value.layout[dim + 1 :])
    return pointwise(call, layout)


@operator("getitem", "select", "narrow", kind=Kind.SLICE)
def getitem(call: Call) -> Effect:
    """Basic indexing: a slice of positions is a window of one with a stride and a start."""
    value = call.input
    shape = shape_of(call.result)
    if call.name == "select":
        dim = int(call.arg("dim", 1)) % len(value.shape)
        index: tuple[Any, ...] = (slice(None),) * dim + (int(call.arg("index", 2)),)
    elif call.name == "narrow":
        dim = int(call.arg("dim", 1)) % len(value.shape)
        start = int(call.arg("start", 2)) % value.shape[dim]
        index = (slice(None),) * dim + (slice(start, start + int(call.arg("length", 3))),)
    else:
        raw = call.args[1]
        index = raw if isinstance(raw, tuple) else (raw,)
    return _indexed(call, value, index, shape)


def _indexed(call: Call, value: Value, index: tuple[Any, ...], shape: Shape) -> Effect:
    full = _full_index(index, len(value.shape))
    if full is None:
        unknown = dict.fromkeys(all_axes(value.layout), Extent.UNKNOWN)
        reaches = tuple(reach_of(call.axes, unknown) for _ in call.data)
        return Effect(tangled(value.layout, shape), reaches, geometry(call.axes))
    reached: dict[int, Reach] = {}
    layout: list[Dimension] = []
    dim = 0
    for item in full:
        if item is None:
            layout.append((Factor(1),))
            continue
        dimension, size = value.layout[dim], value.shape[dim]
        dim += 1
        if isinstance(item, int):
            continue
        start, stop, step = item.indices(size)
        length = len(range(start, stop, step))
        if (start, step, length) == (0, 1, size):
            layout.append(dimension)
            continue
        axis = sole_axis(dimension)
        if axis is not None:
            reached[axis] = Window(1, step, start)
        layout.append(resized(dimension, length))
    reach = reach_of(call.axes, reached)
    stride = {axis: w.stride for axis, w in reached.items() if isinstance(w, Window)}
    return Effect(tuple(layout), (reach,), geometry(call.axes, stride=stride))


@operator("setitem", kind=Kind.MERGE)
def setitem(call: Call) -> Effect:
    """`target[index] = written`: what was there, with something written over part of it.

    Where positions start:stop:step are written, position p holds written position
    (p - start) / step.
    """
    target, index, written = call.args
    layout = list(target.layout)
    reaches: dict[int, Reach] = {}
    full = _full_index(index, len(layout))
    if full is None:
        reaches = dict.fromkeys(all_axes(written.layout), Extent.UNKNOWN) if _is(written) else {}
        layout = list(tangled(target.layout, target.shape))
    elif _is(written):
        sliced = [(dim, item) for dim, item in enumerate(full) if isinstance(item, slice)]
        for back, dimension in enumerate(reversed(written.layout), start=1):
            if back > len(sliced) or not axes_of(dimension):
                continue
            dim, item = sliced[-back]
            start, _, step = item.indices(target.shape[dim])
            axis = sole_axis(dimension)
            if axis is None or axes_of(layout[dim]) - {axis}:
                reaches.update(dict.fromkeys(axes_of(dimension), Extent.UNKNOWN))
            elif (start, step) != (0, 1):
                reaches[axis] = Window(1, whole(Fraction(1, step)), whole(Fraction(-start, step)))
            layout[dim] = resized(dimension, target.shape[dim])
    untouched = reach_of(call.axes, {})
    return Effect(
        tuple(layout),
        tuple(reach_of(call.axes, reaches) if v is written else untouched for v in call.data),
        geometry(call.axes),
    )


@operator("overlaid", kind=Kind.MERGE)
def overlaid(call: Call) -> Effect:
    """A tensor of which a view was written to in place: both, position by position."""
    base, written = call.args
    fits = all_axes(written.layout) <= all_axes(base.layout)
    foreign = {} if fits else dict.fromkeys(range(call.axes), Extent.UNKNOWN)
    reaches = (reach_of(call.axes, foreign if v is written else {}) for v in call.data)
    return Effect(base.layout, tuple(reaches), geometry(call.axes))


def _is(value: Any) -> TypeGuard[Value]:
    """Whether something is a tensor that depends on the input."""
    return isinstance(value, Value) and value.source is not None


def _full_index(index: Any, rank: int) -> tuple[Any, ...] | None:
    """Basic indices (numbers, slices, ..., None), one per dimension; None for advanced ones."""
    items = index if isinstance(index, tuple) else (index,)
    if not all(item is None or item is ... or isinstance(item, int | slice) for item in items):
        return None
    consumed = sum(1 for item in items if item is not None and item is not ...)
    at = next((i for i, item in enumerate(items) if item is ...), len(items))
    return (*items[:at], *(slice(None),) * (rank - consumed), *items[at + 1 :])


def cat_shape(call: Call) -> Shape:
    """Sizes add up along one dimension and agree along the others."""
    shapes = [shape_of(tensor) for tensor in call.tensors]
    shapes = [shape for shape in shapes if shape != (0,)]
    dim = _cat_dim(call, len(shapes[0]))
    for shape in shapes[1:]:
        same = len(shape) == len(shapes[0]) and all(
            a == b for d, (a, b) in enumerate(zip(shape, shapes[0], strict=True)) if d != dim
        )
        if not same:
            raise ShapeError(f"cannot concatenate {show(shapes[0])} and {show(shape)}")
    total = sum(shape[dim] for shape in shapes)
    return (*shapes[0][:dim], total, *shapes[0][dim + 1 :])


def _cat_dim(call: Call, rank: int) -> int:
    dim = call.arg("dim", 1, None)
    return checked_dim(int(call.kwargs.get("axis", 0) if dim is None else dim), rank)


@operator("cat", "concat", "concatenate", kind=Kind.MERGE, shape=cat_shape)
def cat(call: Call) -> Effect:
    """All paths side by side. Along positions (class tokens), what lies where is not told apart."""
    out = cat_shape(call)
    dim = _cat_dim(call, len(out))
    first = next((v for v in call.data if all_axes(v.layout)), call.data[0])
    layout = list(first.layout)
    axes = frozenset(axis for value in call.data for axis in axes_of(value.layout[dim]))
    layout[dim] = (Factor(out[dim], tuple(sorted(axes))),)
    return pointwise(call, tuple(layout))


def stack_shape(call: Call) -> Shape:
    """A new dimension."""
    shapes = [shape_of(tensor) for tensor in call.tensors]
    if len(set(shapes)) > 1:
        raise ShapeError(f"cannot stack {show(shapes[0])} and {show(shapes[1])}")
    dim = checked_dim(int(call.arg("dim", 1, 0)), len(shapes[0]) + 1)
    return (*shapes[0][:dim], len(shapes), *shapes[0][dim:])


@operator("stack", kind=Kind.MERGE, shape=stack_shape)
def stack(call: Call) -> Effect:
    """All paths side by side along a new dimension."""
    out = stack_shape(call)
    dim = int(call.arg("dim", 1, 0)) % len(out)
    layout = next((v for v in call.data if all_axes(v.layout)), call.data[0]).layout
    layout = (*layout[:dim], (Factor(out[dim]),), *layout[dim:])
    return pointwise(call, layout)


@operator("channel_shuffle", "ChannelShuffle", "flip", kind=Kind.RESHAPE)
def channel_shuffle(call: Call) -> Effect:
    """Permutes channels. Flipping positions is not known yet."""
    if call.name != "flip":
        return pointwise(call, call.input.layout)
    dims = call.arg("dims", 1)
    dims = call.args[1:] if isinstance(dims, int) else dims
    axes = {axis for dim in dims for axis in axes_of(call.input.layout[dim])}
    reach = reach_of(call.axes, dict.fromkeys(axes, Extent.UNKNOWN))
    return Effect(call.input.layout, (reach,), geometry(call.axes))
