"""JUnit's XML, as its readers take it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from junitparser import Error, JUnitXml
from junitparser import Failure as FailedCase

from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Severity
from rflint.report.model_report import ModelReport, SuppressedFinding
from rflint.report.report import Report
from tests.helpers.written_reports import NAMES, OVER, failed, found, written


def suites(report: Report) -> JUnitXml:
    return JUnitXml.fromstring(written(report, "junit").encode())


def as_xml_can(text: str) -> str:
    allowed = "\t\n\r"
    return "".join(
        c
        if c in allowed or " " <= c < "\ud800" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
        else "\ufffd"
        for c in text
    )


def test_junit_has_a_suite_for_each_model_and_a_case_for_each_problem(model: ModelReport) -> None:
    first = replace(
        model, findings=(found("a", source=SourceLocation("x.py", 3)), found("a"), found("b"))
    )
    sound = replace(model, name="sound", findings=())
    root = suites(Report((first, sound), (failed(),)))
    assert (root.tests, root.failures, root.errors) == (5, 3, 1)
    assert [(x.name, x.tests, x.failures, x.errors) for x in root] == [
        ("mymodel:build at 32x32", 3, 3, 0),
        ("sound at 32x32", 1, 0, 0),
        ("net.py:build", 1, 0, 1),
    ]
    cases = [[(case.name, case.is_passed) for case in suite] for suite in root]
    assert cases[0] == [("RF101 a", False), ("RF101 a (2)", False), ("RF101 b", False)]
    assert [passed for _, passed in cases[1]] == [True]
    (result,) = next(iter(next(iter(root)))).result
    assert isinstance(result, FailedCase)
    assert (result.type, result.message) == ("RF101", "sees nothing new")
    assert result.text.startswith("x.py:3: RF101 a: sees nothing new")
    (error,) = next(iter(list(root)[2])).result
    assert isinstance(error, Error)
    assert (error.type, error.message) == ("input", "too small")
    assert "Feed it more." in error.text


def test_no_name_breaks_the_xml(hostile: Report) -> None:
    root = suites(hostile)
    number = len(NAMES)
    infos = sum(x.severity is Severity.INFO for model in hostile.models for x in model.findings)
    assert (root.tests, root.failures, root.errors) == (
        number * (number + 2),
        number * (number + 1) - infos,
        number,
    )
    assert [x.name for x in root] == [
        *(as_xml_can(f"{name} at 32x32") for name in NAMES),
        *(as_xml_can(f"{name}:f") for name in NAMES),
    ]
    found = hostile.models[0].findings
    for case, finding in zip(next(iter(root)), found, strict=False):
        if finding.severity is Severity.INFO:
            assert case.is_passed
            assert as_xml_can(f"{finding.layer}: {finding.message}") in case.system_out
        else:
            assert case.result[0].message == as_xml_can(finding.message)


def test_no_name_in_the_xml_is_a_command_for_who_shows_it(hostile: Report) -> None:
    text = written(hostile, "junit")
    check_no_commands(text)
    assert all(char.isprintable() or char == "\n" for char in text)


def check_no_commands(text: str) -> None:
    """Neither GitHub nor Azure takes a line of this text for a command."""
    assert not any(line.strip().startswith("::") for line in text.splitlines())
    assert not re.search(r"##\w*\[", text)


GATES = (*Severity, None)


@pytest.mark.parametrize("gate", GATES)
def test_junit_fails_what_the_run_fails(model: ModelReport, gate: Severity | None) -> None:
    findings = tuple(found(x.value, severity=x) for x in Severity)
    held = replace(
        model,
        findings=findings,
        suppressed=(SuppressedFinding(found("suppressed"), "", SourceLocation("x.py", 1)),),
        accepted=(found("accepted"),),
    )
    report = Report((held,), fail_on=gate)
    failing = [x for x in Severity if gate and x.rank >= gate.rank]
    cases = {case.name.removeprefix("RF101 "): case for case in next(iter(suites(report)))}
    assert {name for name, case in cases.items() if not case.is_passed} == {
        x.value for x in failing
    }
    assert cases.keys() == {x.value for x in Severity}
    assert report.exit_status(gate) == bool(failing)
    over = Report((replace(model, findings=(), exceeded_limits=(OVER,)),), fail_on=gate)
    assert suites(over).failures == over.exit_status(gate) == 1


def test_junit_knows_no_time_and_no_machine(real: Report) -> None:
    text = written(real, "junit")
    assert not re.search(r"time|host", text)
    assert text.isascii()
