"""The output of a notebook's cell: what the report says, static, and safe from names."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from torch import nn

import rflint
from rflint.errors import BuildFailed
from rflint.report.report import Failure, Report
from tests.helpers.written_reports import NAMES
from zoo.paper.resnet import resnet18

ALLOWED = {
    *("div", "span", "b", "code", "ul", "li", "table", "tr", "th", "td", "br"),
    *("svg", "rect", "path", "text", "circle", "title"),
}


class Page(HTMLParser):
    """The elements of a page, its text, and what it would load or run."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.html = report._repr_html_()
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def report() -> Report:
    return rflint.lint(resnet18, res=32, name="mymodel:build")


def test_a_model_has_a_header_one_figure_and_its_findings(report: Report) -> None:
    page = Page(report)
    totals = report.models[0].analysis.totals
    assert page.tags.count("svg") == 1
    assert "mymodel:build on 1×3×32×32" in page.text
    assert f"{totals.convs} convolutions · {totals.unproductive} unproductive" in page.text
    assert "11.2 M parameters · 37.0 M MACs" in page.text
    for code in {finding.code for finding in report.findings}:
        assert code in page.text
    for finding in report.findings:
        assert finding.layer in page.text
        assert str(finding.source) in page.text


def test_it_is_static(report: Report) -> None:
    """Nothing runs, nothing is loaded, and no style sheet reaches beyond it."""
    page = Page(report)
    assert set(page.tags) <= ALLOWED
    names = {name for name, _ in page.attributes}
    assert not {name for name in names if name.startswith("on") or name in ("src", "href", "class")}
    assert not [value for _, value in page.attributes if value and "url(" in value]


def test_names_and_messages_are_text() -> None:
    models = nn.Sequential()
    for index, name in enumerate(NAMES):
        models.add_module(f"{index} {name.replace('.', '')}", nn.Conv2d(3, 3, 9, padding=4))
    report = rflint.lint(models, res=8, name="<script>alert(1)</script>")
    failures = tuple(Failure(name, BuildFailed(f"raised {name}", hint=name)) for name in NAMES)
    page = Page(Report(report.models, failures, rules=report.rules))
    assert set(page.tags) <= ALLOWED
    assert "<script>alert(1)</script> on" in page.text
    assert "<script" not in page.html
    page.html.encode()


def test_several_models_are_a_table_and_then_each() -> None:
    report = rflint.lint(nn.Conv2d(3, 4, 3), res=[8, 16], name="net:build")
    page = Page(report)
    assert page.tags.count("table") == 1
    assert page.tags.count("tr") == 3
    assert page.tags.count("svg") == 2
    assert "16×16" in page.text


def test_of_many_models_the_first_are_shown_and_the_rest_is_counted() -> None:
    report = rflint.lint(nn.Conv2d(3, 4, 3), res=list(range(8, 18)), name="net:build")
    page = Page(report)
    assert page.tags.count("tr") == 11
    assert page.tags.count("svg") == 5
    assert "5 further models" in page.text


def test_of_many_places_the_first_are_shown_and_the_rest_is_counted() -> None:
    model = nn.Sequential(*(nn.Conv2d(3, 3, 9, padding=4) for _ in range(300)))
    page = Page(rflint.lint(model, res=8))
    assert len(page.html) < 150_000
    assert "more" in page.text


def test_a_report_of_nothing_says_so() -> None:
    assert "No model was linted." in Page(Report()).text


def test_a_line_at_a_prompt_names_each_model_once_with_its_sizes() -> None:
    report = rflint.lint(nn.Conv2d(3, 4, 3), res=[8, (8, 16)], name="net:build")
    assert repr(report) == "<Report of net:build at 8x8 and 8x16: 0 findings>"
    assert repr(Report()) == "<Report of no model: 0 findings>"


def test_a_prompt_gets_a_line_and_print_the_report(report: Report) -> None:
    assert repr(report) == f"<Report of mymodel:build at 32x32: {len(report.findings)} findings>"
    assert repr(report.models[0]) == (
        "<ModelReport of mymodel:build at 32x32: 3 of 20 convolutions unproductive, "
        f"{len(report.findings)} findings>"
    )
    lines = str(report).splitlines()
    assert lines[0] == "mymodel:build  on 1×3×32×32"
    assert lines[-1].startswith("Found ")
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in str(report)


def test_the_width_of_a_printed_report_is_not_that_of_the_terminal(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = str(report)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert str(report) == before


def test_a_model_without_axes_is_shown_too() -> None:
    report = rflint.lint(nn.Linear(3, 4), input=(1, 3), name="net:build")
    assert "No findings." in Page(report).text
    assert repr(report.models[0]).startswith("<ModelReport of net:build: 0 of 0 convolutions")
