"""Figures of reports through matplotlib, where it is installed: it comes with an extra."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from rflint.errors import UsageError
from rflint.report.figure.figure import figure_of
from rflint.report.figure.size_curve import size_curve
from rflint.report.model_report import ModelReport
from rflint.report.sizes.report import ModelSizes

if TYPE_CHECKING:
    from rflint.report.figure.style import PlottedFigure

SUFFIXES = (".svg", ".png", ".pdf")


def plotted(
    models: Sequence[ModelReport], title: str = "", width: float | None = None
) -> PlottedFigure:
    """A panel for each model, side by side. Raises UsageError without matplotlib or a model."""
    if not models:
        raise UsageError("there is no model to plot")
    figures = [figure_of(model.analysis, model.title, measured=model.measured) for model in models]
    found: PlottedFigure = _drawer("plot").plot(figures, title=title, width=width)
    return found


def plotted_sizes(
    models: Sequence[ModelSizes], title: str = "", width: float | None = None
) -> PlottedFigure:
    """Each model over the sizes of its input. Raises UsageError without matplotlib or a model."""
    if not models:
        raise UsageError("there is no model to plot")
    curves = [size_curve(model) for model in models]
    found: PlottedFigure = _drawer("plotted_sizes").plot_sizes(curves, title=title, width=width)
    return found


def save(figure: PlottedFigure, file: Path, suffix: str, dpi: int) -> None:
    """Write a figure to a file in the format of a suffix."""
    _drawer("style").save(figure, file, suffix, dpi)


def check_output(file: Path) -> None:
    """Raises UsageError if figures cannot be written to such a file, before anything is linted."""
    if file.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{file} says no format that a figure can have",
            hint=f"Let its name end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.",
        )
    _drawer("style")


def _drawer(name: str) -> ModuleType:
    try:
        return import_module(f"rflint.report.figure.{name}")
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "rflint":
            raise
        raise UsageError(
            "figures for papers are drawn by matplotlib, which cannot be imported",
            hint='It comes with an extra: pip install "rflint[plot]"',
        ) from error
