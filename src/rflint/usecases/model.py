"""One model at one resolution: traced, analysed, and checked by rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rflint.analysis.sizes.difference import size_difference
from rflint.analysis.sizes.facts import SizeFacts
from rflint.analysis.sizes.find import find_size_facts
from rflint.errors import RflintError
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.finding import Finding
from rflint.linting.rule import Rule
from rflint.linting.runner import run_rules
from rflint.linting.settings import RuleOptions
from rflint.report.model_report import ModelReport
from rflint.report.train_size import TrainSize
from rflint.tracing.model.build import BuiltModel
from rflint.tracing.process import recursion_limit_raised
from rflint.usecases.analysed_model import AnalysedModel, analyse_at_size, analyse_model
from rflint.usecases.gc_pause import gc_paused
from rflint.usecases.remedies import larger_input, remedies_of


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
    with_repairs: bool | None = None,
    train_resolution: tuple[int, ...] | None = None,
) -> tuple[ModelReport, tuple[RflintError, ...]]:
    """The report on one model at one resolution, and an error for each rule that failed.

    With `with_sizes`, it holds what becomes of the model at other sizes, which takes seconds. With
    `with_repairs`, it holds what can be done about unproductive layers; where that is None, it is
    found when somebody asks the report for it, and where it is False, nobody can ask. With a
    `train_resolution` that differs, the model is linted there too, and compared; where it does not
    run there, that is an error beside the report.

    Suppressions and severities are not applied to the findings yet: see report/policy.py.
    """
    with gc_paused(), recursion_limit_raised():
        model = analyse_model(built, resolution, given, tracing, options)
        found, failed = run_rules(rules, model.analysis, options)
        remedies = remedies_of(model, wanted=with_repairs)
        sizes = _size_facts(model) if with_sizes else None
        trained, failed = _train_size(model, train_resolution, rules, options, found, failed)
    assumed = model.analysis.architecture.assumptions
    report = ModelReport(
        target,
        model.analysis,
        found,
        remedies,
        (
            *([built.note] if built.note else []),
            *(f"{line} asserts something about data: taken to hold" for line in assumed),
        ),
        place=built.place,
        sizes=sizes,
        assumption=model.traced.assumption,
        train_size=trained,
    )
    return report, failed


def _size_facts(model: AnalysedModel) -> SizeFacts | None:
    """What becomes of a model at other sizes; the one that is recommended is among them."""
    larger = larger_input(model)
    return find_size_facts(model.analysis, larger=larger.resolution if larger else None)


def _train_size(
    model: AnalysedModel,
    resolution: tuple[int, ...] | None,
    rules: Sequence[Rule],
    options: RuleOptions,
    found: Sequence[Finding],
    failed: tuple[RflintError, ...],
) -> tuple[TrainSize | None, tuple[RflintError, ...]]:
    """The model at the size that it is trained at, and the errors with those that arise there."""
    if resolution is None:
        return None, failed
    try:
        there = analyse_at_size(model, resolution, options)
    except RflintError as error:
        error.message = f"at the size of training (--train-res): {error.message}"
        return None, (*failed, error)
    if there is model:
        return None, failed
    found_there, failed_there = run_rules(rules, there.analysis, options)
    known = {str(error) for error in failed}
    new = (error for error in failed_there if str(error) not in known)
    return TrainSize(
        size_difference(there.analysis, model.analysis),
        _found_only(found_there, found),
        _found_only(found, found_there),
    ), (*failed, *new)


def _found_only(found: Sequence[Finding], elsewhere: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings of rules in layers in which the same rules find nothing elsewhere."""
    there = {(x.code, x.layer, x.call) for x in elsewhere}
    return tuple(x for x in found if (x.code, x.layer, x.call) not in there)
