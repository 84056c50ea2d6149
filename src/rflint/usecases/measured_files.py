"""Put measurements of an earlier run beside what is found now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rflint.errors import UsageError
from rflint.measurement.identity import identity_of
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
        called = [i for i, model in enumerate(models) if _is_called(saved, model)]
        if not called and not report.failures:
            at = f" at {size(saved.resolution)}" if saved.resolution else ""
            raise UsageError(
                f"{file} holds measurements of {saved.target}{at}, which is not linted here"
            )
        # one target may be linted with several arguments: each is a model of its own
        others = {i: difference for i in called if (difference := _difference(saved, models[i]))}
        if called and len(others) == len(called):
            model = models[called[0]]
            raise UsageError(
                f"{file} holds measurements of another model than this {model.title}, which "
                f"{others[called[0]]}",
                hint=_hint(saved),
            )
        for index in called:
            if index not in others:
                _check(file, saved, models[index])
                models[index] = replace(models[index], measured=saved.measured)
    return replace(report, models=tuple(models))


def _is_called(saved: SavedMeasurements, model: ModelReport) -> bool:
    named = saved.target in (model.target, model.title)
    return named and saved.resolution == model.analysis.architecture.resolution


def _difference(saved: SavedMeasurements, model: ModelReport) -> str:
    """In which way a model is another one than that which was measured; empty where it is that."""
    if saved.identity is None:
        return ""
    return saved.identity.difference(identity_of(model.analysis.architecture))


def _hint(saved: SavedMeasurements) -> str:
    """How to get at the model that was measured."""
    assert saved.identity is not None
    arguments = [f"--arg {name}={value}" for name, value in saved.identity.arguments.items()]
    given = f"with {' '.join(arguments)}" if arguments else "without --arg"
    return f"It was measured {given}: lint it so. If the model has changed since, measure it again."


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
