"""The comment on a pull request, as Markdown is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

import rflint
from rflint.graph.source_location import SourceLocation
from rflint.report.model_report import ModelReport, SuppressedFinding
from rflint.report.report import Report
from tests.helpers.written_reports import OVER, failed, found, with_repairs, written

LIMIT = 65_536


ALLOWED_HTML = re.compile(r"(<details>\n<summary>[a-z0-9, ]+</summary>|</details>)\n")


def tokens(text: str) -> list[Token]:
    parser = MarkdownIt("commonmark", {"html": True, "breaks": True})
    return parser.enable(["table", "strikethrough"]).parse(text)


def shown(inline: Token) -> str:
    assert inline.children is not None
    return "".join(child.content for child in inline.children)


def cells(parsed: list[Token]) -> Iterator[list[str]]:
    """The rows of all tables as texts."""
    row: list[str] = []
    for before, token in pairwise(parsed):
        if before.type in ("th_open", "td_open"):
            row.append(shown(token))
        if token.type == "tr_close":
            yield row
            row = []


def test_the_comment_tells_the_story_of_resnet18(real: Report) -> None:
    parsed = tokens(written(real, "markdown"))
    rows = list(cells(parsed))
    assert rows[:2] == [
        ["model", "input", "parameters", "MACs", "convolutions", "unproductive", "findings"],
        ["mymodel:build", "32x32", "11.2 M", "37.0 M", "20", "3", "10 warnings, 1 info"],
    ]
    assert ["as it is", "3", "11.2 M", "37.0 M"] in rows
    assert [
        "1. fewest computations: truncate after layer3.0",
        "3 -> 0",
        "11.2 M -> 1.60 M (-86 %)",
        "37.0 M -> 23.9 M (-35 %)",
    ] in rows
    texts = [shown(token) for token in parsed if token.type == "inline"]
    assert any("From layer3.1.conv2 on, 3 convolutions of 20" in text for text in texts)
    place = str(real.findings[0].source)
    assert f"{place}: layer3.1.conv2, layer4.0.conv2, layer4.1.conv2" in texts
    assert texts[-1] == f"rflint {rflint.__version__}: 10 warnings, 1 info in 1 model."
    assert any("at 75x75 nothing is unproductive" in text for text in texts)


def test_the_comment_counts_what_it_leaves_out(model: ModelReport) -> None:
    left = replace(
        model,
        findings=(),
        accepted=(found("a"), found("b")),
        suppressed=(SuppressedFinding(found("c"), "why", SourceLocation("x.py", 1)),),
    )
    text = written(Report((left,), (failed(),)), "markdown")
    assert "| none, 2 accepted, 1 suppressed |" in text
    assert text.endswith(
        ": no findings in 1 model, 2 accepted by the baseline, 1 suppressed in the source, "
        "1 not analysed.\n"
    )
    assert "too small" in text
    assert "<details>" not in text


def test_findings_with_messages_of_their_own_are_told_one_by_one(model: ModelReport) -> None:
    findings = (
        found("a", "reads x_y", SourceLocation("x.py", 1), code="RF901"),
        found("b", "reads z", code="RF901"),
    )
    text = written(
        Report((replace(model, findings=findings, exceeded_limits=(OVER,)),)), "markdown"
    )
    assert "- `x.py:1`: `a`: reads `x_y`\n\n- `b`: reads z\n" in text
    assert "`max-macs` over-limit (1 error): 37.0 M `MACs:`" not in text
    assert "`max-macs` over-limit (1 error): 37.0 M MACs: more than 1 M\n" in text


def test_no_name_is_markup_in_the_comment(hostile: Report, model: ModelReport) -> None:
    # one model at a time: what does not fit is left out, and left out is not harmless
    for one, failure in zip(hostile.models, hostile.failures, strict=True):
        for findings in (one.findings[:12], one.findings[12:]):
            text = written(Report((replace(one, findings=findings),), (failure,)), "markdown")
            parsed = tokens(text)
            check_harmless(parsed)
            rows = list(cells(parsed))
            assert rows[1][0].strip() == visible(one.title).strip()
            assert {len(row) for row in rows} == {7, 4}
            texts = "\n".join(shown(token) for token in parsed if token.type == "inline")
            for finding in findings:
                name = visible(finding.layer)
                told = f"{name}: of {name} nothing is seen" if finding.code == "RF102" else name
                assert told in texts
            assert visible(failure.target) in texts


def visible(name: str) -> str:
    """A name with what cannot be printed as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def check_harmless(parsed: list[Token]) -> None:
    """Nothing but headings, paragraphs, lists, tables, code spans, details and their summary."""
    blocks = [token.content for token in parsed if token.type == "html_block"]
    assert all(ALLOWED_HTML.fullmatch(block) for block in blocks), blocks
    assert len([x for x in blocks if x.startswith("<d")]) == len(blocks) / 2
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in parsed}
    tables = {"table", "thead", "tbody", "tr", "th", "td"}
    assert (
        kinds
        <= {"heading", "paragraph", "inline", "bullet_list", "list_item", "html_block"} | tables
    )
    for token in parsed:
        for child in token.children or ():
            assert child.type in ("text", "code_inline", "text_special"), child
            if child.type != "code_inline":  # where GitHub looks for mentions and the like
                text = re.sub(r"->|<(?=1 %)", "", child.content)
                assert not re.search(r"[@#<>\[\]$~*]|:\w+:|www\.|https?:", text), child


