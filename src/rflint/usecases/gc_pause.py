"""Pause Python's garbage collector, where it would only cost time.

With torch loaded, a full collection looks at millions of objects and takes a tenth of a second.
Imports and analyses allocate many objects, and keep them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Collect no garbage inside of the block."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
