"""The sizes to look at: those of the shape that the input has, smaller and larger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rflint.analysis.sizes.facts import Size

_MOST = 700
"""About so many sizes are looked at: all of them, where the range has no more."""
_NEAR = 600
"""Of a longer range, so many up to twice the linted size."""
_AT_LEAST, _AT_MOST = 256, 1024
"""The range goes as far as this at least, and rarely further than the second."""


def stops(
    resolution: Size, feasible_min: Sequence[int], feasible_max: Sequence[int | None] | None
) -> tuple[Size, ...]:
    """Sizes in ascending order along every axis: squares stay square.

    They reach from one position to about twice the linted size, or to where no unit sees the whole
    input any more, if that is further. The sizes that reports speak of are among them: the linted
    one, the larger input without unproductive layers, and the ends of what is sound. Where such a
    size has another shape than the input, and lies between no two of them, the nearest of its
    shape that is sound in its place is.
    """
    longest = max(resolution)
    named = [
        tuple(feasible_min),
        tuple(map(max, feasible_min, resolution)),
        *([tuple(x for x in feasible_max if x is not None)] if feasible_max else []),
    ]
    named = [size for size in named if len(size) == len(resolution)]
    least = max(_side_covering(size, resolution) for size in named[:2])
    seen = max((size for size in feasible_max or () if size is not None), default=0)
    sides = {*_sides(longest, least, seen), longest}
    sides |= {_side_covering(size, resolution) for size in named[:2]}
    sides |= {_side_within(size, resolution) for size in named[2:]}
    scaled = (_scaled(resolution, side) for side in sorted(sides) if side >= 1)
    found = list(dict.fromkeys(scaled))
    for size in named:
        _insert(found, size)
    return tuple(found)


def _sides(longest: int, least: int, seen: int) -> Iterator[int]:
    """Lengths of the longest axis, in even steps; coarser ones beyond twice the linted size."""
    near = max(2 * longest, _AT_LEAST)
    far = max(near, least, seen, min(seen * 3 // 2, _AT_MOST))
    step = 1
    while far > _MOST and near // step > _NEAR:
        step *= 2
    beyond = step
    while near // step + (far - near) // beyond > _MOST:
        beyond *= 2
    yield from range(step, near + 1, step)
    yield from range(near - near % beyond + beyond, far + 1, beyond)
    yield far


def _scaled(resolution: Size, side: int) -> Size:
    """The size of this shape whose longest axis is so long."""
    longest = max(resolution)
    return tuple(
        side if length == longest else max(1, round(length * side / longest))
        for length in resolution
    )


def _side_covering(size: Size, resolution: Size) -> int:
    """The longest axis of the smallest size of a shape that covers another size."""
    longest = max(resolution)
    pairs = zip(size, resolution, strict=True)
    side = max(-(-wanted * longest // length) for wanted, length in pairs)
    while any(a < b for a, b in zip(_scaled(resolution, side), size, strict=True)):
        side += 1
    return side


def _side_within(size: Size, resolution: Size) -> int:
    """The longest axis of the largest size of a shape that lies within another size."""
    longest = max(resolution)
    return min(most * longest // length for most, length in zip(size, resolution, strict=True))


def _insert(found: list[Size], size: Size) -> None:
    """Put a size among ascending ones, if it is ascending along every axis there."""
    below = [x for x in found if all(a <= b for a, b in zip(x, size, strict=True))]
    above = found[len(below) :]
    if size in found or not all(a <= b for x in above[:1] for a, b in zip(size, x, strict=True)):
        return
    found.insert(len(below), size)
