"""Sizes at which a model runs, in one sentence with options to copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rflint.operators.shapes import shape_text
from rflint.usecases.running_sizes.nearest import Side
from rflint.usecases.running_sizes.tries import Point

_SHAPES = {1: "length", 2: "square", 3: "cube"}
"""What sizes are called that are as long along all axes, by the number of these."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of the sizes at which a model runs."""

    below: Side
    above: Side
    smallest: Point | None = None
    only_one: bool = False
    elsewhere: Point | None = None
    """One at which it runs, where none was found that is smaller, or larger, along all axes."""


@dataclass(frozen=True, slots=True)
class Words:
    """How a point is called, and the options that ask for it."""

    shape: Callable[[Point], Sequence[int]]
    """The shape that the input has there."""
    options: Callable[[Point], str]


def sentence(found: Found, words: Words) -> str:
    """Where the model runs; no more than is known."""
    points = [side.point for side in (found.below, found.above) if side.point is not None]
    if not points:
        if found.elsewhere is None:
            return ""
        points = [found.elsewhere]
    if found.only_one and len(points) == 1:
        others = _SHAPES.get(len(words.shape(points[0])) - 2, "size")
        what = f"It runs on {_named(points, words)}, and on no other {others}"
    else:
        what = f"It runs on {_named(points, words)}{_how_near(found, points)}"
        if found.smallest is not None and found.smallest not in points:
            what += f"; the smallest is {shape_text(words.shape(found.smallest))}"
    return f"{what}: {' or '.join(map(words.options, points))}"


def one_of_many(point: Point, words: Words) -> str:
    """A size at which the model runs, where none was asked for."""
    return f"It runs on {_named([point], words)}: {words.options(point)}"


def _named(points: Sequence[Point], words: Words) -> str:
    return " and ".join(shape_text(words.shape(point)) for point in points)


def _how_near(found: Found, points: Sequence[Point]) -> str:
    below, above = found.below, found.above
    if below == above == Side(None, True):
        return ""  # it is smaller along one axis and larger along another one
    if any(side.point is not None and not side.sure for side in (below, above)) or (
        below.point is None and above.point is None
    ):
        return " (nearer sizes were not all tried)"
    if len(points) == 2:
        return ", the nearest sizes that do"
    if above.point is not None:
        smallest = found.smallest == above.point
        return ", the smallest size that does" if smallest else _nearest("larger", below)
    largest = above.sure and len(points[0]) == 1  # else another axis may be longer
    return ", the largest size that does" if largest else _nearest("smaller", above)


def _nearest(which: str, other: Side) -> str:
    """The nearest of all, where it is known that there is none on the other side."""
    return f", the nearest {'' if other.sure else f'{which} '}size that does"
