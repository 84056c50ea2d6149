"""The static drawing, read back: it shows the numbers of the report, and asks for nothing."""

from __future__ import annotations

import math
import re
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from torch import nn

import rflint
from rflint.report.figure.figure import Figure, figure_of
from rflint.report.figure.svg import svg
from tests.helpers.drawn import SVG, Drawn
from zoo.paper.mpnet import mpnet18
from zoo.paper.resnet import resnet18, resnet34
from zoo.paper.vgg import vgg

PAPER = {"VGG16": partial(vgg, 16), "ResNet18": resnet18, "MPNet18": mpnet18}
SHORTEST, LONGEST = ("#0072b2", "#d55e00"), ("#7f8a96",)
HOSTILE = ('<script>alert(1)</script>"&', "]]>\x1b[31m\n<b>", "\ud800\ufffe", "x" * 5000)


def figure(model: Any, res: Any = 32) -> Figure:
    return figure_of(rflint.lint(model, res=res).models[0].analysis, "mymodel:build")


def close(length: float) -> Any:
    """Coordinates have two digits."""
    return pytest.approx(length, rel=2e-3, abs=0.05)


@pytest.mark.parametrize("name", PAPER)
def test_dots_lie_where_the_axis_says_what_the_report_says(name: str) -> None:
    report = rflint.lint(PAPER[name], res=32)
    drawn = Drawn(svg(figure_of(report.models[0].analysis, name)))
    layers = {x["name"]: x for x in report.to_dict()["models"][0]["layers"]}
    shortest, longest = drawn.curve(*SHORTEST), drawn.curve(*LONGEST)
    for curve, entry in ((shortest, "r_in_min"), (longest or shortest, "r_in_max")):
        for dot in curve:
            layer = layers[dot.told.splitlines()[0]]
            assert dot.length == close(layer[entry][0])
            assert dot.is_hollow == (layer["verdict"] == "not judged")
    bad = {dot.told.splitlines()[0] for dot in drawn.curve("#d55e00")}
    assert bad == {name for name, x in layers.items() if x["verdict"] == "unproductive"}
    assert drawn.input_lengths == [close(32)]
    (bar,) = drawn.bars
    border = next(dot for dot in shortest if dot.stroke == "#d55e00")
    before = max(dot.x for dot in shortest if dot.x < border.x)
    assert before < bar < border.x


def test_names_that_are_markup_stay_text() -> None:
    model = nn.Sequential()
    for index, name in enumerate(HOSTILE):
        model.add_module(name.replace(".", ""), nn.Conv2d(3 if not index else 4, 4, 3))
    picture = svg(figure(model))
    drawn = Drawn(picture)  # it is XML: a parser has read it
    assert [dot.told.splitlines()[0] for dot in drawn.dots] == [
        HOSTILE[0],
        r"]]>\x1b[31m\n<b>",
        r"\ud800\ufffe",
        HOSTILE[3],
    ]
    assert not list(drawn.root.iter(f"{SVG}script"))
    assert "<script" not in picture
    assert len([text for text in drawn.texts if text and len(text) > 200]) == 0


def test_it_has_no_script_no_style_sheet_and_nothing_from_elsewhere() -> None:
    drawn = Drawn(svg(figure(resnet18)))
    assert {x.tag.removeprefix(SVG) for x in drawn.root.iter()} == {
        *("svg", "rect", "path", "text", "circle", "title"),
    }
    values = [value for x in drawn.root.iter() for value in x.attrib.values()]
    assert not [x for x in values if "url(" in x or "http" in x]
    assert not [x for element in drawn.root.iter() for x in element.attrib if x.startswith("on")]


@pytest.mark.parametrize(("layers", "largest"), [(1, 3_000), (10, 8_000), (1000, 400_000)])
def test_a_thousand_layers_are_readable_too(layers: int, largest: int) -> None:
    """Names never lie closer than they are high, and none is outside of the picture."""
    model = nn.Sequential(*(nn.Conv2d(4, 4, 3, padding=1) for _ in range(layers)))
    picture = svg(figure(model, 64))
    drawn = Drawn(picture)
    assert len(drawn.dots) == layers
    assert len(picture) < largest
    named = [x for x in drawn.texts.values() if "rotate(-60" in x.get("transform", "")]
    places = sorted(float(x.get("x", "")) for x in named)
    assert len(named) >= min(layers, 40)
    assert all(b - a >= 11 / math.sin(math.radians(60)) for a, b in pairwise(places))
    assert places[-1] < float(drawn.root.get("width", ""))
    if layers == 1000:
        assert drawn.texts["32"].get("font-weight") == "bold"


def test_long_names_have_room() -> None:
    """The plot begins further right where the first names reach to its left."""
    model = nn.Sequential()
    for index in range(60):
        model.add_module(f"{index:02d}_" + "features_denseblock_denselayer", nn.Conv2d(3, 3, 1))
    drawn = Drawn(svg(figure(model)))
    for text in drawn.root.iter(f"{SVG}text"):
        if "rotate(-60" not in text.get("transform", ""):
            continue
        reach = 11 * 0.5 * len(text.text or "") * math.cos(math.radians(60))
        assert float(text.get("x", "")) - reach > 0


def test_the_axis_is_logarithmic_where_the_input_would_lie_at_the_bottom() -> None:
    deep, flat = Drawn(svg(figure(resnet18, 32))), Drawn(svg(figure(resnet18, 224)))
    assert "0" not in deep.texts
    assert "0" in flat.texts


def test_what_has_no_size_lies_at_the_mark_above_the_axis() -> None:
    class Global(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.context = nn.Conv2d(3, 8, 3, padding=1), nn.AdaptiveAvgPool2d(1)
            self.last = nn.Conv2d(8, 8, 3, padding=1)

        def forward(self, x: Any) -> Any:
            x = self.first(x)
            return self.last(x + self.context(x))

    drawn = Drawn(svg(figure(Global)))
    assert [dot.length for dot in drawn.curve(*LONGEST)][-1] == math.inf
    assert [dot.length for dot in drawn.curve(*SHORTEST)][-1] == close(3)


def test_a_model_without_convolutions_says_so() -> None:
    report = rflint.lint(nn.Linear(3, 4), input=(1, 3))
    drawn = Drawn(svg(figure_of(report.models[0].analysis, "mymodel:build")))
    assert not drawn.dots
    assert "no convolution and no pooling on the way through this model" in drawn.texts


def test_what_a_model_was_before_is_drawn_beside_it() -> None:
    """Layers of the same name stand above each other, also where one model has more of them."""
    before, after = figure(resnet34), figure(resnet18)
    drawn = Drawn(svg(after, before))
    grey, blue = drawn.curve(*LONGEST), drawn.curve(*SHORTEST)
    assert [dot.told.splitlines()[0] for dot in grey] == [point.name for point in before.points]
    assert [dot.told.splitlines()[0] for dot in blue] == [point.name for point in after.points]
    assert [dot.length for dot in grey] == [close(float(x.r_min or 0)) for x in before.points]
    at = {dot.told.splitlines()[0]: dot.x for dot in grey}
    assert all(dot.x == at[dot.told.splitlines()[0]] for dot in blue)
    assert {"before", "after"} <= set(drawn.texts)


def test_two_drawings_are_the_same_text() -> None:
    assert svg(figure(resnet18)) == svg(figure(resnet18))
    assert re.match(r"<svg xmlns=", svg(figure(resnet18)))
