"""Views and joins: what moves positions around without computing.

Their shapes are not computed here: a view of a meta tensor costs microseconds, so PyTorch itself
is asked. Dimensions then follow from the shapes before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeGuard

from rflint.graph.layer import Kind
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Extent, Reach, Window
from rflint.operators import zeros
from rflint.operators.call import Call
from rflint.operators.dimensions import (
    Dimension,
    Dimensions,
    Factor,
    all_axes,
    at_lengths,
    axes_elsewhere,
    axes_of,
    concatenated,
    length,
    lie_alike,
    permuted,
    picked,
    picked_from,
    positions,
    reshaped,
    resized,
    sliced,
    sole_axis,
    tangled,
    unpicked,
)
from rflint.operators.effect import Effect, as_number, geometry, pointwise, reach_of
from rflint.operators.mixing import (
    along,
    composed,
    displaced,
    located,
    mixed,
    shuffled,
    unshuffled,
    without_inner,
)
from rflint.operators.rearranging import (
    as_flip,
    as_permutation,
    as_view,
    flipped_dimensions,
    in_another_way,
    new_order,
)
from rflint.operators.shapes import Shape, ShapeError, broadcast, checked_dim, shape_of, show
from rflint.operators.table import operator
from rflint.operators.values import Value


@operator(
    *("view", "reshape", "flatten", "Flatten", "unflatten", "Unflatten", "squeeze", "unsqueeze"),
    *("view_as", "reshape_as", "ravel", "atleast_1d", "atleast_2d", "atleast_3d"),
    kind=Kind.RESHAPE,
    rearranges=as_view,
)
def reshape(call: Call) -> Effect:
    """Regroups dimensions without moving anything."""
    shape = shape_of(call.result)
    return replace(_reshaped(call, shape), zeros=zeros.regrouped(call.input, shape))


def _reshaped(call: Call, shape: Shape) -> Effect:
    dimensions = call.input.dimensions
    if call.name in ("squeeze", "unsqueeze"):
        return pointwise(call, _ones_moved(call, dimensions, shape))
    view = reshaped(dimensions, shape)
    if view != tangled(dimensions, shape):
        return pointwise(call, view)
    dimensions, reaches = unshuffled(dimensions)
    return Effect(reshaped(dimensions, shape), (reach_of(call.axes, reaches),), geometry(call.axes))


def _ones_moved(call: Call, dimensions: Dimensions, shape: Shape) -> Dimensions:
    """Which dimension of size one came or went; it takes its axis with it to a neighbour."""
    dims = call.arg("dim", 1)
    if call.name == "unsqueeze":
        dim = int(dims) % len(shape)
        return (*dimensions[:dim], (Factor(1),), *dimensions[dim:])
    rank = len(dimensions)
    wanted = range(rank) if dims is None else (dims,) if isinstance(dims, int) else dims
    gone = {d % rank for d in wanted if call.input.shape[d] == 1}
    kept: list[Dimension] = []
    orphans: list[Factor] = []
    for dim, carried in enumerate(dimensions):
        if dim not in gone:
            kept.append(carried)
        else:
            orphans += [factor for factor in carried if factor.axes]
    if kept:
        # beside other positions, if there are any: channels are summed up
        spatial = [dim for dim, carried in enumerate(kept) if axes_of(carried)]
        at = spatial[-1] if spatial else len(kept) - 1
        kept[at] = (*kept[at], *orphans)
    return tuple(kept)


@operator(
    *("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "T", "mT"),
    *("adjoint", "mH", "H"),
    kind=Kind.RESHAPE,
    rearranges=as_permutation,
)
def permute(call: Call) -> Effect:
    """Puts dimensions in another order."""
    order = new_order(call)
    effect = pointwise(call, permuted(call.input.dimensions, order))
    return replace(effect, zeros=zeros.permuted(call.input, order))


@operator("rot90", kind=Kind.RESHAPE, traits=[Trait.MIXES_CHANNELS], rearranges=in_another_way)
def rotation(call: Call) -> Effect:
    """Swaps two dimensions, and mirrors one of them."""
    return replace(pointwise(call, permuted(call.input.dimensions, new_order(call))), moves=True)


@operator("expand", "expand_as", "broadcast_to", kind=Kind.RESHAPE, rearranges=as_view)
def expand(call: Call) -> Effect:
    """Repeats dimensions of size one: nothing new is read."""
    value = call.input
    shape = shape_of(call.result)
    new = len(shape) - len(value.dimensions)
    dimensions = tuple((Factor(size),) for size in shape[:new]) + tuple(
        dimension if old == size else (Factor(size),)
        for dimension, old, size in zip(value.dimensions, value.shape, shape[new:], strict=True)
    )
    gone = all_axes(value.dimensions) - all_axes(dimensions)
    reach = reach_of(call.axes, dict.fromkeys(gone, Extent.GLOBAL))
    return Effect(dimensions, (reach,), geometry(call.axes))


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
    full = _full_index(_with_steps(index, value.shape), len(value.shape))
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
    """Numbers of positions as a slice, if each is as far behind the last one as that was."""
    if not numbers or not all(type(n) is int and -size <= n < size for n in numbers):
        return None
    places = [n % size for n in numbers]
    steps = {b - a for a, b in pairwise(places)} or {1}
    step = steps.pop()
    return slice(places[0], places[-1] + 1, step) if step > 0 and not steps else None


def _basic(call: Call, value: Value, index: tuple[Any, ...]) -> Effect:
    """Numbers, slices and None."""
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
            inner = mixed(value.dimensions, (dim - 1,))
            reached |= {
                axis: Window(1, window.stride, item % size)
                for axis, window in inner.items()
                if isinstance(window, Window) and window.stride > 1
            }
            axis = sole_axis(dimension)
            if axis is not None and positions(value.dimensions, axis) == size > 1:
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
        elif shuffled(value.dimensions, dim - 1) is not None:
            read, carried = along(value.dimensions, dim - 1, Window(1, step, start), count)
            reached |= read
            dimensions.append(carried)
            continue
        kept = sliced(dimension, start, stop) if step == 1 else resized(dimension, count)
        dimensions.append(kept)
    stride = {axis: w.stride for axis, w in reached.items() if isinstance(w, Window)}
    result = tuple(without_inner(dimension, reached) for dimension in dimensions)
    for axis, place in places.items():
        result = picked(result, axis, place)
    return Effect(
        result,
        (reach_of(call.axes, reached),),
        geometry(call.axes, stride=stride),
        taps=located(value, taps, list(taps.values())),
        zeros=zeros.sliced(value, index),
    )


def _gathered(call: Call, value: Value, index: tuple[Any, ...]) -> Effect:
    """Indexing with tensors, from any position along the dimensions that they index."""
    rank = len(value.shape)
    items = _spread_out(index, rank)
    tensors = [item for item in items if _is_index(item)]
    picked = broadcast(*map(_index_shape, tensors))
    places = [i for i, item in enumerate(items) if _is_index(item)]
    together = places == list(range(places[0], places[0] + len(places)))
    at = places[0] if together else 0
    dimensions: list[Dimension] = []
    chosen: list[int] = []
    dim = 0
    for position, item in enumerate(items):
        if together and position == at:
            dimensions += [(Factor(size),) for size in picked]
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
        dimensions = [(Factor(size),) for size in picked] + dimensions
    # of a constant index it could be told what it picks, of a computed one it may be anything
    computed = any(_is(tensor) for tensor in tensors)
    extent = Extent.GLOBAL if computed else Extent.UNKNOWN
    anywhere = mixed(value.dimensions, chosen, value.dimensions)
    reaches = {
        axis: reach if isinstance(reach, Window) else extent for axis, reach in anywhere.items()
    }
    for tensor in tensors:
        # what an index computed from the input selects lies where the index lies
        if _is(tensor):
            for back, dimension in enumerate(reversed(tensor.dimensions), start=1):
                dimensions[at + len(picked) - back] = dimension
    # the same positions in another order: they go on along the first dimension that picks them
    lost = tuple(sorted(set(reaches) - {a for d in dimensions for a in axes_of(d)}))
    if lost and picked:
        dimensions[at] = (Factor(picked[0], lost),)
    return Effect(
        tuple(dimensions),
        tuple(reach_of(call.axes, reaches if v is value else {}) for v in call.data),
        geometry(call.axes),
    )


def _is_index(item: Any) -> bool:
    """Whether an item of an index picks single positions, alone or with a tensor."""
    return isinstance(item, int) or not (item is None or isinstance(item, slice))


def _index_shape(index: Any) -> Shape:
    """Of a number, a (nested) list of numbers, or a tensor."""
    if isinstance(index, int):
        return ()
    if isinstance(index, list):
        return (len(index), *(_index_shape(index[0]) if index else ()))
    return shape_of(index)


def _spread_out(index: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """An index with one item per dimension, and None for new ones."""
    consumed = sum(1 for item in index if item is not None and item is not ...)
    at = next((i for i, item in enumerate(index) if item is ...), len(index))
    return (*index[:at], *(slice(None),) * (rank - consumed), *index[at + 1 :])


@operator("setitem", kind=Kind.MERGE)
def setitem(call: Call) -> Effect:
    """`target[index] = written`: what was there, with something written over part of it.

    Where positions start:stop:step are written, position p holds written position
    (p - start) / step.
    """
    target, index, written = call.args
    carried, finer = unshuffled(target.dimensions)
    dimensions = list(carried)
    reaches: dict[int, Reach] = {}
    full = _full_index(index, len(dimensions))
    if full is None:
        reaches = (
            dict.fromkeys(all_axes(written.dimensions), Extent.UNKNOWN) if _is(written) else {}
        )
        dimensions = list(tangled(target.dimensions, target.shape))
    elif _is(written):
        placed = _placed(written, dimensions, full)
        inside, reaches = unshuffled(written.dimensions)
        reaches |= placed
        slices = [(dim, item) for dim, item in enumerate(full) if isinstance(item, slice)]
        for back, dimension in enumerate(reversed(unpicked(inside)), start=1):
            if back > len(slices) or not axes_of(dimension):
                continue
            dim, item = slices[-back]
            start, stop, step = item.indices(target.shape[dim])
            axis, there = sole_axis(dimension), axes_of(dimensions[dim])
            if (there and axes_of(dimension) - there) or (step != 1 and axis is None):
                reaches.update(dict.fromkeys(axes_of(dimension), Extent.UNKNOWN))
            elif axis is not None and (start, step) != (0, 1):
                shift = Window(
                    1, as_number(Fraction(1, step)), as_number(Fraction(-start, step)), moves=True
                )
                reaches[axis] = composed(reaches.get(axis, POINTWISE), shift)
            if not there:
                around = (start, target.shape[dim] - stop)
                before, after = (((Factor(n),),) if n and step == 1 else () for n in around)
                written_part = dimension if step == 1 else resized(dimension, target.shape[dim])
                dimensions[dim] = concatenated([*before, written_part, *after])
    read = {id(target): finer, id(written): reaches}
    return Effect(
        tuple(dimensions),
        tuple(reach_of(call.axes, read.get(id(v), {})) for v in call.data),
        geometry(call.axes),
        zeros=zeros.written_into(target, full, written, target.shape) if full is not None else (),
    )


@operator("slice_scatter", "select_scatter", kind=Kind.MERGE)
def written_copy(call: Call) -> Effect:
    """The same on a copy: (target, written, dim, which)."""
    target, written = call.tensors[:2]
    dim = checked_dim(int(call.arg("dim", 2, 0)), len(target.shape))
    item: Any = int(call.arg("index", 3, 0))
    if call.name == "slice_scatter":
        bounds = (call.arg("start", 3), call.arg("end", 4), call.arg("step", 5, 1))
        item = slice(*bounds)
    index = (*(slice(None),) * dim, item)
    return setitem(replace(call, name="setitem", args=(target, index, written), kwargs={}))


def _placed(
    written: Value, dimensions: list[Dimension], index: tuple[Any, ...]
) -> dict[int, Reach]:
    """What is read where one position of an axis goes to where the whole axis is to lie.

    A dimension of `dimensions` that carries nothing yet becomes that axis.
    """
    numbers = [(dim, item) for dim, item in enumerate(index) if isinstance(item, int)]
    one = picked_from(written.dimensions)
    if one is None or one.place is None or len(numbers) != 1:
        return {}
    ((dim, number),) = numbers
    size = length(dimensions[dim])
    if not axes_of(dimensions[dim]):
        dimensions[dim] = (Factor(size, one.axes),)
    shift = one.place - number % size
    if not shift or axes_of(dimensions[dim]) != set(one.axes):
        return {}
    return dict.fromkeys(one.axes, Window(1, 1, shift, moves=True))


@operator("overlaid", kind=Kind.MERGE, traits=[Trait.KEEPS_NUMBERS])
def overlaid(call: Call) -> Effect:
    """A tensor of which a view was written to in place: both, position by position."""
    base, written = call.args
    dimensions = base.dimensions
    if not all_axes(base.dimensions) and len(written.shape) <= len(base.shape):
        # a buffer that is filled with something: it becomes what it is filled with
        kept = len(base.dimensions) - len(written.dimensions)
        dimensions = dimensions[:kept] + at_lengths(written.dimensions, base.shape[kept:])
    fits = all_axes(written.dimensions) <= all_axes(dimensions)
    foreign = {} if fits else dict.fromkeys(range(call.axes), Extent.UNKNOWN)
    reaches = (reach_of(call.axes, foreign if v is written else {}) for v in call.data)
    return Effect(dimensions, tuple(reaches), geometry(call.axes))


def _is(value: Any) -> TypeGuard[Value]:
    """Whether something is a tensor that depends on the input."""
    return isinstance(value, Value) and value.source is not None


def _full_index(index: Any, rank: int) -> tuple[Any, ...] | None:
    """Basic indices (numbers, slices, ..., None), one per dimension; None for advanced ones."""
    items = index if isinstance(index, tuple) else (index,)
    basic = all(
        item is None
        or item is ...
        or (isinstance(item, int | slice) and not isinstance(item, bool))
        for item in items
    )
    return _spread_out(items, rank) if basic else None


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
    fixed = {"hstack": 1, "vstack": 0, "row_stack": 0, "dstack": 2}.get(call.name)
    dim = call.arg("dim", 1, None) if fixed is None else fixed
    return checked_dim(int(call.kwargs.get("axis", 0) if dim is None else dim), rank)


@operator(
    *("cat", "quantized::cat", "concat", "concatenate", "hstack", "vstack", "row_stack", "dstack"),
    kind=Kind.MERGE,
    shape=cat_shape,
    traits=[Trait.CONCATENATES],
)
def cat(call: Call) -> Effect:
    """All paths side by side, or one behind the other (class tokens)."""
    out = cat_shape(call)
    dim = _cat_dim(call, len(out))
    parts = [v for v in call.tensors if v.shape != (0,)]
    all_dimensions, reaches = _side_by_side(call, parts)
    dimensions = list(
        next((carried for carried in all_dimensions if all_axes(carried)), all_dimensions[0])
    )
    dimensions[dim] = concatenated([carried[dim] for carried in all_dimensions])
    if out[dim] == len(call.tensors) and (put_back := _put_back(call)):
        dimensions = list(unpicked(next(v for v in call.data if all_axes(v.dimensions)).dimensions))
        dimensions[dim] = (Factor(out[dim], tuple(put_back)),)
        return Effect(
            tuple(dimensions),
            (reach_of(call.axes, put_back),) * len(call.data),
            geometry(call.axes),
            moves=True,  # perhaps back to front
        )
    reaches = _one_behind_the_other(call, dim, reaches)
    beside = [carried[:dim] + carried[dim + 1 :] for carried in all_dimensions]
    # parts of a partition may come back in another order
    split = any(axes_of(carried[dim]) & axes_elsewhere(carried, dim) for carried in all_dimensions)
    return Effect(
        tuple(dimensions),
        reaches,
        geometry(call.axes),
        moves=split or not any(lie_alike(x, beside) for x in beside),
        zeros=zeros.joined(parts, dim, out),
    )


def _one_behind_the_other(
    call: Call, dim: int, reaches: tuple[tuple[Reach, ...], ...]
) -> tuple[tuple[Reach, ...], ...]:
    """Where parts of an axis are joined along it, each is read from where it begins."""
    read = iter(reaches)
    found: list[tuple[Reach, ...]] = []
    begins = 0
    for value in call.tensors:
        if value.source is not None:
            reach = list(next(read))
            axis = sole_axis(value.dimensions[dim]) if value.shape != (0,) else None
            if axis is not None and begins and reach[axis] == POINTWISE:
                reach[axis] = Window(1, 1, -begins)
            found.append(tuple(reach))
        begins += value.shape[dim] if value.shape != (0,) else 0
    return tuple(found)


def _side_by_side(call: Call, parts: list[Value]) -> tuple[list[Dimensions], tuple[Any, ...]]:
    """The dimensions of what is joined, and what is read of it: positions are the same in all."""
    all_dimensions = [value.dimensions for value in parts]
    settled = {id(value): unshuffled(value.dimensions) for value in parts}
    carrying = next((carried for carried in all_dimensions if all_axes(carried)), all_dimensions[0])
    apart = {id(value): displaced(value.dimensions, carrying) for value in parts}
    if not any(reaches for _, reaches in settled.values()) or len(set(all_dimensions)) == 1:
        return all_dimensions, tuple(reach_of(call.axes, apart.get(id(v), {})) for v in call.data)
    read = {id(value): settled[id(value)][1] | apart[id(value)] for value in parts}
    return [settled[id(value)][0] for value in parts], tuple(
        reach_of(call.axes, read.get(id(value), {})) for value in call.data
    )


def _put_back(call: Call) -> dict[int, Reach]:
    """What single positions of an axis read of it, if these tensors are such, in order."""
    found = [picked_from(v.dimensions) if _is(v) else None for v in call.tensors]
    places = [one.place for one in found if one is not None and one.place is not None]
    axes = {one.axes for one in found if one is not None}
    steps = {b - a for a, b in pairwise(places)}
    if len(places) < len(found) or len(axes) != 1 or len(steps) != 1 or 0 in steps:
        return {}
    ((axis,),) = axes
    # backwards is mirrored, which is nothing to a receptive field (see `flip`)
    return {axis: Window(1, abs(steps.pop()), min(places))}


def stack_shape(call: Call) -> Shape:
    """A new dimension."""
    shapes = [shape_of(tensor) for tensor in call.tensors]
    if len(set(shapes)) > 1:
        raise ShapeError(f"cannot stack {show(shapes[0])} and {show(shapes[1])}")
    dim = checked_dim(int(call.arg("dim", 1, 0)), len(shapes[0]) + 1)
    return (*shapes[0][:dim], len(shapes), *shapes[0][dim:])


@operator("stack", kind=Kind.MERGE, shape=stack_shape, traits=[Trait.STACKS])
def stack(call: Call) -> Effect:
    """All paths side by side along a new dimension."""
    out = stack_shape(call)
    dim = int(call.arg("dim", 1, 0)) % len(out)
    put_back = _put_back(call)
    if put_back:
        dimensions = unpicked(next(v for v in call.data if all_axes(v.dimensions)).dimensions)
        reaches: tuple[Any, ...] = (reach_of(call.axes, put_back),) * len(call.data)
    else:
        all_dimensions, reaches = _side_by_side(call, call.tensors)
        dimensions = next(
            (carried for carried in all_dimensions if all_axes(carried)), all_dimensions[0]
        )
    moves = bool(put_back) or not lie_alike(
        dimensions, [value.dimensions for value in call.tensors]
    )
    dimensions = (*dimensions[:dim], (Factor(out[dim], tuple(put_back)),), *dimensions[dim:])
    return Effect(
        dimensions,
        reaches,
        geometry(call.axes),
        moves=moves,
        zeros=zeros.stacked(call.tensors, dim, out),
    )


@operator(
    *("channel_shuffle", "ChannelShuffle", "native_channel_shuffle"),
    kind=Kind.RESHAPE,
    traits=[Trait.MIXES_CHANNELS],
)
def channel_shuffle(call: Call) -> Effect:
    """Permutes channels."""
    return pointwise(call, call.input.dimensions)


@operator("tril", "triu", kind=Kind.RESHAPE, traits=[Trait.MASKS])
def triangle(call: Call) -> Effect:
    """A matrix with zeros above its diagonal, or below."""
    return pointwise(call, call.input.dimensions)


@operator(
    *("flip", "fliplr", "flipud"),
    kind=Kind.RESHAPE,
    traits=[Trait.MIXES_CHANNELS],
    rearranges=as_flip,
)
def flip(call: Call) -> Effect:
    """Mirrors positions. Each reads one, whichever: sizes and jumps stay as they are."""
    dimensions = call.input.dimensions
    dims = flipped_dimensions(call)
    moves = any(axes_of(dimensions[dim]) for dim in dims)
    return replace(pointwise(call, dimensions), moves=moves, zeros=zeros.mirrored(call.input, dims))


@operator("roll", kind=Kind.SLICE, traits=[Trait.WRAPS_AROUND], rearranges=in_another_way)
def roll(call: Call) -> Effect:
    """Shifts the grid; what leaves on one side and comes back on the other is not followed."""
    value = call.input
    shifts, dims = call.arg("shifts", 1), call.arg("dims", 2, ())
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dimensions: Dimensions = value.dimensions
    dims = [d % len(dimensions) for d in ((dims,) if isinstance(dims, int) else dims)]
    reached: dict[int, Reach] = {}
    for shift, dim in zip(shifts, dims, strict=False):  # without dims the tensor is flattened
        axis = sole_axis(value.dimensions[dim])
        if axis is not None and shift:
            reached[axis] = Window(1, 1, -int(shift), moves=True)
        elif shift and shuffled(dimensions, dim) is not None:
            rolled = Window(1, 1, -int(shift), moves=True)
            read, carried = along(dimensions, dim, rolled, value.shape[dim])
            reached |= read
            dimensions = (*dimensions[:dim], carried, *dimensions[dim + 1 :])
    followed = len(reached) == len(shifts) == len(dims)
    spatial = any(axes_of(value.dimensions[dim]) for dim in dims) or not dims
    return Effect(
        dimensions,
        (reach_of(call.axes, reached),),
        geometry(call.axes),
        moves=spatial and not followed,
    )


@operator("repeat", "tile", kind=Kind.RESHAPE, traits=[Trait.MIXES_CHANNELS])
def repeat(call: Call) -> Effect:
    """Copies side by side; along positions, the same positions come again."""
    value, shape = call.input, shape_of(call.result)
    new = len(shape) - len(value.dimensions)
    old = ((Factor(1),),) * new + tuple(value.dimensions)
    dimensions = at_lengths(old, shape)
    # a single position that is copied over many is read by all of them
    copied = {
        axis: Extent.GLOBAL
        for carried, size in zip(old, shape, strict=True)
        if length(carried) == 1 < size
        for axis in axes_of(carried)
    }
    return Effect(dimensions, (reach_of(call.axes, copied),), geometry(call.axes))


@operator("repeat_interleave", kind=Kind.UPSAMPLE)
def repeat_interleave(call: Call) -> Effect:
    """Every position several times: nearest-neighbour upsampling along one dimension."""
    value, shape = call.input, shape_of(call.result)
    dim, times = call.arg("dim", 2), call.arg("repeats", 1)
    if dim is None or not isinstance(times, int):
        mixed_all: dict[int, Reach] = dict.fromkeys(all_axes(value.dimensions), Extent.GLOBAL)
        reach = reach_of(call.axes, mixed_all)
        return Effect(
            tangled(value.dimensions, shape), (reach,) * len(call.data), geometry(call.axes)
        )
    at = int(dim) % len(shape)
    window = Window(1, as_number(Fraction(1, times)), 0)
    reaches, carried = along(value.dimensions, at, window, shape[at])
    dimensions = (*value.dimensions[:at], carried, *value.dimensions[at + 1 :])
    return Effect(dimensions, (reach_of(call.axes, reaches),), geometry(call.axes))
