"""A model traced at one resolution, and analysed: what rules check and repairs change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from rflint.analysis.analyse import analyse, confirm_dead_weights
from rflint.analysis.analysis import Analysis, OtherPasses, Retracer
from rflint.errors import RflintError
from rflint.graph.architecture import Architecture
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.settings import RuleOptions
from rflint.tracing.model.build import BuiltModel
from rflint.tracing.running_sizes import say_where_it_runs
from rflint.tracing.traced_model import TracedModel, trace_model
from rflint.usecases.gc_pause import gc_paused


@dataclass(frozen=True, slots=True)
class AnalysedModel:
    """A traced model and its analysis, which rules check and repairs change."""

    traced: TracedModel
    analysis: Analysis


def analyse_model(
    built: BuiltModel,
    resolution: tuple[int, ...] | None,
    given: Any,
    tracing: TracingOptions,
    options: RuleOptions,
    *,
    finds_sizes: bool = True,
) -> AnalysedModel:
    """Trace a model with the inputs that are given or inferred, and analyse its architecture.

    Where it does not run on them, the hint of the error says at which size it does, unless not
    `finds_sizes`.
    """
    try:
        traced = trace_model(built.model, resolution, given, tracing)
    except RflintError as error:
        if finds_sizes:
            say_where_it_runs(error, built.model, resolution, given, tracing)
        raise

    def other_passes() -> OtherPasses:
        with gc_paused():
            return OtherPasses(
                _analysed(traced.later_passes(), options),
                _analysed(traced.passes_in_other_mode(), options),
            )

    @cache
    def at_size(size: tuple[int, ...]) -> Analysis | RflintError | None:
        with gc_paused():
            there = traced.at_size(size)
        return analyse(there, options.analysis) if isinstance(there, Architecture) else there

    retracer = Retracer(other_passes, resize=at_size)
    analysis = replace(analyse(traced.architecture, options.analysis), retracer=retracer)
    return AnalysedModel(traced, confirm_dead_weights(analysis))


def _analysed(
    architectures: tuple[Architecture, ...] | None, options: RuleOptions
) -> tuple[Analysis, ...] | None:
    if architectures is None:
        return None
    return tuple(analyse(x, options.analysis) for x in architectures)
