"""Workflow commands, as GitHub reads them."""

from __future__ import annotations

from dataclasses import replace

from rflint.graph.source_location import SourceLocation
from rflint.report.model_report import ModelReport
from rflint.report.report import Report
from tests.helpers.workflow_commands import command, layers_of
from tests.helpers.written_reports import NAMES, SEVERITIES, failed, found, written


def test_github_gets_a_command_for_each_problem(model: ModelReport) -> None:
    findings = [
        found("a", "at 50%, ::x", SourceLocation("a,b:c%.py", 3), severity)
        for severity in SEVERITIES
    ]
    report = Report((replace(model, findings=tuple(findings)),), (failed(),))
    commands = [command(line) for line in written(report, "github").splitlines()]
    title = "RF101 unproductive-layer"
    place = {"file": "a,b:c%.py", "line": "3", "title": title}
    assert commands[:3] == [
        (name, place, "a: at 50%, ::x") for name in ("error", "warning", "notice")
    ]
    assert commands[3] == (
        "error",
        {"file": "n.py", "line": "7", "title": "rflint could not analyse net.py:build"},
        "too small\nFeed it more.",
    )


def test_findings_of_a_rule_on_one_line_are_one_annotation(model: ModelReport) -> None:
    """GitHub shows ten of them."""
    finding = replace(model.findings[0], source=SourceLocation("net.py", 3), message="no use")
    others = [replace(finding, layer=f"layer{number}") for number in range(20)]
    elsewhere = replace(finding, source=SourceLocation("net.py", 4))
    report = Report((replace(model, findings=(*others, elsewhere)),))
    first, second = [command(line) for line in written(report, "github").splitlines()]
    assert first[2].startswith("layer0: no use\n20 layers on this line: layer0, layer1, ")
    assert first[2].endswith("layer11 and 8 more")
    assert (layers_of(first), layers_of(second)) == (20, 1)


def test_no_name_breaks_a_workflow_command(hostile: Report) -> None:
    text = written(hostile, "github")
    commands = [command(line) for line in text.removesuffix("\n").split("\n")]
    told = sum(map(layers_of, commands))
    assert told == len(NAMES) * (len(NAMES) + 1) + len(NAMES)
    assert "\r" not in text
    assert {name for name, _, _ in commands} == {"error", "warning", "notice"}
    assert all(set(properties) <= {"file", "line", "title"} for _, properties, _ in commands)
    assert all(properties.get("line", "1").isdigit() for _, properties, _ in commands)
    files = {properties.get("file") for _, properties, _ in commands}
    assert {"models/50%0A,line=1.py", "models/::error::pwned.py"} <= files
    assert all(data.replace("\n", "").isprintable() for _, _, data in commands)
