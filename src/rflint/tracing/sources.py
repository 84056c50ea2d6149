"""Where in the user's code a layer was built and where it is called.

The user's code is what a person would edit: not the standard library, not installed packages,
not torch and not rflint.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch
from torch import nn

import rflint
from rflint.architecture import Source

_RFLINT = str(Path(rflint.__file__).parent) + os.sep


@lru_cache(maxsize=None)
def is_user_code(filename: str) -> bool:
    """Whether a person would edit this file."""
    if filename.startswith("<") or filename.startswith(_RFLINT):
        return False
    if "site-packages" in filename or "dist-packages" in filename:
        return False
    return not filename.startswith(_stdlib())


@lru_cache(maxsize=None)
def _stdlib() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths["stdlib"], paths["platstdlib"], str(Path(torch.__file__).parent)}
    return tuple(folder + os.sep for folder in folders)


def innermost_user_line(frame: FrameType | None) -> Source | None:
    """The innermost line of user code on a stack, up to where rflint called into the model."""
    while frame and frame.f_code.co_filename.startswith(_RFLINT):
        frame = frame.f_back
    while frame:
        filename = frame.f_code.co_filename
        if filename.startswith(_RFLINT):
            return None
        if is_user_code(filename):
            return source_at(filename, frame.f_lineno)
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


def source_at(filename: str, line: int) -> Source:
    """A place, relative to the current directory where it lies below it."""
    return Source(_shown(filename, os.getcwd()), line)


@lru_cache(maxsize=None)
def _shown(filename: str, cwd: str) -> str:
    path = Path(filename).resolve()
    try:
        return path.relative_to(cwd).as_posix()
    except ValueError:
        return path.as_posix()


_CONSTRUCTED = "_rflint_constructed"


@contextmanager
def construction_recorded() -> Iterator[None]:
    """Note, on every module built meanwhile, the user's line that built it."""
    original = nn.Module.__init__

    def recording_init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.__dict__[_CONSTRUCTED] = innermost_user_line(sys._getframe(1))

    nn.Module.__init__ = recording_init  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__init__ = original  # type: ignore[method-assign]


def constructed_at(module: nn.Module) -> Source | None:
    """The user's line that built a module, if it was built under `construction_recorded`."""
    found = module.__dict__.get(_CONSTRUCTED)
    return found if isinstance(found, Source) else None
