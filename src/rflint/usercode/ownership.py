"""Whose code a file is: the user's, an installed package's, Python's, or rflint's.

The user's code is what the user would edit.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_RFLINT = str(Path(__file__).parents[1]) + os.sep
_PATHS = sysconfig.get_paths()
_STANDARD_LIBRARY = tuple(
    str(Path(folder)) + os.sep for folder in {_PATHS["stdlib"], _PATHS["platstdlib"]}
)
_PACKAGES = frozenset({"site-packages", "dist-packages"})
"""Folders that packages are installed in."""

_COUNTED: set[str] = set()


@contextmanager
def counted_as_user_code(filename: str) -> Iterator[None]:
    """Treat a file as the user's, wherever it lies: the file of a rule whose examples are run."""
    _COUNTED.add(filename)
    is_user_code.cache_clear()
    try:
        yield
    finally:
        _COUNTED.discard(filename)
        is_user_code.cache_clear()


def is_rflint(filename: str) -> bool:
    """Whether a file is part of rflint; the rules are not."""
    return filename.startswith(_RFLINT)


@cache
def is_standard(filename: str) -> bool:
    """Whether a file is part of Python's standard library."""
    return filename.startswith(_STANDARD_LIBRARY) and not _PACKAGES & set(Path(filename).parts)


@cache
def is_installed(path: str) -> bool:
    """Whether a file or folder came with Python or with an installed package."""
    if _PACKAGES & set(Path(path).parts):
        return True
    return path.startswith(_STANDARD_LIBRARY) or f"{path}{os.sep}" in _STANDARD_LIBRARY


@cache
def is_user_code(filename: str) -> bool:
    """Whether a file is one that the user would edit."""
    if filename in _COUNTED:
        return True
    if filename.startswith(("<", _RFLINT, *_STANDARD_LIBRARY)):
        return False
    return not {*_PACKAGES, "torch"} & set(Path(filename).parts)


@cache
def package_of(filename: str) -> str:
    """The installed package that a file belongs to; empty for PyTorch, rflint and other files."""
    folders = Path(filename).parts
    installed = [i for i, x in enumerate(folders[:-1]) if x in _PACKAGES]
    if not installed or filename.startswith(("<", _RFLINT)):
        return ""
    package = folders[installed[-1] + 1]
    return "" if package == "torch" else package
