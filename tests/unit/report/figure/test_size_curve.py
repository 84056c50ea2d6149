"""A model over the sizes of its input, as a figure: it has what `rflint sizes` reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.text import Text
from torch import nn

from rflint.analysis.sizes.advice import advice
from rflint.analysis.sizes.at_size import AtSize, Fails, NotKnown, Outcome
from rflint.analysis.sizes.ranges import Standing
from rflint.analysis.sizes.spans import Span, sizes_in
from rflint.analysis.sizes.survey import SizeSurvey, survey_sizes
from rflint.errors import UsageError
from rflint.report.figure.panels import SUFFIXES, plotted_sizes, save
from rflint.report.figure.size_curve import size_curve
from rflint.report.sizes.report import ModelSizes
from tests.helpers.linted import analysis
from zoo.paper.resnet import resnet18
from zoo.paper.vgg import vgg

MACS, ACTIVATIONS = "MACs", "activations"


def surveyed(model: Callable[[], nn.Module], size: tuple[int, ...], **span: Any) -> ModelSizes:
    found = analysis(model, size)
    survey = survey_sizes(found, sizes_in(Span(**span), size))
    return ModelSizes("net:build", "net:build", found, survey)


def with_outcomes(model: ModelSizes, *outcomes: Outcome) -> ModelSizes:
    return replace(
        model,
        survey=SizeSurvey(outcomes, outcomes[0].size, advice(outcomes, outcomes[0]), frozenset()),
    )


def runs(side: int, unproductive: int = 0, *, sees_all: bool = True, tidy: bool = True) -> AtSize:
    return AtSize((side, side), unproductive, 0, 10 * side, side, not tidy, False, sees_all)


def axes(model: ModelSizes, **options: Any) -> list[Axes]:
    return list(plotted_sizes([model], **options).axes)


def lines(ax: Axes, name: str) -> list[Any]:
    return [x for x in ax.get_lines() if x.get_label() == name]


@pytest.fixture(scope="module")
def resnet() -> ModelSizes:
    return surveyed(resnet18, (32, 32), first=(16,), last=(130,))


def test_lines_go_through_the_numbers_of_the_report(resnet: ModelSizes) -> None:
    upper, lower, right = axes(resnet)
    entries = resnet.to_dict()["sizes"]
    for ax, name, told in (
        (upper, "unproductive convolutions", lambda x: x["unproductive"]),
        (lower, MACS, lambda x: x["macs"]),
        (right, ACTIVATIONS, lambda x: 4 * x["activations"]),
    ):
        (line,) = lines(ax, name)
        assert line.get_xydata().tolist() == [[x["size"][0], told(x)] for x in entries]


def test_bands_are_the_ranges_of_the_report(resnet: ModelSizes) -> None:
    curve = size_curve(resnet)
    ((first, last),) = resnet.survey.sound
    sound = [x for x in curve.bands if x.standing is Standing.SOUND]
    assert [(x.low, x.high) for x in sound] == [(first.size[0] - 0.5, last.size[0])]
    assert [x.standing for x in curve.bands] == [Standing.UNPRODUCTIVE, Standing.SOUND]
    assert curve.smallest_sound == resnet.survey.smallest_sound.size[0] == 75  # type: ignore[union-attr]
    assert curve.asked == 32


def test_the_bands_cover_the_axis_without_a_gap(resnet: ModelSizes) -> None:
    model = with_outcomes(
        resnet,
        Fails((16, 16), "too small"),
        runs(17, 3),
        runs(18),
        NotKnown((19, 19), "who knows"),
        runs(20),
        runs(21, sees_all=False),
    )
    bands = size_curve(model).bands
    assert [(x.standing, x.low, x.high) for x in bands] == [
        (Standing.FAILS, 16, 16.5),
        (Standing.UNPRODUCTIVE, 16.5, 17.5),
        (Standing.SOUND, 17.5, 18.5),
        (Standing.NOT_KNOWN, 18.5, 19.5),
        (Standing.SOUND, 19.5, 20.5),
        (Standing.TOO_LARGE, 20.5, 21),
    ]


class Halves(nn.Module):
    """Runs at every fourth size."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.last = nn.Conv2d(16, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        small = nn.functional.max_pool2d(x, 4)
        return self.last(torch.cat([x, nn.functional.interpolate(small, scale_factor=4)], 1))


def test_where_sizes_between_do_not_run_there_are_dots_and_no_hatching() -> None:
    model = surveyed(Halves, (32, 32), first=(8,), last=(64,))
    curve = size_curve(model)
    assert [x.every for x in curve.stretches] == [4]
    assert [x.size[0] for x in curve.running] == list(range(8, 65, 4))
    assert Standing.FAILS not in {x.standing for x in curve.bands}
    figure = plotted_sizes([model])
    (line,) = lines(figure.axes[0], "unproductive convolutions")
    assert line.get_marker() == "o"
    assert "runs at the dots only" in {x.get_text() for x in figure.legends[0].get_texts()}


