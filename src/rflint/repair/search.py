"""Which changes could be made, of all kinds, and what of them people may want.

Whatever the kinds of repairs propose, by itself and together with an earlier end of the network, is
weighed on the graph (forecast/). Four things count: unproductive convolutions, computations,
parameters, and how many convolutions are left that contribute with the weights that they have.
Without the last, cutting everything off would beat every other change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from rflint.analysis.analysis import Analysis
from rflint.repair.candidate import Candidate
from rflint.repair.change import Change
from rflint.repair.forecast.forecaster import Forecast, Forecaster
from rflint.repair.metrics import Metrics
from rflint.repair.preferences import Preference, by_what_is_left, preferences
from rflint.repair.registry import KINDS
from rflint.repair.transformation import Transformation, Unpredictable


@dataclass(frozen=True, slots=True)
class SearchResult:
    """All that was weighed, what of it serves which preference, and what cannot be offered."""

    candidates: tuple[Candidate, ...]
    preferences: tuple[Preference, ...]
    refusals: tuple[str, ...]


_NO_CHANGES = SearchResult((), (), ())


def search(analysis: Analysis, kinds: Sequence[str] = ()) -> SearchResult:
    """The changes to a model with unproductive layers; nothing for a sound one.

    `kinds` limits them to kinds by their names. Without it, kinds that are offered on request are
    left out of what is preferred.
    """
    if not analysis.unproductive or any(not layer.sizing for layer in analysis.architecture.layers):
        return _NO_CHANGES
    space = _SearchSpace(analysis)
    candidates = tuple(dict.fromkeys(space.candidates()))
    wanted = {x.kind: x for x in KINDS if (x.kind in kinds if kinds else not x.on_request)}
    of_kind = [candidate for candidate in candidates if candidate.change.kind in wanted]
    asked = next((x for x in wanted.values() if x.on_request), None)
    if asked:
        ordered = sorted(of_kind, key=by_what_is_left)
        found = [Preference(asked.words, [each]) for each in ordered]
    else:
        before = Metrics.of(analysis)
        own = {x.kind: x.words for x in wanted.values() if x.words}
        found = preferences(analysis, [x for x in of_kind if _mends(x, before)], own)
    return SearchResult(candidates, tuple(x for x in found if x.candidates), space.refusals())


def _mends(candidate: Candidate, before: Metrics) -> bool:
    """Whether fewer layers are unproductive, and it is more than another classifier that goes."""
    after, change = candidate.metrics, candidate.change
    smaller = after.params < 0.99 * before.params or after.macs < 0.99 * before.macs
    cut_only = change.cut is not None and not change.layers
    return after.unproductive < before.unproductive and (smaller or not cut_only)


class _SearchSpace:
    """The candidates of one analysed architecture."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.forecaster = Forecaster(analysis)
        self.truncations: list[Candidate] = []
        """Candidates that end the network and change nothing else, in order."""
        self.reasons: dict[type[Transformation], dict[str, None]] = {kind: {} for kind in KINDS}
        """By kind, why proposals came to nothing."""

    def candidates(self) -> Iterator[Candidate]:
        """All of them. What ends the network comes first, so that others can be ended too."""
        untouched = self.forecaster.forecast(Change())
        for kind in KINDS:
            for alternatives in kind.proposals(self.analysis):
                if alternatives[0].cut is None:
                    yield from self._changed_layers(kind, alternatives)
                    continue
                with suppress(Unpredictable):
                    candidate = self.forecaster.truncated(untouched, alternatives[0])
                    self.truncations.append(candidate)
                    yield candidate

    def refusals(self) -> tuple[str, ...]:
        """What cannot be offered, once all candidates are known."""
        return tuple(x for kind in KINDS for x in kind.refusals(self.analysis, self.reasons[kind]))

    def _changed_layers(
        self, kind: type[Transformation], alternatives: Sequence[Transformation]
    ) -> Iterator[Candidate]:
        """A change by itself, and with the network ended where it then stops contributing."""
        forecast, candidate = self._first_that_fits(kind, alternatives)
        if candidate is not None:
            yield candidate
            if candidate.pooled_before is not None:
                resized = self.forecaster.forecast(replace(forecast.change, resized_head=True))
                with suppress(Unpredictable):  # the head may be another than a linear layer
                    yield self.forecaster.complete(resized)
        if kind.also_truncated:
            yield from self._truncated(forecast)

    def _first_that_fits(
        self, kind: type[Transformation], alternatives: Sequence[Transformation]
    ) -> tuple[Forecast, Candidate | None]:
        """The first alternative that the branches permit; else the first, which may still end."""
        forecasts: list[Forecast] = []
        reasons: list[str] = []
        for alternative in alternatives:
            forecasts.append(self.forecaster.forecast(Change((alternative,))))
            try:
                return forecasts[-1], self.forecaster.complete(forecasts[-1])
            except Unpredictable as error:
                reasons.append(str(error))
        self.reasons[kind].setdefault(reasons[0])  # the first reason is the one to tell
        return forecasts[0], None

    def _truncated(self, forecast: Forecast) -> Iterator[Candidate]:
        """A change, and the network ended at the last place in front of its border layer."""
        border = forecast.border
        if border is None:
            return
        before = [x for x in self.truncations if x.change.cut is not None and x.change.cut < border]
        if before:
            with suppress(Unpredictable):
                both = self.forecaster.truncated(forecast, before[-1].change.transformations[-1])
                # the last pooling in front of a global one changes nothing
                if both.metrics != before[-1].metrics:
                    yield both
