"""The formats for tools: what each one's consumer, or its schema, makes of any report.

Reports are made by exchanging names and findings of a real one: whatever a model may be called,
no format breaks.
"""

from __future__ import annotations

import json
import pkgutil
import re

import pytest
from junitparser import JUnitXml

from rflint.report import formats
from rflint.report.report import Report
from rflint.report.reporters import FORMATS, reporter
from tests.helpers.workflow_commands import command, layers_of
from tests.helpers.written_reports import OURS, written


@pytest.mark.parametrize("format_", FORMATS)
def test_two_writes_are_the_same_bytes(hostile: Report, real: Report, format_: str) -> None:
    report = real if format_ in ("text", "json") else hostile
    assert written(report, format_) == written(report, format_)


@pytest.mark.parametrize("format_", OURS)
def test_what_is_answered_is_not_reported(hostile: Report, format_: str) -> None:
    text = written(hostile, format_)
    assert "ACCEPTED" not in text
    assert "SUPPRESSED" not in text


@pytest.mark.parametrize("format_", OURS)
def test_a_report_without_models_is_one_too(format_: str) -> None:
    text = written(Report(), format_)
    assert text.endswith("\n") or not text


@pytest.mark.parametrize("format_", OURS)
def test_two_thousand_findings_are_all_there(large: Report, format_: str) -> None:
    text = written(large, format_)
    numbers = {
        "concise": lambda: len(text.splitlines()),
        "github": lambda: sum(layers_of(command(line)) for line in text.splitlines()),
        "gitlab": lambda: len(json.loads(text)),
        "junit": lambda: JUnitXml.fromstring(text.encode()).failures,
        "sarif": lambda: len(json.loads(text)["runs"][0]["results"]),
        "markdown": lambda: int(re.findall(r"(\d+) warnings in 1 model", text)[0]),
    }
    assert numbers[format_]() == 2000


def test_every_module_of_a_format_writes_one_and_is_offered() -> None:
    """But for --statistics, which takes the place of those that a person reads."""
    modules = {module.name for module in pkgutil.iter_modules(formats.__path__)}
    assert modules == {*FORMATS, "statistics"}
    for name in modules:
        assert callable(reporter(name))
