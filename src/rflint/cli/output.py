"""Which reports are written, and where they go: stdout or a file."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from rflint.cli.parameters import Destination
from rflint.errors import UsageError
from rflint.files import atomic_write
from rflint.usercode.stdout import discard_stdout

if TYPE_CHECKING:
    from rflint.configuration.configuration import Configuration


def chosen_outputs(
    formats: Sequence[tuple[str, Path | None]],
    output: Path | None,
    configuration: Configuration,
    *,
    quiet: bool,
    statistics: bool,
) -> list[tuple[str, Path | None]]:
    """The formats to write, each with its file or None for stdout.

    Raises UsageError if two of them go to stdout, or to the same file.
    """
    chosen = list(formats)
    if not chosen:
        chosen = [_destination(text, configuration) for text in configuration.format or ()]
    if output is None and configuration.output and not formats:
        output = configuration.within(configuration.output)
    to_stdout = [name for name, file in chosen if file is None]
    if len(to_stdout) > 1:
        raise UsageError(
            f"{' and '.join(to_stdout)} cannot both be printed",
            hint=f"Give one of them a file, like --format {to_stdout[1]}:FILE.",
        )
    if not to_stdout and not (quiet and chosen):
        # files are for programs: whoever runs this still wants to read what was found
        chosen.append(("text", None))
    if "html" in to_stdout and output is None and sys.stdout is not None and sys.stdout.isatty():
        raise UsageError(
            "a page is for a browser, not for a terminal",
            hint="Give it a file, like --format html:report.html.",
        )
    shown = {"text": "concise"} if quiet else {}
    shown |= {"text": "statistics", "concise": "statistics"} if statistics else {}
    outputs = [
        (shown.get(name, name), output) if file is None else (name, file) for name, file in chosen
    ]
    files = [file.resolve() for _, file in outputs if file]
    for file in files:
        if file.suffix in (".py", ".toml"):
            raise UsageError(f"{file.name} would be overwritten by a report")
        if files.count(file) > 1:
            raise UsageError(f"two reports cannot both be {file.name}")
    return outputs


def _destination(text: str, configuration: Configuration) -> tuple[str, Path | None]:
    """A format from the configuration; its file is relative to the configuration."""
    try:
        name, file = Destination().convert(text, None, None)
    except click.BadParameter as error:
        source = configuration.line_of("format")
        raise UsageError(f"format: {error.message}", source=source) from error
    return name, configuration.within(str(file)) if file else None


@contextlib.contextmanager
def opened_output(output: Path | None) -> Iterator[TextIO]:
    """A file that is replaced once the report is whole, or stdout for None."""
    if output is None:
        with _stdout() as stream:
            yield stream
        return
    try:
        with atomic_write(output) as partial, partial.open("w", encoding="utf-8") as stream:
            yield stream
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error


@contextlib.contextmanager
def _stdout() -> Iterator[TextIO]:
    """The standard output; if its reader stops to read, as `head` does, the rest is discarded."""
    if sys.stdout is None:
        raise UsageError("stdout is closed: there is nowhere to print to")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
    except OSError as error:
        discard_stdout()
        raise UsageError(f"cannot write to stdout: {error.strerror}") from error
