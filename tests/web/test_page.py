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
        tab.wait_until(
            "(size) => document.querySelector('output.size-now').textContent === size",
            at[stop].replace("x", "×"),
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


def test_the_curve_above_the_slider_tells_its_costs_and_marks_the_chosen_size(
    page: Written, tab: Opened
) -> None:
    sizes = page.sizes
    stops = [stop for stop in range(len(sizes["stops"])) if state(sizes, stop) == "runs"]
    counts = [
        sum(
            [verdict for start, verdict in runs if start <= stop][-1:] == ["unproductive"]
            for _, runs in sizes["verdicts"]
        )
        for stop in stops
    ]
    curve = tab.tab.get_by_test_id("size-curve")
    told = curve.get_attribute("aria-label") or ""
    most = max(counts)
    assert (f"up to {most} unproductive" if most else "no unproductive") in told
    assert "MACs" in told
    line, slider = curve.locator(".curve-now"), tab.tab.get_by_test_id("size")
    slider.focus()
    slider.press("Home")
    assert float(line.get_attribute("x1") or "nan") == 0
    slider.press("End")
    assert float(line.get_attribute("x1") or "nan") == 100


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


def test_the_sizes_that_the_page_speaks_of_are_stops(page: Written) -> None:
    stops, model = page.sizes["stops"], page.model
    named = [model["feasible_resolution"]["min"], model["feasible_resolution"]["max"]]
    named.append(model["larger_input"] and model["larger_input"]["resolution"])
    assert model["resolution"] in stops
    assert [x for x in named if x is not None and x not in stops] == []


def test_a_size_can_be_typed(page: Written, tab: Opened) -> None:
    stops = page.sizes["stops"]
    shown = tab.tab.locator("output.size-now")
    for stop in (0, len(stops) // 3, len(stops) - 1):
        tab.tab.get_by_test_id("size-typed").fill(str(stops[stop][0]))
        tab.tab.keyboard.press("Enter")
        assert shown.inner_text() == "×".join(map(str, stops[stop]))
        assert tab.tab.get_by_test_id("size").input_value() == str(stops[stop][0])
    tab.tab.get_by_test_id("size-typed").fill("1000000")
    tab.tab.keyboard.press("Enter")
    assert tab.tab.get_by_test_id("size-typed").input_value() == str(stops[-1][0])


def test_why_a_model_does_not_run_is_a_whole_sentence(
    written: Callable[..., Written], running: Any
) -> None:
    page = written("UNet", "64")
    sizes = page.sizes
    failing = [k for k in range(len(sizes["stops"])) if state(sizes, k) == "fails"]
    assert failing
    with opened(running, page.file) as tab:
        for stop in failing[:: max(1, len(failing) // 12)]:
            tab.tab.get_by_test_id("size-typed").fill(str(sizes["stops"][stop][0]))
            tab.tab.keyboard.press("Enter")
            words = tab.tab.get_by_test_id("size-says").inner_text()
            said, _, _ = words.partition(" Findings, repairs")
            run = [run for run in sizes["states"] if run["from"] <= stop][-1]
            assert said.startswith(f"The model does not run at {sizes['stops'][stop][0]}×")
            assert run["why"]
            assert said.endswith(f": {run['why'].replace('  ', ' ').rstrip('.')}.")


def test_where_most_sizes_are_not_known_the_page_says_why(
    written: Callable[..., Written], running: Any
) -> None:
    page = written("asks", "32")
    with opened(running, page.file) as tab:
        words = tab.tab.get_by_test_id("size-gaps").inner_text()
        assert words == (
            "Sizes between are not known: the model's code asks how large its maps are, and only "
            f"{page.sizes['tried']} sizes were tried."
        )


def test_the_way_back_leads_to_the_model_before(
    written: Callable[..., Written], running: Any
) -> None:
    page = written("resnet18", "32,64")
    with opened(running, page.file) as tab:
        label = tab.tab.locator("#model-title")
        first = label.inner_text()
        tab.tab.locator(".overview tbody tr").nth(1).get_by_role("button").click()
        title = "document.querySelector('#model-title').innerText"
        tab.wait_until(f"location.hash.includes('model=') && {title} !== '{first}'")
        second = label.inner_text()
        tab.tab.go_back()
        tab.wait_until(f"{title} === '{first}'")
        tab.tab.go_forward()
        tab.wait_until(f"{title} === '{second}'")


def test_the_table_fits_a_common_window_and_a_sheet_of_paper(page: Written, tab: Opened) -> None:
    table = "document.querySelector('.table-scroll')"
    for media, width in (("screen", 1280), ("print", 794)):
        tab.tab.emulate_media(media=media)
        tab.tab.set_viewport_size({"width": width, "height": 1000})
        tab.wait_until(f"innerWidth === {width}")
        assert tab.tab.evaluate(f"{table}.scrollWidth <= {table}.clientWidth"), media
        cell = "document.querySelector('td.path').getBoundingClientRect()"
        assert tab.tab.evaluate(f"{cell}.right") <= width
    assert tab.tab.evaluate("document.documentElement.scrollWidth") == 794
    cut = (
        "[...document.querySelectorAll('.quote pre')].filter((x) => x.scrollWidth > x.clientWidth)"
    )
    assert tab.tab.evaluate(f"{cut}.length") == 0


def test_the_border_lies_behind_the_dots(written: Callable[..., Written], running: Any) -> None:
    with opened(running, written("resnet18", "32").file) as tab:
        order = tab.tab.evaluate(
            "() => document.querySelector('[data-testid=figure] .border')"
            ".compareDocumentPosition(document.querySelector('[data-testid=figure] g[data-layer]'))"
        )
        assert order == 4  # the dots follow, and are drawn over it


def test_findings_of_one_wording_are_shown_once_and_unfold(
    written: Callable[..., Written], running: Any
) -> None:
    page = written("biased", "64")
    count = len(page.model["findings"])
    assert count == 5
    with opened(running, page.file) as tab:
        assert tab.texts("#findings .tag[data-severity]") == [f"{count} infos"]
        entries = tab.tab.locator("#findings .entries li")
        assert [x.is_visible() for x in entries.all()] == [True, *[False] * (count - 1)]
        tab.tab.get_by_text(f"and {count - 1} more").click()
        assert all(x.is_visible() for x in entries.all())


def test_nothing_is_wider_than_a_telephone(page: Written, running: Any) -> None:
    for scheme in ("light", "dark"):
        with opened(running, page.file, color_scheme=scheme) as tab:
            for width in (390, 1280):
                tab.tab.set_viewport_size({"width": width, "height": 844})
                tab.wait_until("(width) => document.documentElement.scrollWidth === width", width)


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
        tab.wait_until("() => document.querySelector('.y-axis .tick text').textContent === '0'")
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
