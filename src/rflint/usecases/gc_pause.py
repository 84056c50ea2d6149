"""Python's garbage collector, paused where it would only cost time.

With torch loaded, one full round looks at millions of objects and takes a tenth of a second;
importing and analysing allocate much, and keep what they allocate.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """No garbage collections meanwhile; afterwards as before."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
