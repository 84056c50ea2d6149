"""Figures of a model that was measured: curves, and effective receptive fields as maps."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.legend import Legend
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from torch import nn

import rflint
from rflint.measurement.contribution import ContributionMap
from rflint.measurement.results import Measured, MeasuredField, MeasuredLayer
from rflint.report.figure.figure import figure_of
from rflint.report.figure.panels import SUFFIXES, plotted, save
from rflint.report.figure.plotted_fields import FieldsLayout
from rflint.report.model_report import ModelReport
from zoo.paper.vgg import vgg

R_MAX = "r_max, within the input"
AREAS = ((0.2, 0.01, 0.02), (0.99, 0.25, 0.5))


def field(size: tuple[int, ...] = (32, 32)) -> MeasuredField:
    """A map with its largest number in the middle, in blocks of two positions."""
    shape = tuple(-(-side // 2) for side in size)
    values = np.full((shape[0] if len(shape) > 1 else 1, shape[-1]), 0.01)
    values[values.shape[0] // 2, values.shape[1] // 2] = 1
    rows = tuple(tuple(map(float, row)) for row in values)
    middle = tuple(side / 2 for side in size)
    return MeasuredField(
        (2.5,) * len(size), AREAS, ContributionMap(rows, (2,) * len(size), size, middle)
    )


def measured(model: ModelReport, *with_field: str) -> ModelReport:
    """Every convolution has a saturation and a probe, and some a field."""
    convs = [x for x in model.layers if x.kind.is_convolution]
    size = model.analysis.architecture.resolution
    layers = tuple(
        MeasuredLayer(
            x.name,
            x.call,
            saturation=(1 + index) / 100,
            probe=0.5 + index / 100,
            probe_error=0.01,
            field=field(size) if x.name in with_field else None,
        )
        for index, x in enumerate(convs)
    )
    return replace(model, measured=Measured(100, 50, 4, 0.9, 0.99, layers))


def vgg16(*with_field: str, res: Any = 32) -> list[ModelReport]:
    return [measured(model, *with_field) for model in rflint.lint(partial(vgg, 16), res).models]


def curve(ax: Axes, meaning: str) -> list[list[float]]:
    (line,) = [line for line in ax.get_lines() if line.get_label() == meaning]
    found: list[list[float]] = np.asarray(line.get_xydata()).tolist()
    return found


def maps(figure: MatplotlibFigure) -> list[Axes]:
    """The axes that hold a heat map: not that of the colours."""
    return [ax for ax in figure.axes if ax.images]


def boxes(ax: Axes) -> dict[str, tuple[float, float, float, float]]:
    """By meaning: left, top, width and height of the outlines."""
    return {
        str(box.get_label()): (*box.get_xy(), box.get_width(), box.get_height())
        for box in ax.patches
        if isinstance(box, Rectangle)
    }


def test_saturation_and_probes_are_drawn_as_they_were_measured() -> None:
    (model,) = vgg16()
    figure = plotted([model])
    _, right = figure.axes
    names = [x.get_text() for x in figure.axes[0].get_xticklabels()]
    assert model.measured is not None
    places = [(names.index(x.name), x) for x in model.measured.layers]
    assert curve(right, "saturation s, measured") == [[at, x.saturation] for at, x in places]
    assert curve(right, "probe accuracy p, measured") == [[at, x.probe] for at, x in places]
    assert right.get_ylim()[1] > 1
    assert maps(figure) == []


def test_every_measured_field_is_a_map_with_its_layers_name() -> None:
    (model,) = vgg16("0", "7", "28")
    found = maps(plotted([model]))
    assert [ax.get_title(loc="left") for ax in found] == ["0", "7", "28"]
    for ax in found:
        (image,) = ax.images
        assert image.get_array().max() == 1  # type: ignore[union-attr]
        assert image.get_extent() == [0, 32, 32, 0]
        assert (ax.get_xlim(), ax.get_ylim()) == ((0, 32), (32, 0))
        assert image.get_cmap().name == "magma_r", "perceptually uniform"


def key(figure: MatplotlibFigure) -> list[str]:
    """What the lines around maps mean, as the key has it."""
    told = [[x.get_text() for x in one.get_texts()] for one in figure.findobj(Legend)]
    (found,) = (x for x in told if any("within the input" in text for text in x))
    return found


def test_the_key_has_no_dashed_line_where_none_is_seen() -> None:
    assert key(plotted(vgg16("0", "28"))) == ["r_min and r_max, within the input"]
    branches = [measured(rflint.lint(Branches(), 32).models[0], "wide", "both")]
    assert key(plotted(branches)) == ["r_min", "r_max, within the input"]


class Branches(nn.Module):
    """A path that is wide, and one that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(3, 4, 9, padding=4)
        self.narrow = nn.Conv2d(3, 4, 1)
        self.both = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Any) -> Any:
        return self.both(self.wide(x) + self.narrow(x))


def test_the_key_alone_in_its_row_takes_no_more_room_than_it_needs() -> None:
    (model,) = vgg16("0", "7", "28")
    fields = figure_of(model.analysis, "", measured=model.measured).fields
    beside, alone, below = (FieldsLayout(fields[:number], "", 3.5) for number in (1, 2, 3))
    assert alone.across == 2
    assert beside.last_row == below.last_row == below.row
    assert 1 < alone.last_row < alone.row


