"""`rflint --watch`: lint in a process of its own, and again when a file has changed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NoReturn

from rflint.cache.states import state_of
from rflint.errors import RflintError

_PAUSE = 0.3
"""Seconds between two looks; a stat of some hundred files takes a millisecond."""


def watch(arguments: Sequence[str], files: Callable[[], set[str]]) -> NoReturn:
    """Run `rflint ARGUMENTS` until interrupted.

    `files` gives what to watch, anew after each run; where it raises RflintError, the run has said
    so, and what was watched before stays watched.
    """
    watched = _watched(files, set())
    try:
        while True:
            before = _states(watched)
            if sys.stdout.isatty():
                print("\033[2J\033[H", end="", flush=True)  # noqa: T201
            subprocess.call([sys.executable, "-m", "rflint", *arguments])
            watched = _watched(files, watched)
            print(_waiting(watched), file=sys.stderr, flush=True)  # noqa: T201
            # what changed during the run counts; what is watched only now is as the run saw it
            before = {path: before.get(path, state) for path, state in _states(watched).items()}
            while _states(watched) == before:
                time.sleep(_PAUSE)
    except KeyboardInterrupt:
        sys.exit(130)  # interrupted, as shells count it


def _watched(files: Callable[[], set[str]], before: set[str]) -> set[str]:
    """Files, and the folders in which new ones may appear."""
    try:
        found = files()
    except RflintError:
        return before | {os.path.realpath(".")}
    return found | {os.path.dirname(file) for file in found}


def _waiting(watched: Iterable[str]) -> str:
    count = sum(1 for path in watched if not os.path.isdir(path))
    return f"rflint: watching {count} files; Ctrl-C ends"


def _states(paths: Iterable[str]) -> Mapping[str, str]:
    return {path: _names(path) if os.path.isdir(path) else state_of(path) for path in paths}


def _names(folder: str) -> str:
    """The Python files in a folder: an import may have been waiting for one."""
    try:
        return "\0".join(sorted(name for name in os.listdir(folder) if name.endswith(".py")))
    except OSError:
        return ""
