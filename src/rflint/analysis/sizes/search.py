"""Sizes that are alike, and what was traced of them.

The architecture says at which sizes the model behaves alike (positions.py); one trace speaks for
all of them, and further ones confirm it. Where a trace contradicts, or where the model's code has
asked how large its maps are and may do something else at every size, nothing is known but what was
traced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.behaviours import Behaviour, is_like
from rflint.analysis.sizes.facts import Size
from rflint.analysis.sizes.positions import (
    NothingLeft,
    common_key,
    positions_along_axes,
    why_unpredictable,
)
from rflint.analysis.sizes.trials import Trials
from rflint.errors import RflintError
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind

CONTRADICTED = "what a trace finds does not follow from those at other sizes"
_LARGE_GROUP = 8
"""Of groups of so many sizes, the first and the last one are traced too."""


def axes_begin_with_inputs(architecture: Architecture) -> bool:
    """Whether every axis begins with the model's inputs, so that it can have another length."""
    begun = any(x.new_axes and x.kind is not Kind.INPUT for x in architecture.layers)
    has_all = all(architecture.input_has(axis) for axis in range(architecture.axes))
    return bool(architecture.axes) and has_all and not begun


class Search:
    """Groups of sizes with one key each, and what was traced of them."""

    def __init__(self, analysis: Analysis, sizes: Sequence[Size], trials: Trials) -> None:
        self.analysis = analysis
        self.sizes = tuple(sizes)
        self.trials = trials
        architecture = analysis.architecture
        self.axes = positions_along_axes(architecture)
        self.groups: dict[object, list[int]] = {}
        """By key, the numbers of its sizes."""
        self.behaviours: dict[object, Behaviour] = {}
        self.failing: dict[object, Size] = {}
        """By key, the first of its sizes at which the model was found not to run."""
        self.unpredictable = why_unpredictable(architecture)
        """Why one trace does not speak for other sizes; empty where it does."""

    # -- sizes that are alike

    def key(self, size: Size) -> object:
        """Equal at sizes at which the model behaves alike; NothingLeft where it cannot run."""
        return common_key(axis.at(n) for axis, n in zip(self.axes, size, strict=True))

    def begin(self) -> bool:
        """Group the sizes; whether the analysed one runs in them as it was found to."""
        for number, size in enumerate(self.sizes):
            self.groups.setdefault(self.key(size), []).append(number)
        own = self.key(self.analysis.architecture.resolution)
        self.behaviours[own] = Behaviour(self.analysis, self.axes)
        return not isinstance(own, NothingLeft)

    def all_as_predicted(self, sizes: Iterable[Size]) -> bool:
        """Trace these sizes, as far as there is time; whether nothing contradicts."""
        return all(map(self.is_as_predicted, sizes))

    def firsts(self) -> list[int]:
        """The first size of each group of which nothing is known yet, at which it may run."""
        return [self.groups[key][0] for key in self._running() if key not in self.behaviours]

    def middles(self) -> list[int]:
        """One size of each group at which the model may run, those of large groups first."""
        return [self.groups[key][len(self.groups[key]) // 2] for key in self._running()]

    def last_failing(self) -> list[int]:
        """The largest of the sizes at which nothing is left of the same map."""
        return [group[-1] for key, group in self.groups.items() if isinstance(key, NothingLeft)]

    def ends(self) -> list[int]:
        """The last and the first size of large groups."""
        groups = (self.groups[key] for key in self._running())
        large = (group for group in groups if len(group) >= _LARGE_GROUP)
        return [end for group in large for end in (group[-1], group[0])]

    def most_telling(self) -> list[int]:
        """Sizes to trace, those that tell most first: there may not be time for all of them."""
        middles, ends = self.middles(), self.ends()
        running = (number for key in self._running() for number in self.groups[key][:1])
        smallest = [min(running)] if middles else []
        return [*middles[:1], *ends[:2], *smallest, *self.last_failing(), *middles[1:], *ends[2:]]

    def _running(self) -> list[object]:
        runs = [key for key in self.groups if not isinstance(key, NothingLeft)]
        return sorted(runs, key=lambda key: (-len(self.groups[key]), self.groups[key][0]))

    def is_as_predicted(self, size: Size) -> bool:
        """Trace a size, if there is time; whether that fits to what is known of its group."""
        key = self.key(size)
        there = self.trials.at(size)
        if there is None:
            return True
        if isinstance(key, NothingLeft):
            return isinstance(there, RflintError)
        ran, failed = key in self.behaviours, key in self.failing
        if isinstance(there, RflintError):
            self.failing.setdefault(key, size)
            return not ran
        if failed or not is_like(self.analysis, there):
            return False
        return self.behaviours.setdefault(key, Behaviour(there, self.axes)).is_confirmed_by(there)
