"""Whose code calls an observed function, found on the stack."""

from __future__ import annotations

import os
import sys
from enum import Enum
from functools import cache
from types import FrameType

from rflint.usercode.ownership import is_installed, is_rflint, is_standard

_HERE = os.path.dirname(__file__) + os.sep
_PATH_MODULES = ("genericpath", "posixpath", "ntpath", "pathlib", "_local", "_abc", "glob")
"""Modules of the standard library that look at files for whoever calls them."""
_KIND_FUNCTIONS = frozenset(
    {"exists", "lexists", "isfile", "isdir", "islink", "ismount", "realpath", "resolve", "is_file"}
    | {"is_dir", "is_symlink", "is_mount", "glob", "iglob", "_iglob", "rglob", "walk", "iterdir"}
)
"""Their functions that tell only whether there is a file, a folder or a link."""


class Caller(Enum):
    """Whose code makes a call, directly or through the standard library."""

    USER = "user"
    PACKAGE = "package"
    """An installed package."""
    RFLINT = "rflint"
    IMPORT = "import"
    """The import system. What it would find is a dependency of its own: see ImportSearch."""


def current_caller() -> Caller:
    """Whose code makes the call that is being observed."""
    innermost = observed_call_frame()
    if innermost.f_code.co_filename.startswith(("<frozen importlib", "<frozen zipimport")):
        return Caller.IMPORT
    frame: FrameType | None = innermost
    while frame:
        owner = _owner_of(frame.f_code.co_filename)
        if owner is not None:
            return owner
        frame = frame.f_back
    return Caller.USER  # a thread that runs only the standard library


@cache
def _owner_of(filename: str) -> Caller | None:
    """Whose file it is; None for the standard library, which acts for whoever calls it."""
    if is_rflint(filename):
        return Caller.RFLINT
    if filename.startswith("<") or is_standard(filename):
        return None
    return Caller.PACKAGE if is_installed(filename) else Caller.USER


def observed_call_frame() -> FrameType:
    """The innermost frame outside of this package."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(_HERE) and frame.f_back:
        frame = frame.f_back
    return frame


def is_called_by(modules: tuple[str, ...]) -> bool:
    """Whether one of these modules of the standard library makes the call."""
    frame: FrameType | None = observed_call_frame()
    while frame and is_standard(frame.f_code.co_filename):
        if _module_of(frame) in modules:
            return True
        frame = frame.f_back
    return False


def is_import_of_package() -> bool:
    """Whether an installed package makes the call while it is imported, and runs no user code."""
    frame: FrameType | None = observed_call_frame()
    while frame:
        filename = frame.f_code.co_filename
        if not filename.startswith("<") and not is_standard(filename):
            if is_rflint(filename) or not is_installed(filename):
                return False
            if frame.f_code.co_name == "<module>":
                return True
        frame = frame.f_back
    return False


def only_asks_for_kind() -> bool:
    """Whether the call is by a function like os.path.exists, which uses nothing but the kind."""
    frame: FrameType | None = observed_call_frame()
    called = ""
    while frame and _module_of(frame) in _PATH_MODULES:
        code = frame.f_code
        if is_standard(code.co_filename) or code.co_filename.startswith("<frozen"):
            called = code.co_name
        frame = frame.f_back
    return called in _KIND_FUNCTIONS


def _module_of(frame: FrameType) -> str:
    """The last part of a module's name, from its file; frozen modules have no file."""
    name = frame.f_code.co_filename.strip("<>").removeprefix("frozen ")
    if name.endswith("__init__.py"):
        name = os.path.dirname(name)
    return os.path.basename(name).removesuffix(".py")
