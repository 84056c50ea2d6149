"""Find out what becomes of every layer at other sizes of its input, as far as there is time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.behaviours import Behaviour, has_same_fields, is_like
from rflint.analysis.sizes.facts import Size, SizeFacts, SizeState, StateRun
from rflint.analysis.sizes.positions import NothingLeft
from rflint.analysis.sizes.search import (
    CONTRADICTED,
    Search,
    axes_begin_with_inputs,
)
from rflint.analysis.sizes.stops import stops
from rflint.analysis.sizes.trials import SECONDS, Trials
from rflint.errors import RflintError

_T = TypeVar("_T")


def find_size_facts(
    analysis: Analysis,
    sizes: Sequence[Size] | None = None,
    *,
    larger: Size | None = None,
    seconds: float = SECONDS,
) -> SizeFacts | None:
    """What is known of a model at these sizes, ascending; without any, at those around its own.

    The linted size is one of them; without any given, so is the `larger` one. After so many seconds
    of computing, no further size is traced. None where the model is not there any more, or where
    some axis does not begin with its inputs.
    """
    architecture = analysis.architecture
    if analysis.retracer.resize is None or not axes_begin_with_inputs(architecture):
        return None
    if sizes is None:
        asked, spanned = analysis.feasible_min, analysis.feasible_max
        sizes = stops(architecture.resolution, asked, spanned, larger)
    found = _Facts(analysis, tuple(sizes), seconds)
    found.run()
    return found.facts()


@dataclass(frozen=True, slots=True)
class _State:
    """What is known of one size; see StateRun."""

    state: SizeState
    why: str = ""
    as_at: Size | None = None


class _Facts:
    """What a search finds at a number of sizes, the analysed one among them."""

    def __init__(self, analysis: Analysis, sizes: tuple[Size, ...], seconds: float) -> None:
        self.analysis = analysis
        self.sizes = sizes
        self.trials = Trials(analysis, seconds)
        self.search = Search(analysis, sizes, self.trials)
        self.linted = sizes.index(analysis.architecture.resolution)
        self._lengths = [[size[axis] for size in sizes] for axis in range(len(sizes[0]))]
        """Per axis, its length at every size."""
        self.groups: dict[object, list[int]] = self.search.groups
        self.behaviours: dict[object, Behaviour] = self.search.behaviours

    def run(self) -> None:
        """Trace, and hold what follows against what is traced."""
        search, sizes = self.search, self.sizes
        if not search.unpredictable:
            runs = search.begin()
            if not runs or not search.all_as_predicted(sizes[n] for n in search.most_telling()):
                search.unpredictable = CONTRADICTED
        if search.unpredictable:
            self._trace_only()

    def _trace_only(self) -> None:
        """Trace as many sizes as there is time for; each of them is known, and no other."""
        self.groups = {number: [number] for number in range(len(self.sizes))}
        self.behaviours = {}
        self.search.failing.clear()
        for number in _in_good_order(self.sizes, self.linted):
            self.trials.at(self.sizes[number])
        for number, size in enumerate(self.sizes):
            there = self.trials.found.get(size)
            if isinstance(there, Analysis) and is_like(self.analysis, there):
                self.behaviours[number] = Behaviour(there, self.search.axes)

    # -- what is known

    def facts(self) -> SizeFacts:
        """All of it."""
        known: list[Behaviour | None] = [None] * len(self.sizes)
        states = [_State(SizeState.UNKNOWN)] * len(self.sizes)
        for key, group in self.groups.items():
            for number in group:
                known[number] = self.behaviours.get(key)
                states[number] = self._state(key, number)
        return SizeFacts(
            sizes=self.sizes,
            linted=self.linted,
            states=tuple(
                StateRun(begins, x.state, x.why, x.as_at)
                for begins, x in _runs(list(enumerate(states)))
            ),
            verdicts=tuple(self._verdicts(known)),
            layers=tuple(self._layers(known)),
            macs=tuple(self._macs(number, x) for number, x in enumerate(known)),
            tried=len(self.trials.found),
            unknown_because=self._why_unknown(states),
        )

    def _state(self, key: object, number: int) -> _State:
        if key in self.behaviours:
            return _State(SizeState.RUNS)
        if isinstance(key, NothingLeft):
            name = self.analysis.layers[key.layer].described
            return _State(SizeState.FAILS, f"nothing is left of the map in front of {name}")
        if message := self._message(number):
            return _State(SizeState.FAILS, message)
        if key not in self.search.failing:
            return _State(SizeState.UNKNOWN)
        alike = (other for other in self.groups[key] if self._message(other))
        nearest = min(alike, key=lambda other: abs(other - number))
        return _State(SizeState.FAILS, self._message(nearest), self.sizes[nearest])

    def _message(self, number: int) -> str:
        """Why the model was found not to run at this very size; empty where it was not."""
        there = self.trials.found.get(self.sizes[number])
        return there.message if isinstance(there, RflintError) else ""

    def _why_unknown(self, states: Sequence[_State]) -> str:
        if all(x.state is not SizeState.UNKNOWN for x in states):
            return ""
        return self.search.unpredictable or "there was no time to try more"

    def _macs(self, number: int, behaviour: Behaviour | None) -> int | None:
        if behaviour is None:
            return None
        traced = self.trials.found.get(self.sizes[number])
        if isinstance(traced, Analysis):
            return traced.totals.macs
        return behaviour.macs(self.sizes[number])

    def _verdicts(
        self, known: Sequence[Behaviour | None]
    ) -> Iterator[tuple[int, tuple[tuple[int, Verdict], ...]]]:
        segments = list(_segments(known))
        for index, x in enumerate(self.analysis.layers):
            if not x.kind.is_convolution:
                continue
            found: list[tuple[int, Verdict]] = []
            for begins, ends, behaviour in segments:
                found += self._verdicts_within(index, begins, ends, behaviour)
            if any(one is not Verdict.NOT_JUDGED for _, one in found):
                yield index, tuple(_runs(found))

    def _verdicts_within(
        self, index: int, begins: int, ends: int, behaviour: Behaviour
    ) -> Iterator[tuple[int, Verdict]]:
        """The verdicts on a layer at sizes at which the model behaves alike."""
        traced = self.trials.found.get(self.sizes[begins])
        if ends == begins + 1 and isinstance(traced, Analysis):
            yield begins, traced.layers[index].verdict
            return
        numbers = {begins}
        for axis, size in behaviour.thresholds(index):
            numbers.add(bisect_left(self._lengths[axis], size, begins, ends))
        for number in sorted(numbers - {ends}):
            yield number, behaviour.verdict(index, self.sizes[number])

    def _layers(
        self, known: Sequence[Behaviour | None]
    ) -> Iterator[tuple[int, tuple[tuple[int, AnalysedLayer], ...]]]:
        segments = list(_segments(known))
        for index, x in enumerate(self.analysis.layers):
            found: list[tuple[int, AnalysedLayer]] = []
            for begins, _, behaviour in segments:
                there = behaviour.analysis.layers[index]
                if not found or not has_same_fields(found[-1][1], there):
                    found.append((begins, there))
            if len(found) > 1 or any(not has_same_fields(x, there) for _, there in found):
                yield index, tuple(found)


def _in_good_order(sizes: Sequence[Size], linted: int) -> list[int]:
    """All sizes: those first that people use, and of these the ones that are near."""
    own = max(sizes[linted])

    def rank(number: int) -> tuple[int, int]:
        side = max(sizes[number])
        roundness = next((i for i, step in enumerate((32, 16, 8, 4, 2)) if side % step == 0), 5)
        return roundness, abs(side - own)

    return sorted(range(len(sizes)), key=rank)


def _segments(known: Sequence[Behaviour | None]) -> Iterator[tuple[int, int, Behaviour]]:
    """Neighbouring sizes at which the model behaves alike: the first, the end, and how."""
    begins = 0
    for number in range(1, len(known) + 1):
        if number == len(known) or known[number] is not known[begins]:
            behaviour = known[begins]
            if behaviour is not None:
                yield begins, number, behaviour
            begins = number


def _runs(values: Sequence[tuple[int, _T]]) -> Iterator[tuple[int, _T]]:
    """Only those that differ from what is before them."""
    before: list[_T] = []
    for number, value in values:
        if before != [value]:
            yield number, value
        before = [value]
