"""The Python interface: what `import rflint` offers to programs and notebooks.

Importing it does not import torch; the first call of a function that needs it does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from rflint.errors import RflintError, UsageError
from rflint.inputs.tracing_options import TracingOptions
from rflint.text.keyword_arguments import with_keyword_arguments
from rflint.usecases.checks import chosen_checks, names
from rflint.usecases.gc_pause import gc_paused
from rflint.usercode.permissions import Permissions

if TYPE_CHECKING:
    from torch import nn

    from rflint.analysis.sizes.survey import SizeSurvey
    from rflint.analysis.tiling.obstacles import NotTileable
    from rflint.analysis.tiling.tiling import Tiling
    from rflint.graph.architecture import Architecture
    from rflint.repair.repair import Repair
    from rflint.report.difference.difference import Difference
    from rflint.report.report import Report

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _for_python(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """The same function, whose errors name its keyword arguments in place of options."""

    @functools.wraps(function)
    def called(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return function(*args, **kwargs)
        except RflintError as error:
            error.message = with_keyword_arguments(error.message)
            error.hint = with_keyword_arguments(error.hint)
            error.args = (error.message,)
            raise

    return called


@_for_python
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
    allow_training: bool = False,
    allow_downloads: bool = False,
    train_res: int | tuple[int, ...] | None = None,
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
        allow_training: do not stop a builder that computes gradients or takes optimiser steps.
        allow_downloads: do not stop a builder that downloads, such as pretrained weights.
        train_res: the size that the model is trained at, where that is another one: the report says
            what is different there.

    What can be done about unproductive layers (`repairs`, `not_offered` and `larger_input` of a
    model's report) is found when it is first asked for, or shown: it takes longer than the rest.

    Raises:
        RflintError: the model cannot be built or analysed; the message says where and why.
    """
    with gc_paused():
        checks = chosen_checks(select, ignore, extend_select, settings, allow_unknown)
        from rflint.usecases.python_arguments import (
            inputs_from,
            layouts_from,
            resolution_from,
            resolutions_from,
        )
        from rflint.usecases.python_object import lint_object
    given = inputs_from(input)
    tracing = TracingOptions(train, tracer, layouts_from(layout, given))
    return lint_object(
        model,
        checks,
        resolutions_from(res),
        given=given,
        args=args,
        tracing=tracing,
        name=name,
        permissions=Permissions(allow_training, allow_downloads),
        train_resolution=resolution_from(train_res),
    )


