"""The sizes next to the one that was asked for at which a model runs.

Of the sizes that are larger along no axis, the nearest is one that has no other at which the model
runs between itself and the asked one, along all axes at once; likewise of those that are smaller
along none. Where axes do not depend on each other that is the nearest length along each. It is
called the nearest only if every size between was tried, or is known to fail by what a trace says
of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import log, prod

from rflint.usecases.running_sizes.alike import Expand, alike_to
from rflint.usecases.running_sizes.tries import Point, Tries

_MOST_BETWEEN = 20_000
"""So many sizes between are looked at where axes depend on each other."""
_ROUND = (64, 32, 16, 8)


@dataclass(frozen=True, slots=True)
class Side:
    """What was found on one side of the asked size: smaller, or larger."""

    point: Point | None = None
    """The nearest at which the model runs, as far as is known."""
    sure: bool = False
    """Whether it is known that none is nearer; without a point, that there is none at all."""


class _Walk:
    """Points in turn, until the model runs at one."""

    def __init__(self, points: Iterator[Point], *, upwards: bool) -> None:
        self._points = points
        self._upwards = upwards
        """Whether sizes grow, without an end, so that none is the last one."""
        self._skipped = False
        self.side: Side | None = None
        """What was found; None while nothing is."""

    def step(self, search: Nearest) -> None:
        """Look at the next point."""
        point = next(self._points, None)
        if point is None:
            self.side = Side(None, not self._upwards and not self._skipped)
            return
        runs = search.runs(point)
        if runs:
            self.side = Side(point, not self._skipped)
        elif runs is None:
            self._skipped = True
            if search.out_of_time:
                self.side = Side()
        elif self._upwards and search.fails_from(point):
            self.side = Side(None, not self._skipped)


class Nearest:
    """Searches around the asked size, given one at which the model runs."""

    def __init__(
        self, tries: Tries, runs_at: Point, expand: Expand, *, weights_are_made: bool = False
    ) -> None:
        self._tries = tries
        self._asked = tries.asked.point
        self._runs_at = runs_at
        self._alike = alike_to(
            tries.architecture(runs_at),
            tries.asked.size_of(runs_at),
            expand,
            weights_are_made=weights_are_made,
        )
        self._failed: set[object] = set()
        self._ran: set[object] = set()
        """What sizes have in common (Alike.key) at which the model was found to fail, or to run."""
        for point in (self._asked, runs_at):
            self._note(point, point == runs_at)

    @property
    def out_of_time(self) -> bool:
        """Whether nothing more is to be tried."""
        return self._tries.out_of_time

    def runs(self, point: Point) -> bool | None:
        """Whether the model runs at a point: it was seen to, or is known not to. None: unknown."""
        if self._alike is not None:
            size = self._tries.asked.size_of(point)
            if self._alike.fails(size) or self._alike.key(size) in self._failed:
                return None if self.out_of_time else False
        runs = self._tries.runs(point)
        if runs is not None:
            self._note(point, runs)
        return runs

    def fails_from(self, point: Point) -> bool:
        """Whether the model fails at a point and at all that are larger."""
        return self._alike is not None and self._alike.fails_from(self._tries.asked.size_of(point))

    def sides(self) -> tuple[Side, Side]:
        """The nearest smaller and the nearest larger size."""
        found = self._sides()
        if self._ran & self._failed:  # what was traced contradicts it: all has to be tried
            self._alike = None
            found = self._sides()
        below, above = found
        return self._or_tried(below, -1), self._or_tried(above, 1)

    def smallest(self, below: Side, above: Side) -> Point | None:
        """The smallest size at which the model runs, if that is known."""
        if len(self._asked) == 1 and below == Side(None, True):
            return above.point if above.sure else None
        if len(self._asked) > 1 and not self._independent:
            return None
        lengths = range(len(self._asked))
        walks = [
            _Walk(self._along(i, range(1, self._runs_at[i] + 1)), upwards=True) for i in lengths
        ]
        found = self._combined(self._walked(walks))
        return found.point if found.sure else None

    def is_the_only_one(self) -> bool:
        """Whether the model is known to run at no other size of this shape."""
        if len(self._asked) > 1 or self._alike is None:
            return False
        (length,) = self._runs_at
        smaller = ((n,) for n in range(1, length))
        return self.fails_from((length + 1,)) and all(self.runs(x) is False for x in smaller)

    @property
    def _independent(self) -> bool:
        return self._alike is not None and self._alike.independent

    def _note(self, point: Point, runs: bool) -> None:
        if self._alike is not None:
            key = self._alike.key(self._tries.asked.size_of(point))
            (self._ran if runs else self._failed).add(key)

    def _sides(self) -> tuple[Side, Side]:
        if self._alike is None:
            self._try_round_ones()
        lengths = range(len(self._asked))
        walks = [
            _Walk(self._along(i, range(self._asked[i], 0, -1)), upwards=False) for i in lengths
        ]
        walks += [_Walk(self._along(i, self._upwards(i)), upwards=True) for i in lengths]
        found = self._walked(walks)
        below, above = found[: len(lengths)], found[len(lengths) :]
        return self._combined(below), self._combined(above)

    def _along(self, index: int, lengths: range) -> Iterator[Point]:
        """The size at which the model runs, with one of its lengths replaced by others."""
        here = self._runs_at
        points = ((*here[:index], n, *here[index + 1 :]) for n in lengths)
        return (point for point in points if point != self._asked)

    def _upwards(self, index: int) -> range:
        length = self._asked[index]
        most = 2 * length if self._alike is None else 4 * length + 64
        return range(length, max(most, self._runs_at[index]) + 1)

    def _walked(self, walks: Sequence[_Walk]) -> list[Side]:
        """What was found on each walk, one step on each in turn."""
        while any(walk.side is None for walk in walks):
            for walk in walks:
                if walk.side is None:
                    walk.step(self)
        return [walk.side for walk in walks if walk.side is not None]

    def _combined(self, along: Sequence[Side]) -> Side:
        """What was found with all lengths, from what was found with each of them."""
        if len(along) == 1:
            return along[0]
        if any(side.point is None for side in along):
            none = self._independent and any(side == Side(None, True) for side in along)
            return Side(None, none)
        point = tuple(side.point[i] for i, side in enumerate(along) if side.point is not None)
        if point == self._asked or not self.runs(point):
            return Side()
        if self._independent:
            return Side(point, all(side.sure for side in along))
        return self._first_between(point)

    def _first_between(self, point: Point) -> Side:
        """The nearest size up to one at which the model runs, all between looked at."""
        lengths = [self._classes(i, n) for i, n in enumerate(point)]
        if prod(map(len, lengths)) > _MOST_BETWEEN:
            return Side(point)
        between = sorted(product(*lengths), key=self._distance)
        sides = self._walked([_Walk((x for x in between if x != self._asked), upwards=False)])
        return sides[0] if sides[0].point else Side(point)

    def _classes(self, index: int, length: int) -> list[int]:
        """Lengths from the asked one to another, the nearest of all that behave alike."""
        asked = self._asked[index]
        lengths = range(asked, length + 1) if length > asked else range(asked, length - 1, -1)
        if self._alike is None:
            return list(lengths)
        found: dict[object, int] = {}
        for n in lengths:
            point = (*self._runs_at[:index], n, *self._runs_at[index + 1 :])
            found.setdefault(self._alike.key(self._tries.asked.size_of(point)), n)
        found.setdefault(None, length)
        return list(dict.fromkeys(found.values()))

    def _distance(self, point: Point) -> float:
        """How much lengths change, as factors."""
        return sum(abs(log(n / asked)) for n, asked in zip(point, self._asked, strict=True))

    def _try_round_ones(self) -> None:
        """Try sizes that many models run at: if time runs out, they are better than nothing."""
        for step in _ROUND:
            for up in (0, 1):
                self.runs(
                    tuple(max(1, n // step + (up if n % step else 0)) * step for n in self._asked)
                )

    def _or_tried(self, side: Side, direction: int) -> Side:
        """The nearest on that side that was tried, where a search did not come to its end."""
        if side.point is not None or side.sure:
            return side
        there = [
            point
            for point in self._tries.running()
            if all(
                (n - asked) * direction >= 0 for n, asked in zip(point, self._asked, strict=True)
            )
        ]
        return Side(min(there, key=self._distance, default=None))
