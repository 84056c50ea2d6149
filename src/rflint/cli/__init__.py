"""The command line. `rflint TARGET...` lints; everything else is a subcommand.

A target always has a colon, so it is never mistaken for a subcommand. Nothing here imports torch
until there is a model to lint.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from rflint.cli.clean import clean
from rflint.cli.completion import join_at_colons, words
from rflint.cli.fix import fix
from rflint.cli.lint import CONTEXT, Program, lint
from rflint.cli.rule import rule


@click.group("rflint", context_settings=CONTEXT)
def subcommands() -> None:
    """What rflint does beside linting."""


for _command in (rule, fix, clean):
    subcommands.add_command(_command)
Program.subcommands = subcommands


def main() -> None:
    """The entry point of the `rflint` program: a subcommand, or else targets to lint."""
    arguments = sys.argv[1:]
    if os.environ.get("_RFLINT_COMPLETE") == "bash_complete":
        join_at_colons()
    try:
        _command_for(arguments).main(arguments, prog_name="rflint", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)  # interrupted, as shells count it


def _command_for(arguments: Sequence[str]) -> click.Command:
    first = (arguments or words() or [""])[0]
    if first in subcommands.commands:
        return subcommands
    return lint