@_for_python
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
    allow_training: bool = False,
    allow_downloads: bool = False,
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
        allow_training: do not stop a builder that trains.
        allow_downloads: do not stop a builder that downloads.

    `repair.apply(model)` gives the changed model.

    Raises:
        RflintError: the model cannot be built or analysed; the message says where and why.
    """
    with gc_paused():
        from rflint.usecases.python_arguments import inputs_from, layouts_from, resolutions_from
        from rflint.usecases.python_object import repair_object
    given = inputs_from(input)
    tracing = TracingOptions(train, tracer, layouts_from(layout, given))
    return repair_object(
        model,
        resolutions_from(res),
        given=given,
        args=args,
        tracing=tracing,
        kinds=names(kinds),
        permissions=Permissions(allow_training, allow_downloads),
    )


@_for_python
def sizes(
    model: Any,
    res: int | tuple[int, ...] | None = None,
    *,
    first: int | tuple[int, ...] | None = None,
    last: int | tuple[int, ...] | None = None,
    step: int | None = None,
    input: Any = None,
    args: Mapping[str, Any] | None = None,
    train: bool = False,
    tracer: str = "auto",
    layout: str | Sequence[str] = (),
    allow_training: bool = False,
    allow_downloads: bool = False,
) -> SizeSurvey:
    """What becomes of a model at every input size of a range.

    Args:
        model: an nn.Module (comes back unchanged), a class, or a function that returns a module.
        res: the size that advice is given for: pixels per side, or one size per spatial axis.
        first: where the range begins; 16 if nobody says so.
        last: where it ends; 512, or twice the size of larger inputs.
        step: look at every so many sizes.
        input: a shape or example tensors, as for `lint`; further arguments too.
        args: keyword arguments for the builder.
        train: as in training, not as in evaluation.
        tracer: how the model is followed.
        layout: what lies along the dimensions of the inputs.
        allow_training: do not stop a builder that trains.
        allow_downloads: do not stop a builder that downloads.

    Raises:
        RflintError: the model cannot be built, or runs at no size that was tried.
    """
    with gc_paused():
        from rflint.analysis.sizes.spans import Span
        from rflint.linting.settings import RuleOptions
        from rflint.usecases.python_arguments import inputs_from, layouts_from, resolution_from
        from rflint.usecases.sizes import Fed, survey_object
    given = inputs_from(input)
    tracing = TracingOptions(train, tracer, layouts_from(layout, given))
    return survey_object(
        model,
        Fed(resolution_from(res), given, tracing, RuleOptions()),
        Span(resolution_from(first), resolution_from(last), step),
        args=args,
        permissions=Permissions(allow_training, allow_downloads),
    )


@_for_python
def tiling(
    model: Any,
    res: int | tuple[int, ...] | None = None,
    *,
    tile: int | tuple[int, ...] | Sequence[int | tuple[int, ...]] | None = None,
    input: Any = None,
    args: Mapping[str, Any] | None = None,
    train: bool = False,
    tracer: str = "auto",
    layout: str | Sequence[str] = (),
    allow_training: bool = False,
    allow_downloads: bool = False,
) -> Tiling | NotTileable:
    """How images of a size are cut into tiles that, put together, give what the whole would give.

    Args:
        model: an nn.Module (comes back unchanged), a class, or a function that returns a module.
        res: the size of the images: pixels per side, or a tuple with one size per spatial axis.
        tile: sizes of tiles on which the model is tried as well.
        input: a shape or example tensors, as for `lint`; further arguments too.
        args: keyword arguments for the builder.
        train: as in training, not as in evaluation.
        tracer: how the model is followed.
        layout: what lies along the dimensions of the inputs.
        allow_training: do not stop a builder that trains.
        allow_downloads: do not stop a builder that downloads.

    A `Tiling` has the halo, the places where tiles may begin, and `tiles(image, tile)`, which says
    for every tile what to cut out, what to keep of the output, and where it goes. Where that is
    impossible, or not known, a `NotTileable` has the layers that stand against it.

    Raises:
        RflintError: the model cannot be built or analysed; the message says where and why.
    """
    with gc_paused():
        from rflint.usecases.python_arguments import (
            inputs_from,
            layouts_from,
            resolution_from,
            resolutions_from,
        )
        from rflint.usecases.tiling import tile_object
    given = inputs_from(input)
    tried = resolutions_from(list(tile) if isinstance(tile, list) else [tile])
    return tile_object(
        model,
        resolution_from(res),
        [size for size in tried if size is not None],
        given=given,
        args=args,
        tracing=TracingOptions(train, tracer, layouts_from(layout, given)),
        permissions=Permissions(allow_training, allow_downloads),
    )


@_for_python
def measure(
    model: nn.Module,
    train: Any,
    test: Any = None,
    res: int | tuple[int, ...] | None = None,
    *,
    input: Any = None,
    layout: str | Sequence[str] = (),
    samples: int = 5000,
    batch: int = 64,
    delta: float = 0.99,
    layers: str | Sequence[str] = (),
    probes: bool = True,
    erf: str | Sequence[str] = (),
    device: str = "auto",
    seed: int = 0,
    name: str | None = None,
) -> Report:
    """Measure a trained model on data: saturation, probes, effective receptive fields.

    Args:
        model: an nn.Module with its trained weights; comes back unchanged.
        train: a DataLoader, a Dataset, or anything that gives batches (inputs, labels): saturation
            and probes come from it.
        test: the same for telling accuracies; without it, a fifth of `train` is held out.
        res: the size of the inputs.
        input: a shape or example tensors, as for `lint`.
        layout: what lies along the dimensions of the input, as for `lint`.
        samples: at most so many for fitting, and as many for testing.
        batch: how many samples at a time, of a Dataset.
        delta: the share of the variance that saturation explains.
        layers: patterns of the layers whose saturation and probes are measured, like "layer3*";
            without any, all convolutions and linear layers.
        probes: whether to fit logistic regressions.
        erf: patterns of the layers whose effective receptive field is measured by gradients,
            whatever `layers` says.
        device: "cpu", "cuda", ...; "auto" for an accelerator, where one is there.
        seed: of what is drawn.
        name: what the report calls the model.

    `report.models[0].measured` has what was measured, beside the findings.

    Raises:
        RflintError: the model cannot be analysed, does not run on the data, or the data gives no
            labelled samples.
    """
    report = lint(model, res, input=input, layout=layout, name=name)
    if len(report.models) != 1:
        raise UsageError("a model is measured at one resolution")
    from rflint.measurement.running.data.source import DataOptions
    from rflint.measurement.running.measure import MeasuringOptions
    from rflint.usecases.measure import measure_object

    taken = DataOptions(samples, batch, seed)
    options = MeasuringOptions(delta, tuple(names(layers)), probes, tuple(names(erf)), seed, device)
    return measure_object(model, report, train, test, taken, options)


@_for_python
def lint_architecture(
    architecture: Architecture,
    *,
    select: str | Sequence[str] = (),
    ignore: str | Sequence[str] = (),
    extend_select: str | Sequence[str] = (),
    allow_unknown: str | Sequence[str] = (),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    name: str = "architecture",
) -> Report:
    """Lint an architecture that did not come from PyTorch; torch is not imported.

    Three convolutions with stride 2, as another front end would hand them over:

    >>> from rflint.graph.architecture import Architecture
    >>> from rflint.graph.layer import INPUT, Edge, Geometry, Kind, Layer
    >>> from rflint.graph.windows import Window
    >>> def convolution(index: int, source: int, size: int) -> Layer:
    ...     return Layer(
    ...         name=f"conv{index}", call=0, kind=Kind.CONV, op="Conv", operation="conv2d",
    ...         inputs=(Edge(source, (Window(size=3, stride=2, start=-1),) * 2),),
    ...         geometry=Geometry(kernel=(3, 3), stride=(2, 2), dilation=(1, 1), padding=(1, 1)),
    ...         in_shape=(1, 8, 2 * size, 2 * size), out_shape=(1, 8, size, size),
    ...         positions=(size, size), is_map=True, is_module=True,
    ...     )
    >>> architecture = Architecture(
    ...     inputs=((1, 8, 8, 8),), resolution=(8, 8), params=0,
    ...     layers=(convolution(0, INPUT, 4), convolution(1, 0, 2), convolution(2, 1, 1)),
    ...     outputs=(2,), output_shapes=((1, 8, 1, 1),),
    ... )
    >>> report = rflint.lint_architecture(architecture, select="RF101,RF102")
    >>> [(finding.code, finding.layer) for finding in report.findings]
    [('RF102', 'conv2')]

    Args:
        architecture: layers in execution order, each with what it reads of the layers before it.
        select: rule codes or prefixes to run instead of the default ones.
        ignore: rule codes or prefixes not to run.
        extend_select: rule codes or prefixes to run as well.
        allow_unknown: operators that may be unknown without a finding.
        settings: what rules are told, by their codes.
        name: what the report calls the model.

    Repairs, other input sizes, and what the model does in its other mode (training or evaluation)
    need the nn.Module: the report is without them, and its notes say so.

    Raises:
        RflintError: there is no such rule, or no such setting.
    """
    from rflint.usecases.architecture import lint_architecture as lint

    checks = chosen_checks(select, ignore, extend_select, settings, allow_unknown)
    return lint(architecture, checks, name)


@_for_python
def diff(before: Report | Mapping[str, Any], after: Report | Mapping[str, Any]) -> Difference:
    """What differs between two reports; torch is not imported.

    Args:
        before: a report, or what its `to_dict()` gave, as it is read from a JSON file.
        after: the other one.

    Models are compared with their namesakes at the same size; one model of each, whatever it is
    called. `difference.comparisons` has what differs, `difference.new_findings` what is found only
    after, `difference.to_dict()` all of it, as `rflint diff --format json` prints it.
    """
    from rflint.report.difference.difference import compare_reports
    from rflint.report.report import Report

    return compare_reports(
        *(
            x.without_remedies().to_dict() if isinstance(x, Report) else dict(x)
            for x in (before, after)
        )
    )


@_for_python
def lint_project(
    targets: str | Sequence[str] = (),
    *,
    configuration: str | Path | None = None,
    isolated: bool = False,
    cache: bool = False,
    baseline: str | Path | bool = True,
    fail_on: str | None = None,
    res: int | tuple[int, ...] | Sequence[int | tuple[int, ...]] | None = None,
    **options: Any,
) -> Report:
    """Lint models by their targets, as the command line does and the configuration says.

    Args:
        targets: one or several, like "mymodel:build", "net.py:Net" or the name of a configured
            model; without any, all configured models are linted.
        configuration: the file to take; without it, the nearest pyproject.toml with [tool.rflint],
            or rflint.toml.
        isolated: take no configuration.
        cache: take answers of earlier runs, and keep new ones. A process that has imported code of
            the project already lints anew: what it has imported may not be what is in the files.
        baseline: a file with accepted findings; True for the one that the configuration names, or
            rflint-baseline.json beside it; False for none.
        fail_on: the severity from which on findings fail the run, or "never": `report.fail_on`.
        res: as for `lint`; goes before what the configuration says.
        options: further keys of the configuration, with underscores: select="RF1", train=True,
            args={"width": 3}, max_params="12M". They go before what it says.

    What goes wrong with one model is among `report.failures`.

    Raises:
        RflintError: the configuration, the baseline or an argument makes no sense.
    """
    with gc_paused():
        from rflint.usecases.python_project import lint_from_python
    return lint_from_python(
        [targets] if isinstance(targets, str) else targets,
        configuration,
        {**options, "res": res} if res is not None else options,
        isolated=isolated,
        cache=cache,
        baseline=baseline,
        fail_on=fail_on,
    )
