"""A code quality report, as GitLab reads it."""

from __future__ import annotations

import json
from dataclasses import replace

from jsonschema import Draft202012Validator

from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Severity
from rflint.report.model_report import ModelReport
from rflint.report.report import Report
from tests.helpers.written_reports import NAMES, OVER, SEVERITIES, failed, found, written

# docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!/|\./|[A-Za-z]:/)."},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def test_gitlab_gets_an_entry_for_each_problem(model: ModelReport) -> None:
    findings = [
        found("a", source=SourceLocation("x.py", 3), severity=severity) for severity in SEVERITIES
    ]
    report = Report(
        (replace(model, findings=tuple(findings), exceeded_limits=(OVER,)),), (failed(),)
    )
    entries = json.loads(written(report, "gitlab"))
    Draft202012Validator(CODE_QUALITY).validate(entries)
    assert [entry["severity"] for entry in entries] == [
        "critical",
        "major",
        "info",
        "critical",
        "blocker",
    ]
    assert entries[0]["description"] == "a: sees nothing new"
    assert entries[0]["check_name"] == "RF101"
    assert entries[0]["location"] == {"path": "x.py", "lines": {"begin": 3}}
    assert entries[3]["location"] == {"path": "pyproject.toml", "lines": {"begin": 1}}
    assert (
        entries[4]["description"] == "net.py:build could not be analysed: too small\nFeed it more."
    )
    assert entries[4]["location"] == {"path": "n.py", "lines": {"begin": 7}}


def test_gitlab_gets_paths_within_the_repository_only(model: ModelReport) -> None:
    outside = replace(model, findings=(found("a", source=SourceLocation("/opt/lib.py", 3)),))
    for changed, path in (
        (outside, "pyproject.toml"),
        (replace(outside, target="nets/net.py:build"), "nets/net.py"),
        (replace(outside, place=SourceLocation("net.py", 5)), "net.py"),
    ):
        assert json.loads(written(Report((changed,)), "gitlab"))[0]["location"]["path"] == path


def test_no_name_breaks_the_code_quality_report(hostile: Report) -> None:
    entries = json.loads(written(hostile, "gitlab"))
    Draft202012Validator(CODE_QUALITY).validate(entries)
    assert len(entries) == len(NAMES) * (len(NAMES) + 2)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    json.dumps(entries, ensure_ascii=False).encode()
    assert any(entry["location"]["path"] == "models/]]></failure>&amp;.py" for entry in entries)


def fingerprints(report: Report) -> list[str]:
    return [entry["fingerprint"] for entry in json.loads(written(report, "gitlab"))]


def test_a_fingerprint_stays_while_the_problem_is_the_same(model: ModelReport) -> None:
    first, second = (
        found("a", source=SourceLocation("x.py", 1)),
        found("b", source=SourceLocation("x.py", 1)),
    )
    before = fingerprints(Report((replace(model, findings=(first, second)),)))
    moved = replace(first, message="else", source=SourceLocation("y.py", 9), severity=Severity.INFO)
    after = fingerprints(Report((replace(model, findings=(second, moved)),)))
    assert after == before[::-1]


def test_different_problems_have_different_fingerprints(model: ModelReport) -> None:
    architecture = replace(model.analysis.architecture, resolution=(64, 64))
    variants = [
        replace(model, findings=(found("a"),)),
        replace(model, findings=(found("b"),)),
        replace(model, findings=(found("a", code="RF901"),)),
        replace(model, findings=(found("a"),), name="other"),
        replace(
            model,
            findings=(found("a"),),
            analysis=replace(model.analysis, architecture=architecture),
        ),
    ]
    alone = [fingerprints(Report((variant,)))[0] for variant in variants]
    assert len(set(alone)) == len(variants)
    twice = Report((*variants, *variants), (failed(), failed()))
    assert len(set(fingerprints(twice))) == 2 * len(variants) + 2
    assert fingerprints(twice)[: len(variants)] == alone
