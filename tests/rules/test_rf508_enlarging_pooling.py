"""RF508: adaptive pooling that makes copies, which a linear layer reads.

The oracle is PyTorch: positions that are equal whatever the input, and a linear layer with the
weights of equal ones added up, which computes the same.
"""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import rflint

CHANNELS = 3
SIZES = [((1, 1), (7, 7)), ((2, 2), (6, 6)), ((2, 3), (7, 6)), ((1, 4), (6, 4)), ((4, 4), (7, 7)),
         ((6, 6), (7, 7)), ((8, 8), (7, 7)), ((3, 3), (7, 7)), ((2, 2), (3, 3))]  # fmt: skip


class Net(nn.Module):
    def __init__(self, size: tuple[int, int], kind: type[nn.Module] = nn.AdaptiveAvgPool2d) -> None:
        super().__init__()
        self.conv, self.pool = nn.Conv2d(CHANNELS, CHANNELS, 1), kind(size)
        self.drop, self.head = nn.Dropout(), nn.Linear(CHANNELS * size[0] * size[1], 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.drop(self.pool(self.conv(x)).flatten(1)))
        return out


def findings(model: nn.Module, size: tuple[int, ...]) -> list[rflint.Finding]:
    report = rflint.lint(model, input=(1, CHANNELS, *size), select="RF508")
    return list(report.models[0].findings)


def copies(kind: type[nn.Module], before: tuple[int, int], behind: tuple[int, int]) -> int:
    """How many positions are equal to one before them, for random maps."""
    pooled = kind(behind)(torch.rand(64, *before, dtype=torch.double)).flatten(1)
    return pooled.shape[1] - len(torch.unique(pooled.round(decimals=9), dim=1)[0])


@pytest.mark.parametrize("kind", [nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d])
@pytest.mark.parametrize(("before", "behind"), SIZES)
def test_copies_are_counted(
    kind: type[nn.Module], before: tuple[int, int], behind: tuple[int, int]
) -> None:
    found = findings(Net(behind, kind), before)
    number = copies(nn.AdaptiveAvgPool2d, before, behind)
    assert len(found) == (number > 0)
    if found:
        made = math.prod(behind)
        assert f"{number} of the {made} positions are copies" in found[0].message


def test_added_up_the_weights_compute_the_same() -> None:
    model = Net((7, 7)).double().eval()
    x = torch.randn(2, CHANNELS, 1, 1, dtype=torch.double)
    merged = model.head.weight.view(4, CHANNELS, 49).sum(2)
    assert torch.allclose(model(x), F.linear(model.conv(x).flatten(1), merged, model.head.bias))
    (found,) = findings(model, (1, 1))
    assert f"{4 * CHANNELS * 48} of the {4 * CHANNELS * 49} weights" in found.message


class Pyramid(nn.Module):
    """Pools of several sizes, resized and put together: nothing has a weight for each position."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.mix = nn.AdaptiveAvgPool2d(6), nn.Conv2d(CHANNELS, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.mix(self.pool(x)), x.shape[2:])


def test_copies_that_a_convolution_reads_are_not_reported() -> None:
    assert findings(Pyramid(), (2, 2)) == []


def test_vgg_on_small_images() -> None:
    """12.6 of the 15.2 million weights of a head of 512 for images of 32 pixels, say."""
    head = nn.Sequential(nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(512 * 49, 512))
    (found,) = rflint.lint(head, input=(1, 512, 1, 1), select="RF508").models[0].findings
    assert "12,582,912 of the 12,845,056 weights" in found.message


@given(before=st.tuples(*[st.integers(1, 9)] * 2), behind=st.tuples(*[st.integers(1, 9)] * 2))
@settings(max_examples=60, deadline=None)
def test_of_drawn_sizes(before: tuple[int, int], behind: tuple[int, int]) -> None:
    number = copies(nn.AdaptiveAvgPool2d, before, behind)
    found = findings(Net(behind), before)
    assert len(found) == (number > 0)
    assert all(f"{number} of the {math.prod(behind)} positions" in x.message for x in found)
