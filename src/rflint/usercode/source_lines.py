"""Lines of the user's code, found on the stack or in an exception's traceback."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import FrameType, TracebackType

from rflint.graph.source_location import SourceLocation
from rflint.usercode.frame_marks import enters_user_code
from rflint.usercode.ownership import is_rflint, is_user_code, package_of
from rflint.usercode.paths import source_at


def innermost_user_line(frame: FrameType | None) -> SourceLocation | None:
    """The innermost line of the user's code on a stack."""
    lines = _lines_on(frame)
    return next((source_at(file, line) for file, line in lines if is_user_code(file)), None)


def innermost_line(frame: FrameType | None) -> SourceLocation | None:
    """The innermost line of the user's code on a stack, or else of an installed package."""
    if (found := innermost_user_line(frame)) is not None:
        return found
    lines = _lines_on(frame)
    return next((source_at(file, line) for file, line in lines if package_of(file)), None)


def user_lines(frame: FrameType | None) -> tuple[SourceLocation, ...]:
    """The lines of the user's code on a stack, innermost first."""
    return tuple(source_at(file, line) for file, line in _lines_on(frame) if is_user_code(file))


def _lines_on(frame: FrameType | None) -> Iterator[tuple[str, int]]:
    """The files and lines on a stack, innermost first, up to where rflint entered the user's code.

    What called rflint is not part of the model, though it may be the user's code as well.
    """
    while frame and not enters_user_code.is_on(frame):
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


def lines_of(error: BaseException) -> Iterator[tuple[str, int]]:
    """The files and lines in an exception's traceback, innermost last."""
    traceback: TracebackType | None = error.__traceback__
    while traceback:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next


def innermost_user_line_of(error: BaseException) -> SourceLocation | None:
    """The innermost line of the user's code in an exception's traceback.

    Without one, the innermost line of the first installed package in it.
    """
    lines = list(lines_of(error))
    found = [(name, line) for name, line in lines if is_user_code(name)]
    if not found:
        packages = [package_of(name) for name, _ in lines]
        models = next(filter(None, packages), "")
        found = [x for x, package in zip(lines, packages, strict=True) if models == package != ""]
    return source_at(*found[-1]) if found else None


def raised_by_the_user(error: BaseException) -> bool:
    """Whether a raise or assert statement in the user's code raised the exception."""
    last = _innermost(error)
    if last is None:
        return False
    code = last.tb_frame.f_code
    instruction = dis.opname[code.co_code[last.tb_lasti]]
    return is_user_code(code.co_filename) and instruction == "RAISE_VARARGS"


def raised_by_rflint(error: BaseException) -> bool:
    """Whether rflint's own code raised the exception, and not code that it called."""
    last = _innermost(error)
    return last is not None and is_rflint(last.tb_frame.f_code.co_filename)


def _innermost(error: BaseException) -> TracebackType | None:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback
