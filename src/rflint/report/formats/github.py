"""Workflow commands: GitHub Actions shows them as annotations at the lines of a pull request.

It shows ten of each level for a step, and keeps all of them in the step's log. So what a rule has
to say about a line is one annotation, however many layers the line builds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rflint.graph.source_location import SourceLocation
from rflint.report.problems import Problem, level, problems
from rflint.report.report import Report
from rflint.text.escape import one_line
from rflint.text.numbers import first_few

_LAYERS = 12
"""So many of an annotation's layers are named."""


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write a command for each problem and for each target that could not be analysed."""
    by_line: dict[tuple[object, ...], list[Problem]] = {}
    for problem in problems(report):
        line = problem.place or object()  # what has no line has nothing in common
        key = (problem.code, problem.severity, line, problem.label)
        by_line.setdefault(key, []).append(problem)
    for there in by_line.values():
        first = there[0]
        title = f"{first.code} {first.name}"
        command = level(first.severity, "notice")
        stream.write(_command(command, first.place, title, _text(there)))
    for failure in report.failures:
        error = failure.error
        text = "\n".join(filter(None, (error.message, error.hint)))
        title = f"rflint could not analyse {failure.target}"
        stream.write(_command("error", error.source, title, text))


def _text(problems: Sequence[Problem]) -> str:
    """What the first one says, and which layers are like it."""
    if len(problems) == 1:
        return problems[0].text
    layers = first_few([one_line(x.title) for x in problems], _LAYERS)
    return f"{problems[0].text}\n{len(problems)} layers on this line: {layers}"


def _command(name: str, place: SourceLocation | None, title: str, text: str) -> str:
    properties = {"file": place.path, "line": str(place.line)} if place else {}
    properties["title"] = title
    joined = ",".join(f"{key}={_property(one_line(value))}" for key, value in properties.items())
    data = "\n".join(one_line(line) for line in text.splitlines())
    return f"::{name} {joined}::{_data(data)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
