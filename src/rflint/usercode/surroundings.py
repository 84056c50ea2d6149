"""What the user's code finds around it, and what it changes there without our noticing.

It does not see the command line of rflint, its warnings are noted and not printed, and the current
folder is the same after it as before.
"""

from __future__ import annotations

import os
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
def current_folder_kept() -> Iterator[None]:
    """What changes the current folder does so for itself: reports name files from here."""
    folder = os.getcwd()
    try:
        yield
    finally:
        with suppress(OSError):
            os.chdir(folder)
