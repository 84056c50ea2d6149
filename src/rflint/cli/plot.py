"""`rflint plot`: the paper's figure of models, as a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rflint.cli.arguments import ModelArguments, collected
from rflint.cli.completion import complete_targets
from rflint.cli.messages import errors_reported, to_stderr
from rflint.cli.parameters import (
    with_configuration_options,
    with_model_options,
    with_span_options,
)
from rflint.errors import UsageError
from rflint.files import atomic_write
from rflint.inputs.notation import Sizes
from rflint.text.numbers import plural

if TYPE_CHECKING:
    from rflint.cli.terminal import Terminal
    from rflint.configuration.model_options import ModelOptions
    from rflint.report.figure.style import PlottedFigure

_DPI = 200
"""Pixels per inch of a .png, where nothing else is said."""


@click.command("plot")
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=complete_targets)
@with_model_options
@with_configuration_options
@click.option(
    "--sizes",
    is_flag=True,
    help="Draw what becomes of each model over the sizes of its input: what rflint sizes tells.",
)
@with_span_options
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="Write the figure here; its name ends in .svg, .png or .pdf.",
)
@click.option(
    "--measured",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Draw what rflint measure --save kept: saturation, the accuracy of probes, and effective "
    "receptive fields.",
)
@click.option("--title", default="", help="Written above all panels.")
@click.option(
    "--width",
    type=click.FloatRange(min=2, max=200),
    metavar="INCHES",
    help="Of the whole figure.  [default: as wide as its layers need]",
)
@click.option(
    "--dpi",
    type=click.IntRange(min=20, max=1200),
    help=f"Pixels per inch of a .png.  [default: {_DPI}]",
)
@click.option("--no-cache", is_flag=True, help="Neither use answers of earlier runs nor keep any.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def plot(**given: Any) -> None:
    """Draw how receptive fields grow past the size of the input, as in the paper.

    A panel for each target, or for each size of --res, side by side with one axis: over each layer
    the receptive field of what it reads, the input's size, and the border layer. Without a TARGET,
    the models of the nearest configuration are drawn.

    With --sizes, each model over the sizes of its input in place of that: unproductive
    convolutions, which sizes are sound, at which it does not run, and what it costs there.

    This needs matplotlib: pip install "rflint[plot]".

    Exit status: 0 written, whatever was found in the models, 2 not written.
    """
    with errors_reported(given["debug"]):
        status = _plot(collected(PlotArguments, given))
    sys.exit(status)


@dataclass(frozen=True, slots=True)
class PlotArguments(ModelArguments):
    """The arguments of `rflint plot`."""

    targets: Sequence[str]
    sizes: bool
    first: Sizes | None
    last: Sizes | None
    step: int | None
    output: Path
    measured: Sequence[Path]
    title: str
    width: float | None
    dpi: int | None
    no_cache: bool
    quiet: bool


def _plot(given: PlotArguments) -> int:
    """Look at the models, and write their figure unless one fails; return the exit status."""
    from rflint.report.figure.panels import check_output, save

    check_output(given.output)
    suffix = given.output.suffix.lower()
    _check(given, suffix)
    drawn = _sizes_drawn(given) if given.sizes else _layers_drawn(given)
    if drawn is None:
        return 2
    figure, shows = drawn
    try:
        with atomic_write(given.output) as partial:
            save(figure, partial, suffix, given.dpi or _DPI)
    except OSError as error:
        raise UsageError(f"cannot write {given.output}: {error.strerror}") from error
    if not given.quiet:
        to_stderr(f"wrote {given.output}: {shows}")
    return 0


def _check(given: PlotArguments, suffix: str) -> None:
    """Raises UsageError for options that have no effect, before anything is looked at."""
    if given.dpi is not None and suffix != ".png":
        raise UsageError(
            f"--dpi has no effect on a {suffix}, which has no pixels",
            hint="Leave it out, or let the name of the file end in .png.",
        )
    if given.sizes and given.measured:
        raise UsageError(
            "--measured has no effect with --sizes: a model is measured at one size",
            hint="Draw two figures, one with each of them.",
        )
    spans = (("--from", given.first), ("--to", given.last), ("--step", given.step))
    without = [name for name, value in spans if value is not None and not given.sizes]
    if without:
        raise UsageError(
            f"{without[0]} has no effect without --sizes",
            hint="Add --sizes for a figure over the sizes of the input.",
        )


def _layers_drawn(given: PlotArguments) -> tuple[PlottedFigure, str] | None:
    """The models over their layers, and how that is called; None where one fails."""
    from rflint.configuration.read import load_configuration
    from rflint.report.figure.panels import plotted
    from rflint.usecases.lint import lint_project
    from rflint.usecases.project_baseline import BaselineOptions

    options = given.options()
    report = lint_project(
        given.targets,
        options,
        load_configuration(given.config, isolated=given.isolated),
        use_cache=not given.no_cache,
        baseline=BaselineOptions(use=False),
        listener=_terminal(given, options),
    )
    if report.failures:
        return None
    if given.measured:
        from rflint.usecases.measured_files import with_measurements

        report = with_measurements(report, given.measured)
    figure = plotted(report.models, given.title, given.width)
    return figure, plural(len(report.models), "panel")


def _sizes_drawn(given: PlotArguments) -> tuple[PlottedFigure, str] | None:
    """The models over the sizes of their inputs; None where one fails."""
    from rflint.analysis.sizes.spans import Span
    from rflint.configuration.read import load_configuration
    from rflint.report.figure.panels import plotted_sizes
    from rflint.usecases.sizes import SizesOptions, survey_project

    options = given.options()
    report = survey_project(
        given.targets,
        options,
        load_configuration(given.config, isolated=given.isolated),
        SizesOptions(Span(given.first, given.last, given.step)),
        _terminal(given, options),
    )
    if report.failures:
        return None
    figure = plotted_sizes(report.models, given.title, given.width)
    return figure, f"{plural(len(report.models), 'model')} over the sizes of the input"


def _terminal(given: PlotArguments, options: ModelOptions) -> Terminal:
    from rflint.cli.commands import CommonOptions
    from rflint.cli.terminal import Terminal

    common = CommonOptions(options, given.config, given.isolated)
    return Terminal(common, quiet=given.quiet, verbose=False, debug=given.debug)
