"""What an analysis needs of memory: in proportion to what a model computes, and no more."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import rflint


class OfParameters(nn.Module):
    """A convolution, and many parameters of the model itself."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.scales = nn.ParameterList([nn.Parameter(torch.zeros(1)) for _ in range(number)])


class SumOfAll(OfParameters):
    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = sum(p.sum() for p in self.parameters())  # type: ignore[assignment]
        return self.conv(x) * total


class OneAfterAnother(OfParameters):
    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        for scale in self.scales:
            y = y + scale
        return y


class PartialSums(OfParameters):
    """What is added to the map has every parameter so far in it."""

    def forward(self, x: Tensor) -> Tensor:
        y, total = self.conv(x), torch.zeros(1)
        for scale in self.scales:
            total = total + scale
            y = y + total
        return y


class Concatenated(OfParameters):
    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return torch.cat([y * scale for scale in self.scales], 1)


class Doubles(nn.Module):
    """Every block doubles the paths from the input to the output."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 3, 3, padding=1) for _ in range(blocks)])

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = x + conv(x)
        return x


def peak(build: Callable[[int], nn.Module], number: int) -> int:
    """How many bytes more there are, at the highest, while a model of that size is linted."""
    model = build(number)
    gc.collect()
    tracemalloc.start()
    try:
        rflint.lint(model, res=16)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "build",
    [SumOfAll, OneAfterAnother, PartialSums, Concatenated, Doubles],
    ids=lambda x: x.__name__,
)
def test_memory_grows_no_faster_than_the_model(build: Callable[[int], nn.Module]) -> None:
    rflint.lint(build(2), res=16)  # what is imported on the way stays
    few, many = peak(build, 80), peak(build, 400)
    assert many < 6.5 * few  # five times as many; what is kept for each pair would be 25 times
