"""Differences as people read them, with names of any kind."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from markdown_it import MarkdownIt

from rflint.graph.source_location import SourceLocation
from rflint.report.difference.difference import Difference, compare_reports, named
from rflint.report.difference.drawing import picture
from rflint.report.difference.writers import difference_writer
from tests.helpers.differences import failed, joined, only, saved
from tests.helpers.handmade_reports import conv, found
from tests.helpers.written_reports import NAMES

ALLOWED_HTML = re.compile(r"(<details>\n<summary>[a-z0-9,; ]+</summary>|</details>)\n", re.I)


def written(difference: Difference, format_: str, *, verbose: bool = False) -> str:
    stream = io.StringIO()
    difference_writer(format_)(difference, stream, verbose)
    text = stream.getvalue()
    text.encode()
    return text


def weighing(name: str, **given: Any) -> Any:
    return replace(conv(name, SourceLocation(f"{name}.py", 3), **given), params=584)


def changed() -> Difference:
    """A layer changed, one new, one gone, a module renamed; findings new, gone and kept."""
    before = [weighing(x) for x in ("stem", "old.a", "old.b", "gone")]
    after = [weighing("stem", kernel=5), *map(weighing, ("new.a", "new.b", "fresh.x", "fresh.y"))]
    return named(
        compare_reports(
            saved(before, [found(before[0]), found(before[3])]),
            saved(after, [found(after[0]), found(after[4])]),
        ),
        "main (1234567)",
        "the working tree",
    )


def test_text_tells_what_has_become_of_every_layer_and_finding() -> None:
    text = written(changed(), "text")
    for line in (
        "main (1234567) → the working tree",
        "2 layers added, 1 removed, 2 renamed, 3 changed",
        "= old is called new now (2 layers, the same structure)",
        "+ fresh.x  Conv2d 3×3, 584 parameters",
        "- gone  Conv2d 3×3",
        "~ stem  kernel 3 → 5",
        "+ RF101 unproductive-layer (warning) fresh.y",
        "- RF101 unproductive-layer (warning) gone",
        "1 new finding, 1 gone, 1 kept.",
    ):
        assert line in text


def test_what_was_renamed_or_moved_in_the_same_way_is_told_once() -> None:
    """Modules of one name, and neighbours in a sequence."""
    wide = {"channels": (8, 16)}
    before = [weighing("1.old"), weighing("2.old", **wide), *map(weighing, ("5", "6", "7"))]
    after = [weighing("1.new"), weighing("2.new", **wide), *map(weighing, ("4", "5", "6"))]
    before[-2], after[-2] = weighing("6", kernel=5), weighing("5", kernel=5)
    difference = compare_reports(saved(before), saved(after))
    text = written(difference, "text")
    assert "= 1.old is called 1.new now, 1 other likewise (2 layers, the same structure)" in text
    assert "= 5 to 7 are called 4 to 6 now (3 layers, the same structure)" in text
    assert "5 layers renamed" in text
    assert "- `5 to 7` are called `4 to 6` now" in written(difference, "markdown")


def test_long_lists_are_cut_unless_all_is_asked_for() -> None:
    difference = compare_reports(saved([]), saved([weighing(f"layer{i}") for i in range(40)]))
    short, whole = written(difference, "text"), written(difference, "text", verbose=True)
    assert "28 more (--verbose lists all)" in short
    assert "layer39" in whole
    assert "layer39" not in short


@pytest.mark.parametrize("format_", ["text", "markdown", "html"])
def test_no_difference_is_said(format_: str) -> None:
    report = saved([weighing("a")])
    assert "No difference." in written(compare_reports(report, report), format_)


@pytest.mark.parametrize("format_", ["text", "markdown", "html"])
@pytest.mark.parametrize("reports", [(failed(), saved([])), (saved([]), failed())])
def test_a_side_that_failed_is_shown_as_such(format_: str, reports: Any) -> None:
    text = written(named(compare_reports(*reports), "here", "there"), format_)
    assert "no file net.py" in text.replace("`", "")
    assert "No difference" not in text
    assert "1 failure" in text


@pytest.mark.parametrize("format_", ["text", "markdown", "html"])
def test_different_input_sizes_are_a_warning(format_: str) -> None:
    sides = (saved([weighing("a")], resolution=size) for size in (32, 64))
    text = " ".join(written(compare_reports(*sides), format_).split())
    assert "Warning:" in text
    assert "32x32 before and 64x64 after" in text


@pytest.mark.parametrize("format_", ["text", "markdown", "html"])
def test_of_a_side_that_failed_nothing_is_said(format_: str) -> None:
    """Not even that there is no new finding."""
    text = written(compare_reports(failed(), saved([weighing("a")])), format_)
    assert "No new finding" not in text
    assert "no new finding" not in text
    assert "Nothing was compared, 1 failure." in text
    table = {
        "text": "after",
        "html": "<th></th><th>after</th><th></th>",
        "markdown": "not compared",
    }
    assert table[format_] in text
    assert "before   after" not in text


def test_a_failure_is_not_said_beside_the_errors_once_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    difference = compare_reports(failed(), saved([weighing("a")]))
    difference_writer("text")(difference, sys.stdout, False)
    assert "no file net.py" not in capsys.readouterr().out
    assert "no file net.py" in str(difference)


def test_the_comment_has_a_table_of_the_models_and_folded_details() -> None:
    text = written(changed(), "markdown")
    assert "| `net.py:build` at 32x32 |" in text
    assert "1 new finding, 1 gone, 1 kept |" in text
    assert "<details>\n<summary>1 new finding, 1 gone, 1 kept; 2 layers added" in text
    assert "- `RF101` unproductive-layer (warning) at `fresh.y.py:3`: `fresh.y`:" in text
    assert "- `old` is called `new` now (2 layers, the same structure)" in text


def hostile(name: str) -> Difference:
    layer, other = weighing("a"), replace(weighing(name), op=name)
    told = replace(found(other), message=f"told {name} so", layer=name)
    before = joined(saved([layer]), failed(name or "x"))
    return named(compare_reports(before, saved([layer, other], [told], name=name)), name, name)


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_markup_in_the_comment(name: str) -> None:
    text = written(hostile(name), "markdown")
    parser = MarkdownIt("commonmark", {"html": True, "breaks": True})
    parsed = parser.enable(["table", "strikethrough"]).parse(text)
    kinds = {"text", "code_inline", "softbreak", "strong_open", "strong_close", "html_inline"}
    for token in parsed:
        if token.type == "html_block":
            assert ALLOWED_HTML.fullmatch(token.content), token.content
        for child in token.children or ():
            assert child.type in kinds, child
            assert child.type != "html_inline", child.content
            if child.type == "text":
                assert not re.search(r"@\w|#\d|www\.|://|:smile:", child.content), child.content


@pytest.mark.parametrize("name", NAMES)
def test_no_name_controls_the_terminal_or_a_log(name: str) -> None:
    text = written(hostile(name), "text", verbose=True)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert not re.search(r"^\s*::|##\[", text, re.M)


def test_the_comment_stays_below_what_github_takes() -> None:
    layers = [weighing(f"layer{i}" * 40) for i in range(60)]
    report = saved(layers, [found(x) for x in layers])
    (model,) = report["models"]
    several = {**report, "models": [{**model, "name": f"n{i}", "target": "n"} for i in range(80)]}
    text = written(compare_reports({**report, "models": []}, several), "markdown")
    assert len(text) < 65_536
    assert re.search(r"\d+ more", text)


class Page(HTMLParser):
    """The elements of a page, each with its attributes, and all its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.shown: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def test_the_page_tells_what_the_text_tells() -> None:
    shown = "\n".join(Page(written(changed(), "html")).shown)
    for words in ("main (1234567)", "fresh.x", "kernel 3 → 5", "1 new finding, 1 gone, 1 kept"):
        assert words in shown


