"""RF507: two layers that are one linear map.

The oracle is the product of their weights, and linearity itself: of a linear map,
f(x + y) = f(x) + f(y) - f(0).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import rflint

Build = Callable[[], nn.Module]
FEATURES, SIDE = 6, 9


class Both(nn.Module):
    """The second layer reads the first, and so does the output."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(FEATURES, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        return x + self.b(x).relu()


class Mixer(nn.Module):
    """Features, then positions, of which there are as many."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(FEATURES, 5), nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.b(self.a(x).transpose(1, 2))
        return out


LINEAR: dict[str, Build] = {
    "two linear layers": lambda: nn.Sequential(nn.Linear(FEATURES, 8), nn.Linear(8, 4)),
    "of one width": lambda: nn.Sequential(nn.Linear(FEATURES, 6), nn.Linear(6, 6)),
    "without biases": lambda: nn.Sequential(
        nn.Linear(FEATURES, 8, bias=False), nn.Linear(8, 4, bias=False)
    ),
}
CONVOLUTIONS: dict[str, Build] = {
    "1x1 behind 3x3": lambda: nn.Sequential(nn.Conv2d(FEATURES, 8, 3), nn.Conv2d(8, 4, 1)),
    "3x3 behind 1x1": lambda: nn.Sequential(nn.Conv2d(FEATURES, 8, 1), nn.Conv2d(8, 4, 3)),
    "a wide one between two 3x3": lambda: nn.Sequential(
        nn.Conv2d(FEATURES, 32, 3), nn.Conv2d(32, 4, 3, stride=2)
    ),
    "two that pad": lambda: nn.Sequential(
        nn.Conv2d(FEATURES, 32, 3, padding=1), nn.Conv2d(32, 4, 3, padding=1)
    ),
}
NOT: dict[str, Build] = {
    "an activation": lambda: nn.Sequential(
        nn.Conv2d(FEATURES, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 1)
    ),
    "low rank": lambda: nn.Sequential(nn.Conv2d(FEATURES, 2, 1), nn.Conv2d(2, 8, 1)),
    "depthwise separable": lambda: nn.Sequential(
        nn.Conv2d(FEATURES, FEATURES, 3, groups=FEATURES), nn.Conv2d(FEATURES, 8, 1)
    ),
    "rows, then columns": lambda: nn.Sequential(
        nn.Conv2d(FEATURES, 6, (1, 3)), nn.Conv2d(6, 6, (3, 1))
    ),
    "fewer parameters than one of 5x5": lambda: nn.Sequential(
        nn.Conv2d(FEATURES, 6, 3), nn.Conv2d(6, 6, 3)
    ),
    "a maximum": lambda: nn.Sequential(
        nn.Conv2d(FEATURES, 8, 1), nn.MaxPool2d(2), nn.Conv2d(8, 4, 1)
    ),
}


def shape(model: nn.Module) -> tuple[int, ...]:
    is_map = any(isinstance(x, nn.Conv2d) for x in model.modules())
    return (1, FEATURES, SIDE, SIDE) if is_map else (1, 5, FEATURES)


def findings(model: nn.Module) -> list[rflint.Finding]:
    report = rflint.lint(model, input=shape(model), select="RF507")
    return list(report.models[0].findings)


def is_affine(model: nn.Module) -> bool:
    model = model.double().eval()
    x, y = torch.randn(2, *shape(model), dtype=torch.double)
    return torch.allclose(model(x + y), model(x) + model(y) - model(0 * x))


@pytest.mark.parametrize("name", [*LINEAR, *CONVOLUTIONS])
def test_pairs_without_an_activation_are_reported(name: str) -> None:
    build = {**LINEAR, **CONVOLUTIONS}[name]
    assert is_affine(build())
    (found,) = findings(build())
    assert found.layer == "1"


@pytest.mark.parametrize("name", LINEAR)
def test_the_product_of_the_weights_is_one_layer(name: str) -> None:
    model = LINEAR[name]().double()
    first, second = model[0], model[1]
    x = torch.randn(3, 5, FEATURES, dtype=torch.double)
    bias = 0.0 if first.bias is None else second.weight @ first.bias + second.bias
    assert torch.allclose(model(x), F.linear(x, second.weight @ first.weight) + bias)


def test_the_merged_convolution_is_as_large_as_it_is_said_to_be() -> None:
    """An impulse through both shows its kernel; its size is that of the merged weight."""
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, bias=False), nn.Conv2d(32, 1, 3, dilation=2, bias=False)
    )
    x = torch.zeros(1, 1, 31, 31)
    x[..., 15, 15] = 1
    kernel = model(x).nonzero()
    assert (kernel.amax(0) - kernel.amin(0) + 1)[-1] == 7
    (found,) = rflint.lint(model, input=(1, 1, 31, 31), select="RF507").models[0].findings
    assert f"with {2 * 32 * 9 - 49} parameters fewer" in found.message


@pytest.mark.parametrize("name", NOT)
def test_others_are_not(name: str) -> None:
    assert findings(NOT[name]()) == []


@pytest.mark.parametrize("model", [Both, Mixer])
def test_what_others_read_or_what_was_turned_is_not(model: Build) -> None:
    assert findings(model()) == []


SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2))
"""Kernel, stride, dilation."""


@given(first=SHAPES, second=SHAPES, features=st.tuples(*[st.sampled_from([1, 2, 4, 8])] * 3))
@settings(max_examples=60, deadline=None)
def test_of_drawn_convolutions(
    first: tuple[int, int, int], second: tuple[int, int, int], features: tuple[int, int, int]
) -> None:
    """The merged kernel is as long as what one unit sees; cheaper pairs are not reported."""
    before, between, behind = features
    model = nn.Sequential(
        nn.Conv1d(before, between, first[0], first[1], 0, first[2], bias=False),
        nn.Conv1d(between, behind, second[0], second[1], 0, second[2], bias=False),
    )
    nn.init.constant_(model[0].weight, 1.0)
    nn.init.constant_(model[1].weight, 1.0)
    x = torch.zeros(1, before, 31, requires_grad=True)
    model(x)[0, 0, 1].backward()
    assert x.grad is not None
    seen = x.grad[0, 0].nonzero()
    length = int(seen.max() - seen.min()) + 1
    saved = sum(p.numel() for p in model.parameters()) - before * behind * length
    found = rflint.lint(model, input=(1, before, 31), select="RF507").models[0].findings
    assert bool(found) is (between >= min(before, behind) and saved >= 0)
    if found and saved:
        assert f"with {saved} parameter{'s' if saved > 1 else ''} fewer" in found[0].message