def test_the_comment_stays_below_what_github_takes(hostile: Report, large: Report) -> None:
    many = Report(
        hostile.models * 10,
        tuple(replace(x, target=x.target * 500) for x in hostile.failures * 20),
    )
    for report in (hostile, large, many, replace_names(large, "@|`\U000e0001" * 2000)):
        text = written(report, "markdown")
        assert len(text.encode("utf-16-le")) // 2 < LIMIT - 10_000
        check_harmless(tokens(text))
        assert "<details>" in text
        assert text.rstrip().split("\n")[-1].startswith("rflint ")


def replace_names(report: Report, name: str) -> Report:
    (one,) = report.models
    findings = tuple(replace(x, layer=name, message=name) for x in one.findings)
    repairs = tuple(replace(x, title=name, words=name) for x in one.repairs) * 20
    return Report((replace(with_repairs(one, *repairs), name=name, findings=findings),))


def test_long_names_are_cut_in_the_comment(model: ModelReport) -> None:
    findings = (found("l" * 5000, "m" * 5000, code="RF901"), found("short", code="RF901"))
    one = replace(model, name="n" * 5000, findings=findings)
    text = written(Report((one,)), "markdown")
    assert "| `" + "n" * 97 + "...` |" in text
    assert re.search(r"`l{97}\.\.\.`: m{597}\.\.\.\n", text)


def test_the_comment_says_how_much_more_there_is(large: Report, model: ModelReport) -> None:
    (one,) = large.models
    text = written(large, "markdown")
    assert "`blocks.49.conv`" in text
    assert "`blocks.56.conv`" not in text
    assert re.search(r" and 278 more\n", text), "2000 findings in seven files, eight of each named"
    own = tuple(replace(x, code="RF901", message=x.layer) for x in one.findings)
    text = written(Report((replace(one, findings=own),)), "markdown")
    listed = len(re.findall(r"^- ", text, re.MULTILINE))
    assert 10 <= listed <= 30
    assert f"\n\n{2000 - listed} more findings.\n" in text
    text = written(Report((model,) * 120), "markdown")
    rows = len(re.findall(r"^\| `mymodel:build`", text, re.MULTILINE))
    details = text.count("<details>")
    assert 10 <= details <= rows < 120
    assert f"\n\n{120 - rows} more models.\n" in text
    assert f"\n\n{120 - details} more models with findings.\n" in text
