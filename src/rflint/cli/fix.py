"""`rflint fix`: write a repair as a file."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rflint.cli.completion import complete_targets
from rflint.cli.messages import errors_reported, to_stderr
from rflint.cli.output import opened_output
from rflint.cli.parameters import (
    options_for_models,
    with_configuration_options,
    with_model_options,
)
from rflint.errors import UsageError
from rflint.usercode.stdout import end_stdout, stdout_to_stderr

if TYPE_CHECKING:
    from rflint.configuration.model_options import ModelOptions
    from rflint.configuration.requests import Request


@click.command("fix")
@click.argument("target", shell_complete=complete_targets)
@with_model_options
@with_configuration_options
@click.option(
    "--repair",
    "number",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Which of the repairs, as the report numbers them.",
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(["truncate", "remove-downsampling", "dilate"]),
    multiple=True,
    help="Only repairs of this kind, numbered among themselves.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the file here; stdout otherwise.",
)
@click.option("--diff", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def fix(
    target: str,
    pairs: Sequence[str],
    config: Path | None,
    isolated: bool,
    number: int,
    kinds: Sequence[str],
    output: Path | None,
    diff: bool,
    force: bool,
    quiet: bool,
    debug: bool,
    **given: Any,
) -> None:
    """Write a repair as a Python file.

    Its build() gives the changed model.
    The file calls TARGET and edits what it returns, with nothing but torch. It is linted before it
    is written. Where the configuration has TARGET, which can be a model's name there, size and
    arguments are taken from it.

    Exit status: 0 written or nothing to repair, 2 no repair could be written.
    """

    def tell(text: str) -> None:
        if not quiet:
            to_stderr(text)

    with errors_reported(debug):
        if output is not None and output.exists() and not (force or diff):
            raise UsageError(f"{output} exists", hint="Replace it with --force.")
        if output is not None and output.suffix != ".py":
            raise UsageError(f"{output} is no Python file: its name has to end in .py")
        from rflint.usecases.targets import build_target
        from rflint.usercode.surroundings import command_line_hidden, warnings_noted
        from rflint.usercode.target import check_target

        request = _request(target, options_for_models(given, pairs), config, isolated=isolated)
        check_target(request.target, request.root, request.hint)
        with warnings_noted([]):
            built = build_target(request.target, request.root, request.arguments)
        from rflint.usecases.fix import patch

        file = output or Path("patched.py")
        with stdout_to_stderr(), command_line_hidden(), warnings_noted([]):
            made = patch(request, built, file, number, kinds)
        if made is None:
            tell(f"{target} has no unproductive layer: nothing to repair")
            return
        with opened_output(None if diff else output) as stream:
            stream.write(_difference(file, made.text) if diff else made.text)
        end_stdout()
        words = f"repair {number} of {made.count}, {made.repair.words}: {made.repair.title}"
        wrote = f"wrote {output}, whose build() was " if output and not diff else ""
        tell(f"{words}\n{wrote}linted and run: {made.repair.summary}")


def _request(target: str, options: ModelOptions, config: Path | None, *, isolated: bool) -> Request:
    """How the target is built and fed. Raises UsageError where there are several ways."""
    from rflint.configuration.read import load_configuration
    from rflint.configuration.requests import requests_for
    from rflint.linting.rule_files import load_rules

    found = load_configuration(config, isolated=isolated)
    asked = requests_for([target], options, found, load_rules(), lenient=True)
    if len({str(x.arguments) for x in asked}) > 1:
        raise UsageError(f"{target} is configured several times", hint="Take --isolated and --arg.")
    if len({x.resolution for x in asked}) > 1:
        raise UsageError("rflint fix takes one resolution", hint="Choose with --res.")
    return asked[0]


def _difference(file: Path, text: str) -> str:
    """A unified diff from what is there to what would be."""
    there = file.read_text(encoding="utf-8") if file.exists() else ""
    old = str(file) if there else "/dev/null"
    lines = difflib.unified_diff(
        there.splitlines(keepends=True), text.splitlines(keepends=True), old, str(file)
    )
    return "".join(lines)
