"""RF404: what samples without a filter, by its definition, and what is a filter on running layers.

A stride of s with fewer than 2s - 1 taps is a finding, unless it averages at least s positions. An
average over s positions, sampled every s-th, gives every position of the map the same weight in
the sum of all outputs; that is counted on the running layer.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import rflint
from rflint.linting.finding import Finding


def findings(model: nn.Module, *shape: int) -> list[Finding]:
    return list(rflint.lint(model, input=shape or (1, 1, 32, 32), select="RF404").findings)


@settings(max_examples=40, deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    cls=st.sampled_from([nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d]),
)
def test_small_kernels_alias(kernel: tuple[int, int], stride: tuple[int, int], cls: type) -> None:
    layer = cls(1, 1, kernel, stride) if cls is nn.Conv2d else cls(kernel, stride)
    aliases = [
        s > 1 and k < 2 * s - 1 and not (cls is nn.AvgPool2d and k >= s)
        for k, s in zip(kernel, stride, strict=True)
    ]
    found = findings(nn.Sequential(layer))
    assert len(found) == int(any(aliases))
    for axis, name in enumerate(("height", "width")):
        if found and sum(aliases) == 1:
            assert (f"along {name}" in found[0].message) == aliases[axis]


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_an_average_over_a_stride_weights_every_position_the_same(stride: int) -> None:
    image = torch.zeros(1, 1, 24, requires_grad=True)
    nn.AvgPool1d(stride)(image).sum().backward()
    assert image.grad is not None
    assert len(image.grad.unique()) == 1
    assert not findings(nn.Sequential(nn.AvgPool1d(stride)), 1, 1, 24)
    assert findings(nn.Sequential(nn.AvgPool1d(stride - 1, stride)), 1, 1, 24)


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_a_triangle_is_the_smallest_convolution_that_may_low_pass(stride: int) -> None:
    """2s - 1 taps: 1, ..., s, ..., 1 weights every position the same and interpolates."""
    taps = [stride - abs(i) for i in range(1 - stride, stride)]
    conv = nn.Conv1d(1, 1, len(taps), stride, padding=stride - 1, bias=False)
    nn.init.zeros_(conv.weight).view(-1).data += torch.tensor(taps, dtype=torch.float)
    image = torch.zeros(1, 1, 49, requires_grad=True)
    conv(image).sum().backward()
    assert image.grad is not None
    assert len(image.grad[..., stride:-stride].unique()) == 1
    assert not findings(nn.Sequential(conv), 1, 1, 49)
    assert findings(nn.Sequential(nn.Conv1d(1, 1, len(taps) - 1, stride)), 1, 1, 49)


def test_the_message_says_what_is_taken_and_what_a_filter_has() -> None:
    (found,) = findings(nn.Sequential(nn.MaxPool2d(2)))
    assert found.message == (
        "takes every second position through 2 taps, where a low-pass filter has at least 3"
    )
    (found,) = findings(nn.Sequential(nn.Conv2d(1, 1, 1, stride=2)))
    assert "through 1 tap," in found.message
    (found,) = findings(nn.Sequential(nn.Conv2d(1, 1, (1, 4), stride=(2, 4))))
    height, width = found.message.split("; ")
    assert "every second position along height through 1 tap," in height
    assert "every 4th position along width through 4 taps" in width
    assert width.endswith("at least 7")


class Applied(nn.Module):
    """A 3x3 convolution, and some of what comes out of it."""

    def __init__(self, *index: slice) -> None:
        super().__init__()
        self.conv, self.index = nn.Conv2d(1, 4, 3, padding=1), index

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)[self.index]


ALL, EVERY_SECOND = slice(None), slice(None, None, 2)


def test_a_strided_slice_samples() -> None:
    (found,) = findings(Applied(ALL, ALL, ALL, EVERY_SECOND))
    assert "along width through 1 tap" in found.message
    # channels are no signal
    assert not findings(Applied(ALL, EVERY_SECOND))


def test_space_to_depth_leaves_nothing_out() -> None:
    class Focus(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x[:, :, i::2, j::2] for i in range(2) for j in range(2)], 1)

    assert not findings(Focus())
    assert not findings(nn.PixelUnshuffle(2))


def test_one_window_over_the_whole_map_samples_nothing() -> None:
    assert not findings(nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Conv2d(1, 1, 4, stride=4)))
    assert findings(nn.Sequential(nn.AdaptiveAvgPool2d(8), nn.Conv2d(1, 1, 4, stride=4)))


def test_what_no_output_depends_on_is_left_alone() -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool, self.conv = nn.MaxPool2d(2), nn.Conv2d(1, 1, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.pool(x)
            return self.conv(x)

    assert not findings(Unused())


def test_one_strided_axis_of_a_video() -> None:
    model = nn.Sequential(nn.Conv3d(1, 1, (3, 1, 3), stride=(1, 2, 1)))
    (found,) = findings(model, 1, 1, 8, 8, 8)
    assert "along height" in found.message


def test_the_rule_is_off_by_default() -> None:
    report = rflint.lint(nn.Sequential(nn.MaxPool2d(2)), input=(1, 1, 8, 8), settings={})
    assert "RF404" not in {x.code for x in report.findings}
