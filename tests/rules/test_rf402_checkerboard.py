"""RF402 against running networks: a transposed convolution of ones on a map of ones.

Every output position is then the number of taps that land on it. Away from the borders these
numbers are all the same, or they are a checkerboard: the rule must say which.
"""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import rflint
from rflint.linting.finding import Finding

TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}

Ints = tuple[int, ...]


def interior(layer: nn.Module, axes: int, positions: int) -> torch.Tensor:
    """How many taps make each output position that no border comes near."""
    nn.init.ones_(layer.weight)
    with torch.no_grad():
        made = layer(torch.ones(1, 1, *(positions,) * axes))[0, 0]
    for axis in range(axes):
        # beyond what one input position reaches from outside, and as much at the far end
        border = layer.dilation[axis] * (layer.kernel_size[axis] - 1)
        first = max(0, border - layer.padding[axis])
        last = (positions - 1) * layer.stride[axis] - layer.padding[axis]
        last = min(last, made.shape[axis] - 1)
        assert last - first + 1 >= layer.stride[axis], "the test's map is too small"
        made = made.narrow(axis, first, last - first + 1)
    return made


def is_even(layer: nn.Module, axes: int, positions: int = 12) -> bool:
    return len(interior(layer, axes, positions).unique()) == 1


def findings(model: nn.Module, axes: int, positions: int = 12) -> list[Finding]:
    shape = (1, 1, *(positions,) * axes)
    return list(rflint.lint(model, input=shape, select="RF402").findings)


def suggested(message: str, argument: str, axes: int) -> Ints | None:
    """What the message says an argument should be, per axis."""
    match = re.search(rf"{argument}=(\d+|\([\d, ]+\))", message)
    if match is None:
        return None
    numbers = tuple(map(int, re.findall(r"\d+", match[1])))
    return numbers * axes if len(numbers) == 1 else numbers


@st.composite
def layers(draw: st.DrawFn, axes: int) -> nn.Module:
    def each(low: int, high: int) -> Ints:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    kernel, stride = each(1, 6 if axes < 3 else 4), each(1, 4 if axes < 3 else 2)
    dilation, padding = each(1, 4 if axes < 3 else 2), each(0, 2)
    extra = tuple(draw(st.integers(0, s - 1)) for s in stride)
    return TRANSPOSED[axes](1, 1, kernel, stride, padding, extra, 1, False, dilation)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_uneven_layers_are_found_and_the_suggestion_evens_them(axes: int) -> None:
    positions = {1: 24, 2: 24, 3: 12}[axes]

    @settings(max_examples={1: 40, 2: 20, 3: 8}[axes], deadline=None)
    @given(layers(axes))
    def check(layer: nn.Module) -> None:
        found = findings(nn.Sequential(layer), axes, positions)
        assert len(found) == (0 if is_even(layer, axes, positions) else 1)
        if not found:
            return
        message = found[0].message
        kernel = suggested(message, "kernel_size", axes)
        assert kernel is not None
        dilation = suggested(message, " dilation", axes) or layer.dilation
        padded = suggested(message, "output_padding", axes)
        extra = padded or (0,) * axes
        better = TRANSPOSED[axes](
            1, 1, kernel, layer.stride, layer.padding, extra, 1, False, dilation
        )
        assert is_even(better, axes, positions)
        if padded:
            image = torch.ones(1, 1, *(positions,) * axes)
            assert better(image).shape == layer(image).shape

    check()


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "numbers"),
    [
        (3, 2, 1, "2 and 1"),
        (1, 2, 1, "1 and 0"),
        (5, 2, 1, "3 and 2"),
        (4, 3, 1, "2 and 1"),
        (4, 2, 2, "4 and 0"),
        (4, 2, 1, None),
        (2, 2, 1, None),
        (4, 2, 3, None),
        (7, 1, 1, None),
        (3, 1, 2, None),
    ],
)
def test_well_known_layers(kernel: int, stride: int, dilation: int, numbers: str | None) -> None:
    layer = nn.ConvTranspose2d(1, 1, kernel, stride, bias=False, dilation=dilation)
    assert is_even(layer, 2) == (numbers is None)
    found = findings(nn.Sequential(layer), 2)
    assert [f"made of {numbers} taps in turn" in x.message for x in found] == [True] * bool(numbers)


def test_the_message_says_what_to_write() -> None:
    layer = nn.ConvTranspose2d(1, 1, 3, 2, padding=1, output_padding=1)
    (found,) = findings(nn.Sequential(layer), 2)
    assert "its kernel of 3x3 is not divisible by its stride of 2x2" in found.message
    assert "kernel_size=4 gives all of them the same" in found.message
    assert "output_padding=0 keeps the size" in found.message
    (found,) = findings(nn.Sequential(nn.ConvTranspose2d(1, 1, (3, 6), (2, 3))), 2)
    assert "kernel_size=(4, 6)" in found.message
    assert "keeps the size" not in found.message


def test_a_dilation_that_shares_a_factor_with_the_stride_is_said_to() -> None:
    """No kernel helps: every tap lands on the same half of the positions."""
    (found,) = findings(nn.Sequential(nn.ConvTranspose2d(1, 1, 4, 2, dilation=2)), 2)
    assert "its dilation of 2x2 shares the factor 2 with its stride of 2x2" in found.message
    assert "not divisible" not in found.message
    assert "dilation=1" in found.message


def test_a_single_position_overlaps_with_nothing() -> None:
    """As at the start of a generator: each output position is made of one tap."""
    layer = nn.ConvTranspose2d(1, 1, 3, 2, bias=False)
    nn.init.ones_(layer.weight)
    assert layer(torch.ones(1, 1, 1, 1)).unique().tolist() == [1]
    assert not findings(nn.Sequential(layer), 2, 1)
    assert findings(nn.Sequential(layer), 2, 2)


def test_many_are_counted() -> None:
    def decoder() -> nn.Module:
        return nn.Sequential(*(nn.ConvTranspose2d(1, 1, 3, 2) for _ in range(3)))

    assert [x.layer for x in findings(decoder(), 2)] == ["0", "1", "2"]
