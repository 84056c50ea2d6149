"""The figure through matplotlib: it has the report's numbers, and leaves matplotlib alone."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from torch import nn

import rflint
from rflint.errors import UsageError
from rflint.report.figure import panels
from rflint.report.figure.panels import check_output, plotted, save
from rflint.report.report import Report
from tests.models.branches import IMAGE_AND_TOKENS, ImageAndTokens
from zoo.paper.mpnet import mpnet18
from zoo.paper.resnet import resnet18
from zoo.paper.vgg import vgg

PAPER = {"VGG16": partial(vgg, 16), "ResNet18": resnet18, "MPNet18": mpnet18}
SHORTEST, LONGEST, ONLY = "along the shortest path", "along the longest path", "receptive field"


def axes(report: Report, **options: Any) -> list[Axes]:
    return list(report.plot(**options).axes)


def lengths(ax: Axes, meaning: str) -> Any:
    (line,) = [line for line in ax.get_lines() if line.get_label() == meaning]
    return line.get_xydata()


@pytest.mark.parametrize("name", PAPER)
def test_lines_go_through_the_numbers_of_the_report(name: str) -> None:
    report = rflint.lint(PAPER[name], res=32, name=name)
    (ax,) = axes(report)
    (model,) = report.to_dict()["models"]
    layers = [
        x
        for x in model["layers"]
        if x["verdict"] != "not judged" or (x["role"] == "trunk" and x["kind"] in ("conv", "pool"))
    ]
    has_branches = any(x["r_in_min"] != x["r_in_max"] for x in layers)
    shortest = lengths(ax, SHORTEST if has_branches else ONLY)
    assert shortest.tolist() == [[i, x["r_in_min"][0]] for i, x in enumerate(layers)]
    if has_branches:
        longest = lengths(ax, LONGEST)
        assert longest.tolist() == [[i, x["r_in_max"][0]] for i, x in enumerate(layers)]
    assert set(lengths(ax, "size of the input")[:, 1]) == {32}
    border = [x["name"] for x in layers].index(model["border"]["min"])
    assert set(lengths(ax, "border layer")[:, 0]) == {border - 0.5}
    assert [x.get_text() for x in ax.get_xticklabels()] == [x["name"] for x in layers]
    dots = ax.collections[-1]
    assert dots.get_offsets().tolist() == shortest.tolist()
    hollow = [tuple(fill) == (1, 1, 1, 1) for fill in dots.get_facecolors()]
    assert hollow == [x["verdict"] == "not judged" for x in layers]


def test_several_sizes_share_the_axis() -> None:
    panels_ = axes(rflint.lint(partial(vgg, 16), res=[32, 64, 224]))
    assert [ax.get_title(loc="left") for ax in panels_] == [
        f"zoo.paper.vgg:vgg at {size}×{size}" for size in (32, 64, 224)
    ]
    assert len({ax.get_ylim() for ax in panels_}) == 1
    assert panels_[0].get_ylim()[1] > 224
    assert len({ax.get_subplotspec().rowspan.start for ax in panels_}) == 1  # type: ignore[union-attr]


def test_four_panels_are_two_rows_and_five_are_two_of_three() -> None:
    report = rflint.lint(nn.Conv2d(3, 4, 3), res=[8, 9, 10, 11, 12])
    four = plotted(report.models[:4])
    assert len({ax.get_position().y0 for ax in four.axes}) == 2
    five = plotted(report.models)
    assert sum(ax.axison for ax in five.axes) == 5
    assert len(five.axes) == 6


def test_what_has_no_size_interrupts_the_line_and_is_marked_above_it() -> None:
    class Global(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.context = nn.Conv2d(3, 8, 3, padding=1), nn.AdaptiveAvgPool2d(1)
            self.last = nn.Conv2d(8, 8, 3, padding=1)

        def forward(self, x: Any) -> Any:
            x = self.first(x)
            return self.last(x + self.context(x))

    (ax,) = axes(rflint.lint(Global, res=32))
    places = lengths(ax, "no bound")[:, 0].tolist()
    longest = lengths(ax, LONGEST)
    assert places == [i for i, (_, length) in enumerate(longest) if np.isnan(length)]
    assert places


def test_names_are_no_formulas(tmp_path: Path) -> None:
    model = nn.Sequential()
    model.add_module("$\\frac{", nn.Conv2d(3, 4, 3))
    model.add_module("层😀\n", nn.Conv2d(4, 4, 3))
    report = rflint.lint(model, res=8, name="$\\badcommand_{$")
    figure = plotted(report.models, title="$^")
    for suffix in panels.SUFFIXES:
        save(figure, tmp_path / f"figure{suffix}", suffix, 50)
    assert [x.get_text() for x in figure.axes[0].get_xticklabels()] == ["$\\frac{", "层😀\\n"]


def test_a_thousand_layers_are_named_here_and_there() -> None:
    model = nn.Sequential(*(nn.Conv2d(4, 4, 3, padding=1) for _ in range(1000)))
    (ax,) = axes(rflint.lint(model, res=64))
    names = [x.get_text() for x in ax.get_xticklabels()]
    assert {"0", "32", "999"} <= set(names)
    assert 40 < len(names) < 80
    assert len(lengths(ax, ONLY)) == 1000


def test_a_model_without_convolutions_and_no_model() -> None:
    (ax,) = axes(rflint.lint(nn.Linear(3, 4), input=(1, 3)))
    assert not ax.get_lines()
    with pytest.raises(UsageError, match="no model to plot"):
        Report().plot()


def test_panels_that_nobody_could_read_are_refused() -> None:
    report = rflint.lint(nn.Conv2d(3, 4, 3), res=[8, 16])
    with pytest.raises(UsageError, match="2 panels side by side cannot be read") as caught:
        report.plot(width=3.9)
    assert caught.value.hint == "Give a width of 4 inches or more."
    assert report.plot(width=4).get_figwidth() == 4


@pytest.mark.parametrize("width", [2.5, 4])
def test_no_text_is_cut_in_a_narrow_figure(width: float) -> None:
    report = rflint.lint(resnet18, res=32, name="a.module.with.a.long.name:build_the_network")
    figure = report.plot(title="A heading of all panels that is rather long", width=width)
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert len(texts) > 20
    for text in texts:
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, text


def test_axes_are_labelled_with_what_they_count_and_what_is_left_out() -> None:
    (ax,) = axes(rflint.lint(nn.Conv1d(1, 4, 9), input=(1, 1, 64)))
    assert ax.get_ylabel() == "receptive field of what it reads, positions"
    (both,) = axes(rflint.lint(ImageAndTokens, input=IMAGE_AND_TOKENS))
    assert both.get_ylabel().endswith(", px")
    assert "without 1 convolution along another axis" in " ".join(both.get_xlabel().split())


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_two_runs_write_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    report = rflint.lint(resnet18, res=32)
    for name in ("one", "two"):
        save(plotted(report.models), tmp_path / f"{name}{suffix}", suffix, 72)
    one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_what_the_user_has_set_of_matplotlib_stays_and_has_no_say(tmp_path: Path) -> None:
    report = rflint.lint(resnet18, res=32)
    save(report.plot(), tmp_path / "plain.svg", ".svg", 72)  # type: ignore[arg-type]
    with mpl.rc_context({"axes.facecolor": "red", "text.usetex": True, "font.size": 30}):
        before = dict(mpl.rcParams)
        save(report.plot(), tmp_path / "set.svg", ".svg", 72)  # type: ignore[arg-type]
        assert dict(mpl.rcParams) == before
    assert (tmp_path / "set.svg").read_bytes() == (tmp_path / "plain.svg").read_bytes()


def test_no_window_and_no_pyplot() -> None:
    """In a process of its own: others may have imported pyplot here."""
    program = """
import sys, rflint
from torch import nn
report = rflint.lint(nn.Conv2d(3, 4, 3), res=8)
assert "matplotlib" not in sys.modules
figure = report.plot()
assert figure._repr_png_().startswith(b"\\x89PNG")
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_matplotlib_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rflint.report.figure.plot", "rflint.report.figure.style"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.delattr(name, raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    report = rflint.lint(nn.Conv2d(3, 4, 3), res=8)
    with pytest.raises(UsageError, match="matplotlib") as caught:
        report.plot()
    assert caught.value.hint == 'It comes with an extra: pip install "rflint[plot]"'


def test_a_suffix_that_nobody_can_write_is_refused_with_those_that_can() -> None:
    with pytest.raises(UsageError, match=r"figure\.jpg") as caught:
        check_output(Path("figure.jpg"))
    assert all(suffix in caught.value.hint for suffix in panels.SUFFIXES)
    check_output(Path("figure.PDF"))
