"""One model at one resolution: traced, analysed, checked by rules, and repaired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from rflint.analysis.analyse import analyse, confirm_dead_weights
from rflint.analysis.analysis import Analysis, OtherPasses, Retracer
from rflint.errors import RflintError, UsageError
from rflint.graph.architecture import Architecture
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.rule import Rule
from rflint.linting.runner import run_rules
from rflint.linting.settings import RuleOptions
from rflint.repair.registry import NAMES
from rflint.repair.repair import Repair
from rflint.repair.search import search
from rflint.repair.selection import verified_repairs
from rflint.repair.verification import Verifier
from rflint.report.model_report import LargerInput, ModelReport
from rflint.tracing.model.build import BuiltModel
from rflint.tracing.process import recursion_limit_raised
from rflint.tracing.traced_model import TracedModel, trace_model
from rflint.usecases.gc_pause import gc_paused


@dataclass(frozen=True, slots=True)
class AnalysedModel:
    """A traced model and its analysis, which rules check and repairs change."""

    traced: TracedModel
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class FoundRepairs:
    """The verified repairs of a model, and the reasons why others are not offered."""

    repairs: tuple[Repair, ...]
    not_offered: tuple[str, ...]
    """Changes that were looked for in vain, and why."""
    failures: tuple[str, ...]
    """Candidates that could not be verified, with the reasons."""


def lint_model(
    built: BuiltModel,
    target: str,
    rules: Sequence[Rule],
    options: RuleOptions,
    resolution: tuple[int, ...] | None,
    given: Any,
    tracing: TracingOptions,
) -> tuple[ModelReport, tuple[RflintError, ...]]:
    """The report on one model at one resolution, and an error for each rule that failed.

    Suppressions and severities are not applied to the findings yet: see report/policy.py.
    """
    with gc_paused(), recursion_limit_raised():
        model = analyse_model(built, resolution, given, tracing, options)
        found, failed = run_rules(rules, model.analysis, options)
        repairs = find_repairs(model)
        larger = _larger_input(model)
    assumed = model.analysis.architecture.assumptions
    report = ModelReport(
        target,
        model.analysis,
        found,
        repairs.repairs,
        repairs.not_offered,
        larger,
        (
            *([built.note] if built.note else []),
            *(f"{line} asserts something about data: taken to hold" for line in assumed),
            *(f"not offered: {x}" for x in repairs.failures),
        ),
        place=built.place,
    )
    return report, failed


def repair_model(
    built: BuiltModel,
    resolution: tuple[int, ...] | None,
    given: Any,
    tracing: TracingOptions,
    options: RuleOptions,
    kinds: Sequence[str] = (),
) -> tuple[AnalysedModel, FoundRepairs]:
    """The repairs of one model at one resolution. Raises UsageError for an unknown kind."""
    for kind in kinds:
        if kind not in NAMES:
            raise UsageError(f"there is no repair {kind!r}", hint=f"Known are {', '.join(NAMES)}.")
    with gc_paused(), recursion_limit_raised():
        model = analyse_model(built, resolution, given, tracing, options)
        return model, find_repairs(model, kinds)


def analyse_model(
    built: BuiltModel,
    resolution: tuple[int, ...] | None,
    given: Any,
    tracing: TracingOptions,
    options: RuleOptions,
) -> AnalysedModel:
    """Trace a model with the inputs that are given or inferred, and analyse its architecture."""
    traced = trace_model(built.model, resolution, given, tracing)

    def other_passes() -> OtherPasses:
        with gc_paused():
            return OtherPasses(
                _analysed(traced.later_passes(), options),
                _analysed(traced.passes_in_other_mode(), options),
            )

    @cache
    def at_size(size: tuple[int, ...]) -> Analysis | None:
        with gc_paused():
            there = traced.at_size(size)
        return None if there is None else analyse(there, options.analysis)

    retracer = Retracer(other_passes, resize=at_size)
    analysis = replace(analyse(traced.architecture, options.analysis), retracer=retracer)
    return AnalysedModel(traced, confirm_dead_weights(analysis))


def find_repairs(model: AnalysedModel, kinds: Sequence[str] = ()) -> FoundRepairs:
    """Search for changes that make fewer layers unproductive, and verify them on copies."""
    traced, analysis = model.traced, model.analysis
    found = search(analysis, kinds)
    options = traced.options
    verifier = Verifier(
        traced.model, traced.inputs, analysis, train=options.train, call=options.call
    )
    offered = verified_repairs(verifier, found)
    return FoundRepairs(
        offered.repairs,
        tuple(dict.fromkeys((*found.refusals, *offered.unserved))),
        offered.failures,
    )


def _analysed(
    architectures: tuple[Architecture, ...] | None, options: RuleOptions
) -> tuple[Analysis, ...] | None:
    if architectures is None:
        return None
    return tuple(analyse(x, options.analysis) for x in architectures)


def _larger_input(model: AnalysedModel) -> LargerInput | None:
    """The smallest larger input without unproductive layers, if the model runs on it."""
    analysis = model.analysis
    if not analysis.unproductive or len(model.traced.inputs) != 1:
        return None
    wanted = tuple(map(max, analysis.feasible_min, analysis.architecture.resolution))
    there = analysis.retracer.at_size(wanted)
    if there is None or there.unproductive:
        return None
    return LargerInput(there.architecture.resolution, there.totals.macs)
