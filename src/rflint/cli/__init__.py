"""The command line. `rflint TARGET...` lints; everything else is a subcommand.

A target always has a colon, so it is never mistaken for a subcommand. Nothing here imports torch
until there is a model to lint.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click
from click.shell_completion import shell_complete

from rflint.cli.clean import clean
from rflint.cli.completion import join_at_colons, words
from rflint.cli.diff import diff
from rflint.cli.fix import fix
from rflint.cli.init import init
from rflint.cli.lint import CONTEXT, Program, lint
from rflint.cli.measure import measure
from rflint.cli.merge import merge
from rflint.cli.messages import complain
from rflint.cli.plot import plot
from rflint.cli.rule import rule
from rflint.cli.schema import schema
from rflint.cli.sizes import sizes
from rflint.cli.sweep import sweep
from rflint.errors import as_rflint_error
from rflint.usecases.gc_pause import process_is_ours
from rflint.usercode.exits import end_program, exits_blocked
from rflint.usercode.interrupts import is_ctrl_c, remember_ctrl_c
from rflint.usercode.stdout import discard_stdout


@click.group("rflint", context_settings=CONTEXT)
def subcommands() -> None:
    """The subcommands; without one, rflint lints."""


for _command in (rule, fix, diff, sizes, sweep, merge, plot, measure, init, schema, clean):
    subcommands.add_command(_command)
Program.subcommands = subcommands

INTERRUPTED = 130
"""The exit status of what was interrupted, as shells count it."""


def main() -> NoReturn:
    """The entry point of the `rflint` program: a subcommand, or else targets to lint.

    Whatever goes wrong is exit status 2 and one message: 1 says that a model has findings.
    """
    remember_ctrl_c()
    process_is_ours()
    with exits_blocked():
        status = _status(sys.argv[1:])
    end_program(status)


def _status(arguments: Sequence[str]) -> int:
    try:
        return _run(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 2
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        with contextlib.suppress(OSError, ValueError):
            error.show()
        return 2
    except BaseException as error:
        discard_stdout()  # half a report is none
        if is_ctrl_c(error) or isinstance(error, click.Abort):
            return INTERRUPTED
        complain(as_rflint_error(error), "--debug" in arguments)
        return 2


def _run(arguments: Sequence[str]) -> int:
    """Run a command as click's `main` does, but end with status 0 if the reader closes the pipe."""
    completion = os.environ.get("_RFLINT_COMPLETE")
    if completion == "bash_complete":
        join_at_colons()
    try:
        if completion:
            command = subcommands if (words() or [""])[0] in subcommands.commands else lint
            return shell_complete(command, {}, "rflint", "_RFLINT_COMPLETE", completion)
        context = _context(arguments)
    except BrokenPipeError:
        discard_stdout()  # of --help and --version nothing else is to be told
        return 0
    with context:
        context.command.invoke(context)
    return 0


def _context(arguments: Sequence[str]) -> click.Context:
    """The parsed arguments, with the command that they are for."""
    first, *rest = arguments or [""]
    if first in subcommands.commands:
        return subcommands.commands[first].make_context(f"rflint {first}", rest)
    return lint.make_context("rflint", list(arguments))
