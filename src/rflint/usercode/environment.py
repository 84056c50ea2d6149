"""The environment as this thread found it: what code sets there is for the whole process."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_changed: dict[int, set[str]] = {}
"""By thread that wants to know, the names of variables that it has set or removed since."""
_hooked = False


@contextmanager
def environment_restored() -> Iterator[None]:
    """Put back the variables that this thread sets or removes in the block.

    Those that other threads set meanwhile stay: Python's audit events tell whose they are.
    """
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(_hook)  # it cannot be removed: where nobody wants to know it does nothing
    ours, before = threading.get_ident(), dict(os.environ)
    outside = _changed.get(ours)
    names = _changed[ours] = set()
    try:
        yield
    finally:
        if outside is None:
            del _changed[ours]
        else:
            _changed[ours] = outside
            outside |= names
        for name in names:
            if name in before:
                os.environ[name] = before[name]
            else:
                os.environ.pop(name, None)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _changed and event in ("os.putenv", "os.unsetenv"):
        names = _changed.get(threading.get_ident())
        if names is not None:
            names.add(os.fsdecode(arguments[0]))
