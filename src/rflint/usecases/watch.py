"""`rflint --watch`: lint in a new process whenever a file has changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NoReturn, TextIO

from rflint.cache.fingerprints import stat_fingerprint
from rflint.errors import RflintError
from rflint.text.numbers import plural

_PAUSE = 0.3
"""Seconds between two looks; a stat of some hundred files takes a millisecond."""


def watch(arguments: Sequence[str], files: Callable[[], set[str]]) -> NoReturn:
    """Run `rflint ARGUMENTS` again and again, until a signal ends it or the terminal is closed.

    `files` returns the files to watch, and is called after each run. If it raises RflintError, the
    same files as before are watched; the run has reported the error.
    """
    _end_on_signals()
    terminals = _terminals()
    watched = _watched(files, set())
    try:
        while True:
            before = _states(watched)
            if sys.stdout.isatty():
                _write("\033[2J\033[H", sys.stdout)
            subprocess.call([sys.executable, "-m", "rflint", *arguments])
            watched = _watched(files, watched)
            _write(f"{_waiting(watched)}\n", sys.stderr)
            # what changed during the run counts; what is watched only now is as the run saw it
            before = {path: before.get(path, state) for path, state in _states(watched).items()}
            while _states(watched) == before:
                if _terminals() != terminals:
                    _end(signal.SIGHUP)
                time.sleep(_PAUSE)
    except KeyboardInterrupt:
        _end(signal.SIGINT)


def _end_on_signals() -> None:
    """End at SIGTERM and SIGHUP, unless they are ignored; the run in progress ends as well."""
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda told, frame: _end(told))


def _end(number: int) -> NoReturn:
    """Exit with the status that shells give to a program that a signal ended."""
    sys.exit(128 + number)


def _write(text: str, stream: TextIO) -> None:
    """Write to a terminal; the loop notices by itself where that is gone."""
    with suppress(OSError):
        stream.write(text)
        stream.flush()


def _terminals() -> list[int]:
    """The standard streams that are terminals; a terminal that was closed is not among them."""
    return [descriptor for descriptor in range(3) if os.isatty(descriptor)]


def _watched(files: Callable[[], set[str]], before: set[str]) -> set[str]:
    """The files to watch, and their folders, since new files may appear in them."""
    try:
        found = files()
    except RflintError:
        return before | {os.path.realpath(".")}
    return found | {os.path.dirname(file) for file in found}


def _waiting(watched: Iterable[str]) -> str:
    count = sum(1 for path in watched if not os.path.isdir(path))
    return f"rflint: watching {plural(count, 'file')}; Ctrl-C ends"


def _states(paths: Iterable[str]) -> Mapping[str, str]:
    return {path: _names(path) if os.path.isdir(path) else stat_fingerprint(path) for path in paths}


def _names(folder: str) -> str:
    """The names of the Python files in a folder: a new one may be what an import lacked."""
    try:
        return "\0".join(sorted(name for name in os.listdir(folder) if name.endswith(".py")))
    except OSError:
        return ""
