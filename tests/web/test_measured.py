"""The page of a model that was measured: curves, a sentence, numbers of a layer, and its map."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import rflint
from rflint.report.reporters import reporter
from tests.helpers.browser import Opened, opened

FIELD = "[data-testid=heat-map]"


def net() -> nn.Module:
    """The last two convolutions see more than all of an input of 12 pixels."""
    torch.manual_seed(0)
    convs = [nn.Conv2d(3, 6, 3, padding=1)]
    convs += [nn.Conv2d(6, 6, 7, padding=3) for _ in range(3)]
    return nn.Sequential(*convs, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2))


@pytest.fixture(scope="module")
def report() -> Any:
    labels = torch.arange(60) % 2
    noise = torch.randn(60, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    data = TensorDataset(noise + labels.view(-1, 1, 1, 1), labels)
    return rflint.measure(net(), data, data, 12, erf=["0", "2"], device="cpu")


@pytest.fixture(scope="module")
def file(report: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("measured") / "report.html"
    with made.open("w", encoding="utf-8") as stream:
        reporter("html")(report, stream, False)
    return made


@pytest.fixture
def tab(file: Path, running: Any) -> Iterator[Opened]:
    with opened(running, file) as tab:
        yield tab


def measured(report: Any) -> Any:
    return report.to_dict()["models"][0]["measured"]


def chosen(tab: Opened, name: str) -> Any:
    """The details of a layer."""
    tab.tab.locator(f"tr[data-layer='{name}']").click()
    return tab.tab.get_by_test_id("details")


@pytest.mark.parametrize(("curve", "field"), [("saturation", "s"), ("probes", "p")])
def test_curves_have_the_measured_values(report: Any, tab: Opened, curve: str, field: str) -> None:
    (path,) = tab.attributes(f"[data-testid={curve}]", "d")
    heights = [float(y) for y in re.findall(r"[ML][-\d.]+,([-\d.]+)", path[0])]
    layers = [x for x in measured(report)["layers"] if x["name"] in "0123"]
    bounds = tab.tab.evaluate(
        "() => [...document.querySelectorAll('.shares-axis .tick')]"
        ".map((x) => [Number(x.textContent), x.getCTM().f])"
    )
    (low, bottom), *_, (high, top) = bounds
    assert (low, high) == (0, 1)
    shown = [(bottom - y) / (bottom - top) for y in heights]
    assert shown == pytest.approx([x[field] for x in layers], abs=0.01)


def test_the_sentence_stands_below_the_figure(tab: Opened) -> None:
    said = tab.tab.get_by_test_id("measured").inner_text()
    assert said.startswith("Measured on 60 samples: predicted border ")
    assert "probe" in said


def test_a_layer_of_the_figure_tells_what_was_measured_where_it_is_pointed_at(
    report: Any, tab: Opened
) -> None:
    tab.tab.locator("[data-testid=figure] g[data-layer='1'] rect").hover()
    told = tab.tab.locator(".tip").inner_text()
    (layer,) = [x for x in measured(report)["layers"] if x["name"] == "1"]
    assert f"saturation\n{layer['s']:.2f}" in told
    assert f"probe\n{100 * layer['p']:.1f} %" in told


def test_a_chosen_layer_shows_its_numbers_and_its_map(report: Any, tab: Opened) -> None:
    layers = measured(report)["layers"]
    (layer,) = [x for x in layers if x["name"] == "2"]
    (before,) = [x for x in layers if x["name"] == "1"]
    text = chosen(tab, "2").inner_text().replace("\N{NO-BREAK SPACE}", " ")
    assert "Measured at 12×12" in text
    assert f"{layer['s']:.2f}" in text
    assert f"{100 * layer['p']:.1f} ± {100 * layer['p_stderr']:.1f} %" in text
    best = max(before["p"], layers[0]["p"])
    gain = f"{100 * (layer['p'] - best):+.1f}".replace("-", "\N{MINUS SIGN}")
    assert f"{gain} points" in text
    assert f"99 % in {100 * layer['erf_areas'][-1]['area']:.0f} %" in text
    assert "r_min 15 px" in text
    assert "log10(1 + 9 x)" in text


def test_squares_lie_around_the_centre_within_the_input(tab: Opened) -> None:
    chosen(tab, "0")
    boxes = tab.attributes(f"{FIELD} [data-outline]", "data-outline", "x", "y", "width", "height")
    assert boxes == [(look, "5", "5", "3", "3") for look in ("r-max", "r-min")]
    assert tab.attributes(FIELD, "viewBox") == [("0 0 12 12",)]
    chosen(tab, "2")
    boxes = tab.attributes(f"{FIELD} [data-outline]", "x", "y", "width", "height")
    assert boxes == [("0", "0", "12", "12")] * 2, "of 15 pixels, all of the input"


def test_the_map_is_as_dark_as_the_numbers_say(report: Any, tab: Opened) -> None:
    """Only the nine pixels of a window of three are not as if nothing contributed."""
    chosen(tab, "0")
    (layer,) = [x for x in measured(report)["layers"] if x["name"] == "0"]
    seen = sum(x >= 0.01 for row in layer["erf_map"]["rows"] for x in row)
    areas = tab.tab.evaluate(
        f"() => [...document.querySelectorAll('{FIELD} path')].map((path) => "
        "[...path.getAttribute('d').matchAll(/h([\\d.]+)v([\\d.]+)/g)]"
        ".reduce((sum, [, w, h]) => sum + w * h, 0))"
    )
    assert sum(areas) == 144
    assert areas[0] == 144 - seen
    assert 0 < seen <= 9


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_map_is_told_to_who_cannot_see_it_and_fits_a_telephone(
    file: Path, running: Any, scheme: str
) -> None:
    with opened(running, file, color_scheme=scheme) as tab:
        tab.tab.set_viewport_size({"width": 390, "height": 844})
        details = chosen(tab, "2")
        shown = details.get_by_role("img", name="Effective receptive field of 2")
        told = shown.get_attribute("aria-label")
        assert "what each part of the 12×12 input contributes" in told
        assert "r_min spans 15 px, r_max 15 px" in told
        assert "99 % in " in told
        box = shown.bounding_box()
        assert 0 <= box["x"] < box["x"] + box["width"] <= 390
        assert tab.tab.evaluate("document.documentElement.scrollWidth") == 390
        corner = tab.tab.evaluate(f"getComputedStyle(document.querySelector('{FIELD} path')).fill")
        light = sum(map(int, re.findall(r"\d+", corner))) > 3 * 128
        assert light is (scheme == "light"), "nothing has nearly the colour of the page"


def test_a_layer_that_was_not_measured_says_nothing_of_it(tab: Opened) -> None:
    details = chosen(tab, "4")
    assert details.get_by_test_id("layer-measured").count() == 0
    details = chosen(tab, "1")
    assert details.get_by_test_id("layer-measured").count() == 1
    assert tab.tab.locator(FIELD).count() == 0
