"""A model tried at sizes, for so long as there is time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import process_time
from typing import TypeAlias

from rflint.analysis.sizes.facts import Size
from rflint.errors import DataDependent, RflintError, UnsupportedByTracer
from rflint.graph.architecture import Architecture

Attempt: TypeAlias = Callable[[Size], "Architecture | RflintError"]
"""Traces a model at a size, or says why that does not go."""
Point: TypeAlias = tuple[int, ...]
"""One length for all the axes that stay of one length."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The size that was asked for, and which of its axes are to stay of one length."""

    size: Size
    numbers: tuple[int, ...]
    """Per axis, the number of its length in a point."""

    @classmethod
    def of(cls, size: Size, *others: Size) -> Asked:
        """Axes that have one length here, and in all others, stay so: squares remain squares."""
        lengths = list(zip(size, *others, strict=True))
        known = list(dict.fromkeys(lengths))
        return cls(size, tuple(known.index(x) for x in lengths))

    @property
    def point(self) -> Point:
        """Its own lengths."""
        return self.point_of(self.size)

    def point_of(self, size: Size) -> Point:
        """The lengths of a size of this shape."""
        return tuple(dict(zip(self.numbers, size, strict=True)).values())

    def size_of(self, point: Point) -> Size:
        """The size with these lengths."""
        return tuple(point[number] for number in self.numbers)


class Tries:
    """What became of a model at the sizes at which it was tried."""

    def __init__(self, attempt: Attempt, asked: Asked, until: float) -> None:
        self.attempt = attempt
        self.asked = asked
        self.outcomes: dict[Point, Architecture | RflintError] = {}
        self._until = until

    @property
    def seconds_left(self) -> float:
        """For how long sizes may still be tried."""
        return self._until - process_time()

    @property
    def out_of_time(self) -> bool:
        """Whether nothing more is to be tried."""
        return self.seconds_left < 0

    def runs(self, point: Point) -> bool | None:
        """Whether the model runs there; None where there is no time, or it cannot be followed."""
        if point not in self.outcomes:
            if self.out_of_time:
                return None
            self.outcomes[point] = self.attempt(self.asked.size_of(point))
        found = self.outcomes[point]
        if isinstance(found, Architecture):
            return True
        return None if isinstance(found, DataDependent | UnsupportedByTracer) else False

    def running(self) -> list[Point]:
        """The points at which it ran."""
        return [point for point, x in self.outcomes.items() if isinstance(x, Architecture)]

    def architecture(self, point: Point) -> Architecture:
        """The architecture that was traced at a point at which it ran."""
        found = self.outcomes[point]
        assert isinstance(found, Architecture)
        return found

    def shape(self, point: Point) -> Sequence[int]:
        """The shape of the largest input there, as the model took it."""
        return max(self.architecture(point).inputs, key=len)
