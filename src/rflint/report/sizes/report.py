"""A model at every size of a range, as what `rflint sizes` reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rflint._version import __version__
from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.advice import Advice
from rflint.analysis.sizes.at_size import AtSize, Fails, Outcome
from rflint.analysis.sizes.facts import Size
from rflint.analysis.sizes.look_back import LookBack
from rflint.analysis.sizes.survey import SizeSurvey
from rflint.analysis.tiling.obstacles import NotTileable
from rflint.analysis.tiling.tiling import Tiling
from rflint.report.report import Failure
from rflint.report.schema import SCHEMA_VERSION, JsonObject
from rflint.report.sizes.tiling import tiling_entry


@dataclass(frozen=True, slots=True)
class ModelSizes:
    """One model at many sizes."""

    target: str
    title: str
    analysis: Analysis
    """That of the size at which it was followed first."""
    survey: SizeSurvey
    is_inferred: bool = False
    """Whether nobody said which size the input has."""
    look_back: LookBack | None = None
    """Of a model of sequences: how many steps it sees."""
    tiling: Tiling | NotTileable | None = None
    """Whether images can be cut into tiles, if that was asked."""

    def to_dict(self) -> JsonObject:
        """One entry of `models`."""
        survey = self.survey
        smallest = survey.smallest_sound
        return {
            "target": self.target,
            "name": self.title,
            "asked": list(survey.asked),
            "sizes": [outcome_entry(x) for x in survey.outcomes],
            "smallest_sound": list(smallest.size) if smallest else None,
            "sound": [[size_entry(a.size), size_entry(b.size)] for a, b in survey.sound],
            "advice": _advice_entry(survey.advice),
            "look_back": _look_back_entry(self.look_back) if self.look_back else None,
            "tiling": tiling_entry(self.tiling) if self.tiling is not None else None,
            "traced": len(survey.traced),
            "each_traced_because": survey.each_traced_because,
        }


@dataclass(frozen=True, slots=True)
class SizesReport:
    """All models of a run, and what failed."""

    models: tuple[ModelSizes, ...]
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    """For --verbose."""

    @property
    def exit_status(self) -> int:
        """2 where something failed, else 0."""
        return 2 if self.failures else 0

    def to_dict(self) -> dict[str, Any]:
        """The whole document."""
        return {
            "schema_version": SCHEMA_VERSION,
            "rflint": __version__,
            "models": [x.to_dict() for x in self.models],
            "errors": [x.to_dict() for x in self.failures],
        }


def outcome_entry(outcome: Outcome) -> JsonObject:
    """An entry of `sizes`."""
    if isinstance(outcome, AtSize):
        return {
            "size": list(outcome.size),
            "runs": True,
            "unproductive": outcome.unproductive,
            "dead_weights": outcome.dead_weights,
            "macs": outcome.macs,
            "activations": outcome.activations,
            "unread_border": outcome.unread_border,
            "uneven_padding": outcome.uneven_padding,
            "sees_all": outcome.sees_all,
        }
    return {
        "size": list(outcome.size),
        "runs": False if isinstance(outcome, Fails) else None,
        "why": outcome.why,
    }


def size_entry(size: Size) -> int | list[int]:
    """The length of a side where all are alike, else all of them."""
    return size[0] if len(set(size)) == 1 else list(size)


def _advice_entry(advice: Advice) -> JsonObject:
    """The sizes that are advised."""
    pairs = {"running": advice.running, "tidy": advice.tidy}
    return {
        name: {
            side: list(found.size) if found else None
            for side, found in zip(("smaller", "larger"), pair, strict=True)
        }
        for name, pair in pairs.items()
    }


def _look_back_entry(found: LookBack) -> JsonObject:
    return {
        "layer": found.layer,
        "is_output": found.is_output,
        "steps": found.steps,
        "back": found.back,
        "ahead": found.ahead,
        "every": found.every,
        "milliseconds": found.milliseconds(found.steps),
    }
