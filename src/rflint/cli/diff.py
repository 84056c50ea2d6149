"""`rflint diff`: what is different about a model."""

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
    OneOf,
    with_configuration_options,
    with_model_options,
    with_output_options,
    with_rule_options,
)
from rflint.report.difference.writers import DIFFERENCE_FORMATS, difference_writer
from rflint.report.exit_gate import FAIL_ON
from rflint.usercode.stdout import end_stdout


@click.command("diff")
@click.argument("sides", nargs=-1, metavar="A B", shell_complete=complete_targets)
@with_model_options
@with_configuration_options
@with_rule_options
@click.option(
    "--fail-on",
    type=OneOf(FAIL_ON),
    help="Exit with status 1 for new findings from this severity on.  [default: warning]",
)
@with_output_options(DIFFERENCE_FORMATS, "difference")
@click.option("--no-cache", is_flag=True, help="Neither use answers of earlier runs nor keep any.")
@click.option("-v", "--verbose", is_flag=True, help="Show every layer that differs.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def diff(**given: Any) -> None:
    """Compare two models, a model at two revisions, or saved reports.

    \b
    rflint diff old:build new:build --res 32      two targets
    rflint diff main.. mymodel:build              main, and the working tree
    rflint diff main..feature                     two revisions of all configured models
    rflint diff main...                           where this branch began, and the working tree
    rflint diff before.json mymodel:build         a report of --format json, and today

    Revisions are checked out in a temporary folder; the working tree stays as it is. Options hold
    for both sides, and so does the configuration of the later one.

    Exit status: 0 no new findings, 1 new findings, 2 a side could not be analysed.
    """  # noqa: D301 (click's mark for text that is not to be wrapped)
    with errors_reported(given["debug"]):
        status = _diff(collected(DiffArguments, given))
    sys.exit(status)


@dataclass(frozen=True, slots=True)
class DiffArguments(ModelArguments):
    """The arguments of `rflint diff`."""

    sides: tuple[str, ...]
    fail_on: str | None
    formats: Sequence[tuple[str, Path | None]]
    output: Path | None
    no_cache: bool
    verbose: bool


def _diff(given: DiffArguments) -> int:
    """Compare, print, and return the exit status."""
    from rflint.cli.commands import CommonOptions
    from rflint.cli.terminal import Terminal
    from rflint.configuration.configuration import Configuration
    from rflint.usecases.diff.diff import DiffOptions, diff_sides
    from rflint.usecases.diff.sides import sides_of

    before, after = sides_of(given.sides)
    options = given.options()
    # formats and output of the configuration are those of lint
    outputs = chosen_outputs(
        given.formats, given.output, Configuration(Path.cwd()), quiet=False, statistics=False
    )
    difference = diff_sides(
        before,
        after,
        DiffOptions(options, given.config, given.isolated, given.fail_on, not given.no_cache),
        Terminal(
            CommonOptions(options, given.config, given.isolated),
            quiet=False,
            verbose=given.verbose,
            debug=given.debug,
        ),
    )
    for name, file in outputs:
        with opened_output(file) as stream:
            difference_writer(name)(difference, stream, given.verbose)
    end_stdout()
    return difference.exit_status
