"""Places in source code, and which of them are the user's own.

The user's code is what a person would edit: not the standard library, not installed packages, not
rflint itself.
"""

from __future__ import annotations

import dis
import os
import sysconfig
from functools import cache
from pathlib import Path
from types import FrameType, TracebackType

from rflint.architecture import Source

_RFLINT = str(Path(__file__).parent) + os.sep
_PATHS = sysconfig.get_paths()
_NOT_THE_USERS = tuple(
    str(Path(folder)) + os.sep for folder in {_PATHS["stdlib"], _PATHS["platstdlib"]}
)

_ENTRANCES = frozenset({"record", "call_builder", "load"})
"""The functions of rflint that call into the user's code; whoever called them is no part of it."""


@cache
def is_user_code(filename: str) -> bool:
    """Whether a person would edit this file."""
    if filename.startswith(("<", _RFLINT, *_NOT_THE_USERS)):
        return False
    folders = Path(filename).parts
    return not {"site-packages", "dist-packages", "torch"} & set(folders)


def innermost_user_line(frame: FrameType | None) -> Source | None:
    """The innermost line of user code on a stack, up to where rflint called into the model.

    Frames of rflint's own lie between those of the model, since it stands in for module calls.
    """
    while frame:
        code = frame.f_code
        if is_user_code(code.co_filename):
            return source_at(code.co_filename, frame.f_lineno)
        if code.co_name in _ENTRANCES and code.co_filename.startswith(_RFLINT):
            return None
        frame = frame.f_back
    return None


def innermost_user_line_of(error: BaseException) -> Source | None:
    """The innermost line of user code that an exception passed through."""
    found = None
    traceback: TracebackType | None = error.__traceback__
    while traceback:
        filename = traceback.tb_frame.f_code.co_filename
        if is_user_code(filename):
            found = source_at(filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


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


def source_at(filename: str, line: int) -> Source:
    """A place, relative to the current directory where it lies below it."""
    return Source(_shown(filename, os.getcwd()), line)


@cache
def _shown(filename: str, cwd: str) -> str:
    path = Path(filename).resolve()
    try:
        return path.relative_to(Path(cwd).resolve()).as_posix()
    except ValueError:
        return path.as_posix()
