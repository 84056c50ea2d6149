"""Where reports go, and how nothing else gets there."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rflint.errors import UsageError


@contextlib.contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """Keep stdout for the report: what the user's code prints, at any level, goes to stderr.

    A process that the user's code has forked, and that comes back from it, has no part in the
    report: it ends here.
    """
    process = os.getpid()
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        saved = os.dup(1)
    except OSError:
        saved = None
    try:
        if saved is not None:
            os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        if os.getpid() != process:
            os._exit(0)
        if saved is not None:
            os.dup2(saved, 1)
            os.close(saved)


def end_stdout() -> None:
    """The report is whole: what the user's code prints when Python ends goes to stderr."""
    os.dup2(2, 1)


def silence_stdout() -> None:
    """Let nothing more reach stdout, nor an unwritten rest fail when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


@contextlib.contextmanager
def destination(output: Path | None) -> Iterator[TextIO]:
    """stdout, or a file that is only replaced once the report is whole.

    Who reads stdout may stop to: then the rest goes nowhere, and all else is as it would be.
    """
    if output is None:
        if sys.stdout is None:
            raise UsageError("stdout is closed: there is nowhere to print to")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        try:
            yield sys.stdout
            sys.stdout.flush()
        except BrokenPipeError:
            silence_stdout()
        except OSError as error:
            silence_stdout()
            raise UsageError(f"cannot write to stdout: {error.strerror}") from error
        return
    # a link keeps pointing where it does; a pipe or a device is written to, not replaced
    final = output.resolve()
    replaced = final.is_file() or not final.exists()
    written = final.with_name(f".{final.name}.partial") if replaced else final
    try:
        with written.open("w", encoding="utf-8") as stream:
            yield stream
        if replaced:
            if final.exists():
                written.chmod(stat.S_IMODE(final.stat().st_mode))
            written.replace(final)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    finally:
        if replaced:
            with contextlib.suppress(OSError):
                written.unlink()
