"""Write files so that nobody ever finds half of one."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A file beside this one to write to, which replaces this one once the block has ended well.

    A link keeps its target, and the target its permissions. A pipe or a device cannot be replaced:
    then the path is the one to write to. Raises OSError.
    """
    final = path.resolve()
    if final.exists() and not final.is_file():
        yield final
        return
    partial = final.with_name(f".{final.name}.{os.getpid()}.partial")
    try:
        yield partial
        if final.exists():
            partial.chmod(stat.S_IMODE(final.stat().st_mode))
        partial.replace(final)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
