"""Find out which input sizes suit a model: what it does at every size of a range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rflint.analysis.sizes.look_back import look_back
from rflint.analysis.sizes.spans import LARGEST, SMALLEST, USUAL_SIZES, Span, check_span, sizes_in
from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.requests import Request, requests_for
from rflint.errors import RflintError, UsageError, as_rflint_error
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.rule_files import load_rules
from rflint.linting.settings import RuleOptions
from rflint.report.report import Failure
from rflint.report.sizes.report import ModelSizes, SizesReport
from rflint.usecases.listener import Listener
from rflint.usecases.targets import BuiltTargets, import_torch
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.loading import LoadingGuard
from rflint.usercode.permissions import Permissions
from rflint.usercode.stdout import stdout_to_stderr
from rflint.usercode.surroundings import command_line_hidden, current_folder_kept, warnings_noted

if TYPE_CHECKING:
    from rflint.analysis.analysis import Analysis
    from rflint.analysis.sizes.survey import Progress, SizeSurvey
    from rflint.tracing.model.build import BuiltModel
    from rflint.usecases.analysed_model import AnalysedModel

_LISTENER = Listener()


@dataclass(frozen=True, slots=True)
class SizesOptions:
    """What is asked about sizes."""

    span: Span
    sample_rate: float | None = None
    """Steps per second of a sequence, to tell a look-back in milliseconds."""
    tiles: bool = False
    """Whether images can be cut into tiles."""


def survey_project(
    targets: Sequence[str],
    options: ModelOptions,
    configuration: Configuration,
    asked: SizesOptions,
    listener: Listener = _LISTENER,
) -> SizesReport:
    """What becomes of targets at other sizes, or of all configured models if there are none.

    What goes wrong with one model is a failure in the report.
    """
    if options.res is not None and len(options.res) > 1:
        raise UsageError(
            "advice is given for one size", hint="Give one --res; --from and --to are the range."
        )
    requests = requests_for(targets, options, configuration, load_rules(), lenient=True)
    targets_built = BuiltTargets()
    models: list[ModelSizes] = []
    failures: list[Failure] = []
    notes: list[str] = []
    with listener.linting(requests) as begins:
        for number, request in enumerate(_one_each(requests), start=1):
            begins(number, request)
            try:
                models.append(_survey(request, targets_built, asked, listener, notes))
            except BaseException as error:
                if is_ctrl_c(error):
                    raise
                failure = as_rflint_error(error)
                listener.failed(request.title, failure, request)
                failures.append(Failure(request.title, failure))
    return SizesReport(tuple(models), tuple(failures), tuple(notes))


def _one_each(requests: Sequence[Request]) -> Iterator[Request]:
    """One request for each model, whatever sizes it is configured for."""
    seen: set[object] = set()
    for request in requests:
        key = (request.name, request.target, str(request.arguments), request.shapes)
        if key not in seen:
            seen.add(key)
            yield request


def _survey(
    request: Request,
    targets: BuiltTargets,
    asked: SizesOptions,
    listener: Listener,
    notes: list[str],
) -> ModelSizes:
    targets.check(request)
    with warnings_noted(notes):
        import_torch()
    with current_folder_kept(), warnings_noted(notes):
        built = targets.model(request)
        with stdout_to_stderr(), command_line_hidden():
            return survey_model(built, request, asked, listener)


def survey_model(
    built: BuiltModel, request: Request, asked: SizesOptions, listener: Listener = _LISTENER
) -> ModelSizes:
    """What becomes of one model at other sizes.

    Raises RflintError where it runs at no size that was tried.
    """
    from rflint.analysis.tiling.find import find_tiling
    from rflint.tracing.process import process_state_restored, recursion_limit_raised

    fed = Fed(
        request.resolution, list(request.shapes) or None, request.tracing, request.rule_options
    )
    with process_state_restored(), recursion_limit_raised(), listener.surveying() as traced:
        analysis, survey = survey_built(built, fed, asked.span, traced)
        tiling = find_tiling(_to_tile(analysis, survey)) if asked.tiles else None
    return ModelSizes(
        request.target,
        request.name or request.target,
        analysis,
        survey,
        is_inferred=request.resolution is None and not request.shapes,
        look_back=look_back(analysis, asked.sample_rate),
        tiling=tiling,
    )


def _to_tile(analysis: Analysis, survey: SizeSurvey) -> Analysis:
    """The model at the size that was asked for, or at the next larger one at which it runs."""
    larger = survey.advice.running[1]
    size = survey.asked if survey.advice.asked else larger.size if larger else None
    if size is None or size == analysis.architecture.resolution:
        return analysis
    return analysis.retracer.at_size(size) or analysis


def survey_object(
    model: Any,
    fed: Fed,
    span: Span,
    *,
    args: Mapping[str, Any] | None,
    permissions: Permissions,
) -> SizeSurvey:
    """The same of a model that is given as a Python object."""
    from rflint.tracing.process import process_state_restored
    from rflint.usecases.building import build_guarded
    from rflint.usecases.python_object import name_of

    with process_state_restored():
        built = build_guarded(model, args or {}, name_of(model), LoadingGuard(permissions))
        return survey_built(built, fed, span)[1]


@dataclass(frozen=True, slots=True)
class Fed:
    """What a model is fed first, and how it is followed."""

    resolution: tuple[int, ...] | None
    given: Any
    """Shapes or example tensors; None: inferred."""
    tracing: TracingOptions
    options: RuleOptions


def survey_built(
    built: BuiltModel, fed: Fed, span: Span, progress: Progress | None = None
) -> tuple[Analysis, SizeSurvey]:
    """What becomes of a model at the sizes of a span, and its analysis at one at which it runs."""
    from rflint.analysis.sizes.survey import check_has_size, survey_sizes

    check_span(span)
    analysis = _at_some_size(built, fed, span).analysis
    check_has_size(analysis)
    own = analysis.architecture.resolution
    wanted = fed.resolution or own
    wanted = wanted * len(own) if len(wanted) == 1 else wanted
    sizes = sizes_in(span, wanted)
    return analysis, survey_sizes(analysis, sizes, wanted, progress)


def _at_some_size(built: BuiltModel, fed: Fed, span: Span) -> AnalysedModel:
    """The model analysed at the size that it is to have, or else at one of the span."""
    from rflint.tracing.example_inputs.build import SizeMissing
    from rflint.usecases.analysed_model import analyse_model

    def at(resolution: tuple[int, ...] | None, *, hints: bool = False) -> AnalysedModel:
        return analyse_model(
            built, resolution, fed.given, fed.tracing, fed.options, finds_sizes=hints
        )

    try:
        return at(fed.resolution)
    except RflintError as error:
        cause = error
    for size in _likely(span, fed.resolution):
        try:
            return at(size)
        except RflintError as error:
            if isinstance(cause, SizeMissing):
                cause = error  # that nobody gave a size is not what is wrong
    try:
        return at(fed.resolution, hints=True)
    except RflintError as error:
        if error.runs_on:
            return at(error.runs_on)
        raise (cause if isinstance(error, SizeMissing) else error) from None


def _likely(span: Span, asked: tuple[int, ...] | None) -> Iterator[tuple[int, ...]]:
    """Sizes at which a model may run that does not at the one that was asked for."""
    axes = len(asked or (0,))
    first, last = (max(x) if x else n for x, n in ((span.first, SMALLEST), (span.last, LARGEST)))
    nearest = sorted(USUAL_SIZES, key=lambda size: abs(size - max(asked or (USUAL_SIZES[0],))))
    yield from ((size,) * axes for size in nearest if first <= size <= last)
    yield from ((size,) * axes for size in (last, first))
