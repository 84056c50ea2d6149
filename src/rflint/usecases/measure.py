"""Measure a trained model: lint it, load its weights, run it on data, and put both side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.requests import Request
from rflint.errors import RflintError
from rflint.measurement.results import Measured
from rflint.measurement.running.builder_hint import builder_hint
from rflint.measurement.running.checkpoint import UnfitWeights, load_weights
from rflint.measurement.running.data.image_folder import Preparation, common_size
from rflint.measurement.running.data.source import Data, DataOptions, data_named, data_of
from rflint.measurement.running.measure import MeasuringOptions, measure_model
from rflint.measurement.running.progress import SILENT, Progress
from rflint.report.model_report import ModelReport
from rflint.report.report import Report
from rflint.tracing.model.build import BuiltModel
from rflint.usecases.single_request import single_request
from rflint.usecases.targets import build_request
from rflint.usercode.stdout import stdout_to_stderr
from rflint.usercode.surroundings import command_line_hidden, warnings_noted


@dataclass(frozen=True, slots=True)
class Measuring:
    """What a model is measured on, and how."""

    data: str
    weights: Path | None
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    taken: DataOptions
    options: MeasuringOptions


def measure_target(
    target: str,
    options: ModelOptions,
    configuration: Configuration,
    report: Report,
    measuring: Measuring,
    progress: Progress,
) -> Report:
    """The report on a target at one resolution, with what was measured of it.

    `report` is that of linting it. Raises RflintError where it cannot be measured.
    """
    request = single_request(
        target, options, configuration, "a model is measured at one resolution"
    )
    with warnings_noted([]):
        built = build_request(request, allocate=True)
    (model,) = report.models
    told = _loaded(built, request, measuring.weights) if measuring.weights else ""
    with stdout_to_stderr(), command_line_hidden(), warnings_noted([]):
        data = data_named(
            measuring.data,
            _preparation(built.model, model, measuring),
            replace(measuring.taken, pythonpath=request.pythonpath, progress=progress),
        )
        measured = _measured(built.model, model, data, measuring.options, told, progress)
    return replace(report, models=(replace(model, measured=measured),))


def _loaded(built: BuiltModel, request: Request, weights: Path) -> str:
    """Put weights into a model, and tell where they come from."""
    try:
        return load_weights(built.model, weights).told
    except UnfitWeights as error:
        if built.builder is not None and not error.hint:
            error.hint = builder_hint(
                built.builder, type(built.model), request.arguments, error.sizes
            )
        raise


def size_at_hand(measuring: Measuring, request: Request) -> tuple[int, ...] | None:
    """The size of the samples at the beginning of the data; None where they are of several.

    Images of a folder are not read as a whole, and of other data one sample of each part.
    """
    taken = replace(measuring.taken, pythonpath=request.pythonpath, samples=1, batch=1)
    folder = taken.root / measuring.data
    with stdout_to_stderr(), command_line_hidden(), warnings_noted([]):
        try:
            if folder.is_dir() and not taken.transform:
                return common_size(folder)
            data = data_named(measuring.data, Preparation((1, 1)), taken)
        except RflintError:  # what is wrong with the data is told where it is measured
            return None
        inputs, _ = next(iter(data.train))
    return tuple(inputs.shape[2:]) or None if isinstance(inputs, Tensor) else None


def measure_object(
    module: nn.Module,
    report: Report,
    train: Any,
    test: Any,
    taken: DataOptions,
    options: MeasuringOptions,
) -> Report:
    """The same of a module that is given with its weights, on data of the user's own."""
    (model,) = report.models
    given = train if test is None else (train, test)
    data = data_of(given, f"{type(train).__name__}", taken)
    measured = _measured(module, model, data, options, "those of the module", SILENT)
    return replace(report, models=(replace(model, measured=measured),))


def _measured(
    module: nn.Module,
    model: ModelReport,
    data: Data,
    options: MeasuringOptions,
    weights: str,
    progress: Progress,
) -> Measured:
    found = measure_model(
        module,
        model.analysis,
        data.train,
        data.test,
        options,
        classes=data.classes,
        progress=progress,
    )
    return replace(found, weights=weights, data=data.told)


def _preparation(module: nn.Module, model: ModelReport, measuring: Measuring) -> Preparation:
    """What is done to images that the user has no transform for.

    A model of timm says what it was trained with; that is taken, and told.
    """
    architecture = model.analysis.architecture
    shape = architecture.inputs[0]
    mean, deviation = measuring.mean, measuring.deviation
    known = getattr(module, "pretrained_cfg", None)
    if not mean and isinstance(known, Mapping) and known.get("mean") and known.get("std"):
        mean, deviation = tuple(known["mean"]), tuple(known["std"])
    if len(architecture.resolution) != 2:
        return Preparation((1, 1))
    channels = shape[1] if len(shape) == 4 else 3
    return Preparation(architecture.resolution, channels, mean, deviation)
