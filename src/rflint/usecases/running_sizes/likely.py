"""A first size at which a model runs: what its modules and the message say, and usual ones.

Heads behind a flatten, tables of positions, and assertions hold a model to one size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from torch import nn

from rflint.analysis.sizes.spans import USUAL_SIZES
from rflint.errors import RflintError
from rflint.tracing.example_inputs.build import SizeMissing
from rflint.tracing.example_inputs.said_sizes import (
    numbers_that_differ,
    sizes_in_message,
    sizes_said_by,
    sizes_that_fill_a_linear_layer,
)
from rflint.tracing.recording.failures import cause_in
from rflint.usecases.running_sizes.tries import Point, Tries

_USUAL = sorted(USUAL_SIZES)
_MOST_USUAL = USUAL_SIZES[0]
_OTHER = 96
"""A model that runs here, too, runs at any size, it seems."""
_FOR_THE_NEAREST = 3.0
"""Seconds that are left for what comes after a size was found."""
_FEWEST_AROUND = 32
"""So many sizes are tried next to a small one, on both sides."""
_STEPS = 8
_NEAR = 0.1
"""A usual size so near to a computed one is meant, in parts of it."""


def likely_size(
    tries: Tries,
    error: RflintError,
    model: nn.Module,
    axes: int,
    others: Sequence[Point] = (),
) -> Point | None:
    """A size at which a model runs, most likely the one that it is made for.

    `axes` are those along which it changes, `others` the sizes that other inputs have. None where
    no size is found, and where the model runs at any, so that which one is up to the user.
    """
    tries.outcomes.update({} if isinstance(error, SizeMissing) else {tries.asked.point: error})
    fitting = next(filter(tries.runs, others), None)
    return fitting or _Likely(tries, error, axes).search(model)


class _Likely:
    def __init__(self, tries: Tries, error: RflintError, axes: int) -> None:
        self._tries = tries
        self._error = error
        self._axes = axes
        self._asked = max(tries.asked.point)

    def search(self, model: nn.Module) -> Point | None:
        missing = isinstance(self._error, SizeMissing)
        found = self._runs(self._asked)
        if missing and found and self._runs(_OTHER):
            return None
        if found and not missing:
            return found  # a square, where another shape was asked for
        error = self._error_at(self._asked)
        likely = [*sizes_said_by(model), *sizes_that_fill_a_linear_layer(model)]
        if error is not None:
            likely += sizes_in_message(error, self._asked)
        likely.append(_MOST_USUAL)
        found = self._first(likely)
        numbers = numbers_that_differ(error) if error is not None else None
        if found is None and numbers:
            found, depends = self._measured(numbers)
            if not depends:
                return None
        found = found or self._first(_nearest_first(_USUAL, self._asked))
        return found or (None if missing else self._around())

    def _points(self, length: int) -> Iterator[Point]:
        """All lengths like this, and each of them with the others as they were asked for."""
        asked = self._tries.asked.point
        yield (length,) * len(asked)
        if len(asked) > 1:
            for i in range(len(asked)):
                yield (*asked[:i], length, *asked[i + 1 :])

    def _runs(self, length: int) -> Point | None:
        return next((x for x in self._points(length) if self._tries.runs(x)), None)

    def _first(self, lengths: Iterable[int]) -> Point | None:
        return next((found for n in lengths if (found := self._runs(n))), None)

    def _error_at(self, length: int) -> RflintError | None:
        """Why the model failed with all lengths like this."""
        found = self._tries.outcomes.get(next(self._points(length)))
        return found if isinstance(found, RflintError) else None

    def _around(self) -> Point | None:
        """Sizes next to the asked one, in case that the model is made for unusual ones."""
        asked = self._tries.asked.point
        for step in range(1, max(*asked, _FEWEST_AROUND) + 1):
            for point in _moved(asked, step):
                if self._tries.seconds_left < _FOR_THE_NEAREST:
                    return None
                if min(point) > 0 and self._tries.runs(point):
                    return point
        return None

    def _measured(self, numbers: tuple[int, int]) -> tuple[Point | None, bool]:
        """The size at which two numbers that differ become the same, and if they depend on it.

        One of the two grows with the input, about as the number of its positions: so its root over
        the axes is a line, which two sizes give, as in the secant method.
        """
        asked = self._asked
        size, gap = asked, self._gap(numbers)
        following = round(asked * (numbers[0] / max(numbers[1], 1)) ** (1 / self._axes))
        known = {asked: numbers}
        for _ in range(_STEPS):
            if following in known or following < 1:
                break
            usual = _nearest_first(_USUAL, following)[0]
            if abs(usual - following) <= _NEAR * following and (found := self._runs(usual)):
                return found, True
            if found := self._runs(following):
                return self._first(_rounder(following)) or found, True
            differing = self._differing_at(following)
            if differing is None:
                break
            if differing == numbers:  # by chance, or since they have to do with no size
                by_chance = bool(cause_in(self._error.hint))  # maps that meet, say
                return None, by_chance or self._differing_at(2 * asked) != numbers
            known[following] = differing
            new_gap = self._gap(differing)
            if new_gap == gap:
                break
            step = new_gap * (following - size) / (new_gap - gap)
            size, gap, following = following, new_gap, round(following - step)
        return None, True

    def _differing_at(self, length: int) -> tuple[int, int] | None:
        """The two numbers with all lengths like this."""
        error = None if self._runs(length) else self._error_at(length)
        return numbers_that_differ(error) if error is not None else None

    def _gap(self, numbers: tuple[int, int]) -> float:
        wanted, got = (float(n ** (1 / self._axes)) for n in numbers)
        return got - wanted


def _moved(point: Point, step: int) -> Iterator[Point]:
    """All lengths smaller or larger by a step, and each of them with the others as they are."""
    for by in (-step, step):
        yield tuple(n + by for n in point)
        if len(point) > 1:
            for i, n in enumerate(point):
                yield (*point[:i], n + by, *point[i + 1 :])


def _nearest_first(sizes: Iterable[int], size: int) -> list[int]:
    return sorted(sizes, key=lambda other: max(other / size, size / other))


def _rounder(size: int) -> list[int]:
    """Numbers near to a size that rather are sizes: where strides leave a rest, several fit."""
    steps = (1000, 100) if size > 1000 else (32, 16, 8)
    found = [round(size / step) * step for step in steps] + [size // 8 * 8]
    return [] if size in found else [n for n in found if n > 0]
