"""The model really traced at other sizes, as often as there is time for."""

from __future__ import annotations

from math import inf
from time import process_time

from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.facts import Size
from rflint.errors import (
    DataDependent,
    InputMismatch,
    RflintError,
    TraceFailed,
    UnsupportedByTracer,
)

_LAYERS = 4000
"""So many layers are traced, all sizes taken together: that takes about two seconds."""
_FEWEST, _MOST = 8, 40
"""Sizes of very large and of very small models."""
SECONDS = 4.0
"""Of computing: what is slow for another reason is not waited for."""


class Trials:
    """What was tried so far; without a number of seconds, as many sizes as anybody asks for."""

    def __init__(self, analysis: Analysis, seconds: float | None) -> None:
        self._analysis = analysis
        self._left, self._until = inf, inf
        if seconds is not None:
            self._left = max(_FEWEST, min(_MOST, _LAYERS // max(1, len(analysis.layers))))
            self._until = process_time() + seconds
        self.found: dict[Size, Analysis | RflintError] = {
            analysis.architecture.resolution: analysis
        }
        """By size, the analysis there, or why the model does not run there."""
        self.unknown: dict[Size, str] = {}
        """The sizes of which nothing can be said, and why."""

    def forget(self, size: Size) -> None:
        """Let go of a size that nobody asks for again: analyses of hundreds take gigabytes."""
        self.found.pop(size, None)

    @property
    def exhausted(self) -> bool:
        """Whether nothing more is to be tried."""
        return self._left <= 0 or process_time() > self._until

    def at(self, size: Size) -> Analysis | RflintError | None:
        """The model at a size; None where that was not tried, or nothing can be said of it."""
        if size in self.found:
            return self.found[size]
        if size in self.unknown or self.exhausted:
            return None
        self._left -= 1
        there = self._analysis.retracer.attempt(size)
        if there is None or (isinstance(there, RflintError) and not _does_not_run(there)):
            self.unknown[size] = there.message if there else "its inputs cannot have this size"
            return None
        self.found[size] = there
        return there


def _does_not_run(error: RflintError) -> bool:
    """Whether an error says that the model fails, and not that it could not be followed."""
    cannot_follow = isinstance(error, DataDependent | UnsupportedByTracer)
    return isinstance(error, InputMismatch | TraceFailed) and not cannot_follow
