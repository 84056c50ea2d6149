"""`rflint plot`: the paper's figure of models, as a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from rflint.cli.arguments import ModelArguments, collected
from rflint.cli.completion import complete_targets
from rflint.cli.messages import errors_reported, to_stderr
from rflint.cli.parameters import with_configuration_options, with_model_options
from rflint.errors import UsageError
from rflint.files import atomic_write
from rflint.text.numbers import plural

_DPI = 200
"""Pixels per inch of a .png, where nothing else is said."""


@click.command("plot")
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=complete_targets)
@with_model_options
@with_configuration_options
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
    output: Path
    measured: Sequence[Path]
    title: str
    width: float | None
    dpi: int | None
    no_cache: bool
    quiet: bool


def _plot(given: PlotArguments) -> int:
    """Lint the models, and write their figure unless one fails; return the exit status."""
    from rflint.report.figure.panels import check_output, plotted, save

    check_output(given.output)
    suffix = given.output.suffix.lower()
    if given.dpi is not None and suffix != ".png":
        raise UsageError(
            f"--dpi has no effect on a {suffix}, which has no pixels",
            hint="Leave it out, or let the name of the file end in .png.",
        )
    from rflint.cli.commands import CommonOptions
    from rflint.cli.terminal import Terminal
    from rflint.configuration.read import load_configuration
    from rflint.usecases.lint import lint_project
    from rflint.usecases.project_baseline import BaselineOptions

    options = given.options()
    report = lint_project(
        given.targets,
        options,
        load_configuration(given.config, isolated=given.isolated),
        use_cache=not given.no_cache,
        baseline=BaselineOptions(use=False),
        listener=Terminal(
            CommonOptions(options, given.config, given.isolated),
            quiet=given.quiet,
            verbose=False,
            debug=given.debug,
        ),
    )
    if report.failures:
        return 2
    if given.measured:
        from rflint.usecases.measured_files import with_measurements

        report = with_measurements(report, given.measured)
    figure = plotted(report.models, given.title, given.width)
    try:
        with atomic_write(given.output) as partial:
            save(figure, partial, suffix, given.dpi or _DPI)
    except OSError as error:
        raise UsageError(f"cannot write {given.output}: {error.strerror}") from error
    if not given.quiet:
        to_stderr(f"wrote {given.output}: {plural(len(report.models), 'panel')}")
    return 0
