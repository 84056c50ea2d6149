"""Pause Python's garbage collector, where it would only cost time.

With torch loaded, a full collection looks at millions of objects and takes a tenth of a second.
Imports and analyses allocate many objects, and keep them.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Pauses:
    """The pauses that are going on, of all threads: the collector is one for the whole process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._resumes = False

    def begin(self) -> None:
        with self._lock:
            if not self._number:
                self._resumes = gc.isenabled()
            gc.disable()
            self._number += 1

    def end(self) -> None:
        with self._lock:
            self._number -= 1
            if not self._number and self._resumes:
                gc.enable()


_pauses = _Pauses()
_has_process = False


def process_is_ours() -> None:
    """Nobody else's objects are in this process: those that are imported need not be looked at."""
    global _has_process
    _has_process = True


def imports_kept() -> None:
    """Leave what was imported, and all else that is there, out of collections from now on.

    Not in the process of somebody who calls rflint: garbage would be kept, too.
    """
    if _has_process:
        gc.freeze()


@contextmanager
def gc_paused() -> Iterator[None]:
    """Collect no garbage inside of the block. It goes on when the last such block has ended."""
    _pauses.begin()
    try:
        yield
    finally:
        _pauses.end()
