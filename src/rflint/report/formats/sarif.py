"""SARIF 2.1.0, as GitHub's code scanning and editors read it.

GitHub asks for more than the standard: a place and a fingerprint for every result, help for every
rule; and it refuses files with too many results.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TextIO
from urllib.parse import quote

from rflint._version import __version__
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Evidence
from rflint.linting.rule import Rule
from rflint.linting.rule_page import page
from rflint.report.problems import (
    Problem,
    is_relative,
    level,
    location_of_target,
    problems,
    without_surrogates,
)
from rflint.report.report import Failure, Report
from rflint.text.json_document import write_json

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 25_000
"""GitHub refuses files with more."""
_LONGEST = 1024
"""GitHub cuts descriptions there."""


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write a log with one run."""
    write_json(_log(report), stream)


def _log(report: Report) -> dict[str, Any]:
    found = list(problems(report))
    descriptors = _descriptors(report.rules, found)
    index = {descriptor["id"]: i for i, descriptor in enumerate(descriptors)}
    notifications = [_notification(failure) for failure in report.failures]
    if len(found) > MOST_RESULTS:
        left_out = len(found) - MOST_RESULTS
        found.sort(key=lambda problem: -problem.severity.rank)
        text = f"{left_out} results are left out, the mildest: a file can hold {MOST_RESULTS}."
        notifications.append({"level": "warning", "message": {"text": text}})
    invocation: dict[str, Any] = {"executionSuccessful": not report.failures}
    if notifications:
        invocation["toolExecutionNotifications"] = notifications
    driver = {"name": "rflint", "semanticVersion": __version__, "rules": descriptors}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "results": [_result(problem, index) for problem in found[:MOST_RESULTS]],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _descriptors(rules: Sequence[Rule], found: Sequence[Problem]) -> list[dict[str, Any]]:
    """The rules that ran, and what else there are results of: limits that were exceeded."""
    known = {rule.code for rule in rules}
    others = {problem.code: problem for problem in found if problem.code not in known}
    return [*map(_rule, rules), *map(_other, others.values())]


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": _cut(rule.summary)},
        "fullDescription": {"text": _cut(_first_section(rule.doc))},
        "help": {"text": rule.doc, "markdown": page(rule)},
        "defaultConfiguration": {"level": level(rule.severity, "note")},
        "properties": {"tags": ["architecture", "pytorch", *_evidence(rule.evidence)]},
    }


def _evidence(evidence: Evidence | None) -> list[str]:
    return [evidence.value] if evidence else []


def _other(problem: Problem) -> dict[str, Any]:
    """A limit, or a rule that is not at hand."""
    limit = f"The model exceeds the limit that --{problem.code} sets."
    text = without_surrogates(problem.name if problem.finding else limit)
    return {
        "id": without_surrogates(problem.code),
        "name": without_surrogates(problem.name),
        "shortDescription": {"text": _cut(text)},
        "fullDescription": {"text": _cut(text)},
        "help": {"text": text},
        "defaultConfiguration": {"level": level(problem.severity, "note")},
        "properties": {"tags": ["architecture", "pytorch"]},
    }


def _first_section(doc: str) -> str:
    """The text under the first heading of a rule's documentation, else its first line."""
    section = re.search(r"^\S.*\n((?: +\S.*\n?)+)", doc, re.MULTILINE)
    return " ".join(section[1].split()) if section else doc.split("\n", 1)[0]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _result(problem: Problem, index: dict[str, int]) -> dict[str, Any]:
    model = problem.model
    location = _location(problem.place or location_of_target(model.target))
    if problem.layer:
        name = without_surrogates(problem.layer)
        location["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "module"}]
    return {
        "ruleId": without_surrogates(problem.code),
        "ruleIndex": index[without_surrogates(problem.code)],
        "level": level(problem.severity, "note"),
        "message": _message(problem.text),
        "locations": [location],
        "partialFingerprints": {
            "primaryLocationLineHash": problem.fingerprint,
            "rflint/v1": problem.fingerprint,
        },
        "properties": {
            "model": without_surrogates(model.title),
            "resolution": list(model.analysis.architecture.resolution),
        },
    }


def _notification(failure: Failure) -> dict[str, Any]:
    error = failure.error
    text = f"{failure.target} could not be analysed: {error.message}"
    entry = {
        "descriptor": {"id": error.kind},
        "level": "error",
        "message": _message(f"{text}\n{error.hint}".strip()),
    }
    return entry | ({"locations": [_location(error.source)]} if error.source else {})


def _location(place: SourceLocation) -> dict[str, Any]:
    """A place by its URI: below the root of the sources, or of a file outside."""
    path = without_surrogates(place.path)
    artifact = (
        {"uri": quote(path), "uriBaseId": "%SRCROOT%"}
        if is_relative(place)
        else {"uri": f"file:///{quote(path.lstrip('/'), safe='/:')}"}
    )
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": place.line}}}


def _message(text: str) -> dict[str, str]:
    """Literal text: in SARIF, braces stand for arguments and `[text](target)` is a link."""
    escaped = without_surrogates(text).replace("{", "{{").replace("}", "}}")
    return {"text": escaped.replace("](", "] (")}
