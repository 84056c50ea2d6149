"""`rflint sizes`: which input sizes suit a model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from rflint.cli.arguments import ModelArguments, collected
from rflint.cli.completion import complete_targets
from rflint.cli.messages import errors_reported
from rflint.cli.output import chosen_outputs, opened_output
from rflint.cli.parameters import (
    with_configuration_options,
    with_model_options,
    with_output_options,
    with_span_options,
)
from rflint.inputs.notation import Sizes
from rflint.report.sizes.writers import SIZES_FORMATS, sizes_writer
from rflint.usercode.stdout import end_stdout


@click.command("sizes")
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=complete_targets)
@with_span_options
@click.option(
    "--sample-rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="HZ",
    help="Steps per second of a sequence: tells look-backs in milliseconds, too.",
)
@click.option(
    "--tile",
    is_flag=True,
    help="Say how images are cut into tiles that, put together, give what the whole gives.",
)
@with_model_options
@with_configuration_options
@with_output_options(SIZES_FORMATS)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def sizes(**given: Any) -> None:
    """Show what becomes of a model at every input size of a range.

    \b
    rflint sizes mymodel:build                       from 16 to 512 pixels
    rflint sizes mymodel:build --res 50x70           which sizes near 50x70 would do?
    rflint sizes clip:build --from 16x56x56 --to 16x224x224
    rflint sizes tcn:build --sample-rate 16000       look-backs in milliseconds
    rflint sizes unet:build --res 4096 --tile        the exact halo of tiles

    For every size: whether the model runs, its unproductive layers and dead weights, rows that
    nobody reads, padding that is read unevenly, whether some unit sees the whole input, its
    multiply-accumulates and the memory of its activations. One number is the longest side of
    inputs that keep their shape. Without a TARGET, the models of the nearest configuration are
    looked at.

    Exit status: 0 whatever was found, 2 a model could not be looked at.
    """  # noqa: D301 (click's mark for text that is not to be wrapped)
    with errors_reported(given["debug"]):
        status = _sizes(collected(SizesArguments, given))
    sys.exit(status)


@dataclass(frozen=True, slots=True)
class SizesArguments(ModelArguments):
    """The arguments of `rflint sizes`."""

    targets: Sequence[str]
    first: Sizes | None
    last: Sizes | None
    step: int | None
    sample_rate: float | None
    tile: bool
    formats: Sequence[tuple[str, Path | None]]
    output: Path | None
    quiet: bool


def _sizes(given: SizesArguments) -> int:
    """Look at all sizes, print, and return the exit status."""
    from rflint.analysis.sizes.spans import Span
    from rflint.cli.commands import CommonOptions
    from rflint.cli.terminal import Terminal
    from rflint.configuration.configuration import Configuration
    from rflint.configuration.read import load_configuration
    from rflint.usecases.sizes import SizesOptions, survey_project

    options = given.options()
    # formats and output of the configuration are those of lint
    outputs = chosen_outputs(
        given.formats, given.output, Configuration(Path.cwd()), quiet=False, statistics=False
    )
    report = survey_project(
        given.targets,
        options,
        load_configuration(given.config, isolated=given.isolated),
        SizesOptions(Span(given.first, given.last, given.step), given.sample_rate, given.tile),
        Terminal(
            CommonOptions(options, given.config, given.isolated),
            quiet=given.quiet,
            verbose=False,
            debug=given.debug,
        ),
    )
    for name, file in outputs:
        with opened_output(file) as stream:
            sizes_writer(name)(report, stream)
    end_stdout()
    return report.exit_status
