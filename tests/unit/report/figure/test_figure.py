"""The figure of a model: what it shows of whom, against the numbers of the report."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from torch import nn

import rflint
from rflint.analysis.analysed_layer import Verdict
from rflint.graph.layer import Kind
from rflint.report.figure.figure import (
    Figure,
    Point,
    figure_of,
    input_levels,
    unproductive_runs,
)
from rflint.report.figure.scale import scale_for
from rflint.report.report import Report
from tests.models.branches import IMAGE_AND_TOKENS, ImageAndTokens
from zoo.paper.attention import SqueezeExcitation
from zoo.paper.mpnet import mpnet18
from zoo.paper.resnet import resnet18
from zoo.paper.vgg import vgg

PAPER = {"VGG16": partial(vgg, 16), "ResNet18": resnet18, "MPNet18": mpnet18}


def figure(report: Report) -> Figure:
    return figure_of(report.models[0].analysis, report.models[0].title)


def drawn(model: Any, res: Any, **options: Any) -> Figure:
    return figure(rflint.lint(model, res=res, **options))


@pytest.mark.parametrize("name", PAPER)
def test_every_point_has_the_numbers_of_the_report(name: str) -> None:
    report = rflint.lint(PAPER[name], res=32, name=name)
    found, told = figure(report), report.to_dict()["models"][0]
    layers = [
        x
        for x in told["layers"]
        if x["verdict"] != "not judged" or (x["role"] == "trunk" and x["kind"] in ("conv", "pool"))
    ]
    assert [x["name"] for x in layers] == [point.name for point in found.points]
    for point, layer in zip(found.points, layers, strict=True):
        assert [point.r_min] * 2 == layer["r_in_min"]
        assert [point.r_max] * 2 == layer["r_in_max"]
        assert point.verdict.value == layer["verdict"]
        assert point.input_size == 32
        assert (point.params, point.macs) == (layer["params"], layer["macs"])
        assert point.dead_weights == layer["dead_weights"]
    totals = told["totals"]
    assert sum(point.is_judged for point in found.points) == totals["convs"]
    assert sum(point.is_unproductive for point in found.points) == totals["unproductive"]
    assert found.border is not None
    assert found.border_max is not None
    assert found.points[found.border].name == told["border"]["min"]
    assert found.points[found.border_max].name == told["border"]["max"]


@pytest.mark.parametrize(
    ("name", "border"),
    [("VGG16", "17"), ("ResNet18", "layer3.1.conv2"), ("MPNet18", "stages.2.0.small.1.0")],
)
def test_the_border_layers_are_those_of_the_paper(name: str, border: str) -> None:
    found = drawn(PAPER[name], 32)
    assert found.border is not None
    assert found.points[found.border].name == border


def test_poolings_of_the_trunk_are_shown_and_not_judged() -> None:
    found = drawn(partial(vgg, 16), 32)
    pools = [point for point in found.points if point.kind is Kind.POOL]
    assert [point.r_min for point in pools] == [5, 14, 40, 92, 196, 212]
    assert not any(point.is_judged for point in pools)


def test_attention_gates_are_no_part_of_it() -> None:
    """As in the paper, whose Fig. 10 leaves them out."""
    plain = drawn(resnet18, 32)
    gated = drawn(partial(resnet18, attention=SqueezeExcitation), 32)
    assert [x.name for x in gated.points] == [x.name for x in plain.points]
    assert [x.r_min for x in gated.points] == [x.r_min for x in plain.points]


def test_of_two_axes_the_one_is_shown_that_is_exceeded_last() -> None:
    """A layer is unproductive once it exceeds the input along both."""
    found = drawn(partial(vgg, 16), (32, 64))
    assert (found.axis, found.input_size, found.axis_name) == (1, 64, "width")
    for point in found.points:
        if point.is_judged:
            assert point.is_unproductive == (point.r_min is None or point.r_min > 64)


def test_a_kernel_that_is_not_square_can_make_it_the_shorter_axis() -> None:
    flat = nn.Sequential(*(nn.Conv2d(3, 3, (1, 9), padding=(0, 4)) for _ in range(12)))
    found = drawn(flat, (24, 32))
    assert (found.axis_name, found.input_size) == ("height", 24)
    assert {point.r_min for point in found.points} == {1}
    wide = figure_of(rflint.lint(flat, res=(24, 32)).models[0].analysis, "flat", axis=1)
    assert [point.r_min for point in wide.points] == [1 + 8 * i for i in range(12)]


def test_an_axis_has_a_name_only_where_sizes_differ() -> None:
    assert drawn(resnet18, 32).axis_name == ""
    sound = nn.Sequential(nn.Conv1d(2, 4, 9), nn.Conv1d(4, 4, 9))
    found = drawn(sound, 64)
    assert (found.axis_name, [x.r_min for x in found.points]) == ("", [1, 9])
    volume = nn.Sequential(nn.Conv3d(1, 2, 3), nn.Conv3d(2, 2, 3))
    assert drawn(volume, (8, 16, 32)).axis_name == "width"


class Global(nn.Module):
    """A convolution behind one path with a size and one without."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.context = nn.AdaptiveAvgPool2d(1)
        self.last = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Any) -> Any:
        x = self.first(x)
        return self.last(x + self.context(x))


