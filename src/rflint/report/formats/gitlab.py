"""GitLab's Code Quality report: what a merge request shows as new and as fixed.

GitLab wants a path within the repository for everything, and compares fingerprints between
branches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Severity
from rflint.report.problems import (
    Problem,
    fingerprinter,
    is_relative,
    location_of_target,
    problems,
    without_surrogates,
)
from rflint.report.report import Failure, Report
from rflint.text.json_document import write_json

_SEVERITIES = {Severity.INFO: "info", Severity.WARNING: "major", Severity.ERROR: "critical"}
"""Warnings fail the run by default, so they are more than `minor`."""


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write an array with an entry for each problem and each target that failed."""
    entries = [*map(_problem, problems(report)), *_failures(report.failures)]
    write_json(entries, stream)


def _problem(problem: Problem) -> dict[str, Any]:
    return _entry(
        problem.text,
        problem.code,
        problem.fingerprint,
        _SEVERITIES[problem.severity],
        (problem.source, problem.model.place, location_of_target(problem.model.target)),
    )


def _failures(failures: Sequence[Failure]) -> Iterator[dict[str, Any]]:
    fingerprint = fingerprinter()
    for failure in failures:
        error = failure.error
        text = f"{failure.target} could not be analysed: {error.message}"
        places = (error.source, location_of_target(failure.target))
        yield _entry(
            f"{text}\n{error.hint}".strip(),
            f"{error.kind}-error",
            fingerprint((error.kind, failure.target)),
            "blocker",
            places,
        )


def _entry(
    description: str,
    check: str,
    fingerprint: str,
    severity: str,
    places: Sequence[SourceLocation | None],
) -> dict[str, Any]:
    """An entry at the first of the places that lies in the repository."""
    inside = [place for place in places if place and is_relative(place)]
    place = inside[0] if inside else SourceLocation("pyproject.toml", 1)
    return {
        "description": without_surrogates(description),
        "check_name": without_surrogates(check),
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": without_surrogates(place.path), "lines": {"begin": place.line}},
    }
