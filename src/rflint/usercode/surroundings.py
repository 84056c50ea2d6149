"""What the user's code finds around it, and what it changes there without our noticing.

It does not see the command line of rflint, its warnings are noted and not printed, and the current
folder is the same after it as before.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def command_line_hidden() -> Iterator[None]:
    """A script that reads the command line reads none: it is not the program that was called.

    Whether that was `rflint` or `python -m rflint` is none of its business either.
    """
    saved = sys.argv
    sys.argv = ["rflint"]
    try:
        yield
    finally:
        sys.argv = saved


@contextmanager
def called_as(script: str) -> Iterator[None]:
    """A script that is imported finds its own name in front of the command line.

    So what it says of its usage is not taken for what rflint says.
    """
    saved = sys.argv
    sys.argv = [script, *saved[1:]]
    try:
        yield
    finally:
        sys.argv = saved


@contextmanager
def warnings_noted(notes: list[str]) -> Iterator[None]:
    """Warnings of the user's code and of packages become notes: they are not what was asked.

    Nor does any become an error, as Python can be told.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        # torch without numpy warns at import; nothing here needs numpy
        warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
        try:
            yield
        finally:
            for x in caught:
                notes.append(f"{x.filename}:{x.lineno}: {x.category.__name__}: {x.message}")


@contextmanager
def settings_of_python_restored() -> Iterator[None]:
    """What code sets for the whole process comes back as it was.

    The current folder, the search path, the command line, the root of loggers, handlers of
    signals, and what the garbage collector was told.
    """
    path, arguments, collects = list(sys.path), sys.argv, gc.get_threshold()
    frozen = gc.get_freeze_count()
    root = logging.root
    level, handlers, disabled = root.level, list(root.handlers), root.manager.disable
    signals = {number: signal.getsignal(number) for number in signal.valid_signals()}
    with current_folder_kept():
        try:
            yield
        finally:
            sys.path[:], sys.argv = path, arguments
            root.level, root.handlers[:], root.manager.disable = level, handlers, disabled
            if gc.get_threshold() != collects:
                gc.set_threshold(*collects)
            if not frozen and gc.get_freeze_count():  # counting many takes time
                gc.unfreeze()
            for number, handler in signals.items():
                if signal.getsignal(number) != handler:
                    with suppress(ValueError, TypeError, OSError):  # of the main thread only
                        signal.signal(number, handler)


@contextmanager
def current_folder_kept() -> Iterator[None]:
    """What changes the current folder does so for itself: reports name files from here."""
    try:
        folder = os.getcwd()
    except FileNotFoundError:  # it has been deleted, and there is no way back
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            os.chdir(folder)