def test_a_line_ends_where_the_model_does_not_run(resnet: ModelSizes) -> None:
    outcomes = [Fails((x, x), "no") if 30 <= x < 40 else runs(x) for x in range(16, 64)]
    upper, *_ = axes(with_outcomes(resnet, *outcomes))
    found = [x.get_xdata() for x in lines(upper, "unproductive convolutions")]
    assert [(x[0], x[-1]) for x in found] == [(16, 29), (40, 63)]
    assert sum(patch.get_hatch() == "////" for patch in upper.patches) == 1


def test_ticks_mark_the_tidy_sizes_where_not_all_are(resnet: ModelSizes) -> None:
    untidy = with_outcomes(resnet, *(runs(x, tidy=x % 8 == 1) for x in range(16, 64)))
    _, lower, _ = axes(untidy)
    (ticks,) = lower.collections
    assert [segment[0][0] for segment in ticks.get_segments()] == [17, 25, 33, 41, 49, 57]
    assert not axes(with_outcomes(resnet, runs(16), runs(17)))[1].collections


def test_sizes_of_a_rectangle_stand_along_the_axis_on_which_they_differ_most() -> None:
    model = surveyed(resnet18, (32, 64), first=(16, 32), last=(32, 128))
    curve = size_curve(model)
    assert (curve.first, curve.last) == (32, 128)
    assert curve.axis_label == "width of the input, px (16×32 to 32×128)"
    series = surveyed(lambda: nn.Conv1d(2, 4, 3), (64,), last=(96,), step=8)
    assert size_curve(series).axis_label == "length of the input, positions, in steps of 8"


def test_the_size_that_was_asked_for_is_marked_and_where_it_was_assumed_so_it_says(
    resnet: ModelSizes,
) -> None:
    def above(model: ModelSizes) -> set[str]:
        return {text.get_text() for text in axes(model)[0].texts}

    assert {"75\nsmallest sound", "32\nasked for"} <= above(resnet)
    assert "32\nassumed" in above(replace(resnet, is_inferred=True))
    one = replace(resnet, survey=replace(resnet.survey, asked=(75, 75)))
    assert "75\nsmallest sound, asked for" in above(one)
    outside = replace(resnet, survey=replace(resnet.survey, asked=(8, 8)))
    assert not any("asked" in text for text in above(outside))


def test_where_nothing_is_judged_nothing_is_called_sound() -> None:
    model = surveyed(lambda: nn.MaxPool2d(2), (32, 32), last=(64,))
    figure = plotted_sizes([model])
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert "no convolution is compared with the input" in texts
    assert not figure.axes[0].patches
    named = {x.get_text() for x in figure.legends[0].get_texts()}
    assert named & {"sound", "unproductive", "multiply-accumulates (MACs)"} == set()


def test_a_single_size_and_one_at_which_nothing_runs_are_drawn(resnet: ModelSizes) -> None:
    for outcome in (runs(16), Fails((16, 16), "no")):
        figure = plotted_sizes([with_outcomes(resnet, outcome)])
        figure.draw_without_rendering()
        low, high = figure.axes[0].get_xlim()
        assert low < 16 < high


def texts_of(figure: Any) -> Iterator[Text]:
    figure.draw_without_rendering()
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            yield text


@pytest.mark.parametrize("width", [3.2, 5, None])
def test_no_text_is_cut(resnet: ModelSizes, width: float | None) -> None:
    model = replace(resnet, title="a.module.with.a.long.name:build_the_network_of_the_year")
    figure = plotted_sizes([model], "A heading of all panels that is rather long", width)
    for text in texts_of(figure):
        box = text.get_window_extent()
        assert figure.bbox.x0 - 1 <= box.x0 < box.x1 <= figure.bbox.x1 + 1, text
        assert figure.bbox.y0 - 1 <= box.y0 < box.y1 <= figure.bbox.y1 + 1, text


def test_models_stand_side_by_side_and_too_many_in_a_width_are_refused(resnet: ModelSizes) -> None:
    deep = surveyed(partial(vgg, 11), (32, 32), first=(32,), last=(64,))
    assert len(plotted_sizes([resnet, deep, deep, resnet, deep]).axes) == 3 * 6 - 1
    with pytest.raises(UsageError, match="2 models side by side cannot be read") as caught:
        plotted_sizes([resnet, deep], width=3)
    assert caught.value.hint == "Give a width of 4.4 inches or more."
    with pytest.raises(UsageError, match="no model to plot"):
        plotted_sizes([])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_are_no_markup_and_two_runs_write_the_same_bytes(
    resnet: ModelSizes, suffix: str, tmp_path: Path
) -> None:
    model = replace(resnet, title="$\\frac{ <b>&amp;\n层")
    for name in ("one", "two"):
        save(plotted_sizes([model], "$^"), tmp_path / f"{name}{suffix}", suffix, 50)
    one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_the_file_tells_the_advice_to_those_who_do_not_see_it(
    resnet: ModelSizes, tmp_path: Path
) -> None:
    save(plotted_sizes([resnet]), tmp_path / "sizes.svg", ".svg", 50)
    text = (tmp_path / "sizes.svg").read_text(encoding="utf-8")
    assert "<title>net:build: The smallest sound input of these is 75×75 px" in text
