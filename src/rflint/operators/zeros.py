"""Which positions of a tensor are zero whatever the data: padding, and what becomes of it.

Per dimension a set of positions, as bits: all that lies at one of them is zero. A row of the
operator table that says nothing of its result's zeros knows of none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import reduce
from math import prod
from operator import and_, or_
from typing import Any

from rflint.graph.taps import Taps, everything, spread, thinned
from rflint.operators.call import Call
from rflint.operators.shapes import Shape, broadcast
from rflint.operators.values import Value, Zeros

_MOST = 1 << 16
"""A dimension that is split again is followed if it has no more positions than that."""


def all_zero(shape: Shape) -> Zeros:
    """The zeros of a tensor that is zero everywhere."""
    return tuple(map(everything, shape))


def of_sum(call: Call) -> Zeros:
    """Sums, differences, maxima and minima are zero where all operands are."""
    return _combined(call, and_) if _has_zeros(call) and not any(_numbers(call)) else ()


def of_product(call: Call) -> Zeros:
    """Products are zero where any operand is."""
    return _combined(call, or_) if _has_zeros(call) else ()


def of_quotient(call: Call) -> Zeros:
    """A tensor divided by a number is zero where the tensor is."""
    values, numbers = call.tensors, _numbers(call)
    by_a_number = len(values) == len(numbers) == 1 and call.args[0] is values[0]
    return values[0].zeros if _has_zeros(call) and by_a_number and numbers[0] else ()


def _has_zeros(call: Call) -> bool:
    """Whether zeros are known of an operand, and all that is no tensor is a number."""
    known = any(value.zeros for value in call.tensors)
    return known and all(type(x) in (int, float) for x in _numbers(call))


def _numbers(call: Call) -> list[Any]:
    """The arguments that are no tensors."""
    return [x for x in (*call.args, *call.kwargs.values()) if not isinstance(x, Value)]


def _combined(call: Call, how: Callable[[int, int], int]) -> Zeros:
    values: list[Value] = call.tensors
    shape = broadcast(*(value.shape for value in values))
    return completed(
        [
            reduce(how, (_broadcast(value, back, shape[-back]) for value in values))
            for back in range(len(shape), 0, -1)
        ],
        shape,
    )


def _broadcast(value: Value, back: int, size: int) -> int:
    """The zeros of an operand along a dimension of the result, which is counted from the last."""
    if not value.zeros:
        return 0
    if back > len(value.shape):
        return everything(size) if value.zeros == all_zero(value.shape) else 0
    own = value.zeros[-back]
    return own if value.shape[-back] == size else everything(size) if own else 0


def completed(zeros: Sequence[int], shape: Shape) -> Zeros:
    """The same zeros; all of them, if the tensor is zero all along one dimension."""
    if not any(zeros):
        return ()
    if any(zero == everything(size) for zero, size in zip(zeros, shape, strict=True)):
        return all_zero(shape)
    return tuple(zeros)


def behind_convolution(value: Value, taps: Sequence[Taps], shape: Shape) -> Zeros:
    """A convolution without a bias is zero where all that its window meets is zero, or padding."""
    first = len(shape) - len(taps)
    # it sums over the channels
    zeros = (*value.zeros[: first - 1], 0, *value.zeros[first:]) if value.zeros else ()
    return _behind_windows(zeros or (0,) * len(shape), taps, shape)


def behind_pooling(value: Value, taps: Sequence[Taps], shape: Shape) -> Zeros:
    """Sums and maxima over windows are zero where all that the window meets is."""
    every = [window.windows_over(everything(window.positions)) for window in taps]
    if not value.zeros or every != [everything(window.windows) for window in taps]:
        return ()  # the maximum of nothing but padding is no zero
    return _behind_windows(value.zeros, taps, shape)


def behind_adaptive_pooling(value: Value, shape: Shape) -> Zeros:
    """The same for windows that run from floor(p * n / m) to ceil((p + 1) * n / m) - 1."""
    if not value.zeros:
        return ()
    found = []
    for zeros, n, m in zip(value.zeros, value.shape, shape, strict=True):
        read = [everything(-(-(p + 1) * n // m)) & ~everything(p * n // m) for p in range(m)]
        found.append(sum(1 << p for p, places in enumerate(read) if not places & ~zeros))
    return completed(found, shape)


def _behind_windows(zeros: Zeros, taps: Sequence[Taps], shape: Shape) -> Zeros:
    found = list(zeros)
    for dim, window in enumerate(taps, start=len(shape) - len(taps)):
        data = everything(window.positions) & ~zeros[dim]
        found[dim] = everything(window.windows) & ~window.windows_over(data)
    return completed(found, shape)


def padded(value: Value, amounts: Sequence[tuple[int, int]], shape: Shape, *, zero: bool) -> Zeros:
    """The zeros of a map padded by these amounts, per dimension before and after; some may crop."""
    if not zero and any(n > 0 for pair in amounts for n in pair):
        return ()
    found = []
    old = value.zeros or (0,) * len(amounts)
    for zeros, (before, after), size in zip(old, amounts, shape, strict=True):
        kept = zeros << before if before >= 0 else zeros >> -before
        ends = everything(max(0, before)) | everything(max(0, after)) << size - max(0, after)
        found.append((kept | ends) & everything(size))
    return completed(found, shape)


def sliced(value: Value, index: Sequence[int | slice | None]) -> Zeros:
    """The zeros of a slice. The index has an item for every dimension, and None for new ones."""
    if not value.zeros:
        return ()
    found, shape = [], []
    is_zero = False
    dim = 0
    for item in index:
        if item is None:
            found.append(0)
            shape.append(1)
            continue
        zeros, size = value.zeros[dim], value.shape[dim]
        dim += 1
        if isinstance(item, int):
            is_zero |= bool(zeros >> item % size & 1)
            continue
        start, stop, step = item.indices(size)
        found.append(thinned((zeros & everything(max(start, stop))) >> start, step))
        shape.append(len(range(start, stop, step)))
    return all_zero(tuple(shape)) if is_zero else completed(found, tuple(shape))


def written_into(
    target: Value, index: Sequence[int | slice | None], written: object, shape: Shape
) -> Zeros:
    """The zeros that are left of a tensor when something is written to a slice of it."""
    if not target.zeros or None in index:
        return ()
    value = written if isinstance(written, Value) else None
    slices = [dim for dim, item in enumerate(index) if isinstance(item, slice)]
    found = []
    for dim, (item, zeros, size) in enumerate(zip(index, target.zeros, shape, strict=True)):
        if isinstance(item, int):
            found.append(zeros & ~(1 << item % size))
            continue
        assert item is not None
        start, stop, step = item.indices(size)
        count = len(range(start, stop, step))
        places = spread(everything(count), step) << start
        inside = 0
        if value is not None and len(value.shape) <= len(slices):
            inside = _broadcast(value, len(slices) - slices.index(dim), count)
        found.append(zeros & (~places | spread(inside, step) << start))
    return completed(found, shape)


def joined(values: Sequence[Value], dim: int, shape: Shape) -> Zeros:
    """The zeros of tensors one behind the other along a dimension."""
    if not any(value.zeros for value in values):
        return ()
    found = [everything(size) for size in shape]
    along, length = 0, 0
    for value in values:
        if value.shape == (0,):
            continue
        zeros = value.zeros or (0,) * len(shape)
        found = [a & b for a, b in zip(found, zeros, strict=True)]
        along |= zeros[dim] << length
        length += value.shape[dim]
    found[dim] = along
    return completed(found, shape)


def stacked(values: Sequence[Value], dim: int, shape: Shape) -> Zeros:
    """The zeros of tensors side by side along a new dimension."""
    if not any(value.zeros for value in values):
        return ()
    each = [value.zeros or (0,) * len(value.shape) for value in values]
    found = [reduce(and_, zeros) for zeros in zip(*each, strict=True)]
    whole = [zeros == all_zero(value.shape) for zeros, value in zip(each, values, strict=True)]
    found.insert(dim, sum(1 << place for place, is_zero in enumerate(whole) if is_zero))
    return completed(found, shape)


def permuted(value: Value, order: Sequence[int]) -> Zeros:
    """The zeros of a tensor with its dimensions in another order."""
    return tuple(value.zeros[dim] for dim in order) if value.zeros else ()


def mirrored(value: Value, dims: Collection[int]) -> Zeros:
    """The zeros of a tensor that is flipped along these dimensions."""
    rank = len(value.shape)
    flipped = {dim % rank for dim in dims} if rank else set()
    return tuple(
        backwards(zeros, value.shape[dim]) if dim in flipped else zeros
        for dim, zeros in enumerate(value.zeros)
    )


def backwards(places: int, size: int) -> int:
    """The same positions, counted from the other end."""
    return int(f"{places:0{size}b}"[::-1], 2) if size else 0


def regrouped(value: Value, shape: Shape) -> Zeros:
    """The zeros of a tensor whose dimensions are merged or split, as by a view."""
    if not value.zeros or prod(value.shape) != prod(shape) or 0 in shape:
        return ()
    found: list[int] = []
    for old, new in _groups(value.shape, shape):
        together = 0
        for dim in old:
            size = value.shape[dim]
            so_far = prod(value.shape[d] for d in old if d < dim)
            repeated = value.zeros[dim] * spread(everything(so_far), size)
            together = spread(together, size) * everything(size) | repeated
        found += _apart(together, [shape[dim] for dim in new])
    return completed(found, shape)


def _groups(old: Shape, new: Shape) -> Iterator[tuple[list[int], list[int]]]:
    """The smallest runs of dimensions, before and after, that hold as many numbers."""
    a = b = 0
    while a < len(old) or b < len(new):
        first, second = [a] if a < len(old) else [], [b] if b < len(new) else []
        a, b = a + len(first), b + len(second)
        while (have := prod(old[d] for d in first)) != (want := prod(new[d] for d in second)):
            if have < want:
                first.append(a)
                a += 1
            else:
                second.append(b)
                b += 1
        yield first, second


def _apart(together: int, sizes: Sequence[int]) -> list[int]:
    """The zeros of one dimension, on each of the dimensions that it is split into."""
    whole = prod(sizes)
    if sum(size > 1 for size in sizes) == 1:
        return [together if size > 1 else int(together == everything(whole)) for size in sizes]
    if not together or whole > _MOST:
        return [0] * len(sizes)
    found = []
    inner = whole
    for size in sizes:
        inner //= size
        # every number at this position, in every block of what lies outside of it
        one = everything(inner) * spread(everything(whole // (inner * size)), inner * size)
        places = [one << place * inner for place in range(size)]
        found.append(sum(1 << p for p, at in enumerate(places) if at & ~together == 0))
    return found
