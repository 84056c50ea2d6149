"""The pipeline: a builder or module, its architecture, findings, verified repairs, a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import torch
from torch import nn

from rflint.analysis.analyse import analyse, confirm_dead_weights
from rflint.analysis.analysis import Analysis, OtherPasses, Retracer
from rflint.errors import (
    DataDependent,
    InputMismatch,
    RflintError,
    TraceFailed,
    UnsupportedByTracer,
    UsageError,
)
from rflint.graph.architecture import Architecture
from rflint.inputs.layouts import layout_behind, layouts_of
from rflint.inputs.notation import layouts, shape
from rflint.linting.options import Options
from rflint.linting.rule import Rule
from rflint.linting.rule_files import load_rules
from rflint.linting.runner import run_rules
from rflint.linting.selection import selected
from rflint.linting.settings import check_settings, told
from rflint.operators.shapes import show
from rflint.repair import KINDS, Figures, Repair, search
from rflint.repair.offer import Workshop, offers
from rflint.report.policy import Policy, apply_policies
from rflint.report.report import Failure, LargerInput, ModelReport, Report
from rflint.tracing.example_inputs.build import as_meta, example_inputs, possible_inputs, resized
from rflint.tracing.example_inputs.validation import check_input_argument
from rflint.tracing.model.build import Built, build
from rflint.tracing.passes import later_passes, passes_in_mode
from rflint.tracing.process import process_state_restored, recursion_limit_raised
from rflint.tracing.trace import trace
from rflint.usecases.collector import collector_paused
from rflint.usecases.spoken import speaks_python

DEFAULTS = Options()


@speaks_python
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
    extend_select: str | Sequence[str] = (),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    name: str | None = None,
    layout: str | Sequence[str] = (),
) -> Report:
    """Lint a model at one or several input resolutions.

    Args:
        model: an nn.Module (comes back unchanged), a class, or a function that returns a module.
        res: pixels per side, or a tuple with one size per spatial axis, or a list of those: then
            the report has one entry per resolution.
        input: a shape (batch, channels, *spatial), a list of shapes, or a tuple of example tensors,
            where it cannot be inferred from the model's first layer. A shape may be a text as on
            the command line: "1x20:int64", "1x8x3x64x64:BTCHW".
        args: keyword arguments for the builder.
        train: analyse as in training (auxiliary heads), not as in evaluation.
        tracer: how the model is followed: "symbolic" through its code, "export" by torch.export,
            "auto" the first, and the second where that cannot follow.
        allow_unknown: operators that may be unknown without a finding; what depends on them stays
            unjudged.
        select: rule codes or prefixes to run instead of the default ones.
        ignore: rule codes or prefixes not to run.
        extend_select: rule codes or prefixes to run as well.
        settings: what rules are told, by their codes: {"RF101": {"pointwise": "ignore"}}.
        name: what the report calls the model.
        layout: what lies along the dimensions of the input, like "BTCHW" (B: batch, C: channels,
            T: time or frames, D, H, W), or of each of several inputs; without it, the axes are
            the dimensions that convolutions slide over.

    Raises:
        RflintError: the model cannot be built or analysed; the message says where and why.
    """
    known = load_rules()
    for code, values in (settings or {}).items():
        check_settings(known, code, values)
    rules = selected(known, _listed(select), _listed(ignore), _listed(extend_select))
    fed = _fed(input)
    options = Options(
        train,
        tracer,
        tuple(_listed(allow_unknown)),
        told(known, settings or {}),
        _layouts(layout, fed),
    )
    return lint_with(rules, known, model, res, fed, args or {}, options, name)


def lint_with(
    rules: Sequence[Rule],
    known: Sequence[Rule],
    model: Any,
    res: Any,
    input: Any,
    args: Mapping[str, Any],
    options: Options,
    name: str | None = None,
) -> Report:
    """Lint with these rules, of those that are known; see `lint`."""
    target = name or _described(model)
    models, failures = [], []
    with process_state_restored():
        built = build(model, args, target)
        for resolution in resolutions(res):
            report, broken = lint_model(built, target, rules, resolution, input, options)
            models.append((report, Policy(tuple(rules))))
            failures += [Failure(target, error) for error in broken]
    # the project's own rules are known to the program only, and failed rules may find something
    done = apply_policies(models, known, all_models=not failures, all_rules=False)
    return Report(tuple(done), tuple(failures))


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
) -> tuple[ModelReport, tuple[RflintError, ...]]:
    """One model at one resolution: trace, analyse, check, repair.

    With an error for each rule that failed. No policy is applied yet: see report/policy.py.
    """
    with collector_paused(), recursion_limit_raised():
        inputs, architecture = _traced(built.model, resolution, input, options)
        look = partial(_others, built.model, inputs, architecture, options)
        resize = cache(partial(_at_size, built.model, inputs, architecture, options))
        retracer = Retracer(look, resize=resize)
        analysis = confirm_dead_weights(replace(analyse(architecture), retracer=retracer))
        found_by_rules, broken = run_rules(rules, analysis, options)
        found = search(analysis)
        workshop = Workshop(built.model, inputs, analysis, train=options.train)
        offered = offers(workshop, found)
        larger = _larger_input(built.model, inputs, analysis, options)
        assumed = analysis.architecture.assumed
    report = ModelReport(
        target,
        analysis,
        found_by_rules,
        tuple(offered.repairs),
        tuple(dict.fromkeys((*found.refusals, *offered.unanswered))),
        larger,
        (
            *([built.note] if built.note else []),
            *(f"{line} asserts something about data: taken to hold" for line in assumed),
            *(f"not offered: {x}" for x in offered.failures),
        ),
        place=built.place,
    )
    return report, broken


@speaks_python
def repairs(
    model: Any,
    res: int | tuple[int, ...] | None = None,
    *,
    input: Any = None,
    args: Mapping[str, Any] | None = None,
    train: bool = False,
    tracer: str = "auto",
    kinds: str | Sequence[str] = (),
    layout: str | Sequence[str] = (),
) -> tuple[Repair, ...]:
    """Changes to a model with unproductive layers, each verified on a copy; none for a sound model.

    Args:
        model: as for `lint`; all further arguments too.
        res: one resolution.
        input: shapes or example tensors.
        args: keyword arguments for the builder.
        train: as in training.
        tracer: how the model is followed.
        kinds: limits what is offered: "truncate", "remove-downsampling", "dilate". The last is
            offered only when it is asked for, since it leaves receptive fields as they are.
        layout: what lies along the dimensions of the inputs.

    `repair.apply(model)` gives the changed model.

    Raises:
        RflintError: the model cannot be built or analysed; the message says where and why.
    """
    (resolution,) = resolutions(res)
    fed = _fed(input)
    options = Options(train, tracer, layouts=_layouts(layout, fed))
    with process_state_restored():
        built = build(model, args or {}, _described(model))
        return find_repairs(built, resolution, fed, options, _listed(kinds)).repairs


@dataclass(frozen=True, slots=True)
class Repairs:
    """The repairs of a model, what cannot be offered, and the inputs that both hold for."""

    repairs: tuple[Repair, ...]
    refusals: tuple[str, ...]
    inputs: tuple[torch.Tensor, ...]
    unproductive: int


def find_repairs(
    built: Built,
    resolution: tuple[int, ...] | None,
    input: Any,
    options: Options,
    kinds: Sequence[str] = (),
) -> Repairs:
    """Trace, analyse, search, verify. Raises UsageError for a kind that there is not."""
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"there is no repair {kind!r}", hint=f"Known are {', '.join(KINDS)}.")
    with collector_paused(), recursion_limit_raised():
        inputs, architecture = _traced(built.model, resolution, input, options)
        analysis = analyse(architecture)
        found = search(analysis, kinds)
        offered = offers(Workshop(built.model, inputs, analysis, train=options.train), found)
    refusals = tuple(dict.fromkeys((*found.refusals, *offered.unanswered)))
    return Repairs(tuple(offered.repairs), refusals, inputs, analysis.totals.unproductive)


def figures(model: nn.Module, inputs: Sequence[torch.Tensor], options: Options) -> Figures:
    """Those of a model on these inputs."""
    return Figures.of(analyse(_architecture(model, inputs, options)))


def _architecture(
    model: nn.Module, inputs: Sequence[torch.Tensor], options: Options
) -> Architecture:
    traced = trace(
        model, inputs, train=options.train, tracer=options.tracer, layouts=options.layouts
    )
    return replace(traced, judges_pointwise=options.judges_pointwise)


def _others(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    architecture: Architecture,
    options: Options,
) -> OtherPasses:
    """The passes that a claim about the model is held against; see passes.py."""
    train, tracer = options.train, options.tracer
    with collector_paused():
        same = later_passes(model, inputs, architecture, train=train, tracer=tracer)
        other = passes_in_mode(model, inputs, architecture, train=not train, tracer=tracer)
        return OtherPasses(
            None if same is None else tuple(map(analyse, same)),
            None if other is None else tuple(map(analyse, other)),
        )


def _at_size(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    given: Architecture,
    options: Options,
    size: tuple[int, ...],
) -> Analysis | None:
    """The model at another size of its inputs; None where it does not run there."""
    others = resized(inputs, given.places, given.resolution, size)
    if others is None:
        return None
    try:
        with collector_paused():
            there = _architecture(model, others, options)
    except RflintError:
        return None  # it is made for one size, say, or for those that divide
    return analyse(there) if there.resolution == size else None


def _larger_input(
    model: nn.Module, inputs: Sequence[torch.Tensor], analysis: Analysis, options: Options
) -> LargerInput | None:
    """The input that receptive fields ask for, where the model runs on it and is sound there."""
    if not analysis.unproductive or len(inputs) != 1:
        return None
    architecture = analysis.architecture
    wanted = tuple(map(max, analysis.feasible_min, architecture.resolution))
    (tensor,) = inputs
    enlarged = [
        size if axis is None else wanted[axis]
        for size, axis in zip(tensor.shape, architecture.places[0], strict=True)
    ]
    larger = torch.empty(enlarged, dtype=tensor.dtype, device=tensor.device)
    try:
        there = analyse(_architecture(model, [larger], options))
    except RflintError:
        return None  # its head, say, is made for one size
    resolution = there.architecture.resolution
    return None if there.unproductive else LargerInput(resolution, there.totals.macs)


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
        attempts = [example_inputs(model, resolution, shapes, layouts=options.layouts)]
    else:
        attempts = possible_inputs(model, resolution, batch=batch, layouts=options.layouts)
    first: RflintError | None = None
    for inputs in attempts:
        try:
            return inputs, _architecture(model, inputs, options)
        except (InputMismatch, TraceFailed) as error:
            if isinstance(error, DataDependent | UnsupportedByTracer):
                raise  # whatever the input is
            first = first or error
    assert first is not None
    if input is None and not first.hint:
        first.hint = (
            f"The input {show(attempts[0][0].shape)} was inferred from the model's first layer; "
            "give --input if it should be another."
        )
    raise first


def _fed(given: Any) -> Any:
    """What is to be fed, shapes that are texts read. Raises UsageError for what is no shape."""
    check_input_argument(given)
    items = [given] if isinstance(given, str) else given
    if not isinstance(items, list | tuple) or not any(isinstance(x, str) for x in items):
        return given
    try:
        return [shape(x) if isinstance(x, str) else x for x in items]
    except ValueError as error:
        raise UsageError(str(error)) from error


def _layouts(layout: str | Sequence[str], fed: Any) -> tuple[str, ...]:
    """The layouts of all inputs, from what is said of them and behind their shapes."""
    shapes = fed if isinstance(fed, list | tuple) else ()
    try:
        said = layouts(layout) if layout else ()
    except ValueError as error:
        raise UsageError(str(error)) from error
    return layouts_of(said, shapes if any(map(layout_behind, shapes)) else ())


def _are_tensors(input: Any) -> bool:
    return isinstance(input, (tuple, list)) and bool(input) and isinstance(input[0], torch.Tensor)


def _described(model: Any) -> str:
    if isinstance(model, nn.Module):
        return type(model).__name__
    function = getattr(model, "func", model)  # functools.partial
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{getattr(function, '__module__', '')}:{name}".lstrip(":")
