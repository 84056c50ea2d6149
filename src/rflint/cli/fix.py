"""`rflint fix`: write a repair as a file."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from rflint.cli.arguments import ModelArguments, collected
from rflint.cli.completion import complete_targets
from rflint.cli.messages import errors_reported, to_stderr
from rflint.cli.output import opened_output
from rflint.cli.parameters import OneOf, with_configuration_options, with_model_options
from rflint.errors import UsageError
from rflint.usercode.stdout import end_stdout


class _RepairKind(click.ParamType):  # type: ignore[type-arg]
    """A kind of repair by its name; the kinds are imported only where the option is looked at."""

    name = "kind of repair"

    @cached_property
    def _names(self) -> OneOf:
        from rflint.repair.registry import NAMES

        return OneOf(NAMES)

    def get_metavar(self, *args: Any, **kwargs: Any) -> str | None:
        """The names, as help pages list them."""
        return self._names.get_metavar(*args, **kwargs)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, if there is such a kind."""
        return self._names.convert(value, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin like this."""
        return self._names.shell_complete(ctx, param, incomplete)


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
    type=_RepairKind(),
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
def fix(**given: Any) -> None:
    """Write a repair as a Python file.

    Its build() gives the changed model.
    The file calls TARGET and edits what it returns, with nothing but torch. It is linted before it
    is written. Where the configuration has TARGET, which can be a model's name there, size and
    arguments are taken from it.

    Exit status: 0 written or nothing to repair, 2 no repair could be written.
    """
    with errors_reported(given["debug"]):
        said = _fix(collected(FixArguments, given))
    if not given["quiet"]:
        to_stderr(said)


@dataclass(frozen=True, slots=True)
class FixArguments(ModelArguments):
    """The arguments of `rflint fix`."""

    target: str
    number: int
    kinds: Sequence[str]
    output: Path | None
    diff: bool
    force: bool
    quiet: bool

    def check(self) -> None:
        """Raises UsageError if the output exists already, or is no Python file."""
        output = self.output
        if output is not None and output.exists() and not (self.force or self.diff):
            raise UsageError(f"{output} exists", hint="Replace it with --force.")
        if output is not None and output.suffix != ".py":
            raise UsageError(f"{output} is no Python file: its name has to end in .py")


def _fix(given: FixArguments) -> str:
    """Write the file, or show how it would change; return what to tell the user."""
    given.check()
    from rflint.configuration.read import load_configuration
    from rflint.usecases.fix import fix_target

    file = given.output or Path("patched.py")
    options = given.options()
    configuration = load_configuration(given.config, isolated=given.isolated)
    patch = fix_target(given.target, options, configuration, file, given.number, given.kinds)
    if patch is None:
        return f"{given.target} has no unproductive layer: nothing to repair"
    with opened_output(None if given.diff else given.output) as stream:
        stream.write(_difference(file, patch.text) if given.diff else patch.text)
    end_stdout()
    repair = patch.repair
    words = f"repair {given.number} of {patch.count}, {repair.words}: {repair.title}"
    wrote = f"wrote {given.output}, whose build() was " if given.output and not given.diff else ""
    return f"{words}\n{wrote}linted and run: {repair.summary}"


def _difference(file: Path, text: str) -> str:
    """A unified diff from the existing file, if any, to the text that would replace it."""
    there = file.read_text(encoding="utf-8") if file.exists() else ""
    old = str(file) if there else "/dev/null"
    lines = difflib.unified_diff(
        there.splitlines(keepends=True), text.splitlines(keepends=True), old, str(file)
    )
    return "".join(lines)
