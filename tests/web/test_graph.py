"""The graph of the HTML report in a browser: it folds, it is searched, it says what rflint says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.helpers.browser import Opened, opened
from tests.web.conftest import Written

UNIT, FOLDED = "[data-testid=graph] g[data-layer]", "[data-testid=graph] [data-folded=true]"


def units(tab: Opened) -> list[tuple[str, ...]]:
    return tab.attributes(UNIT, "data-layer", "data-call", "data-verdict")


def judged(page: Written) -> set[tuple[str, str, str]]:
    layers = page.model["layers"]
    return {(layer["name"], str(layer["call"]), layer["verdict"]) for layer in layers}


def test_at_first_the_shape_of_the_network_is_seen(page: Written, tab: Opened) -> None:
    drawn = len(units(tab)) + len(tab.attributes(FOLDED, "data-box"))
    assert 1 <= drawn <= 45
    assert set(units(tab)) <= judged(page)


def test_a_box_unfolds_and_folds_again(page: Written, tab: Opened) -> None:
    tab.tab.get_by_test_id("graph-fold-all").click()
    before = units(tab)
    ((path, *_), *_) = tab.attributes(FOLDED, "data-box")
    box = f"[data-testid=graph] [data-box='{path}']"
    tab.tab.locator(box).first.click()
    tab.tab.locator(f"{box}[data-folded=false]").first.wait_for()
    assert len(units(tab)) + len(tab.attributes(FOLDED, "data-box")) > len(before) + 1
    tab.tab.keyboard.press("Enter")
    tab.tab.locator(f"{box}[data-folded=true]").first.wait_for()
    assert units(tab) == before


def test_unfolding_all_shows_every_convolution(page: Written, tab: Opened) -> None:
    tab.tab.get_by_test_id("graph-unfold-all").click()
    tab.tab.locator(FOLDED).first.wait_for(state="detached")
    drawn = set(units(tab))
    assert drawn <= judged(page)
    wanted = {x for x in judged(page) if x[2] != "not judged"}
    if len(page.model["layers"]) < 400:
        assert wanted <= drawn
    else:  # what is out of sight is not drawn
        assert len(drawn) >= 40


def test_a_search_unfolds_what_hides_a_layer_and_goes_to_the_next(
    page: Written, tab: Opened
) -> None:
    tab.tab.get_by_test_id("graph-fold-all").click()
    layers = [x for x in page.model["layers"] if x["kind"] == "conv"]
    name = layers[-2]["name"]
    search = tab.tab.get_by_test_id("graph-search")
    search.fill(name)
    search.press("Enter")
    tab.tab.locator("[data-testid=graph] .current-hit").first.wait_for()
    count = tab.tab.get_by_test_id("graph-search-count")
    assert count.inner_text().startswith("1 of ")
    ((found,),) = tab.attributes("[data-testid=graph] .current-hit[data-layer]", "data-layer")
    assert name in found
    search.fill("nothing is called that")
    assert count.inner_text() == "0 matches"


def test_what_a_search_goes_to_is_in_sight_as_a_whole(page: Written, tab: Opened) -> None:
    layers = [x for x in page.model["layers"] if x["kind"] == "conv"]
    search = tab.tab.get_by_test_id("graph-search")
    search.scroll_into_view_if_needed()
    search.fill(layers[-1]["name"])
    search.press("Enter")
    tab.wait_until(
        """() => {
            const hit = document.querySelector("[data-testid=graph] .current-hit");
            const {top, bottom} = hit?.getBoundingClientRect() ?? {top: -1, bottom: -1};
            const bar = document.querySelector(".sizes").getBoundingClientRect();
            return top >= bar.bottom && bottom <= innerHeight;
        }"""
    )


def test_lines_that_are_not_plain_are_explained(
    written: Callable[..., Written], running: Any
) -> None:
    legend = "[data-testid=graph-legend] li"
    with opened(running, written("resnet18", "32").file) as tab:
        assert tab.texts(legend) == [" skip: passes other layers by"]
    with opened(running, written("chain", "64").file) as tab:
        assert tab.texts(legend) == []


def test_a_layer_chosen_in_the_graph_is_shown_in_full(page: Written, tab: Opened) -> None:
    (name, _, verdict), *_ = units(tab)
    tab.tab.locator(UNIT).first.click()
    details = tab.tab.get_by_test_id("details")
    assert details.get_attribute("data-layer") == name
    assert details.get_attribute("data-verdict") == verdict


def test_a_layer_chosen_elsewhere_is_unfolded(page: Written, tab: Opened) -> None:
    tab.tab.get_by_test_id("graph-fold-all").click()
    layers = [x for x in page.model["layers"] if x["kind"] == "conv"]
    layer = layers[len(layers) // 2]
    row = f"tr[data-layer='{layer['name']}'][data-call='{layer['call']}']"
    tab.tab.locator(row).click()
    tab.tab.locator(f"{UNIT}.selected[data-layer='{layer['name']}']").wait_for()


def test_equal_blocks_are_one_until_they_are_opened(
    written: Callable[..., Written], running: Any
) -> None:
    with opened(running, written("resnet101", "224").file) as tab:
        repeats = "[data-testid=graph] [data-repeat='22']"
        assert tab.attributes(repeats, "data-folded") == [("true",)]
        assert not tab.attributes("[data-testid=graph] [data-box='layer3.7']", "data-box")
        tab.tab.locator(repeats).click()
        tab.tab.locator("[data-testid=graph] [data-box='layer3.7']").wait_for()
