"""Keep what the user's code prints out of the report on stdout."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Redirect stdout to stderr while the user's code runs, also for compiled code.

    If the user's code forks and the child returns from it, the child ends here: only the parent
    writes a report.
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
    """After the report, redirect stdout to stderr for good: the user's code may print at exit."""
    os.dup2(2, 1)


def discard_stdout() -> None:
    """Discard all further output, so that flushing it at exit cannot fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
