"""The pipeline: a builder or module, its architecture, findings, verified repairs, a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from rflint.analysis import Analysis, analyse
from rflint.architecture import Architecture
from rflint.collector import collector_paused
from rflint.errors import InputMismatch, RflintError, UsageError
from rflint.options import Options
from rflint.repair import Plan, plans
from rflint.report import Figures, ModelReport, Repair, Report
from rflint.rule import Rule, load_rules, selected
from rflint.tracing import trace
from rflint.tracing.build import Built, build
from rflint.tracing.inputs import as_meta, example_inputs, possible_inputs
from rflint.tracing.operators.table import show
from rflint.tracing.recording import Edits

DEFAULTS = Options()


def lint(
    model: Any,
    res: int | tuple[int, ...] | Sequence[int | tuple[int, ...]] | None = None,
    *,
    input: Any = None,
    args: Mapping[str, Any] | None = None,
    train: bool = False,
    tracer: str = "auto",
    allow_unknown: str | Sequence[str] = (),
    select: str | Sequence[str] = (),
    ignore: str | Sequence[str] = (),
    name: str | None = None,
) -> Report:
    """Lint a model at one or several input resolutions.

    Args:
        model: an nn.Module (comes back unchanged), a class, or a function that returns a module.
        res: pixels per side, or a tuple with one size per spatial axis, or a list of those: then
            the report has one entry per resolution.
        input: a shape (batch, channels, *spatial), a list of shapes, or a tuple of example tensors,
            where it cannot be inferred from the model's first layer.
        args: keyword arguments for the builder.
        train: analyse as in training (auxiliary heads), not as in evaluation.
        tracer: how the model is followed: "symbolic" through its code, "export" by torch.export,
            "auto" the first, and the second where that cannot follow.
        allow_unknown: operators that may be unknown without a finding; what depends on them stays
            unjudged.
        select: rule codes or prefixes to run instead of the default ones.
        ignore: rule codes or prefixes not to run.
        name: what the report calls the model.

    Raises:
        RflintError: the model cannot be built or analysed; the message says where and why.
    """
    rules = selected(load_rules(), _listed(select), _listed(ignore))
    options = Options(train, tracer, tuple(_listed(allow_unknown)))
    target = name or _described(model)
    built = build(model, args or {}, target)
    return Report(
        tuple(
            lint_model(built, target, rules, resolution, input, options)
            for resolution in resolutions(res)
        )
    )


def _listed(names: str | Sequence[str]) -> Sequence[str]:
    """Names as a list, also where they come as one string with commas."""
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else names


def lint_model(
    built: Built,
    target: str,
    rules: Sequence[Rule],
    resolution: tuple[int, ...] | None,
    input: Any = None,
    options: Options = DEFAULTS,
) -> ModelReport:
    """One model at one resolution: trace, analyse, check, repair."""
    with collector_paused():
        inputs, architecture = _traced(built.model, resolution, input, options)
        analysis = analyse(architecture)
        findings = tuple(
            finding
            for rule in rules
            for finding in rule.check(analysis, options.settings(rule.code))
        )
        repairs, notes = _repairs(built.model, inputs, analysis, train=options.train)
    notes = (*([built.note] if built.note else []), *notes)
    return ModelReport(target, analysis, findings, repairs, notes)


def resolutions(res: Any) -> list[tuple[int, ...] | None]:
    """`res` of the Python interface as a list; None stands for what --input says."""
    items = res if isinstance(res, list) else [res]
    found: list[tuple[int, ...] | None] = []
    for item in items:
        if item is None:
            found.append(None)
            continue
        sizes = tuple(item) if isinstance(item, (tuple, list)) else (item,)
        if not sizes or not all(type(size) is int and size > 0 for size in sizes):
            raise UsageError(f"a resolution is one or more positive sizes, not {item!r}")
        found.append(sizes)
    return found


def _traced(
    model: nn.Module, resolution: tuple[int, ...] | None, input: Any, options: Options
) -> tuple[tuple[torch.Tensor, ...], Architecture]:
    """Trace with the first inputs that fit; the first failure counts if none does."""
    batch = 2 if options.train else 1  # batch normalisation in training needs more than one value
    if _are_tensors(input):
        attempts = [as_meta(input)]
    elif input is not None:
        shapes = [input] if input and isinstance(input[0], int) else list(input)
        attempts = [example_inputs(model, resolution, shapes)]
    else:
        attempts = possible_inputs(model, resolution, batch=batch)
    first: RflintError | None = None
    for inputs in attempts:
        try:
            return inputs, trace(model, inputs, train=options.train, tracer=options.tracer)
        except InputMismatch as error:
            first = first or error
    assert first is not None
    if input is None and not first.hint:
        first.hint = (
            f"The input {show(attempts[0][0].shape)} was inferred from the model's first layer; "
            "give --input if it should be another."
        )
    raise first


def _repairs(
    model: nn.Module, inputs: Sequence[torch.Tensor], analysis: Analysis, *, train: bool
) -> tuple[tuple[Repair, ...], tuple[str, ...]]:
    """Apply every plan while the model runs, and analyse what it has become."""
    repairs, notes = [], []
    tracer = analysis.architecture.tracer
    before = Figures.of(analysis)
    for plan in plans(analysis):
        try:
            edits = _as_edits(plan)
            after = analyse(trace(model, inputs, train=train, edits=edits, tracer=tracer))
        except RflintError as error:
            notes.append(f"not offered: {plan.title} ({error.message})")
            continue
        repairs.append(
            Repair(plan.kind, plan.title, plan.edits, before, Figures.of(after), verified=True)
        )
    return tuple(repairs), tuple(notes)


def _as_edits(plan: Plan) -> Edits:
    return Edits(plan.unit_stride, plan.removed, plan.cut, plan.head_features)


def _are_tensors(input: Any) -> bool:
    if isinstance(input, torch.Tensor):
        raise UsageError("input= takes a shape or a tuple of example tensors, not one tensor")
    return isinstance(input, tuple) and bool(input) and isinstance(input[0], torch.Tensor)


def _described(model: Any) -> str:
    if isinstance(model, nn.Module):
        return type(model).__name__
    function = getattr(model, "func", model)  # functools.partial
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{getattr(function, '__module__', '')}:{name}".lstrip(":")
