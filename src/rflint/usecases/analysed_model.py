"""A model traced at one resolution, and analysed: what rules check and repairs change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from rflint.analysis.analyse import analyse, confirm_dead_weights
from rflint.analysis.analysis import Analysis, OtherPasses, Retracer
from rflint.errors import RflintError, UsageError
from rflint.graph.architecture import Architecture
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.settings import RuleOptions
from rflint.operators.shapes import shape_text
from rflint.tracing.model.build import BuiltModel
from rflint.tracing.traced_model import TracedModel, trace_model
from rflint.usecases.gc_pause import gc_paused
from rflint.usecases.running_sizes.say import say_where_else_it_runs, say_where_it_runs

_SIZES_KEPT = 64
"""So many sizes of a model are kept: all that rules ask for. A survey asks for hundreds."""


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
    return _analysed_model(traced, options)


def analyse_at_size(
    model: AnalysedModel, size: tuple[int, ...], options: RuleOptions
) -> AnalysedModel:
    """The same model at another size of its inputs, with all that rules ask of it.

    Raises RflintError where it does not run there, or its inputs cannot have that size.
    """
    own = model.traced.architecture.resolution
    wanted = size * len(own) if len(size) == 1 else size
    if len(wanted) != len(own):
        raise UsageError(f"{shape_text(size)} has {len(size)} axes, the model's input {len(own)}")
    if wanted == own:
        return model
    there = model.traced.resized(wanted)
    if isinstance(there, RflintError):
        say_where_else_it_runs(there, model.traced, wanted)
        raise there
    if there is None:
        raise UsageError(f"its inputs cannot be given the size {shape_text(wanted)}")
    return _analysed_model(there, options)


def _analysed_model(traced: TracedModel, options: RuleOptions) -> AnalysedModel:
    return AnalysedModel(traced, confirm_dead_weights(_with_other_passes(traced, options)))


def _with_other_passes(traced: TracedModel, options: RuleOptions) -> Analysis:
    """The analysis of one pass, with all that is needed to ask for others."""

    def other_passes() -> OtherPasses:
        with gc_paused():
            return OtherPasses(
                _analysed(traced.later_passes(), options),
                _analysed(traced.passes_in_other_mode(), options),
            )

    @lru_cache(maxsize=_SIZES_KEPT)
    def at_size(size: tuple[int, ...]) -> Analysis | RflintError | None:
        with gc_paused():
            there = traced.resized(size)
        return _with_other_passes(there, options) if isinstance(there, TracedModel) else there

    @cache
    def along_batch() -> Architecture | None:
        with gc_paused():
            return traced.along_batch()

    retracer = Retracer(other_passes, resize=at_size, batch=along_batch)
    return replace(analyse(traced.architecture, options.analysis), retracer=retracer)


def _analysed(
    architectures: tuple[Architecture, ...] | None, options: RuleOptions
) -> tuple[Analysis, ...] | None:
    if architectures is None:
        return None
    return tuple(analyse(x, options.analysis) for x in architectures)
