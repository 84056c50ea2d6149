"""The report of a run: its models, what failed, and what a baseline accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rflint._version import __version__
from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.errors import RflintError
from rflint.linting.finding import Finding, Severity
from rflint.linting.rule import Rule
from rflint.report.model_report import ModelReport
from rflint.report.remedies import NONE_NEEDED
from rflint.report.schema import SCHEMA_VERSION
from rflint.text.numbers import plural, size

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


@dataclass(frozen=True, slots=True)
class Failure:
    """A target that could not be linted."""

    target: str
    error: RflintError

    def to_dict(self) -> dict[str, Any]:
        """One entry of `errors`."""
        return {"target": self.target, "kind": self.error.kind, "message": str(self.error)}


@dataclass(frozen=True, slots=True)
class FixedFinding:
    """A finding in the baseline that the model does not have any more."""

    model: str
    code: str
    layer: str


@dataclass(frozen=True, slots=True)
class BaselineUse:
    """What a baseline did in a run."""

    path: str
    accepted: int
    """The number of findings that it holds."""
    fixed: tuple[FixedFinding, ...]

    def to_dict(self) -> dict[str, Any]:
        """The entry `baseline`."""
        return {
            "path": self.path,
            "accepted": self.accepted,
            "fixed": [{"model": x.model, "code": x.code, "layer": x.layer} for x in self.fixed],
        }


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """All models of a run, and what failed."""

    models: tuple[ModelReport, ...] = ()
    failures: tuple[Failure, ...] = ()
    baseline: BaselineUse | None = None
    fail_on: Severity | None = Severity.WARNING
    """The severity from which on a finding fails the run; None: none does."""
    rules: tuple[Rule, ...] = ()
    """Those that ran."""
    notes: tuple[str, ...] = ()
    """What --verbose tells of the run as a whole."""

    def __repr__(self) -> str:
        """Short: a layer-by-layer dump helps nobody at a prompt."""
        sizes: dict[str, list[str]] = {}
        for model in self.models:
            at = size(model.analysis.architecture.resolution)
            sizes.setdefault(model.title, []).extend([at] if at else [])
        names = (
            f"{name} at {' and '.join(there)}" if there else name for name, there in sizes.items()
        )
        told = ", ".join(names) or "no model"
        return f"<Report of {told}: {plural(len(self.findings), 'finding')}>"

    def __str__(self) -> str:
        """What the command line prints, without colours and as wide as in a pipe."""
        text: str = _shown_by("formats.text", "plain_text")(self)
        return text.rstrip("\n")

    def _repr_html_(self) -> str:
        """What notebooks show: header, figure and findings of each model."""
        found: str = _shown_by("notebook.html", "html")(self)
        return found

    def show(self) -> Path:
        """Open the whole report in the browser; return the file that it was written to.

        In a notebook without a browser at hand, the page is shown below the cell.
        """
        file: Path = _shown_by("notebook.show", "show")(self)
        return file

    def plot(self, *, title: str = "", width: float | None = None) -> Figure:
        """The paper's figure of each model, side by side, as a figure of matplotlib.

        `width` is in inches. Raises UsageError without matplotlib, or without a model.
        """
        figure: Figure = _shown_by("figure.panels", "plotted")(self.models, title, width)
        return figure

    def to_dataframe(self) -> DataFrame:
        """A table of pandas with a row for each layer of each model.

        Its columns are the entries of the JSON report's layers, with one number in place of a list
        where all axes agree. Raises UsageError without pandas.
        """
        frame: DataFrame = _shown_by("notebook.frame", "to_dataframe")(self.models)
        return frame

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of all models."""
        return tuple(finding for model in self.models for finding in model.findings)

    @property
    def layers(self) -> tuple[AnalysedLayer, ...]:
        """Those of all models."""
        return tuple(layer for model in self.models for layer in model.layers)

    def without_remedies(self) -> Report:
        """The report on what is, and not on what could be done about it, which takes longer."""
        models = tuple(replace(model, remedies=NONE_NEEDED) for model in self.models)
        return replace(self, models=models)

    def to_dict(self) -> dict[str, Any]:
        """The whole report, schema version 1."""
        return {
            "schema_version": SCHEMA_VERSION,
            "rflint": __version__,
            "models": [model.to_dict() for model in self.models],
            "errors": [failure.to_dict() for failure in self.failures],
            "baseline": self.baseline.to_dict() if self.baseline else None,
        }

    def exit_status(self, fail_on: Severity | None) -> int:
        """2: a failure; 1: an exceeded limit, or a finding of at least this severity; 0: neither.

        None: no finding fails the run, however severe.
        """
        if self.failures:
            return 2
        failing = replace(self, fail_on=fail_on)
        return int(
            any(failing.fails(x) for x in self.findings)
            or any(model.exceeded_limits for model in self.models)
        )

    def fails(self, finding: Finding) -> bool:
        """Whether a finding is severe enough to fail the run."""
        return self.fail_on is not None and finding.severity.rank >= self.fail_on.rank


def _shown_by(module: str, function: str) -> Callable[..., Any]:
    """A function that shows reports, looked up when it is asked for.

    It knows reports, and reports know nothing of it; and most of them are never shown so.
    """
    found: Callable[..., Any] = getattr(import_module(f"rflint.report.{module}"), function)
    return found
