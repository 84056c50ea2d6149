"""Figures of reports through matplotlib, where it is installed: it comes with an extra."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from rflint.errors import UsageError
from rflint.report.figure.figure import figure_of
from rflint.report.model_report import ModelReport

if TYPE_CHECKING:
    from rflint.report.figure.plot import PlottedFigure

SUFFIXES = (".svg", ".png", ".pdf")


def plotted(
    models: Sequence[ModelReport], title: str = "", width: float | None = None
) -> PlottedFigure:
    """A panel for each model, side by side. Raises UsageError without matplotlib or a model."""
    if not models:
        raise UsageError("there is no model to plot")
    figures = [figure_of(model.analysis, model.title, measured=model.measured) for model in models]
    found: PlottedFigure = _drawer().plot(figures, title=title, width=width)
    return found


def save(figure: PlottedFigure, file: Path, suffix: str, dpi: int) -> None:
    """Write a figure to a file in the format of a suffix."""
    _drawer().save(figure, file, suffix, dpi)


def check_output(file: Path) -> None:
    """Raises UsageError if figures cannot be written to such a file, before anything is linted."""
    if file.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{file} says no format that a figure can have",
            hint=f"Let its name end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.",
        )
    _drawer()


def _drawer() -> ModuleType:
    try:
        from rflint.report.figure import plot
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "rflint":
            raise
        raise UsageError(
            "figures for papers are drawn by matplotlib, which cannot be imported",
            hint='It comes with an extra: pip install "rflint[plot]"',
        ) from error
    return plot
