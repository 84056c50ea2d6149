"""Messages on the terminal, apart from reports: errors, notes and the progress of a run."""

from __future__ import annotations

import contextlib
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from rflint.cli.output import opened_output
from rflint.errors import RflintError
from rflint.text.escape import escaped_lines, log_message, one_line, without_ci_commands
from rflint.text.wrapping import wrapped

if TYPE_CHECKING:
    from rflint.configuration.requests import Request

_PATIENCE = 1.0
"""Seconds after which a person wants to know how far it is."""


@contextlib.contextmanager
def errors_reported(debug: bool) -> Iterator[None]:
    """Turn an RflintError into a message on stderr and exit status 2."""
    try:
        yield
    except RflintError as error:
        complain(error, debug)
        sys.exit(2)


def complain(error: RflintError, debug: bool, target: str = "") -> None:
    """Say what went wrong, where, with what, and what to do."""
    if debug:
        to_stderr("".join(traceback.format_exception(error)).rstrip("\n"))
    about = f"{target}: " if target and target not in error.message else ""
    place = f"{error.source}: " if error.source else ""
    _say(f"rflint: error: {place}{about}{error.message}")
    if error.hint:
        _say(f"  {error.hint}")


def note(text: str) -> None:
    """Print a message on stderr that is no error."""
    _say(f"rflint: {text}")


def _say(text: str) -> None:
    """Print a message on stderr; a terminal gets it in lines, of a log each message is one."""
    told = log_message(text)
    if sys.stderr is not None and sys.stderr.isatty():
        from rich.console import Console

        told = wrapped(told, Console(stderr=True).width)
    to_stderr(told)


def to_stdout(text: str) -> None:
    """Print what the user asked for, apart from reports."""
    with opened_output(None) as stream:
        stream.write(f"{text}\n")


def to_stderr(text: str) -> None:
    """Print on stderr. If that fails, the exit status still tells how the run ended."""
    with contextlib.suppress(OSError, ValueError):
        click.echo(without_ci_commands(escaped_lines(text)), err=True)


@contextlib.contextmanager
def progress(total: int, *, quiet: bool) -> Iterator[Callable[[int, Request], None]]:
    """Give a function to call before each model; after a second, a terminal shows the progress."""
    if quiet or total < 2 or not sys.stderr.isatty():
        yield lambda number, request: None
        return
    from rich.console import Console
    from rich.text import Text

    begun = time.monotonic()
    status = Console(stderr=True).status("")

    def begins(number: int, request: Request) -> None:
        status.update(Text(one_line(f"{number} of {total}: {request.title}")))
        if time.monotonic() - begun > _PATIENCE:
            status.start()

    try:
        yield begins
    finally:
        status.stop()


@contextlib.contextmanager
def counted(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function to call with how many are done of how many; a terminal shows a bar.

    It is not there before the first call, and gone afterwards.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), Left())
    bars = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bars.add_task("")

    def counts(done: int, total: int) -> None:
        bars.update(task, completed=done, total=total)
        bars.start()

    try:
        yield counts
    finally:
        bars.stop()
