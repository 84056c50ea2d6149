"""`rflint init`: find a project's models, try them, and write them to the configuration."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rflint.cli.messages import errors_reported, note, to_stderr
from rflint.cli.output import opened_output
from rflint.cli.parameters import resolutions
from rflint.errors import RflintError, UsageError
from rflint.text.numbers import plural
from rflint.usercode.paths import short_path

if TYPE_CHECKING:
    from rflint.inputs.notation import Sizes
    from rflint.usecases.init import Survey


@click.command("init")
@click.argument(
    "paths", nargs=-1, metavar="[PATH]...", type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--res",
    callback=resolutions,
    metavar="SIZE",
    help="The input size that you train with: 32, 32x64.  [default: the largest that runs]",
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to this file, not to the nearest rflint.toml or pyproject.toml.",
)
@click.option("-y", "--yes", is_flag=True, help="Write without asking.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up on a model after so long.",
)
@click.option("--debug", is_flag=True, help="Show tracebacks, and what the models print.")
def init(
    paths: tuple[Path, ...],
    res: Sequence[Sizes] | None,
    config: Path | None,
    yes: bool,
    timeout: float,
    debug: bool,
) -> None:
    """Find the models of a project, and configure them.

    Files and folders (the project's, without PATH) are read, not imported: for classes that are
    nn.Modules, functions that return one, and registries. Each is then tried at a few sizes, in a
    process of its own, and what works is added to the end of the configuration.

    Exit status: 0 written or nothing new, 2 nothing that can be linted.
    """
    with errors_reported(debug):
        _init(paths, tuple(res or ()), config, yes=yes, patience=timeout, debug=debug)


def _init(
    paths: Sequence[Path],
    sizes: Sequence[Sizes],
    config: Path | None,
    *,
    yes: bool,
    patience: float,
    debug: bool,
) -> None:
    from rflint.configuration.added_models import (
        append,
        configuration_in,
        file_to_configure,
        with_models,
    )
    from rflint.usecases.init import added_model, survey

    if len(sizes) > 1:
        raise UsageError("rflint init takes one size", hint="Add others to the file, as a list.")
    file = file_to_configure(config, Path.cwd())
    configuration = configuration_in(file)
    with _progress() as begins:
        found = survey(
            paths or (configuration.root,),
            configuration,
            sizes,
            patience=patience,
            debug=debug,
            begins=begins,
        )
    _show(found)
    if not found.usable:
        _nothing_to_write(found, file, paths or (configuration.root,))
        return
    models = [added_model(trial, sizes) for trial in found.usable]
    before, added = with_models(file, models)
    where = short_path(file)
    if not yes and not _agreed(added, where):
        note("nothing was written")
        return
    append(file, before, added)
    note(f"wrote {plural(len(models), 'model')} to {where}; lint them with: rflint")
    if not sizes:
        note("no source says which input size you train with: set res there, or give --res")


def _nothing_to_write(found: Survey, file: Path, paths: Sequence[Path]) -> None:
    """Say that there is nothing new. Raises RflintError where nothing at all can be linted."""
    from rflint.usercode.target_hints import notebooks_in

    if found.configured:
        note(f"nothing to add: {short_path(file)} has all that was found and works")
    elif found.found:
        raise RflintError(
            "nothing that was found can be linted as it is",
            hint="Write a function that takes no arguments and returns the model, like\n"
            "def build(): return Net(classes=10)\nand run it again; or name arguments: "
            "rflint TARGET --res 32 --arg KEY=VALUE",
        )
    else:
        raise RflintError(
            "no model was found",
            hint=notebooks_in(paths)
            or "Looked for classes derived from nn.Module, functions that return one, and "
            "registries. Name files or folders: rflint init PATH",
        )


def _agreed(added: str, where: str) -> bool:
    """Show what would be written, and ask."""
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here: stdin is no terminal", hint="Give --yes.")
    to_stderr(f"\nTo be added to {where}:\n{added}")
    return click.confirm("Write it?", default=True, err=True)


def _show(found: Survey) -> None:
    """Print what works, at which sizes, and why the others do not."""
    from rflint.cli.survey_table import write_survey

    with opened_output(None) as stream:
        write_survey(found, stream)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Give a function that shows on a terminal which model is tried."""
    if not sys.stderr.isatty():
        yield lambda title: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("") as status:
        yield lambda title: status.update(Text(f"trying {title}"))
