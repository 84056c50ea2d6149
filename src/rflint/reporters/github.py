"""Workflow commands: GitHub Actions shows them as annotations at the lines of a pull request.

It shows ten of each level for a step, and keeps all of them in the step's log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rflint.architecture import Source
from rflint.report import Report
from rflint.reporters.places import level, one_line, problems
from rflint.rule import Rule


def write_github(report: Report, rules: Sequence[Rule], stream: TextIO, verbose: bool) -> None:
    """Write a command for each problem and for each target that could not be analysed."""
    for problem in problems(report):
        finding = problem.finding
        title = f"{finding.code} {finding.name}"
        command = level(finding.severity, "notice")
        stream.write(_command(command, problem.place, title, problem.text))
    for failure in report.failures:
        error = failure.error
        text = "\n".join(filter(None, (error.message, error.hint)))
        title = f"rflint could not analyse {failure.target}"
        stream.write(_command("error", error.source, title, text))


def _command(name: str, place: Source | None, title: str, text: str) -> str:
    properties = {"file": place.path, "line": str(place.line)} if place else {}
    properties["title"] = title
    listed = ",".join(f"{key}={_property(one_line(value))}" for key, value in properties.items())
    data = "\n".join(one_line(line) for line in text.splitlines())
    return f"::{name} {listed}::{_data(data)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