def test_the_page_has_one_picture_of_both_sides() -> None:
    page = Page(written(changed(), "html"))
    assert [tag for tag, _ in page.elements].count("svg") == 1
    assert {"before", "after"} <= set(page.shown)


def page(difference: Difference) -> str:
    return written(difference, "html")


def cell(difference: Difference) -> str:
    return difference._repr_html_()


def test_a_notebook_shows_what_the_text_tells() -> None:
    shown = Page(cell(changed()))
    text = "\n".join(shown.shown)
    for words in ("main (1234567)", "fresh.x", "kernel 3 → 5", "1 new finding, 1 gone, 1 kept"):
        assert words in text
    assert {"table", "svg"} <= {tag for tag, _ in shown.elements}
    assert not {"script", "style"} & {tag for tag, _ in shown.elements}


def test_names_of_layers_have_room_in_the_page() -> None:
    """As wide a column as the longest needs: browsers break words for the sake of long facts."""
    assert '<col style="width:9ch">' in page(changed())
    longer = compare_reports(saved([weighing("x" * 90)]), saved([]))
    assert '<col style="width:40ch">' in page(longer)


def test_the_picture_has_one_column_for_a_layer_of_two_names() -> None:
    before = [weighing(x) for x in ("stem", "old.a", "old.b")]
    after = [weighing("stem", kernel=5), *map(weighing, ("new.a", "new.b"))]
    drawn = picture(only(compare_reports(saved(before), saved(after))))
    names = re.findall(r"rotate\(-60[^>]*>([^<]+)<", drawn)
    assert names == ["stem", "new.a", "new.b"]


def test_the_picture_has_the_border_and_the_input_of_before() -> None:
    layers = [weighing(f"a{i}", kernel=21) for i in range(3)]
    drawn = picture(only(compare_reports(saved(layers), saved(layers, resolution=96))))
    assert "border layer before" in drawn
    assert "size of the input before" in drawn
    assert "32 px" in drawn
    same = picture(only(compare_reports(saved(layers[:1]), saved(layers[:1]))))
    assert "before</text>" in same
    assert "border layer before" not in same


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("write", [page, cell])
def test_no_name_is_markup_in_the_page(name: str, write: Callable[[Difference], str]) -> None:
    plain = Page(write(hostile("plain")))
    page = Page(write(hostile(name)))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in plain.elements}
    assert len(page.elements) == len(plain.elements)
    for tag, attributes in page.elements:
        assert tag not in ("script", "link", "img", "iframe", "a")
        assert not any(x.startswith("on") or x in ("src", "href") for x in attributes)


def test_the_page_asks_for_nothing() -> None:
    text = written(changed(), "html").replace("http://www.w3.org/2000/svg", "")
    assert "//" not in text
    assert "url(" not in text
    assert "@import" not in text
