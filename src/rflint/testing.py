"""Architectures in tests: `assert_sound` fails where rflint finds something.

def test_architecture() -> None:
    rflint.testing.assert_sound(build, res=32)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rflint.api import lint
from rflint.errors import UsageError
from rflint.report.exit_gate import FAIL_ON, least_severity
from rflint.text.numbers import plural

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
    if fail_on not in FAIL_ON:
        raise UsageError(f"fail_on is {fail_on!r}, and can be {', '.join(FAIL_ON)}")
    report = lint(build, res, **options)
    for failure in report.failures:
        raise failure.error
    failing = _from(report, fail_on)
    if failing.models:
        raise UnsoundArchitecture(_message(failing, fail_on))
    return report


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
