"""What is known of a model at other sizes of its input. Nothing in it is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict

_T = TypeVar("_T")
Size = tuple[int, ...]
"""One length per axis of the input."""


class SizeState(str, Enum):
    """Whether a model runs at a size."""

    RUNS = "runs"
    FAILS = "fails"
    UNKNOWN = "unknown"
    """It was not tried, and does not follow from what was."""


@dataclass(frozen=True, slots=True)
class StateRun:
    """Whether a model runs at a number of sizes that follow each other."""

    begins: int
    """The first of them."""
    state: SizeState
    why: str = ""
    """Why it fails, where that is known."""
    as_at: Size | None = None
    """The size that was traced and failed like these, if that is none of them."""


@dataclass(frozen=True, slots=True)
class SizeFacts:
    """A model at each of some sizes, the smallest first.

    What changes with the size is told by runs: (number of a size, what holds from there on). It
    holds until the next entry; at sizes at which the model does not run, or which are not known, it
    means nothing.
    """

    sizes: tuple[Size, ...]
    linted: int
    """Which of them the model was linted at."""
    states: tuple[StateRun, ...]
    verdicts: tuple[tuple[int, tuple[tuple[int, Verdict], ...]], ...]
    """Runs by index of a layer, of layers that are judged at some size."""
    layers: tuple[tuple[int, tuple[tuple[int, AnalysedLayer], ...]], ...]
    """Runs by index of a layer, of layers whose receptive fields or kernels change."""
    macs: tuple[int | None, ...]
    """Per size, the multiply-accumulates of the whole model; None where they are not known."""
    tried: int
    """At how many sizes the model was really traced."""
    unknown_because: str = ""
    """Why nothing is known of some sizes: a clause; empty where all are known."""

    def state(self, number: int) -> SizeState:
        """Whether it runs at a size."""
        return held([(x.begins, x.state) for x in self.states], number, self.states[0].state)

    def verdict(self, index: int, number: int) -> Verdict:
        """The verdict on a layer at a size at which the model is known to run."""
        runs = dict(self.verdicts).get(index, ())
        return held(runs, number, Verdict.NOT_JUDGED)


def held(runs: Sequence[tuple[int, _T]], number: int, before: _T) -> _T:
    """What holds at a number, according to runs; `before` them all, that."""
    for begins, value in runs:
        if begins > number:
            break
        before = value
    return before
