"""Places in source code, and which of them are the user's own.

The user's code is what a person would edit: not the standard library, not installed packages, not
rflint itself.
"""

from __future__ import annotations

import dis
import os
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType, TracebackType

from rflint.graph.source_location import SourceLocation

_RFLINT = str(Path(__file__).parents[1]) + os.sep
_PATHS = sysconfig.get_paths()
_NOT_THE_USERS = tuple(
    str(Path(folder)) + os.sep for folder in {_PATHS["stdlib"], _PATHS["platstdlib"]}
)

_ENTRANCES = frozenset({"record", "call_builder", "load"})
"""The functions of rflint that call into the user's code; whoever called them is no part of it."""


_REGARDED: set[str] = set()


@contextmanager
def regarded_as_users(filename: str) -> Iterator[None]:
    """Take a file for one that the user would edit, wherever it lies: that of a rule under test."""
    _REGARDED.add(filename)
    is_user_code.cache_clear()
    try:
        yield
    finally:
        _REGARDED.discard(filename)
        is_user_code.cache_clear()


def is_rflint(filename: str) -> bool:
    """Whether a file is rflint's own; its rules are not."""
    return filename.startswith(_RFLINT)


@cache
def is_standard(filename: str) -> bool:
    """Whether a file is of Python's standard library."""
    packages = {"site-packages", "dist-packages"}
    return filename.startswith(_NOT_THE_USERS) and not packages & set(Path(filename).parts)


@cache
def is_installed(path: str) -> bool:
    """Whether a file came with Python or with a distribution, so that a version stands for it."""
    if {"site-packages", "dist-packages"} & set(Path(path).parts):
        return True
    return path.startswith(_NOT_THE_USERS) or f"{path}{os.sep}" in _NOT_THE_USERS


@cache
def is_user_code(filename: str) -> bool:
    """Whether a person would edit this file."""
    if filename in _REGARDED:
        return True
    if filename.startswith(("<", _RFLINT, *_NOT_THE_USERS)):
        return False
    folders = Path(filename).parts
    return not {"site-packages", "dist-packages", "torch"} & set(folders)


def innermost_user_line(frame: FrameType | None) -> SourceLocation | None:
    """The innermost line of user code on a stack, up to where rflint called into the model."""
    lines = _lines_on(frame)
    return next((source_at(file, line) for file, line in lines if is_user_code(file)), None)


def innermost_line(frame: FrameType | None) -> SourceLocation | None:
    """The innermost line of user code on a stack, or else of the package that the model is from."""
    if (found := innermost_user_line(frame)) is not None:
        return found
    lines = _lines_on(frame)
    return next((source_at(file, line) for file, line in lines if package_of(file)), None)


def user_lines(frame: FrameType | None) -> tuple[SourceLocation, ...]:
    """The lines of user code on a stack, innermost first, up to where rflint called into it."""
    return tuple(source_at(file, line) for file, line in _lines_on(frame) if is_user_code(file))


def _lines_on(frame: FrameType | None) -> Iterator[tuple[str, int]]:
    """The files and lines on a stack, innermost first, up to where rflint called into the model.

    Frames of rflint's own lie between those of the model, since it stands in for module calls.
    """
    while frame:
        code = frame.f_code
        ours = code.co_filename.startswith(_RFLINT) and not is_user_code(code.co_filename)
        if ours and code.co_name in _ENTRANCES:
            return
        yield code.co_filename, frame.f_lineno
        frame = frame.f_back


def lines_of(error: BaseException) -> Iterator[tuple[str, int]]:
    """The files and lines that an exception passed through, innermost last."""
    traceback: TracebackType | None = error.__traceback__
    while traceback:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next


def innermost_user_line_of(error: BaseException) -> SourceLocation | None:
    """The innermost line of user code that an exception passed through.

    Where there is none, that of the installed package that the model is from.
    """
    lines = list(lines_of(error))
    found = [(name, line) for name, line in lines if is_user_code(name)]
    if not found:
        packages = [package_of(name) for name, _ in lines]
        models = next(filter(None, packages), "")
        found = [x for x, package in zip(lines, packages, strict=True) if models == package != ""]
    return source_at(*found[-1]) if found else None


@cache
def package_of(filename: str) -> str:
    """The installed package that a file is of; empty for all else, rflint and PyTorch."""
    folders = Path(filename).parts
    installed = [i for i, x in enumerate(folders[:-1]) if x in ("site-packages", "dist-packages")]
    if not installed or filename.startswith(("<", _RFLINT)):
        return ""
    package = folders[installed[-1] + 1]
    return "" if package == "torch" else package


def raised_by_the_user(error: BaseException) -> bool:
    """Whether a raise statement or an assertion of the user's code raised this."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return False
    code = traceback.tb_frame.f_code
    instruction = dis.opname[code.co_code[traceback.tb_lasti]]
    return is_user_code(code.co_filename) and instruction == "RAISE_VARARGS"


def raised_by_rflint(error: BaseException) -> bool:
    """Whether rflint's own code raised this, and not code that it called."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return False
    return traceback.tb_frame.f_code.co_filename.startswith(_RFLINT)


def source_at(filename: str, line: int) -> SourceLocation:
    """A place, relative to the current directory where it lies below it."""
    return SourceLocation(_shown(filename, os.getcwd()), line)


def shown(path: Path) -> str:
    """A path, relative to the current directory where it lies below it."""
    return _shown(str(path), os.getcwd())


def relative(path: Path) -> str:
    """A path, relative to the current directory wherever it lies: what a person types here."""
    return Path(os.path.relpath(path)).as_posix()


@cache
def _shown(filename: str, cwd: str) -> str:
    path = Path(filename).resolve()
    try:
        return path.relative_to(Path(cwd).resolve()).as_posix()
    except ValueError:
        return path.as_posix()
