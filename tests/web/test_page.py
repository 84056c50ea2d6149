"""The HTML report in a browser, on pages that rflint wrote: it shows what the report says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.helpers.browser import Opened, opened
from tests.web.conftest import Written

ROW, COLUMN = "tr[data-layer]", "[data-testid=figure] g[data-layer]"


def identity(layer: Any) -> tuple[str, str]:
    return layer["name"], str(layer["call"])


def judged(layer: Any) -> tuple[str, str, str]:
    return (*identity(layer), layer["verdict"])


def rows(tab: Opened) -> list[tuple[str, ...]]:
    return tab.attributes(ROW, "data-layer", "data-call")


def test_every_layer_has_a_row_with_its_verdict(page: Written, tab: Opened) -> None:
    found = tab.attributes(ROW, "data-layer", "data-call", "data-verdict")
    assert found == [judged(layer) for layer in page.model["layers"]]


def test_every_judged_layer_is_in_the_figure_with_its_verdict(page: Written, tab: Opened) -> None:
    found = tab.attributes(COLUMN, "data-layer", "data-call", "data-verdict")
    wanted = [judged(layer) for layer in page.model["layers"] if layer["verdict"] != "not judged"]
    assert [x for x in found if x[2] != "not judged"] == wanted


def test_the_search_finds_layers_by_name(page: Written, tab: Opened) -> None:
    word = page.model["layers"][-1]["name"].split(".")[0]
    tab.tab.get_by_test_id("search").fill(word.upper())
    titles = [layer["title"] for layer in page.island("page")["models"][0]["layers"]]
    wanted = [
        identity(layer)
        for layer, title in zip(page.model["layers"], titles, strict=True)
        if any(word.lower() in text.lower() for text in (title, layer["name"], layer["op"]))
        or (layer["source"] and word.lower() in layer["source"]["path"].lower())
    ]
    assert wanted
    assert rows(tab) == wanted


def test_the_filters_leave_one_verdict_and_one_kind(page: Written, tab: Opened) -> None:
    tab.tab.get_by_test_id("filter-kind").select_option("conv")
    convolutions = [layer for layer in page.model["layers"] if layer["kind"] == "conv"]
    assert rows(tab) == [identity(layer) for layer in convolutions]
    tab.tab.get_by_test_id("filter-verdict").select_option("productive")
    wanted = [identity(x) for x in convolutions if x["verdict"] == "productive"]
    assert rows(tab) == wanted


@pytest.mark.parametrize(
    ("column", "field"), [("params", "params"), ("macs", "macs"), ("dead", "dead_weights")]
)
def test_columns_sort_up_and_down(page: Written, tab: Opened, column: str, field: str) -> None:
    layers = page.model["layers"]
    head = tab.tab.locator(f"[data-sort={column}]")
    head.click()
    assert rows(tab) == [identity(x) for x in sorted(layers, key=lambda x: x[field])]
    assert tab.attributes("th:has([data-sort])[aria-sort=ascending] button", "data-sort") == [
        (column,)
    ]
    head.click()
    assert rows(tab) == [identity(x) for x in sorted(layers, key=lambda x: -x[field])]
    assert tab.attributes("th:has([data-sort])[aria-sort=descending] button", "data-sort") == [
        (column,)
    ]


def test_a_layer_chosen_in_the_table_is_shown_in_full(page: Written, tab: Opened) -> None:
    layer = page.model["layers"][3]
    tab.tab.locator(ROW).nth(3).click()
    details = tab.tab.get_by_test_id("details")
    assert details.get_attribute("data-layer") == layer["name"]
    assert details.get_attribute("data-verdict") == layer["verdict"]
    text = details.inner_text()
    assert "×".join(map(str, layer["out_shape"])) in text
    assert f"{layer['macs']:,}" in text


def test_rows_are_reached_by_keys(page: Written, tab: Opened) -> None:
    tab.tab.locator(f"{ROW}[tabindex='0']").focus()
    tab.tab.keyboard.press("ArrowDown")
    tab.tab.keyboard.press("ArrowDown")
    tab.tab.keyboard.press("Enter")
    details = tab.tab.get_by_test_id("details")
    assert details.get_attribute("data-layer") == page.model["layers"][2]["name"]
    tab.tab.keyboard.press("Escape")
    details.wait_for(state="detached")


def test_a_finding_leads_to_its_layer(page: Written, tab: Opened) -> None:
    named = [finding for finding in page.model["findings"] if finding["layer"]]
    links = tab.tab.locator("#findings .layer-link")
    if not named:
        assert links.count() == 0
        return
    links.first.click()
    shown = tab.tab.get_by_test_id("details").get_attribute("data-layer")
    assert shown in {finding["layer"] for finding in named}


def test_every_message_of_the_findings_is_there(page: Written, tab: Opened) -> None:
    shown = set(tab.texts("#findings .entries p:last-child"))
    assert shown == {finding["message"] for finding in page.model["findings"]}


def test_repairs_are_told_before_and_after(page: Written, tab: Opened) -> None:
    for number, repair in enumerate(page.model["repairs"]):
        cells = tab.tab.locator(".repair").nth(number).locator("tbody tr").first.locator("td")
        assert cells.nth(0).inner_text() == str(repair["before"]["unproductive"])
        assert cells.nth(1).inner_text() == str(repair["after"]["unproductive"])
    assert tab.tab.locator(".repair").count() == len(page.model["repairs"])


def state(sizes: Any, stop: int) -> str:
    """What the page knows of a stop of its slider."""
    return str([run["state"] for run in sizes["states"] if run["from"] <= stop][-1])


def some_stops(sizes: Any) -> list[int]:
    """The first stop, the last, and three that change something: so far apart as may be."""
    last = len(sizes["stops"]) - 1
    changes = sorted({start for _, runs in sizes["verdicts"] for start, _ in runs if start > 0})
    middle = [changes[len(changes) * k // 4] for k in (1, 2, 3)] if changes else []
    return sorted({0, *middle, last // 2, last})


def test_the_slider_judges_every_layer_as_rflint_does(page: Written, tab: Opened) -> None:
    """At five sizes and more: the table, the figure and the header, against rflint at that size."""
    sizes = page.sizes
    stops = some_stops(sizes)
    assert len(stops) >= 4
    at = {stop: "x".join(map(str, sizes["stops"][stop])) for stop in stops}
    runs = [stop for stop in stops if state(sizes, stop) == "runs"]
    assert len(runs) >= 3
    reports = page.report_at(",".join(at[stop] for stop in runs))
    assert reports["errors"] == []
    linted = dict(zip(runs, reports["models"], strict=True))
    axis = max(range(len(sizes["stops"][0])), key=lambda k: sizes["stops"][-1][k])
    for stop in stops:
        tab.tab.get_by_test_id("size").fill(str(sizes["stops"][stop][axis]))
        tab.tab.wait_for_function(
            "(size) => document.querySelector('output.size-now').textContent === size",
            arg=at[stop].replace("x", "×"),
        )
        found = tab.attributes(ROW, "data-layer", "data-call", "data-verdict")
        if stop in linted:
            model = linted[stop]
            assert found == [judged(layer) for layer in model["layers"]], at[stop]
            for name in ("unproductive", "convs"):
                counted = tab.texts(f"[data-figure={name}]")
                assert counted == [f"{model['totals'][name]:,}"], at[stop]
            verdicts = {identity(layer): layer["verdict"] for layer in model["layers"]}
            for name, call, verdict in tab.attributes(
                COLUMN, "data-layer", "data-call", "data-verdict"
            ):
                assert verdicts[name, call] == verdict, (at[stop], name)
        else:
            word = {"fails": "does not run", "unknown": "not known"}[state(sizes, stop)]
            assert {verdict for _, _, verdict in found} == {word}
            assert tab.texts("[data-figure=unproductive]") == ["\N{EN DASH}"]


def test_arrow_keys_move_the_slider_from_stop_to_stop(page: Written, tab: Opened) -> None:
    stops, linted = page.sizes["stops"], page.sizes["linted"]
    slider = tab.tab.get_by_test_id("size")
    slider.focus()
    slider.press("ArrowLeft")
    shown = tab.tab.locator("output.size-now")
    assert shown.inner_text() == "×".join(map(str, stops[linted - 1]))
    slider.press("Home")
    assert shown.inner_text() == "×".join(map(str, stops[0]))
    tab.tab.get_by_role("button", name="Back to").click()
    assert shown.inner_text() == "×".join(map(str, stops[linted]))


def test_nothing_is_wider_than_a_telephone(page: Written, running: Any) -> None:
    for scheme in ("light", "dark"):
        with opened(running, page.file, color_scheme=scheme) as tab:
            for width in (390, 1280):
                tab.tab.set_viewport_size({"width": width, "height": 844})
                tab.tab.wait_for_function(
                    "(width) => document.documentElement.scrollWidth === width", arg=width
                )


def test_all_of_it_is_printed(page: Written, tab: Opened) -> None:
    tab.tab.emulate_media(media="print")
    scroll = "document.querySelector('.table-scroll')"
    assert tab.tab.evaluate(f"{scroll}.scrollHeight <= {scroll}.clientHeight + 1")
    assert not tab.tab.get_by_test_id("search").is_visible()
    assert tab.tab.locator(ROW).last.is_visible()


PAPER = ["vgg16", "resnet18", "mpnet18"]


@pytest.mark.parametrize("target", PAPER)
def test_the_figure_is_the_report_point_by_point(
    target: str, written: Callable[..., Written], running: Any
) -> None:
    page = written(target, "32")
    with opened(running, page.file) as tab:
        points = tab.attributes(COLUMN, "data-layer", "data-r-min", "data-r-max", "data-verdict")
        shown = [x for x in page.model["layers"] if x["kind"] in ("conv", "pool")]
        assert points == [
            (x["name"], str(x["r_in_min"][0]), str(x["r_in_max"][0]), x["verdict"]) for x in shown
        ]
        border = next(x["name"] for x in shown if x["verdict"] == "unproductive")
        assert border == page.model["border"]["min"]
        assert tab.texts("[data-testid=figure] .border text") == [f"border layer: {border}"]
        assert tab.attributes("[data-testid=figure]", "data-input") == [("32",)]


@pytest.mark.parametrize("target", PAPER)
def test_dots_lie_where_their_numbers_say(
    target: str, written: Callable[..., Written], running: Any
) -> None:
    """On the linear scale: heights above the axis are in the ratio of the numbers."""
    page = written(target, "32")
    with opened(running, page.file) as tab:
        tab.tab.get_by_role("button", name="linear", exact=True).click()
        line = "[data-testid=figure] .input-size line"
        tab.tab.wait_for_function(
            "() => document.querySelector('.y-axis .tick text').textContent === '0'"
        )
        ((height, _),) = tab.attributes(line, "y1", "y2")
        heights = tab.attributes(f"{COLUMN} circle", "cy")
        lengths = tab.attributes(COLUMN, "data-r-max")
        (length, *_), (first, *_) = lengths[-1], heights[-1]
        per_pixel = (float(height) - float(first)) / (int(length) - 32)
        for (cy,), (r_max,) in zip(heights, lengths, strict=True):
            assert float(height) - float(cy) == pytest.approx(
                (int(r_max) - 32) * per_pixel, abs=0.01
            )
        lefts = [float(cx) for (cx,) in tab.attributes(f"{COLUMN} circle", "cx")]
        steps = [b - a for a, b in pairwise(lefts)]
        assert steps == pytest.approx([steps[0]] * len(steps), abs=0.01)


def test_names_inject_nothing(written: Callable[..., Written], running: Any) -> None:
    """They are text wherever they are drawn, and the page runs nothing of them."""
    page = written("hostile", "8")
    with opened(running, page.file, "layer=<img src=x onerror=alert(4)>&model=__proto__") as tab:
        found = tab.attributes(ROW, "data-layer")
        assert found == [(layer["name"],) for layer in page.model["layers"]]
        assert any("<img src=x onerror=alert(2)>" in name for (name,) in found)
        for number in range(len(found)):
            tab.tab.locator(ROW).nth(number).click()
            shown = tab.tab.get_by_test_id("details").get_attribute("data-layer")
            assert (shown,) == found[number]
        tab.tab.get_by_test_id("search").fill("<img")
        assert len(rows(tab)) == 1
        assert tab.tab.locator("img, iframe, object, [onmouseover], [onerror]").count() == 0
        assert tab.tab.locator("script").count() == 3
