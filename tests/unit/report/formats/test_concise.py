"""A line for each finding: place, code, message."""

from __future__ import annotations

import re
from dataclasses import replace

from rflint.graph.source_location import SourceLocation
from rflint.report.model_report import ModelReport
from rflint.report.report import Report
from tests.helpers.written_reports import NAMES, OVER, failed, found, written


def test_concise_lines_are_places_codes_and_messages(real: Report) -> None:
    lines = written(real, "concise").splitlines()
    assert len(lines) == len(real.findings) == 11
    assert re.fullmatch(
        r"zoo/paper/resnet\.py:\d+: RF101 layer3\.1\.conv2: .* predicted to contribute nothing",
        lines[0],
    )


def test_concise_names_models_and_inputs_where_there_are_several(model: ModelReport) -> None:
    one = replace(
        model, findings=(found("a", source=SourceLocation("x.py", 1)),), exceeded_limits=(OVER,)
    )
    architecture = replace(model.analysis.architecture, resolution=(64, 64))
    larger = replace(one, analysis=replace(model.analysis, architecture=architecture))

    def lines(*models: ModelReport) -> list[str]:
        return written(Report(models), "concise").splitlines()

    assert lines(one) == [
        "x.py:1: RF101 a: sees nothing new",
        "mymodel:build: max-macs 37.0 M MACs: more than 1 M",
    ]
    assert lines(one, larger)[::2] == [
        "x.py:1: RF101 a: sees nothing new [at 32x32]",
        "x.py:1: RF101 a: sees nothing new [at 64x64]",
    ]
    assert [line.split("[")[1] for line in lines(one, replace(one, name="b"))[::2]] == [
        "mymodel:build]",
        "b]",
    ]
    assert lines(one, larger, replace(one, name="b"))[0].endswith("[mymodel:build at 32x32]")


def test_a_finding_without_a_place_is_where_the_model_is(model: ModelReport) -> None:
    placed = replace(model, findings=(found("a"),), place=SourceLocation("net.py", 5))
    assert written(Report((placed,)), "concise") == "net.py:5: RF101 a: sees nothing new\n"


def test_no_name_breaks_a_concise_line(hostile: Report) -> None:
    text = written(hostile, "concise")
    assert len(text.splitlines()) == len(NAMES) * (len(NAMES) + 1)
    assert text.replace("\n", "").isprintable()
    assert "models/größe.层.😀.py:3: RF102 größe.层.😀: of " in text


def test_targets_that_failed_are_not_among_concise_lines() -> None:
    assert written(Report((), (failed(),)), "concise") == ""
