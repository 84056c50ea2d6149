"""What becomes of dimensions that are resized, sliced, concatenated, reordered, merged or split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from math import prod
from operator import mul

from rflint.operators.dimensions import (
    Cut,
    Dimension,
    Dimensions,
    Factor,
    all_axes,
    axes_of,
    length,
)


def resized(dimension: Dimension, size: int) -> Dimension:
    """A dimension at another length, as behind a convolution, a pooling or a concatenation.

    An axis of which one position is left (electrodes that were summed up) stays beside another.
    """
    long = [factor for factor in dimension if factor.size > 1]
    spatial = [factor for factor in long if factor.axes]
    if len(spatial) == 1:
        # channels between its positions are positions then
        dimension = tuple(factor for factor in dimension if factor.axes)
        long = spatial
    if len(long) == 1 and any(factor.axes for factor in dimension if factor.size == 1):
        return tuple(
            Factor(size, factor.axes, _step(factor)) if factor is long[0] else factor
            for factor in dimension
        )
    axes = tuple(sorted(axes_of(dimension)))
    return (Factor(size, axes, min((_step(x) for x in dimension if x.axes), default=1)),)


def _step(factor: Factor) -> int:
    """How far apart positions are that were resampled: neighbours, if they were in order."""
    return 0 if factor.is_scattered else 1


def at_lengths(dimensions: Dimensions, shape: Sequence[int]) -> Dimensions:
    """Dimensions at other lengths; those that keep theirs stay as they are."""
    return tuple(
        dimension if length(dimension) == size else resized(dimension, size)
        for dimension, size in zip(dimensions, shape, strict=True)
    )


def concatenated(parts: Sequence[Dimension]) -> Dimension:
    """Dimensions one behind the other."""
    if len(parts) == 1:
        return parts[0]
    # an axis of which one position is left, beside those of another, stays beside them
    beside = {
        factor
        for part in parts
        for factor in part
        if factor.size == 1 and any(other.size > 1 and other.axes for other in part)
    }
    along = [tuple(factor for factor in part if factor not in beside) for part in parts]
    axes = tuple(sorted(frozenset[int]().union(*map(axes_of, along))))
    size = sum(map(length, parts))
    rest = sorted({axis for factor in beside for axis in factor.axes} - set(axes))
    joined = Factor(size, axes, parts=tuple(parts) if axes else ())
    return (joined, *(Factor(1, (axis,)) for axis in rest))


def sliced(dimension: Dimension, start: int, stop: int) -> Dimension:
    """Neighbouring positions of a dimension; full parts of a concatenation stay what they are."""
    alone = all(factor.size == 1 for factor in dimension[1:])
    parts = dimension[0].parts if dimension and alone else ()
    stop = max(start, stop)  # nothing is left
    taken = []
    at = 0
    for part in parts:
        if start <= at and at + length(part) <= stop:
            taken.append(part)
        at += length(part)
    if taken and sum(map(length, taken)) == stop - start:
        return concatenated(taken)
    return resized(dimension, stop - start)


def permuted(dimensions: Dimensions, order: Sequence[int]) -> Dimensions:
    """Dimensions behind `permute(order)`."""
    return tuple(dimensions[dim] for dim in order)


def reshaped(dimensions: Dimensions, shape: Sequence[int]) -> Dimensions:
    """Dimensions behind a view to `shape`: factors are regrouped in order, and split where needed.

    Where a factor cannot be split evenly, the dimensions up to where both shapes meet again are
    marked as carrying all axes involved. Factors of size one stay with a neighbour, so that a 1x1
    map still counts as a map.
    """
    return regrouped(dimensions, shape)[0]


def regrouped(dimensions: Dimensions, shape: Sequence[int]) -> tuple[Dimensions, bool]:
    """The same, and whether some factor could not be split evenly."""
    pending = _as_before_cuts([factor for dimension in dimensions for factor in dimension])
    result: list[Dimension] = []
    uneven = False
    while len(result) < len(shape):
        size, *further = shape[len(result) :]
        taken: list[Factor] = []
        filled = 1
        if size == 1:
            # a one-to-one match keeps (B, C, 1, 1) -> (B, C, 1, 1) as it is
            ones_wanted = 1 + sum(1 for _ in _leading_ones(further))
            ones_there = sum(1 for _ in _leading_ones([factor.size for factor in pending]))
            while pending and pending[0].size == 1 and ones_there >= ones_wanted:
                taken.append(pending.pop(0))
                ones_there -= 1
        while filled < size and pending:
            factor = pending.pop(0)
            if size % (filled * factor.size) == 0:
                taken.append(factor)
                filled *= factor.size
                continue
            wanted = size // filled
            if factor.size % wanted == 0 and len(factor.axes) <= 1:
                inner = factor.size // wanted
                part = replace(factor, parts=(), cut=None)
                taken.append(replace(part, size=wanted, step=factor.step * inner))
                pending.insert(0, replace(part, size=inner))
                filled = size
                continue
            uneven = True
            rest = [*taken, factor, *pending]
            sizes, factors = _until_they_meet([size, *further], [x.size for x in rest])
            result += _cut(tuple(rest[:factors]), [size, *further][:sizes])
            pending = rest[factors:]
            break
        else:
            result.append(_merged(taken) or (Factor(size),))
    if pending and result:
        result[-1] = _merged([*result[-1], *pending])
    return tuple(result), uneven


def _cut(before: Dimension, shape: Sequence[int]) -> Iterator[Dimension]:
    """What a view to `shape` makes of factors that it cuts across, and how to undo it."""
    cut = Cut(before, tuple(size for size in shape if size > 1))
    number = 0
    for (factor,) in tangled((before,), shape):
        yield (replace(factor, cut=(cut, number)) if factor.size > 1 else factor,)
        number += factor.size > 1


def _as_before_cuts(factors: Sequence[Factor]) -> list[Factor]:
    """Factors, with all that lie as a view has cut them taken for what was there before."""
    result: list[Factor] = []
    at = 0
    while at < len(factors):
        cut, number = factors[at].cut or (None, 0)
        end = at
        while end < len(factors) and cut and number < len(cut.lengths):
            if factors[end].size > 1:
                if factors[end].cut != (cut, number) or factors[end].size != cut.lengths[number]:
                    break
                number += 1
            end += 1
        if cut and factors[at].cut == (cut, 0) and number == len(cut.lengths):
            result += cut.before
            at = end
        else:
            result.append(factors[at])
            at += 1
    return result


def _until_they_meet(first: Sequence[int], second: Sequence[int]) -> tuple[int, int]:
    """How many numbers of each, at least one, have the same product; all of them, if none have."""
    products = {number: index for index, number in enumerate(accumulate(second, mul), 1)}
    for index, number in enumerate(accumulate(first, mul), 1):
        if number in products:
            return index, products[number]
    return len(first), len(second)


def tangled(dimensions: Dimensions, shape: Sequence[int]) -> Dimensions:
    """Dimensions of which any may carry any axis of the tensor."""
    axes = tuple(sorted(all_axes(dimensions)))
    return tuple((Factor(size, axes, 0) if size > 1 and axes else Factor(size),) for size in shape)


def _leading_ones(sizes: Sequence[int]) -> Sequence[int]:
    for count, size in enumerate(sizes):
        if size != 1:
            return sizes[:count]
    return sizes


def _merged(factors: Sequence[Factor]) -> Dimension:
    """Drops factors of size one without axes, and rejoins parts of an axis that meet again."""
    merged: list[Factor] = []
    for factor in factors:
        if factor.size == 1 and not factor.axes:
            continue
        last = merged[-1] if merged else None
        follows = last and last.axes == factor.axes and last.step == factor.step * factor.size
        if last and follows and not last.is_scattered:
            merged[-1] = Factor(
                last.size * factor.size,
                factor.axes,
                factor.step,
                patches=last.patches if last.patches == factor.patches else None,
            )
        else:
            merged.append(factor)
    if factors and not merged:
        return (Factor(prod(factor.size for factor in factors)),)
    return tuple(merged)
