"""A rule's page: made from the rule's file, the same in docs/rules and from `rflint rule CODE`."""

from __future__ import annotations

import dataclasses
import functools
import re
import runpy
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from rflint.linting.finding import Evidence, Severity
from rflint.linting.rule import Example, Rule, Setting
from rflint.linting.rule_files import load_rules
from rflint.linting.rule_page import overview, page
from tests.helpers.program import rflint
from tests.helpers.project import PROJECT

DOCS = PROJECT / "docs"
RULES = load_rules()
sys.path.append(str(DOCS))  # a script finds what lies beside it
SCRIPT: dict[str, Any] = runpy.run_path(str(DOCS / "rules.py"))
DRAWING: dict[str, Any] = runpy.run_path(str(DOCS / "svg.py"))
PICTURES = sorted((DOCS / "rules").glob("*.svg"))


def test_the_pages_are_what_the_script_writes() -> None:
    written = {x.name: x.read_text(encoding="utf-8") for x in (DOCS / "rules").iterdir()}
    wanted = SCRIPT["pages"]()
    stale = {name for name in {*written, *wanted} if written.get(name) != wanted.get(name)}
    assert not stale, "run `python docs/rules.py`: docs/rules is not what the rules say"


def test_the_script_removes_pages_and_pictures_of_rules_that_are_gone(tmp_path: Path) -> None:
    (tmp_path / "RF000.md").write_text("# RF000 gone\n")
    (tmp_path / "RF000.svg").write_text("<svg/>\n")
    SCRIPT["write"](tmp_path)
    assert {x.name for x in tmp_path.iterdir()} == {x.name for x in (DOCS / "rules").iterdir()}


def test_the_program_prints_the_pages_without_their_pictures(tmp_path: Path) -> None:
    code = RULES[0].code
    ran = rflint("rule", code, cwd=tmp_path)
    written = (DOCS / "rules" / f"{code}.md").read_text(encoding="utf-8")
    plain, pictures = re.subn(r"\n!\[.*\]\(.*\)\n\n\*.*\*\n", "", written)
    assert (ran.status, ran.out, ran.err, pictures) == (0, plain, "", 1)
    several = rflint("rule", "RF9", cwd=tmp_path)
    assert several.out == "\n".join(page(x) for x in RULES if x.code.startswith("RF9"))


def test_every_picture_is_on_its_page_behind_what_the_rule_is() -> None:
    shown = []
    for file in (DOCS / "rules").glob("*.md"):
        text = file.read_text(encoding="utf-8")
        for alt, name in re.findall(r"^!\[(.*)\]\((.*)\)$", text, re.M):
            assert name == f"{file.stem}.svg"
            what, _, rest = text.partition(f"\n![{alt}]({name})\n\n")
            assert re.findall("^## (.*)", what, re.M) == ["What it is"]
            assert re.match(r"\*.+\.\*\n\n## Why it matters\n", rest)
            shown.append(DOCS / "rules" / name)
    assert sorted(shown) == PICTURES
    assert PICTURES


@pytest.mark.parametrize("file", PICTURES, ids=lambda file: file.stem)
def test_a_picture_has_a_title_and_nothing_sticks_out(file: Path) -> None:
    svg = ET.parse(file).getroot()
    kind = "{http://www.w3.org/2000/svg}"
    title = svg[0]
    assert title.tag == f"{kind}title"
    assert f"![{title.text}](" in file.with_suffix(".md").read_text(encoding="utf-8")
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
    assert width == DRAWING["WIDTH"]
    for text in svg.iter(f"{kind}text"):
        long = DRAWING["LETTER"] * len(text.text or "")
        start = float(text.attrib["x"]) - ("middle" in text.get("class", "")) * long / 2
        assert start >= 0, text.text
        assert start + long <= width, text.text
        assert 14 < float(text.attrib["y"]) < height
    for box in svg.findall(f"{kind}rect"):
        assert float(box.attrib["x"]) + float(box.attrib["width"]) <= width
        assert float(box.attrib["y"]) + float(box.attrib["height"]) <= height


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_page_has_its_parts_in_order(rule: Rule) -> None:
    text = page(rule)
    headings = [token[1] for token in outline(text)]
    settings = ["Settings"] if rule.settings else []
    assert headings == [
        f"{rule.code} {rule.name}",
        *("What it is", "Why it matters", "How to fix it", "When to ignore it"),
        "How it is computed",
        *settings,
        *("What it finds", "What it does not find"),
    ]
    assert text.endswith("\n")
    assert "\n\n\n" not in re.sub(r"```.*?```", "code", text, flags=re.DOTALL)
    assert " at 0x" not in text  # the address of something that has no source
    for name in rule.settings:
        assert f"\n- `{name}` (" in text
    for example in (*rule.fails, *rule.passes):
        function = getattr(example.build, "func", example.build)
        assert text.count(f"def {function.__name__}(") == 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_page_loses_nothing_of_the_docstring(rule: Rule) -> None:
    """Markdown that is read as something else (emphasis, HTML, a quote) swallows characters."""
    shown = "".join(rendered(page(rule)).split())
    for line in rule.doc.replace("`", "").splitlines():
        assert "".join(re.sub(r"^\s*- ", "", line).split()) in shown


