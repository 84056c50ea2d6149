"""What differs between two reports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Literal, TypeAlias

from rflint._version import __version__
from rflint.linting.finding import Severity
from rflint.report.difference.comparison import (
    Comparison,
    compare_models,
    new_model,
    removed_model,
)
from rflint.report.difference.pairing import pair_models
from rflint.report.schema import SCHEMA_VERSION, JsonObject
from rflint.text.escape import one_line
from rflint.text.numbers import size

SideName: TypeAlias = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class SideFailure:
    """Something that could not be analysed on one side."""

    side: SideName
    target: str
    kind: str
    message: str

    def to_dict(self) -> JsonObject:
        """An entry of `errors`."""
        return {
            "side": self.side,
            "target": self.target,
            "kind": self.kind,
            "message": self.message,
        }

    def is_about(self, model: JsonObject) -> bool:
        """Whether it may be what keeps a model of the other side from being compared."""
        at = f" at {size(model['resolution'])}"
        return self.target in (model["name"], model["target"]) or self.target.endswith(at)


@dataclass(frozen=True, slots=True, repr=False)
class Difference:
    """All comparisons of two reports."""

    comparisons: tuple[Comparison, ...]
    failures: tuple[SideFailure, ...] = ()
    before: str = "before"
    """What the sides are called."""
    after: str = "after"
    fail_on: Severity | None = Severity.WARNING
    """The severity from which on a new finding fails the run; None: none does."""

    def __repr__(self) -> str:
        """Short: a dump of all layers helps nobody at a prompt."""
        names = ", ".join(x.title for x in self.comparisons)
        said: str = _shown_by("words", "closing")(self)
        return f"<Difference of {one_line(names) or 'no model'}: {said.rstrip('.')}>"

    def __str__(self) -> str:
        """What the command line prints, without colours and as wide as in a pipe."""
        text: str = _shown_by("formats.text", "plain_text")(self)
        return text.rstrip("\n")

    def _repr_html_(self) -> str:
        """What notebooks show: figures, findings and layers of each model."""
        found: str = _shown_by("notebook", "html")(self)
        return found

    @property
    def new_findings(self) -> tuple[JsonObject, ...]:
        """Those of all models."""
        return tuple(finding for x in self.comparisons for finding in x.findings.new)

    @property
    def is_same(self) -> bool:
        """Whether everything was compared, and nothing differs."""
        return not self.failures and all(x.is_same for x in self.comparisons)

    @property
    def exit_status(self) -> int:
        """2: a side failed; 1: a new finding is as severe as `fail_on`; 0: neither."""
        if self.failures:
            return 2
        return int(any(self.fails(x) for x in self.new_findings))

    def fails(self, finding: JsonObject) -> bool:
        """Whether a new finding is severe enough to fail the run."""
        severity = Severity(finding["severity"])
        return self.fail_on is not None and severity.rank >= self.fail_on.rank

    def to_dict(self) -> JsonObject:
        """The whole document. The first comparison is its own, others are in `further`."""
        first, *others = self.comparisons or (Comparison(None, None),)
        return {
            "schema_version": SCHEMA_VERSION,
            "rflint": __version__,
            "sides": {"before": self.before, "after": self.after},
            **first.to_dict(),
            "errors": [x.to_dict() for x in self.failures],
            "further": [x.to_dict() for x in others],
        }


def compare_reports(before: JsonObject, after: JsonObject) -> Difference:
    """What differs between two JSON reports: model by model, at the same size.

    A model of which the other side says that it failed is not called new or removed.
    """
    failures = (*_failures("before", before), *_failures("after", after))
    pairs = pair_models(before["models"], after["models"])
    missing = {side for side, report in (("before", before), ("after", after)) if _failed(report)}
    comparisons = (_comparison(old, new, failures, missing) for old, new in pairs)
    return Difference(tuple(comparisons), failures)


def named(difference: Difference, before: str, after: str) -> Difference:
    """The same, with what its sides are called."""
    return replace(difference, before=before, after=after)


def _comparison(
    before: JsonObject | None,
    after: JsonObject | None,
    failures: Sequence[SideFailure],
    missing: Collection[str],
) -> Comparison:
    """`missing` are the sides on which everything failed."""
    if before is not None and after is not None:
        return compare_models(before, after)
    if after is not None:
        failed = any(x.side == "before" and x.is_about(after) for x in failures)
        if failed or "before" in missing:
            return Comparison(None, after, is_compared=False)
        return new_model(after)
    assert before is not None
    failed = any(x.side == "after" and x.is_about(before) for x in failures)
    if failed or "after" in missing:
        return Comparison(before, None, is_compared=False)
    return removed_model(before)


def _failed(report: JsonObject) -> bool:
    return bool(report["errors"]) and not report["models"]


def _failures(side: SideName, report: JsonObject) -> Iterator[SideFailure]:
    for error in report["errors"]:
        yield SideFailure(side, error["target"], error["kind"], error["message"])


def _shown_by(module: str, function: str) -> Callable[..., Any]:
    """What shows a difference; imported when it is asked for, as it knows what a difference is."""
    found: Callable[..., Any] = getattr(
        import_module(f"rflint.report.difference.{module}"), function
    )
    return found
