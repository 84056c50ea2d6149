"""Put measurements of an earlier run beside what is found now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rflint.errors import UsageError
from rflint.measurement.saved import SavedMeasurements, read
from rflint.report.model_report import ModelReport
from rflint.report.report import Report
from rflint.text.numbers import first_few, size


def with_measurements(report: Report, files: Sequence[Path]) -> Report:
    """The report, in which models have what `rflint measure --save` kept of them.

    Raises UsageError for a file that holds no measurements, or those of no model of the report.
    """
    models = list(report.models)
    for file in files:
        saved = read(file)
        fitting = [i for i, model in enumerate(models) if _is_of(saved, model)]
        if not fitting and not report.failures:
            at = f" at {size(saved.resolution)}" if saved.resolution else ""
            raise UsageError(
                f"{file} holds measurements of {saved.target}{at}, which is not linted here"
            )
        for index in fitting:
            _check(file, saved, models[index])
            models[index] = replace(models[index], measured=saved.measured)
    return replace(report, models=tuple(models))


def _is_of(saved: SavedMeasurements, model: ModelReport) -> bool:
    named = saved.target in (model.target, model.title)
    return named and saved.resolution == model.analysis.architecture.resolution


def _check(file: Path, saved: SavedMeasurements, model: ModelReport) -> None:
    """Raise UsageError for measurements of layers that the model does not have (any more)."""
    there = {(x.name, x.call) for x in model.layers}
    gone = [x.name for x in saved.measured.layers if x.key not in there]
    if gone:
        raise UsageError(
            f"{file} holds measurements of layers that {model.title} does not have: "
            f"{first_few(gone, 3)}",
            hint="The model has changed since: measure it again.",
        )
