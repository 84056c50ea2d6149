"""A model at every size of a range: whether it runs, and what matters of it there.

What is known of each size follows from the architecture, traced once for all sizes that are alike
(search.py). The sizes that a report shows are traced, and where one of them contradicts, or nothing
follows from the architecture, every size is traced by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.advice import Advice, Around, advice
from rflint.analysis.sizes.at_size import AtSize, Fails, NotKnown, Outcome, traced_at_size
from rflint.analysis.sizes.facts import Size
from rflint.analysis.sizes.positions import NothingLeft
from rflint.analysis.sizes.ranges import SizeRange, ranges, sound_ranges
from rflint.analysis.sizes.search import (
    CONTRADICTED,
    Search,
    axes_begin_with_inputs,
)
from rflint.analysis.sizes.trials import Trials
from rflint.errors import RflintError, UsageError

_FEW_STEPS = 32
"""Where every size has to be traced, advice is looked for so near."""

Progress = Callable[[int, int], None]
"""Is told how many sizes were looked at, and how many there are, where each has to be traced."""


@dataclass(frozen=True)
class SizeSurvey:
    """A model at each of some sizes, ascending."""

    outcomes: tuple[Outcome, ...]
    asked: Size
    """The size that advice is given for."""
    advice: Advice
    """The sizes around that one which run, and waste nothing."""
    traced: frozenset[Size]
    """The sizes at which the model was really traced."""
    each_traced_because: str = ""
    """Why every size had to be traced; empty where one trace speaks for many."""

    @cached_property
    def ranges(self) -> tuple[SizeRange, ...]:
        """What holds of sizes that follow each other."""
        return ranges(self.outcomes)

    @property
    def sound(self) -> tuple[tuple[AtSize, AtSize], ...]:
        """The first and the last size of each range that is sound."""
        return sound_ranges(self.outcomes)

    @property
    def smallest_sound(self) -> AtSize | None:
        """The smallest size without unproductive layers at which some unit sees everything."""
        return next((x for x in self.outcomes if isinstance(x, AtSize) and x.is_sound), None)


def survey_sizes(
    analysis: Analysis,
    sizes: Sequence[Size],
    asked: Size | None = None,
    progress: Progress | None = None,
) -> SizeSurvey:
    """What becomes of a model at every one of these sizes, ascending along every axis.

    `asked` is the size that advice is given for, that of the analysis if none is given. Raises
    UsageError where the model has no axis that begins with its inputs, so that there is no size.
    """
    check_has_size(analysis)
    survey = _Survey(analysis, sizes, asked or analysis.architecture.resolution, progress)
    found = survey.predicted() or survey.each_traced()
    return SizeSurvey(
        tuple(found),
        survey.asked,
        survey.advice_at(found),
        survey.traced,
        survey.search.unpredictable,
    )


def check_has_size(analysis: Analysis) -> None:
    """Raises UsageError where a model has no axis that begins with its inputs."""
    if analysis.retracer.resize is None or not axes_begin_with_inputs(analysis.architecture):
        raise UsageError(
            "its input has no size that could be another one",
            hint="No layer slides over an axis that the input has: it is a vector, say.",
        )


class _Survey:
    def __init__(
        self,
        analysis: Analysis,
        sizes: Sequence[Size],
        asked: Size,
        progress: Progress | None,
    ) -> None:
        self.asked = asked
        self.trials = Trials(analysis, None)
        self.search = Search(analysis, sizes, self.trials)
        self._sizes = tuple(sizes)
        self._progress = progress
        self._traced: dict[Size, Outcome] = {}

    @property
    def traced(self) -> frozenset[Size]:
        """The sizes that were traced, whatever came of it."""
        known = (size for size, x in self._traced.items() if not isinstance(x, NotKnown))
        return frozenset((*self.trials.found, *known))

    def predicted(self) -> list[Outcome] | None:
        """What follows from the architecture, if traces confirm it; None where it does not."""
        search = self.search
        if search.unpredictable:
            return None
        begins = search.begin()
        telling = [self._sizes[n] for n in (*search.firsts(), *search.last_failing())]
        found = None
        if begins and search.all_as_predicted(telling):
            found = self._confirmed([self._predicted_at(size) for size in self._sizes])
        if found is None:
            search.unpredictable = CONTRADICTED
        return found

    def each_traced(self) -> list[Outcome]:
        """Every size, traced by itself."""
        found = []
        for number, size in enumerate(self._sizes):
            if self._progress is not None:
                self._progress(number, len(self._sizes))
            found.append(self._traced_at(size))
            self.trials.forget(size)
        return found

    def advice_at(self, found: Sequence[Outcome]) -> Advice:
        """Which sizes to take in place of the one that is asked for.

        Equal sides stay equal. Others need not keep their proportions: each is looked for by
        itself, with the others as they were when the model was followed.
        """
        own = self._traced_at(self.asked)
        if self.search.unpredictable and self._has_all_around():
            return advice(found, own)
        if isinstance(own, AtSize):
            return Advice(own, (None, None), self._nearest(tidy=True))
        return Advice(None, self._nearest(tidy=False), self._nearest(tidy=True))

    def _has_all_around(self) -> bool:
        """Whether the sizes are all of those around the one that is asked for."""
        sizes = set(self._sizes)
        return (
            all(tuple(n + step for n in self.asked) in sizes for step in (-2, -1, 1, 2))
            and len(set(self.asked)) == 1
        )

    def _nearest(self, *, tidy: bool) -> Around:
        """The nearest smaller and larger sizes at which it runs, or is tidy; both are traced."""
        axes = range(len(self.asked))
        if len(set(self.asked)) == 1:
            together = [self._nearest_length(axes, tidy)] * len(axes)
        else:
            together = [self._nearest_length([axis], tidy) for axis in axes]
        found: list[AtSize | None] = []
        for lengths in zip(*together, strict=True):
            size = tuple(n for n in lengths if n is not None)
            whole = len(size) == len(lengths) and size != self.asked
            there = self._traced_at(size) if whole else None
            fits = isinstance(there, AtSize) and (there.is_tidy or not tidy)
            found.append(there if fits and isinstance(there, AtSize) else None)
        return found[0], found[1]

    def _nearest_length(self, axes: Sequence[int], tidy: bool) -> tuple[int | None, int | None]:
        """The nearest lengths of some axes that suit, the others as they were followed."""
        own, side = self.search.analysis.architecture.resolution, self.asked[axes[0]]

        def suits(length: int) -> bool:
            size = tuple(length if axis in axes else n for axis, n in enumerate(own))
            if self.search.unpredictable:
                there = self._traced_at(size)
                return isinstance(there, AtSize) and (there.is_tidy or not tidy)
            if not isinstance(self._predicted_at(size), AtSize):
                return False
            behaviour = self.search.behaviours.get(self.search.key(size))
            return not tidy or (
                behaviour is not None
                and all(behaviour.is_tidy_along(axis, length) for axis in axes)
            )

        if len(axes) < len(own) and suits(side):
            return side, side
        reach = _FEW_STEPS if self.search.unpredictable else side
        smaller = range(side - 1, max(side // 2, side - 1 - reach), -1)
        larger = range(side + 1, min(2 * side, side + reach) + 1)
        return next(filter(suits, smaller), None), next(filter(suits, larger), None)

    def _predicted_at(self, size: Size) -> Outcome:
        """What is known of a size; traced where it does not follow from other traces."""
        search = self.search
        key = search.key(size)
        if isinstance(key, NothingLeft):
            name = search.analysis.layers[key.layer].described
            return Fails(size, f"nothing is left of the map in front of {name}")
        if key in search.behaviours:
            return search.behaviours[key].at(size) or self._traced_at(size)
        failed = search.failing.get(key)
        if failed is None or failed == size:
            found = self._traced_at(size)
            search.is_as_predicted(size)  # from now on it speaks for others
            return found
        there = self.trials.found[failed]
        assert isinstance(there, RflintError)
        return Fails(size, there.message, failed)

    def _confirmed(self, found: list[Outcome]) -> list[Outcome] | None:
        """The same, if the sizes that a report shows are as predicted when they are traced."""
        for number in sorted(self._shown(found)):
            there = self._traced_at(self._sizes[number])
            if not _agree(found[number], there):
                return None
            found[number] = there
        return found

    def _shown(self, found: Sequence[Outcome]) -> Iterable[int]:
        numbers = {outcome.size: number for number, outcome in enumerate(found)}
        shown = [
            *(end for x in ranges(found) for end in (x.first, x.last)),
            *(end for pair in sound_ranges(found) for end in pair),
        ]
        return {numbers[outcome.size] for outcome in shown}

    def _traced_at(self, size: Size) -> Outcome:
        if size not in self._traced:
            there = self.trials.at(size)
            if there is None:
                self._traced[size] = NotKnown(size, self.trials.unknown.get(size, ""))
            elif isinstance(there, RflintError):
                self._traced[size] = Fails(size, there.message)
            else:
                self._traced[size] = traced_at_size(there)
        return self._traced[size]


def _agree(predicted: Outcome, traced: Outcome) -> bool:
    """Whether a trace finds what was predicted; why a model fails may be said in other words."""
    if isinstance(predicted, Fails):
        return isinstance(traced, Fails)
    return predicted == traced
