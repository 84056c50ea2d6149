"""One model at one resolution: traced, analysed, checked by rules, and repaired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.find import find_size_facts
from rflint.errors import RflintError
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.rule import Rule
from rflint.linting.runner import run_rules
from rflint.linting.settings import RuleOptions
from rflint.repair.repair import FoundRepairs
from rflint.report.model_report import LargerInput, ModelReport
from rflint.tracing.model.build import BuiltModel
from rflint.tracing.process import recursion_limit_raised
from rflint.usecases.analysed_model import AnalysedModel, analyse_model
from rflint.usecases.gc_pause import gc_paused

_ROUND = (2, 4, 8, 16, 32)
"""What the sides of an input are a multiple of in models that halve it so often."""


def lint_model(
    built: BuiltModel,
    target: str,
    rules: Sequence[Rule],
    options: RuleOptions,
    resolution: tuple[int, ...] | None,
    given: Any,
    tracing: TracingOptions,
    *,
    with_sizes: bool = False,
) -> tuple[ModelReport, tuple[RflintError, ...]]:
    """The report on one model at one resolution, and an error for each rule that failed.

    With `with_sizes`, it holds what becomes of the model at other sizes, which takes seconds.

    Suppressions and severities are not applied to the findings yet: see report/policy.py.
    """
    with gc_paused(), recursion_limit_raised():
        model = analyse_model(built, resolution, given, tracing, options)
        found, failed = run_rules(rules, model.analysis, options)
        repairs = _repairs(model)
        larger = _larger_input(model)
        recommended = larger.resolution if larger else None
        sizes = find_size_facts(model.analysis, larger=recommended) if with_sizes else None
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
        sizes=sizes,
        assumption=model.traced.assumption,
    )
    return report, failed


def _repairs(model: AnalysedModel) -> FoundRepairs:
    """The repairs of a model. A sound one needs none, and does not wait for that import."""
    if not model.analysis.unproductive:
        return FoundRepairs()
    from rflint.usecases.repairs import find_repairs

    return find_repairs(model)


def _larger_input(model: AnalysedModel) -> LargerInput | None:
    """The smallest larger input without unproductive layers at which the model was seen to run."""
    analysis = model.analysis
    if not analysis.unproductive or len(model.traced.inputs) != 1:
        return None
    found = next(_larger_sound(analysis), None)
    return LargerInput(found.architecture.resolution, found.totals.macs) if found else None


def _larger_sound(analysis: Analysis) -> Iterator[Analysis]:
    """The model at larger sizes, as far as it runs there and nothing is unproductive.

    Many models run at some sizes only: what they merge or cut into windows has to divide. So the
    roundest size near to the wanted one tells whether less round ones are worth a try, and the
    multiple of the given size is the last one. A model made for one size fails at all three.
    """
    own = analysis.architecture.resolution
    wanted = tuple(map(max, analysis.feasible_min, own))

    def sound_at(size: tuple[int, ...]) -> Iterator[Analysis]:
        there = analysis.retracer.at_size(size)
        if there is not None and not there.unproductive:
            yield there

    def rounded(steps: Sequence[int]) -> tuple[int, ...]:
        return tuple(
            size if size == given else -(-size // step) * step
            for size, given, step in zip(wanted, own, steps, strict=True)
        )

    yield from sound_at(wanted)
    *rounder, roundest = (rounded((step,) * len(own)) for step in _ROUND)
    for there in sound_at(roundest):
        for size in rounder:
            yield from sound_at(size)
        yield there
    yield from sound_at(rounded(own))