def test_r_min_and_r_max_are_squares_around_the_centre_within_the_input() -> None:
    (model,) = vgg16("0", "7", "28")
    first, second, last = maps(plotted([model]))
    assert boxes(first) == {
        "r_min": (14.5, 14.5, 3, 3),
        "r_max, within the input": (14.5, 14.5, 3, 3),
    }
    (x,) = [x for x in model.layers if x.name == "7"]
    length = float(x.output_field[0].r_min or 0)
    assert boxes(second)["r_min"] == (16 - length / 2, 16 - length / 2, length, length)
    assert boxes(last)[R_MAX] == (0, 0, 32, 32)


def test_numbers_stand_below_the_map() -> None:
    (model,) = vgg16("0")
    (ax,) = maps(plotted([model]))
    (told,) = [text.get_text() for text in ax.texts]
    assert told.splitlines() == [
        "r_min 3, r_max 3 px",
        "spread 2.5 px",
        "99 % in 25 % of the input",
        "in blocks of 2×2",
    ]


def test_what_the_colours_mean_is_told_and_true() -> None:
    (model,) = vgg16("0")
    figure = plotted([model])
    told = " ".join(" ".join(text.get_text() for text in figure.findobj(Text)).split())
    assert "contribution x, the largest is 1; colours follow log10(1 + 9 x)" in told
    (image,) = maps(figure)[0].images
    for x in (0.0, 0.1, 0.5, 1.0):
        expected = image.get_cmap()(np.log10(1 + 9 * x))
        assert image.to_rgba(x) == pytest.approx(expected, abs=1 / 128)
    assert expected == pytest.approx(to_rgba("#000004"), abs=0.02)


def test_several_maps_wrap_and_none_lies_on_another() -> None:
    names = [str(k) for k in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21)]
    figure = plotted(vgg16(*names))
    figure.draw_without_rendering()
    found = maps(figure)
    assert len(found) == len(names)
    places = [ax.get_window_extent() for ax in found]
    assert len({round(place.y0) for place in places}) > 1
    extents = [ax.get_tightbbox() for ax in figure.axes if ax.axison]
    whole = [extent for extent in extents if extent is not None]
    maps_and_key = whole[2:]
    for one in maps_and_key:
        assert not any(other is not one and one.overlaps(other) for other in maps_and_key), (
            "texts and all"
        )


@pytest.mark.parametrize(
    ("width", "res"), [(2.5, 32), (4.8, 32), (12, 32), (4.8, [32, 48]), (7.4, [32, 48])]
)
def test_no_text_is_cut_whatever_the_width(width: float, res: Any) -> None:
    figure = plotted(vgg16("0", "2", "5", "7", res=res), width=width)
    figure.draw_without_rendering()
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, text
            assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, text


def test_each_model_has_maps_of_its_own() -> None:
    figure = plotted(vgg16("0", res=[32, 48]))
    assert [ax.get_xlim() for ax in maps(figure)] == [(0, 32), (0, 48)]
    told = " ".join(text.get_text() for text in figure.findobj(Text))
    assert "zoo.paper.vgg:vgg at 48×48: effective receptive fields" in " ".join(told.split())


def test_blocks_that_are_not_whole_end_at_the_inputs_edge() -> None:
    (ax,) = maps(plotted(vgg16("0", res=(33, 47))))
    assert ax.images[0].get_extent() == [0, 48, 34, 0]
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 47), (33, 0))


def test_a_series_is_a_strip_and_a_volume_a_plane() -> None:
    for model, shape, limits in (
        (nn.Conv1d(1, 4, 9), (1, 1, 400), (0, 400)),
        (nn.Conv3d(1, 4, 3), (1, 1, 6, 8, 10), (0, 10)),
    ):
        (linted,) = rflint.lint(nn.Sequential(model), input=shape).models
        changed = measured(linted, "0")
        assert changed.measured is not None
        (layer,) = changed.measured.layers
        size = shape[2:][-2:]
        layer = replace(layer, field=field(size))
        figure = plotted([replace(changed, measured=replace(changed.measured, layers=(layer,)))])
        (ax,) = maps(figure)
        assert ax.get_xlim() == limits
        assert len(boxes(ax)) == 2


def test_names_are_no_formulas_in_maps_either(tmp_path: Path) -> None:
    model = nn.Sequential()
    model.add_module("$\\frac{", nn.Conv2d(3, 4, 3))
    (linted,) = rflint.lint(model, res=8, name="$\\bad_{$").models
    figure = plotted([measured(linted, "$\\frac{")])
    for suffix in SUFFIXES:
        save(figure, tmp_path / f"figure{suffix}", suffix, 50)
    assert maps(figure)[0].get_title(loc="left") == "$\\frac{"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_two_runs_write_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    model = vgg16("0", "7")
    for name in ("one", "two"):
        save(plotted(model), tmp_path / f"{name}{suffix}", suffix, 72)
    one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
