"""Whose code looks at something, as the stack of calls tells."""

from __future__ import annotations

import os
import sys
from enum import Enum
from types import FrameType

from rflint.usercode.ownership import is_installed, is_rflint, is_standard

_HERE = os.path.dirname(__file__) + os.sep
_PATHS = ("genericpath", "posixpath", "ntpath", "pathlib", "_local", "_abc", "glob")
"""The modules of the standard library that ask for the state of files on somebody's behalf."""
_ABOUT_KINDS = frozenset(
    {"exists", "lexists", "isfile", "isdir", "islink", "ismount", "realpath", "resolve", "is_file"}
    | {"is_dir", "is_symlink", "is_mount", "glob", "iglob", "_iglob", "rglob", "walk", "iterdir"}
)
"""Their functions that tell no more than whether there is a file, a folder or a link."""


class Asker(Enum):
    """Whose code looks at something, itself or through the standard library."""

    USER = "user"
    PACKAGE = "package"
    """Of an installed distribution."""
    RFLINT = "rflint"
    IMPORT = "import"
    """The import system; dependencies.py asks anew what it would find."""


def asker() -> Asker:
    """Of what is looked at right now."""
    innermost = caller()
    if innermost.f_code.co_filename.startswith(("<frozen importlib", "<frozen zipimport")):
        return Asker.IMPORT
    frame: FrameType | None = innermost
    while frame:
        filename = frame.f_code.co_filename
        if is_rflint(filename):
            return Asker.RFLINT
        if not filename.startswith("<") and not is_standard(filename):
            return Asker.PACKAGE if is_installed(filename) else Asker.USER
        frame = frame.f_back
    return Asker.USER  # a thread that runs nothing but the standard library


def caller() -> FrameType:
    """The innermost frame that is not of this folder."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(_HERE) and frame.f_back:
        frame = frame.f_back
    return frame


def _module_of(frame: FrameType) -> str:
    """The name of a file of the standard library, which may be frozen; packages by their own."""
    name = frame.f_code.co_filename.strip("<>").removeprefix("frozen ")
    if name.endswith("__init__.py"):
        name = os.path.dirname(name)
    return os.path.basename(name).removesuffix(".py")


def is_called_by(modules: tuple[str, ...]) -> bool:
    """Whether the standard library asks for its own purposes."""
    frame: FrameType | None = caller()
    while frame and is_standard(frame.f_code.co_filename):
        if _module_of(frame) in modules:
            return True
        frame = frame.f_back
    return False


def is_about_kinds() -> bool:
    """Whether the function that was called tells no more than whether there is something."""
    frame: FrameType | None = caller()
    called = ""
    while frame and _module_of(frame) in _PATHS:
        code = frame.f_code
        if is_standard(code.co_filename) or code.co_filename.startswith("<frozen"):
            called = code.co_name
        frame = frame.f_back
    return called in _ABOUT_KINDS
