"""Paths as messages and reports show them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from rflint.graph.source_location import SourceLocation
from rflint.usercode.notebook import cell_of


def short_path(path: Path) -> str:
    """A path relative to the current directory if it lies below it, else absolute."""
    return _short(str(path), os.getcwd())


def source_at(filename: str, line: int) -> SourceLocation:
    """A line of a file, with a short path; or of a notebook's cell, which has a number."""
    return SourceLocation(cell_of(filename) or _short(filename, os.getcwd()), line)


def relative_path(path: Path) -> str:
    """A path relative to the current directory, wherever it lies: what the user would type."""
    return Path(os.path.relpath(path)).as_posix()


@cache
def _short(filename: str, cwd: str) -> str:
    path = Path(filename).resolve()
    try:
        return path.relative_to(Path(cwd).resolve()).as_posix()
    except ValueError:
        return path.as_posix()
