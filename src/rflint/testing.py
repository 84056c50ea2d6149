"""Architectures in tests: `assert_sound` fails where rflint finds something.

def test_architecture() -> None:
    rflint.testing.assert_sound(build, res=32)
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rflint.api import lint
from rflint.errors import InternalError, RflintError, UsageError
from rflint.report.exit_gate import FAIL_ON, least_severity
from rflint.text.numbers import plural
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.ownership import is_user_code

if TYPE_CHECKING:
    from rflint.report.report import Report


class UnsoundArchitecture(AssertionError):
    """Something was found; the message is the report."""


def assert_sound(
    build: Any,
    res: int | tuple[int, ...] | Sequence[int | tuple[int, ...]] | None = None,
    *,
    fail_on: str = "warning",
    **options: Any,
) -> Report:
    """Lint a model, and raise an AssertionError for findings of at least this severity.

    Its message is the report on them, as on the command line.

    Args:
        build: an nn.Module (comes back unchanged), a class, or a function that returns a module.
        res: pixels per side, or a tuple with one size per spatial axis, or a list of those.
        fail_on: "info", "warning" or "error".
        options: as for `rflint.lint`: input=, args=, select=, ignore=, ...

    Returns:
        The whole report, for further assertions.

    Raises:
        UnsoundArchitecture: an AssertionError, for what was found.
        RflintError: the model cannot be built or analysed, or a rule failed.
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    check_options("assert_sound", options, ("res", "fail_on"))
    if fail_on not in FAIL_ON:
        raise UsageError(f"fail_on is {fail_on!r}, and can be {', '.join(FAIL_ON)}")
    try:
        report = lint(build, res, **options)
        failed = next((failure.error for failure in report.failures), None)
    except RflintError as error:
        failed = error
    if failed is not None:
        raise _without_own_frames(failed)
    failing = _from(report, fail_on)
    if failing.models:
        raise UnsoundArchitecture(_message(failing, fail_on))
    return report


def check_options(function: str, options: Iterable[str], own: Sequence[str]) -> None:
    """Raise a TypeError for an option that neither a function nor `rflint.lint` has."""
    __tracebackhide__ = True
    known = {*own, *inspect.signature(lint).parameters} - {"model"}
    for name in options:
        if name not in known:
            did = did_you_mean(similar(name, sorted(known)))
            hint = did or f"It has: {', '.join(sorted(known))}."
            raise TypeError(f"{function}() has no argument {name!r}. {hint}")


def _without_own_frames(error: RflintError) -> RflintError:
    """The error as one of the line that asked for it, and of the user's code where that failed.

    Its message says all that rflint knows. Where it is rflint that failed, every frame is kept.
    """
    if isinstance(error, InternalError):
        return error
    cause = error.__cause__
    error.__cause__ = error.__context__ = None
    error.__traceback__ = None
    frames = list(_frames(cause))
    if cause and frames and not _is_own(frames[-1]) and any(map(_is_users, frames)):
        shown = None
        for frame in reversed([x for x in frames if not _is_own(x)]):
            shown = TracebackType(shown, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
        error.__cause__ = cause.with_traceback(shown)
    return error


def _frames(error: BaseException | None) -> Iterator[TracebackType]:
    traceback = error.__traceback__ if error else None
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _is_own(frame: TracebackType) -> bool:
    return str(frame.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == "rflint"


def _is_users(frame: TracebackType) -> bool:
    return is_user_code(frame.tb_frame.f_code.co_filename)


def _from(report: Report, fail_on: str) -> Report:
    """The part of a report that has findings of at least this severity."""
    report = replace(report, fail_on=least_severity(fail_on))
    models = [
        replace(model, findings=tuple(x for x in model.findings if report.fails(x)))
        for model in report.models
    ]
    return replace(report, models=tuple(model for model in models if model.findings))


def _message(failing: Report, fail_on: str) -> str:
    from rflint.report.formats.text import plain_text

    return (
        f"rflint found {plural(len(failing.findings), 'finding')} "
        f"(fail_on={fail_on!r})\n\n{plain_text(failing)}"
    )
