"""Layouts that the user gives: in Python, with a shape, and on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint
from tests.helpers.axes import Before, Shape, analysis, judged, stack
from tests.helpers.forked import Forked


class OverSteps(nn.Module):
    """A stack over the steps of (batch, steps, features)."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = stack(nn.Conv1d, 7)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.convs(x.transpose(1, 2))
        return out


class Frames(nn.Module):
    """A stack over every frame of (batch, frames, channels, height, width)."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = stack(nn.Conv2d, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.convs(x.flatten(0, 1))
        return out


def test_what_the_user_says_is_what_would_have_been_found() -> None:
    said = analysis(OverSteps(), (1, 60, 7), layout="BTC")
    assert judged(said) == judged(analysis(OverSteps(), (1, 60, 7)))
    said = analysis(Frames(), (1, 5, 3, 40, 24), layout="btchw")
    assert judged(said) == judged(analysis(Frames(), (1, 5, 3, 40, 24)))
    assert said.architecture.layouts == ("BTCHW",)


def test_a_shape_may_carry_its_layout() -> None:
    report = rflint.lint(Frames(), input="1x5x3x40x24:BTCHW")
    assert report.models[0].analysis.architecture.layouts == ("BTCHW",)


def test_a_resolution_replaces_the_sizes_of_axes() -> None:
    """Wherever they lie; along frames where it names all of T, H and W."""

    def inputs(model: nn.Module, res: Any, **options: Any) -> tuple[Shape, ...]:
        report = rflint.lint(model, res, **options)
        return report.models[0].analysis.architecture.inputs

    assert inputs(Frames(), 32, input="1x5x3x40x24:BTCHW") == ((1, 5, 3, 32, 32),)
    assert inputs(Frames(), (4, 32, 48), layout="BTCHW") == ((1, 4, 3, 32, 48),)
    assert inputs(OverSteps(), 90, layout="BTC") == ((1, 90, 7),)
    with pytest.raises(rflint.RflintError, match="along T is not said by 32"):
        rflint.lint(Frames(), 32, layout="BTCHW")


def test_without_a_shape_images_without_channels_in_front_are_tried_as_well() -> None:
    """What the first layer suggests comes first."""
    channels_last = Before(lambda x: x.permute(0, 3, 1, 2), stack(nn.Conv2d, 3))
    report = rflint.lint(channels_last, 32)
    assert report.models[0].analysis.architecture.inputs == ((1, 32, 32, 3),)
    grey = Before(lambda x: x.unsqueeze(1), stack(nn.Conv1d, 1))
    assert rflint.lint(grey, 200).models[0].analysis.architecture.inputs == ((1, 200),)


@pytest.mark.parametrize(
    ("layout", "complaint"),
    [
        ("BCX", "'X' is none of B, C, T, D, H, W"),
        ("BCC", "C stands there twice"),
        ("BCHW", "the layout BCHW has 4 letters, but the input 1x60x7 has 3 dimensions"),
        (["BTC", "BC"], "there are 2 layouts, but the model gets 1 input"),
    ],
)
def test_wrong_layouts_are_refused(layout: str | list[str], complaint: str) -> None:
    with pytest.raises(rflint.RflintError, match=complaint):
        rflint.lint(OverSteps(), input=(1, 60, 7), layout=layout)


def test_a_layout_that_nothing_slides_over_leaves_nothing_judged() -> None:
    """And that is said, with what would be right."""
    report = rflint.lint(OverSteps(), input=(1, 60, 7), layout="BCT")
    (found,) = report.findings
    assert (found.code, found.severity.value) == ("RF903", "warning")
    assert "none of its 4 convolutions could be judged" in found.message
    assert "dimension 1 (60) of the input 1x60x7" in found.message
    assert "--layout BTC" in found.message
    assert not report.models[0].analysis.complete


def test_example_tensors_have_layouts_of_another_kind() -> None:
    """`Tensor.layout` says how values are stored."""
    tensors = (torch.zeros(1, 60, 7),)
    report = rflint.lint(OverSteps(), input=tensors, layout="BTC")
    assert report.models[0].analysis.architecture.layouts == ("BTC",)
    assert rflint.lint(OverSteps(), input=tensors).to_dict() == report.to_dict()
    assert rflint.repairs(OverSteps(), input=tensors) == rflint.repairs(
        OverSteps(), input=tensors, layout="BTC"
    )


@pytest.mark.parametrize(
    ("prepare", "shape", "resolution"),
    [
        # frames of a clip, one by one
        (lambda x: x.transpose(1, 2).flatten(0, 1), (1, 3, 5, 16, 16), (5, 16, 16)),
        # channels that move between positions
        (
            lambda x: x.view(1, 2, 2, 3, 16, 16).permute(0, 3, 4, 1, 5, 2).reshape(1, 3, 32, 32),
            (1, 12, 16, 16),
            (16, 16),
        ),
        # a column at a time
        (lambda x: x.permute(0, 3, 1, 2).flatten(0, 1)[..., None], (1, 3, 16, 9), (16, 9)),
    ],
)
def test_the_usual_layout_is_what_it_was(
    prepare: Callable[[Tensor], Tensor], shape: Shape, resolution: Shape
) -> None:
    """Batch and channels in front of all axes, unless something contradicts."""
    found = analysis(Before(prepare, nn.Conv2d(3, 4, 3, padding=1)), shape)
    assert found.architecture.resolution == resolution


def test_other_sizes_are_tried_in_any_layout() -> None:
    """RF203 names sizes of the input that leave nothing unread."""
    channels_last = Before(lambda x: x.permute(0, 3, 1, 2), nn.Conv2d(3, 4, 3, 2))
    report = rflint.lint(channels_last, input=(1, 16, 16, 3), select="RF203")
    (found,) = report.findings
    usual = rflint.lint(nn.Conv2d(3, 4, 3, 2), input=(1, 3, 16, 16), select="RF203")
    assert found.message == usual.findings[0].message
    assert "15x15" in found.message


PROGRAM = """
from torch import nn