def test_what_has_no_size_is_none() -> None:
    last = drawn(Global, 32).points[-1]
    assert (last.name, last.r_min, last.r_max) == ("last", 3, None)
    assert "receptive fields of 3 to all px" in last.description


def test_a_model_without_convolutions_has_a_figure_without_points() -> None:
    found = figure(rflint.lint(nn.Linear(3, 4), input=(1, 3)))
    assert (found.points, found.border, found.largest) == ((), None, 1)
    assert found.summary == "No convolution is judged."


def test_a_module_that_is_called_twice_is_there_twice() -> None:
    shared = nn.Conv2d(3, 3, 9, padding=4)
    found = drawn(nn.Sequential(*[shared] * 8), 32)
    assert found.points[1].name == "0 (call 2)"
    assert found.border == 4
    assert found.points[4].name == "0 (call 5)"


def point(verdict: Verdict, size: int = 32) -> Point:
    return Point("x", Kind.CONV, 1, 1, False, size, verdict, 0, 0, 0)


def test_runs_pass_over_what_is_not_judged() -> None:
    good, bad, pool = map(point, (Verdict.PRODUCTIVE, Verdict.UNPRODUCTIVE, Verdict.NOT_JUDGED))
    assert unproductive_runs([good, bad, pool, bad, pool, good, bad, None, bad]) == (
        range(1, 4),
        range(6, 9),
    )
    assert unproductive_runs([]) == ()
    assert unproductive_runs([pool, good, pool]) == ()


def test_inputs_of_several_sizes_are_levels() -> None:
    assert input_levels([32, 32, 64, 32]) == (
        (range(2), 32),
        (range(2, 3), 64),
        (range(3, 4), 32),
    )


def test_a_series_is_counted_in_positions() -> None:
    series = nn.Sequential(nn.Conv1d(1, 4, 9, padding=4), nn.Conv1d(4, 4, 9, padding=4))
    found = figure(rflint.lint(series, input=(1, 1, 64)))
    assert found.unit == "positions"
    told = found.points[1].description
    assert "reads a receptive field of 9 positions" in told
    assert "productive at 64 positions" in told


def test_a_branch_along_another_axis_is_left_out_and_that_is_said() -> None:
    report = rflint.lint(ImageAndTokens, input=IMAGE_AND_TOKENS)
    found = figure(report)
    assert [point.name for point in found.points] == ["image.0", "image.1", "image.2"]
    assert {point.input_size for point in found.points} == {64}
    assert found.unit == "px"
    assert found.left_out == 1
    assert found.summary == (
        "None of 3 convolutions unproductive. Without 1 convolution along another axis."
    )


def test_the_axis_is_logarithmic_where_the_input_dwarfs_the_curve_that_decides() -> None:
    shallow = nn.Sequential(nn.Conv1d(1, 4, 9, padding=4), nn.Conv1d(4, 4, 9, padding=4))
    long, short = (figure(rflint.lint(shallow, input=(1, 1, n))) for n in (16000, 64))
    assert scale_for([long]).fraction(9) > 0.2
    assert scale_for([long]).fraction(16000) > 0.9
    assert scale_for([long]).is_logarithmic
    assert not scale_for([short]).is_logarithmic
    assert scale_for([short, long]).is_logarithmic
