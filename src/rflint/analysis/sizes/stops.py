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
    resolution: Size,
    feasible_min: Size,
    feasible_max: Sequence[int | None] | None,
    larger: Size | None = None,
) -> tuple[Size, ...]:
    """Sizes in ascending order along every axis: squares stay square.

    They reach from one position to about twice the linted size, or to where no unit sees the whole
    input any more, if that is further. The sizes that reports speak of are among them: the linted
    one, the larger one that is recommended, and what receptive fields ask for and span. In place of
    such a size that has another shape than the input, and lies between no two of them, one of the
    input's shape is there.
    """
    longest = max(resolution)
    asked = [feasible_min, *([larger] if larger else [])]
    spanned = tuple(x for x in feasible_max or () if x is not None)
    least = max(_side_covering(size, resolution) for size in asked)
    sides = {*_sides(longest, least, max(spanned, default=0)), longest}
    sides |= {_side_covering(size, resolution) for size in asked}
    if len(spanned) == len(resolution):
        sides.add(_side_within(spanned, resolution))
        asked.append(spanned)
    scaled = (_scaled(resolution, side) for side in sorted(sides) if side >= 1)
    found = list(dict.fromkeys(scaled))
    for size in asked:
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
