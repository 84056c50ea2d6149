"""Where reports are written to: stdout or a file."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rflint.errors import UsageError
from rflint.files import atomic_write
from rflint.usercode.stdout import discard_stdout


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
