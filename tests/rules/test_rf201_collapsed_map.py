"""RF201: on a map of one position, a 1x1 convolution with the taps that are left does the same.

The oracle is PyTorch: which taps have a gradient on random input, and what the 1x1 convolution
computes that has their sum for its kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.linting.finding import Finding
from tests.helpers.taps import (
    CentralDifference,
    OnTwoMaps,
    PadAndConvolve,
    run_backward,
    runs,
    taps_with_gradient,
)


def findings(model: nn.Module, shape: Sequence[int]) -> Sequence[Finding]:
    return rflint.lint(model, input=tuple(shape), select="RF201").models[0].findings


@st.composite
def on_one_position(draw: st.DrawFn) -> tuple[int, PadAndConvolve]:
    """A convolution for maps of one position, with any padding, of its own or in front of it."""
    axes = draw(st.integers(1, 3))
    number = st.integers(1, 3)
    options: dict[str, Any] = {
        "kernel_size": draw(st.tuples(*[st.integers(1, 4)] * axes)),
        "stride": draw(st.tuples(*[st.integers(1, 6)] * axes)),
        "padding": draw(st.tuples(*[st.integers(0, 3)] * axes)),
        "dilation": draw(st.tuples(*[number] * axes)),
        "groups": draw(st.sampled_from([1, 2, 4])),
        "padding_mode": draw(st.sampled_from(["zeros", "zeros", "replicate", "circular"])),
    }
    conv = getattr(nn, f"Conv{axes}d")(4, 8, **options)
    pads = draw(st.one_of(st.just(()), st.tuples(*[st.integers(0, 2)] * 2 * axes)))
    return axes, PadAndConvolve(conv, pads, draw(st.sampled_from([0.0, 0.0, 0.5]))).double()


@settings(max_examples=60, deadline=None)
@given(on_one_position())
def test_a_pointwise_convolution_computes_the_same(drawn: tuple[int, PadAndConvolve]) -> None:
    axes, model = drawn
    conv = model.conv
    assert isinstance(conv.weight, Tensor)
    shape = (2, 4, *[1] * axes)
    assume(runs(model, shape))
    x = torch.randn(shape, dtype=torch.double)
    run_backward(model, x)
    alive = taps_with_gradient(conv.weight, axes)
    y = model(x)
    padded = any(model.pads)
    one_window = y.shape[2:] == x.shape[2:]
    several_taps = prod(conv.weight.shape[2:]) > 1
    # what is padded with numbers, or copies what was padded, is no map of one position to rflint
    plain = not padded or (model.value == 0 and conv.padding_mode == "zeros")
    found = findings(model, shape)
    if plain:
        assert bool(found) == (one_window and several_taps and bool(alive))
    if found:
        pointwise = getattr(nn, f"Conv{axes}d")(4, 8, 1, groups=conv.groups).double()
        kernel = sum(conv.weight[(..., *tap)] for tap in alive)
        assert isinstance(kernel, Tensor)
        pointwise.load_state_dict({"weight": kernel[(..., *[None] * axes)], "bias": conv.bias})
        torch.testing.assert_close(pointwise(x), y)
        assert f"1/{prod(conv.weight.shape[2:])} of the weights" in found[0].message
        assert ("with no padding in front of it" in found[0].message) == padded


@pytest.mark.parametrize(
    ("model", "size"),
    [
        pytest.param(nn.Conv1d(4, 8, 2, stride=10, padding=3), 1, id="a window that misses it"),
        pytest.param(
            nn.Sequential(nn.ConstantPad1d(1, 0.5), nn.Conv1d(4, 8, 3)), 1, id="other positions"
        ),
        pytest.param(
            nn.Sequential(
                nn.ZeroPad1d((2, 0)),
                nn.Conv1d(4, 8, 2, stride=3, padding=1, padding_mode="replicate"),
            ),
            1,
            id="a window on copies of zeros",
        ),
        pytest.param(nn.Conv1d(4, 8, 3, padding=1), 2, id="two positions"),
        pytest.param(nn.Conv1d(4, 8, 3, padding=2), 1, id="three windows"),
        pytest.param(nn.Conv1d(4, 8, 1), 1, id="a kernel of one"),
    ],
)
def test_what_is_more_than_a_pointwise_convolution(model: nn.Module, size: int) -> None:
    assert findings(nn.Sequential(model), (1, 4, size)) == ()


def test_weights_that_also_see_larger_maps_are_needed() -> None:
    """The heads of a feature pyramid, say, whose last level is one position."""
    conv = nn.Conv2d(4, 4, 3, padding=1)
    assert findings(OnTwoMaps(conv, (1, 1)), (1, 4, 4, 4)) == ()


def test_a_kernel_that_is_called_twice_is_one_finding() -> None:
    conv = nn.Conv2d(4, 4, 3, padding=1)
    report = rflint.lint(OnTwoMaps(conv, (1, 1)), input=(1, 4, 1, 1), select="RF201").models[0]
    (found,) = report.findings
    assert found.layer == "conv"
    assert "(144 now)" in found.message


def test_weights_that_something_else_reads_are_needed() -> None:
    assert findings(CentralDifference(), (1, 4, 1, 1)) == ()


def test_a_map_can_collapse_along_one_axis_only() -> None:
    """Then it is no single position; RF301 says which taps are left."""
    model = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1))
    assert findings(model, (1, 4, 1, 4)) == ()
    both = rflint.lint(model, input=(1, 4, 1, 4), select=["RF201", "RF301"]).models[0].findings
    assert [found.code for found in both] == ["RF301"]
    assert "kernel_size=(1, 3), padding=(0, 1)" in both[0].message


def test_functions_count_like_modules() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = nn.Parameter(torch.rand(8, 4, 3, 3))

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.kernel, padding=1)

    assert [found.code for found in findings(Functional(), (1, 4, 1, 1))] == ["RF201"]
