"""What formats show of what was measured: a sentence, a table, numbers beside findings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from rflint.measurement.comparison import compare
from rflint.measurement.results import Measured, MeasuredField, MeasuredLayer
from rflint.report.model_report import ModelReport
from rflint.report.remedies import NONE_NEEDED
from rflint.report.report import Report
from rflint.report.terminal.console import captured
from rflint.report.terminal.measured_table import MeasuredTable
from tests.helpers.written_reports import NAMES, written

WASTED = "layer4.1.conv2"
"""The last unproductive convolution of the model; saturation is low in all of layer4."""


@pytest.fixture
def measured(model: ModelReport) -> Measured:
    """Saturation with a tail, and probes with errors, of every judged convolution."""
    names = [x.name for x in model.layers if x.is_judged]
    layers = tuple(
        MeasuredLayer(name, 0, 0.19 if name.startswith("layer4") else 0.5, 0.798, 0.0118)
        for name in names
    )
    trunk = frozenset(layer.key for layer in layers)
    return Measured(
        80, 40, 10, 0.81, 0.99, layers, trunk, data="images: cut", commonest=0.1, weights="last.pt"
    )


@pytest.fixture
def show(model: ModelReport) -> Callable[[Measured, str], str]:
    def shown(measured: Measured, format_: str) -> str:
        return written(Report((replace(model, measured=measured),)), format_)

    return shown


Show = Callable[[Measured, str], str]


def sentence_of(model: ModelReport, measured: Measured) -> str:
    return f"on 80 samples: {compare(model.analysis, measured).sentence}."


def without_probes(measured: Measured) -> Measured:
    layers = tuple(replace(x, probe=None, probe_error=None) for x in measured.layers)
    return replace(measured, layers=layers)


def without_tail(measured: Measured) -> Measured:
    return replace(measured, layers=tuple(replace(x, saturation=0.5) for x in measured.layers))


def test_a_comment_begins_with_the_sentence_and_folds_the_numbers(
    show: Show, model: ModelReport, measured: Measured
) -> None:
    text = show(measured, "markdown")
    before, details = text.split("<details>")
    assert f"Measured {sentence_of(model, measured)}" in before
    assert "| layer | sees | verdict | s | p | gain | tail |" in details
    row = re.search(rf"^\| `{WASTED}` .*$", details, re.MULTILINE)
    assert row is not None
    assert row[0].endswith("| unproductive | 0.19 | 79.8 ±1.2 | +0.0 | tail |")
    assert "- 80 samples of 10 classes, tested on 40; the model's accuracy 81.0 %" in details
    assert "- images: cut\n- weights: last.pt\n" in details


def test_a_comment_has_no_column_that_says_nothing(show: Show, measured: Measured) -> None:
    text = show(without_tail(without_probes(measured)), "markdown")
    assert "| layer | sees | verdict | s |\n| --- | ---: | --- | ---: |\n" in text
    assert "p: the accuracy" not in text


def test_a_comment_tells_of_a_sound_model_what_was_measured(
    model: ModelReport, measured: Measured
) -> None:
    sound = replace(model, measured=measured, findings=(), remedies=NONE_NEEDED)
    text = written(Report((sound,)), "markdown")
    assert f"Measured {sentence_of(model, measured)}" in text
    assert "<summary>no findings</summary>" in text
    assert "### " not in written(Report((replace(sound, measured=None),)), "markdown")


def test_a_comment_has_effective_fields_and_what_was_not_measured(
    show: Show, measured: Measured
) -> None:
    field = MeasuredField((4.4, 4.4), ((0.2, 0.08, 0.1),))
    layers = (replace(measured.layers[0], field=field), *measured.layers[1:])
    text = show(replace(measured, layers=layers, notes=("interrupted: half of it",)), "markdown")
    assert "- `conv1` (r_min 7, r_max 7 px) is shaped by 4.4 px around" in text
    assert ": 20 % of it in 8 % of the input.\n- interrupted: half of it\n" in text


@pytest.mark.parametrize("name", NAMES)
def test_hostile_data_weights_and_notes_are_harmless(
    show: Show, measured: Measured, name: str
) -> None:
    hostile = replace(measured, data=name, weights=name, notes=(name,))
    for line in show(hostile, "markdown").splitlines():
        if line.startswith("- "):
            rest = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)|&#124;", "", line)
            assert not re.search(r"[<>@\[\]#!*$\x00-\x1f]", rest), line


def test_a_comment_stays_small_whatever_was_measured(show: Show, measured: Measured) -> None:
    long = replace(measured, notes=("word " * 10_000,) * 50)
    assert len(show(long, "markdown")) < 60_000


def text_of(format_: str, text: str) -> list[str]:
    """The messages of a format, one a finding."""
    if format_ == "sarif":
        return [x["message"]["text"] for x in json.loads(text)["runs"][0]["results"]]
    if format_ == "gitlab":
        return [x["description"] for x in json.loads(text)]
    return text.splitlines()


@pytest.mark.parametrize("format_", ["concise", "github", "gitlab", "junit", "sarif"])
def test_a_finding_on_a_measured_layer_has_its_numbers(
    show: Show, measured: Measured, format_: str
) -> None:
    told = "(measured: saturation 0.19, in the tail; probe 79.8 +-1.2 %, gain +0.0)"
    if format_ == "github":
        told = told.replace("%", "%25")
    texts = text_of(format_, show(measured, format_))
    assert any(told in text for text in texts)
    alone = text_of(format_, show(without_tail(without_probes(measured)), format_))
    assert any("(measured: saturation 0.50)" in text for text in alone)


@pytest.mark.parametrize("format_", ["gitlab", "sarif"])
def test_it_is_the_same_finding_that_was_there_without(
    show: Show, model: ModelReport, measured: Measured, format_: str
) -> None:
    def fingerprints(text: str) -> list[Any]:
        found = json.loads(text)
        if format_ == "gitlab":
            return [x["fingerprint"] for x in found]
        return [x["partialFingerprints"] for x in found["runs"][0]["results"]]

    plain = written(Report((model,)), format_)
    assert fingerprints(show(measured, format_)) == fingerprints(plain)


def test_the_sentence_is_one_more_line_of_the_concise_format(
    show: Show, model: ModelReport, measured: Measured
) -> None:
    lines = show(measured, "concise").splitlines()
    assert len(lines) == len(model.findings) + 1
    assert lines[-1] == f"mymodel:build at 32x32: measured {sentence_of(model, measured)}"


def table(model: ModelReport, measured: Measured, width: int) -> str:
    console = Console(width=width, force_terminal=False, markup=False, highlight=False)
    return captured(console, MeasuredTable(console, model.analysis, measured).print)


def test_a_table_on_a_terminal_has_errors_where_there_is_room(
    model: ModelReport, measured: Measured
) -> None:
    wide = " ".join(table(model, measured, 100).split())
    assert "unproductive 0.19 79.8 ±1.2 +0.0 tail" in wide
    assert "in percent ± its standard error" in wide
    narrow = " ".join(table(model, measured, 70).split())
    assert "unproductive 0.19 79.8 +0.0 tail" in narrow
    assert "the standard error of p: p_stderr in --format json, or in a wider" in narrow


def test_a_table_on_a_terminal_has_no_column_that_says_nothing(
    model: ModelReport, measured: Measured
) -> None:
    lines = table(model, without_probes(measured), 100).splitlines()
    (head,) = [line for line in lines if line.split()[:1] == ["layer"]]
    assert head.split() == ["layer", "sees", "verdict", "s", "tail"]
    assert "classifier" not in " ".join(lines)
    assert (
        "tail"
        not in table(model, without_tail(without_probes(measured)), 100).split("Predicted")[0]
    )
