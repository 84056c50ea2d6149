"""What people read has no Python in it, no "1 findings" and nothing that stands for nothing."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from fractions import Fraction

import pytest

import rflint
from rflint.linting.rule import Rule
from rflint.linting.rule_files import load_rules
from rflint.repair.metrics import Metrics
from rflint.report.reporters import reporter
from rflint.text.numbers import abbreviated_count, decimal, plural, size

RULES = load_rules()
FORMATS = ("text", "concise", "github", "markdown", "junit", "gitlab")
NOUNS = (
    "findings|warnings|errors|infos|layers|convolutions|parameters|weights|MACs|positions|tensors|"
    "kernels|models|limits|lines|repairs|rows|columns|pixels|inputs"
)
LEAKS = (
    r"Metrics\(|Fraction\(|Finding\(|SourceLocation\(|Window\(",
    r"<rflint|<function|<class|object at 0x",
    r"\bNone\b",
    rf"(?<![\d.,])1 (?:{NOUNS})\b",
    r"\b0 MACs compute",
    r"\d\.0(?=[x×]| px)",
    r" : | at :|\(\)\.\.",
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_reports_are_written_for_people(rule: Rule) -> None:
    for example in (*rule.fails, *rule.passes):
        layout = {"layout": example.layout} if getattr(example, "layout", "") else {}
        report = rflint.lint(example.build, example.res, select="ALL", name="a:b", **layout)
        for form in FORMATS:
            stream = io.StringIO()
            reporter(form)(replace(report, rules=RULES), stream, form == "text")
            text = stream.getvalue()
            found = [x[0] for leak in LEAKS for x in re.finditer(rf".*(?:{leak}).*", text)]
            assert not found, form


def test_amounts() -> None:
    assert [plural(n, "finding") for n in (0, 1, 2)] == ["0 findings", "1 finding", "2 findings"]
    assert [abbreviated_count(n, "MAC") for n in (1, 2, 2000)] == ["1 MAC", "2 MACs", "2.00 k MACs"]
    assert [plural(n, "weight", ",") for n in (1, 2000)] == ["1 weight", "2,000 weights"]


def test_what_a_repair_is_about_has_words() -> None:
    assert str(Metrics(1, 2000, 0)) == "1 parameter, 2,000 MACs, 0 unproductive"


def test_sizes_are_no_floats() -> None:
    assert [decimal(x) for x in (15, 15.0, Fraction(31, 2))] == ["15", "15", "15.5"]
    assert decimal(Fraction(1504, 100)) == "15.04"
    assert decimal(Fraction(150001, 10000)) == "15"
    assert size((15, Fraction(15, 1))) == "15x15"