def test_the_overview_links_to_every_page() -> None:
    text = (DOCS / "rules" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\w+)\]\(\1\.md\) ", text, re.M) == [rule.code for rule in RULES]
    assert (DOCS / "rules" / "../writing-rules.md").exists()


def plain() -> Any:
    """Nothing."""


def of_depth(depth: int, *, wide: bool = False) -> Any:
    """Called with arguments."""


def made_up(
    doc: str, *examples: Callable[[], Any], default: bool = False, **settings: Setting
) -> Rule:
    made = tuple(Example(build, 32) for build in examples)
    return Rule(
        "ACME001",
        "made-up",
        Severity.ERROR,
        check=lambda *_: (),
        fails=made,
        passes=made,
        on_by_default=default,
        settings=settings,
        doc=doc,
    )


def test_a_rule_that_is_off_says_how_to_turn_it_on() -> None:
    rule = made_up("Finds nothing | at all.")
    state = "Severity: error, off by default: `--extend-select ACME001` turns it on."
    assert page(rule).splitlines()[:4] == ["# ACME001 made-up", "", state, ""]
    row = (
        "| [ACME001](ACME001.md) | made-up | error, off by default | | Finds nothing \\| at all. |"
    )
    assert row in overview([rule]).replace("|  |", "| |")
    on = made_up("Finds nothing.", default=True)
    assert "Severity: error, on by default." in page(on)
    assert "off" not in overview([on])


def test_a_rule_that_is_on_in_some_cases_says_which() -> None:
    rule = dataclasses.replace(
        made_up("Finds nothing."), default_check=lambda *_: (), default_cases="where it rains"
    )
    assert page(rule).splitlines()[2] == (
        "Severity: error, on by default only where it rains: `--extend-select ACME001` finds the "
        "other cases too."
    )
    assert "| error, on by default only where it rains |" in overview([rule])


@pytest.mark.parametrize("evidence", Evidence)
def test_what_a_finding_rests_on_is_on_the_page_and_in_the_list(evidence: Evidence) -> None:
    rule = dataclasses.replace(made_up("Finds nothing.", default=True), evidence=evidence)
    head = page(rule).splitlines()[2:5]
    assert head[0] == "Severity: error, on by default."
    assert head[1].startswith(f"Evidence: {evidence.value}. ")
    assert head[2] == ""
    row = f"| [ACME001](ACME001.md) | made-up | error | {evidence.value} | Finds nothing. |"
    assert row in overview([rule])


def test_settings_are_shown_as_toml() -> None:
    rule = made_up(
        "Finds nothing.",
        mode=Setting("b", "how.", choices=("a", "b", "c")),
        names=Setting(('a "quoted" one', "b"), "which."),
        share=Setting(0.5, "how much."),
        strict=Setting(True, "whether."),
    )
    listed = page(rule).partition("pyproject.toml:\n\n")[2].splitlines()
    assert listed == [
        '- `mode` (`"b"`, the default, or `"a"` or `"c"`): how.',
        '- `names` (default: `["a \\"quoted\\" one", "b"]`): which.',
        "- `share` (default: `0.5`): how much.",
        "- `strict` (default: `true`): whether.",
    ]


def test_an_example_is_shown_once_and_one_with_arguments_says_which() -> None:
    text = page(made_up("Finds nothing.", plain, functools.partial(of_depth, 3, wide=True)))
    finds, leaves = text.partition("## What it does not find")[::2]
    assert "At 32 px:\n\n```python\ndef plain() -> Any:\n" in finds
    assert "At 32 px, with `3, wide=True`:\n\n```python\ndef of_depth(" in finds
    assert leaves.split("\n\n")[1:] == [
        "`plain` from above, at 32 px.",
        "`of_depth` from above, at 32 px, with `3, wide=True`.\n",
    ]


def test_a_docstring_comes_out_as_it_reads() -> None:
    doc = """Where a < b, and <layer> is a name.

What it is
    A comparison that a line break has put at the start of a line (r_min
    > i), and an x
    # 3 is no heading. `<kept> as it is`, and
    ``a ` in it``.

        model.<layer>  # code

    - a list
    - of two
"""
    text = page(made_up(doc))
    assert [tag for tag, _ in outline(text)] == ["h1", "h2"]
    html = MarkdownIt("commonmark").render(text)
    assert "<blockquote>" not in html
    assert "and &lt;layer&gt; is a name" in html
    assert "<code>&lt;kept&gt; as it is</code>" in html
    assert "<code>a ` in it</code>" in html
    assert html.count("<li>") == 2
    assert "model.&lt;layer&gt;  # code" in html
    assert "\\" not in html


def outline(text: str) -> list[tuple[str, str]]:
    """Headings."""
    tokens = MarkdownIt("commonmark").parse(text)
    return [(x.tag, inner.content) for x, inner in pairwise(tokens) if x.type == "heading_open"]


def rendered(text: str) -> str:
    """What a reader sees, without code blocks."""
    found = []
    for token in MarkdownIt("commonmark").parse(text):
        for child in token.children or ():
            found.append("\n" if child.type == "softbreak" else child.content)
    return "".join(found)
