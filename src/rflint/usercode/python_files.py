"""The Python files of a project: those that somebody wrote there, and not what is installed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_SKIPPED = frozenset(
    {"__pycache__", "node_modules", "site-packages", "dist-packages", "build", "dist"}
    | {"test", "tests", "testing", "venv", "env"}
)
"""Folders that hold no models of the project; one that is asked for by name is read."""
_SKIPPED_FILES = ("test_", "conftest.", "setup.")


def python_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files, and those in the folders, in the order of their names.

    Of folders, hidden ones, tests, virtual environments and installed packages are left out.
    """
    for path in paths:
        if path.is_file():
            yield path
            continue
        for folder, below, names in os.walk(path):
            below[:] = sorted(x for x in below if _is_read(Path(folder, x)))
            yield from (
                Path(folder, name)
                for name in sorted(names)
                if name.endswith(".py") and not name.startswith(_SKIPPED_FILES)
            )


def _is_read(folder: Path) -> bool:
    name = folder.name
    hidden = name.startswith(".") or name.endswith((".egg-info", ".dist-info"))
    return not (hidden or name in _SKIPPED or (folder / "pyvenv.cfg").is_file())
