"""Find out what becomes of a model at other sizes of its input.

The architecture says at which sizes the model behaves alike (positions.py); one trace speaks for
all of them, and further ones confirm it. Where a trace contradicts, or where the model's code has
asked how large its maps are and may do something else at every size, nothing is known but what was
traced.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.behaviours import Behaviour, has_same_fields, is_like
from rflint.analysis.sizes.facts import Size, SizeFacts, SizeState, StateRun
from rflint.analysis.sizes.positions import Positions
from rflint.analysis.sizes.stops import stops
from rflint.analysis.sizes.trials import SECONDS, Trials
from rflint.errors import RflintError
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind

_T = TypeVar("_T")

_LARGE_GROUP = 8
"""Of groups of so many sizes, the first and the last one are traced too."""


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
    if analysis.retracer.resize is None or not _begins_with_its_inputs(architecture):
        return None
    if sizes is None:
        asked, spanned = analysis.feasible_min, analysis.feasible_max
        sizes = stops(architecture.resolution, asked, spanned, larger)
    found = _Search(analysis, tuple(sizes), seconds)
    found.run()
    return found.facts()


def _begins_with_its_inputs(architecture: Architecture) -> bool:
    begun = any(x.new_axes and x.kind is not Kind.INPUT for x in architecture.layers)
    has_all = all(architecture.input_has(axis) for axis in range(architecture.axes))
    return bool(architecture.axes) and has_all and not begun


@dataclass(frozen=True, slots=True)
class _NothingLeft:
    """The key of sizes at which a layer has no positions left."""

    layer: int


@dataclass(frozen=True, slots=True)
class _State:
    """What is known of one size; see StateRun."""

    state: SizeState
    why: str = ""
    as_at: Size | None = None


class _Search:
    """Groups of sizes with one key each, and what was traced of them."""

    def __init__(self, analysis: Analysis, sizes: tuple[Size, ...], seconds: float) -> None:
        self.analysis = analysis
        self.sizes = sizes
        self.linted = sizes.index(analysis.architecture.resolution)
        self.trials = Trials(analysis, seconds)
        architecture = analysis.architecture
        self.axes = [Positions(architecture, axis) for axis in range(architecture.axes)]
        for axis, along in enumerate(self.axes):
            if along.description == self.axes[0].description:
                self.axes[axis] = self.axes[0]
        self._lengths = [[size[axis] for size in sizes] for axis in range(architecture.axes)]
        """Per axis, its length at every size."""
        self.groups: dict[object, list[int]] = {}
        """By key, the numbers of its sizes."""
        self.behaviours: dict[object, Behaviour] = {}
        self.failing: set[object] = set()
        """The keys at whose sizes the model was found not to run."""
        self.unpredictable = _why_unpredictable(architecture)
        """Why one trace does not speak for other sizes; empty where it does."""

    def run(self) -> None:
        """Trace, and hold what follows against what is traced."""
        if not self.unpredictable:
            self._group()
            if not self._traced_as_predicted():
                self.unpredictable = "what a trace finds does not follow from those at other sizes"
        if self.unpredictable:
            self._trace_only()

    # -- sizes that are alike

    def _group(self) -> None:
        for number, size in enumerate(self.sizes):
            self.groups.setdefault(self._key(size), []).append(number)

    def _key(self, size: Size) -> object:
        found = [axis.at(n) for axis, n in zip(self.axes, size, strict=True)]
        failing = [x.fails for x in found if x.fails is not None]
        return _NothingLeft(min(failing)) if failing else tuple(x.key for x in found)

    def _traced_as_predicted(self) -> bool:
        """Trace a size of each group, and more of large ones; whether nothing contradicts.

        There may not be time for all of them: large groups come first.
        """
        own = self._key(self.sizes[self.linted])
        self.behaviours[own] = Behaviour(self.analysis, self.axes)
        runs = [key for key in self.groups if not isinstance(key, _NothingLeft)]
        runs.sort(key=lambda key: (-len(self.groups[key]), self.groups[key][0]))
        if own not in runs:
            return False
        largest = self.groups[runs[0]]
        smallest_that_runs = min(self.groups[key][0] for key in runs)
        middles = [self.groups[key][len(self.groups[key]) // 2] for key in runs]
        ends = [
            end
            for key in runs
            if len(group := self.groups[key]) >= _LARGE_GROUP
            for end in (group[-1], group[0])
        ]
        wanted = (
            self.linted,
            middles[0],
            largest[-1],
            largest[0],
            smallest_that_runs,
            *(number for key in self.groups if key not in runs for number in self.groups[key][-1:]),
            *middles,
            *ends,
        )
        return all(map(self._is_as_predicted, wanted))

    def _is_as_predicted(self, number: int) -> bool:
        """Trace a size, if there is time; whether that fits to what is known of its group."""
        size = self.sizes[number]
        key = self._key(size)
        there = self.trials.at(size)
        if there is None:
            return True
        if isinstance(key, _NothingLeft):
            return isinstance(there, RflintError)
        ran, failed = key in self.behaviours, key in self.failing
        if isinstance(there, RflintError):
            self.failing.add(key)
            return not ran
        if failed or not is_like(self.analysis, there):
            return False
        return self.behaviours.setdefault(key, Behaviour(there, self.axes)).is_confirmed_by(there)

    def _trace_only(self) -> None:
        """Trace as many sizes as there is time for; each of them is known, and no other."""
        self.groups = {number: [number] for number in range(len(self.sizes))}
        self.behaviours, self.failing = {}, set()
        for number in _in_good_order(self.sizes, self.linted):
            self.trials.at(self.sizes[number])
        for number, size in enumerate(self.sizes):
            there = self.trials.found.get(size)
            if isinstance(there, Analysis) and is_like(self.analysis, there):
                self.behaviours[number] = Behaviour(there, self.axes)

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
        if isinstance(key, _NothingLeft):
            name = self.analysis.layers[key.layer].described
            return _State(SizeState.FAILS, f"nothing is left of the map in front of {name}")
        if message := self._message(number):
            return _State(SizeState.FAILS, message)
        if key not in self.failing:
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
        return self.unpredictable or "there was no time to try more"

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


def _why_unpredictable(architecture: Architecture) -> str:
    """Why one trace may not speak for other sizes; empty where it may."""
    reasons = {
        "the model's code asks how large its maps are": architecture.reads_sizes,
        "the model had to be followed by torch.export": architecture.tracer != "symbolic",
        "the model draws numbers": architecture.is_random,
        "the model changes from pass to pass": architecture.changes_state,
        "a part of the model was left out": architecture.left_out is not None,
        "the model has inputs of several sizes": any(
            layer.kind is Kind.INPUT for layer in architecture.layers
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


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
