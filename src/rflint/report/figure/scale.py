"""The y axis of a figure: linear, or logarithmic where that would flatten what has to be read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rflint.graph.exact import Number
from rflint.report.figure.figure import Figure

_DWARFED = 8
"""Of an axis so many times as long, a line would lie at the bottom if it were linear."""
_MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Scale:
    """From nothing (or one pixel, where it is logarithmic) to a length that no figure exceeds."""

    high: float
    is_logarithmic: bool

    @property
    def low(self) -> float:
        """The length at the bottom."""
        return 0.8 if self.is_logarithmic else 0.0

    def fraction(self, length: Number | float) -> float:
        """How far up a length lies, between 0 and 1."""
        if not self.is_logarithmic:
            return float(length) / self.high
        return math.log(float(length) / self.low) / math.log(self.high / self.low)

    @property
    def ticks(self) -> tuple[int, ...]:
        """Round lengths along the axis."""
        if not self.is_logarithmic:
            steps = (factor * 10**power for power in range(16) for factor in (1, 2, 5))
            step = next(x for x in steps if self.high / x <= _MOST_TICKS - 1)
            return tuple(range(0, int(self.high) + 1, step))
        decades = range(int(math.log10(self.high)) + 1)
        for factors in ((1, 2, 5), (1,)):
            ticks = [x * 10**power for power in decades for x in factors]
            shown = tuple(x for x in ticks if x <= self.high)
            if len(shown) <= 2 * _MOST_TICKS:
                break
        every = -(-len(shown) // (2 * _MOST_TICKS))
        return shown[::every]


def scale_for(figures: Sequence[Figure]) -> Scale:
    """The axis that several figures share.

    Of each, the size of the input and the curve that decides are to be read from it.
    """
    largest = float(max(figure.largest for figure in figures))
    least = min([*_inputs(figures), *(figure.deciding for figure in figures)])
    is_logarithmic = largest > _DWARFED * least
    return Scale(largest * (1.35 if is_logarithmic else 1.06), is_logarithmic)


def _inputs(figures: Iterable[Figure]) -> list[int]:
    return [
        size
        for figure in figures
        for size in (figure.input_size, *(point.input_size for point in figure.points))
    ]
