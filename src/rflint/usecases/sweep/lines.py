"""The lines of one model, made in the child process that lints it.

A line is a JSON object, with the end of line behind it.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rflint.configuration.requests import Request, requests_for
from rflint.errors import ImportFailed, RflintError
from rflint.inputs.notation import Sizes
from rflint.linting.finding import Severity
from rflint.linting.rule import Rule
from rflint.report.policy import apply_policies
from rflint.report.remedies import NONE_NEEDED
from rflint.report.report import Failure
from rflint.report.sweep.lines import error_line, model_line, written_line
from rflint.usecases.linter import Linted, Linter
from rflint.usecases.project_rules import project_rules
from rflint.usecases.sweep.task import SweepTask, res_text
from rflint.usecases.targets import GivenBuilder
from rflint.workers.limited import within_memory

_OF_REPAIRS = ("larger_input", "not_offered")
"""Entries that are found together with repairs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a model, apart from its size."""

    rules: tuple[Rule, ...]
    request: Request


def target_lines(task: SweepTask, target: str, sizes: Iterable[Sizes | None]) -> Iterator[str]:
    """The lines of a target, one a size. Each is made when it is asked for."""
    yield from _lines(task, asked_of(task, target), target, sizes, Linter(None))


def item_lines(
    task: SweepTask,
    asked: Asked,
    target: str,
    item: tuple[Any, Mapping[str, Any]],
    sizes: Iterable[Sizes | None],
) -> Iterator[str]:
    """The lines of an item of a generator: a builder, and its arguments."""
    yield from _lines(task, asked, target, sizes, Linter(None, GivenBuilder(*item, target)))


def _lines(
    task: SweepTask, asked: Asked, target: str, sizes: Iterable[Sizes | None], linter: Linter
) -> Iterator[str]:
    for size in sizes:
        wanted = replace(
            asked.request,
            target=target,
            root=task.root,
            name="",
            resolution=size,
            with_repairs="repairs" not in task.omit,
        )
        linted = linter.lint(wanted, "")
        yield _line(task, wanted, asked.rules, linted, size)


def asked_of(task: SweepTask, source: str) -> Asked:
    """What is asked of the models of a source. Raises the error of a rule that cannot be loaded."""
    errors: list[RflintError] = []
    rules = project_rules(task.configuration, None, lambda about, error: errors.append(error))
    if errors:
        raise errors[0]
    options = replace(task.options, res=None)
    configuration = replace(
        task.configuration, options=replace(task.configuration.options, res=None)
    )
    return Asked(rules, requests_for((source,), options, configuration, rules)[0])


def _line(
    task: SweepTask, request: Request, rules: tuple[Rule, ...], linted: Linted, size: Sizes | None
) -> str:
    errors = [within_memory(error, task.limits) for error in linted.errors]
    if linted.report is None:
        return failed_line(task, request.target, size, errors[0])
    (report,) = apply_policies([(linted.report, request.policy)], rules, all_models=False)
    if "repairs" in task.omit:
        report = replace(report, remedies=NONE_NEEDED)
    left_out = {*task.omit, *(_OF_REPAIRS if "repairs" in task.omit else ())}
    entry = {name: value for name, value in report.to_dict().items() if name not in left_out}
    failures = tuple(Failure(request.target, error) for error in errors)
    if failures:  # of rules: the rest of the report holds
        entry["errors"] = [x.to_dict() for x in failures]
    return written_line(model_line(entry, res_text(size), task.digest))


def failed_line(task: SweepTask, target: str, size: Sizes | None, error: RflintError) -> str:
    """The line of a model that cannot be linted."""
    if task.is_remote and error.kind == ImportFailed.kind:
        lacks = f"The worker {platform.node()} lacks it: install it there, or give it by --upload."
        error.hint = f"{error.hint} {lacks}".lstrip()
    entry = Failure(target, error).to_dict()
    return written_line(error_line(entry, size, res_text(size), task.digest))


def exit_status(entry: Mapping[str, Any], fail_on: Severity | None) -> int:
    """What a line, read as JSON, makes of the exit status; as a report of one model would.

    2: an error; 1: an exceeded limit, or a finding of at least this severity; 0: neither.
    """
    if "kind" in entry or entry.get("errors"):
        return 2
    found = any(
        fail_on is not None and Severity(x["severity"]).rank >= fail_on.rank
        for x in entry["findings"]
    )
    return int(found or bool(entry["over_limits"]))