class Steps(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.Sequential(*(nn.Conv1d(7, 7, 5, 2, 2) for _ in range(4)))

    def forward(self, x):
        return self.convs(x.transpose(1, 2))
"""


def test_the_program_takes_layouts(forked: Forked, tmp_path: Path) -> None:
    """As an option, behind a shape, and in the configuration."""
    (tmp_path / "net.py").write_text(PROGRAM)
    (tmp_path / "rflint.toml").write_text("layout = 'BTC'\n[[models]]\ntarget = 'net.py:Steps'\n")
    for arguments in (
        ("--isolated", "--input", "1x60x7"),
        ("--isolated", "--input", "1x60x7:BTC"),
        ("--isolated", "--input", "1x60x7:float32:BTC"),
        ("--isolated", "--input", "1x60x7", "--layout", "BTC"),
        ("--isolated", "--input", "1x30x7", "--layout", "BTC", "--res", "60"),
        ("--res", "60"),
    ):
        ran = forked.rflint("net.py:Steps", *arguments, "--format", "json", cwd=tmp_path)
        (model,) = ran.report["models"]
        assert model["inputs"] == [[1, 60, 7]]
        assert model["inputs_layout"] == ["BTC"]
        assert model["totals"]["convs"] == 4
    ran = forked.rflint("net.py:Steps", "--isolated", "--input", "1x60x7", cwd=tmp_path)
    assert "1x60x7 (BTC)" in ran.out.replace("×", "x")
    for wrong in ("BTX", "BTT", "BT"):
        ran = forked.rflint(
            "net.py:Steps", "--isolated", "--input", "1x60x7", "--layout", wrong, cwd=tmp_path
        )
        assert ran.status == 2
        assert ran.out == ""
        assert "B, C, T, D, H, W" in ran.err or "twice" in ran.err or "2 letters" in ran.err
