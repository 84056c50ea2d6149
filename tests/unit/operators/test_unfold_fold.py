"""An unfold that a fold undoes: every position gets itself back, unless something mixed windows.

Held against a NaN in each row: how many rows it reaches is what a unit sees.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import rflint

SIZE, CHANNELS, KERNEL = 20, 3, 3
COLUMNS = CHANNELS * KERNEL**2


class Patches(nn.Module):
    """Windows of 3 x 3, what is done to them, and the map again."""

    def __init__(self, between: Callable[[Patches, Tensor], Tensor]) -> None:
        super().__init__()
        self.between = between
        self.conv = nn.Conv1d(COLUMNS, COLUMNS, 1)
        self.linear = nn.Linear(COLUMNS, COLUMNS)
        self.norm = nn.BatchNorm1d(COLUMNS)
        self.weights = nn.Parameter(torch.rand(1, COLUMNS, 1))

    def forward(self, x: Tensor) -> Tensor:
        columns = self.between(self, F.unfold(x, KERNEL, padding=1))
        return F.fold(columns, x.shape[2:], KERNEL, padding=1)


def per_tap(columns: Tensor) -> Tensor:
    return columns.unflatten(1, (CHANNELS, KERNEL**2))


APART: dict[str, Callable[[Patches, Tensor], Tensor]] = {
    "nothing": lambda m, x: x,
    "activations": lambda m, x: torch.relu(x) * 2 + 1,
    "a weight per tap": lambda m, x: x * m.weights,
    "normalised": lambda m, x: m.norm(x),
    "tap by tap": lambda m, x: (per_tap(x) * m.weights.view(1, CHANNELS, -1, 1)).flatten(1, 2),
    "last": lambda m, x: x.transpose(1, 2).tanh().transpose(1, 2),
}

MIXED: dict[str, Callable[[Patches, Tensor], Tensor]] = {
    "a convolution": lambda m, x: m.conv(x),
    "a linear layer": lambda m, x: m.linear(x.transpose(1, 2)).transpose(1, 2),
    "softmax": lambda m, x: x.softmax(1),
    "weighted by a softmax": lambda m, x: x * x.softmax(1),
    "summed": lambda m, x: per_tap(x).sum(2, keepdim=True).expand(-1, -1, 9, -1).flatten(1, 2),
    "in another order": lambda m, x: per_tap(x).transpose(1, 2).flatten(1, 2),
}


def rows_reached(model: nn.Module) -> int:
    """By a NaN in a row, at most."""
    most = 0
    for row in range(SIZE):
        image = torch.rand(1, CHANNELS, SIZE, SIZE)
        image[:, :, row] = float("nan")
        most = max(most, int(model(image).isnan().any(1)[0].any(1).sum()))
    return most


def seen(model: nn.Module) -> list[tuple[object, object]]:
    layer = rflint.lint(model, input=(1, CHANNELS, SIZE, SIZE)).models[0].analysis.layers[-1]
    return [(axis.r_min, axis.r_max) for axis in layer.output_field]


@pytest.mark.parametrize("name", APART)
def test_a_fold_undoes_an_unfold(name: str) -> None:
    model = Patches(APART[name]).eval()
    assert rows_reached(model) == 1
    assert seen(model) == [(1, 1), (1, 1)]


@pytest.mark.parametrize("name", MIXED)
def test_what_mixes_windows_sees_them(name: str) -> None:
    """A window of 3, and the windows that a position lies in: 5."""
    model = Patches(MIXED[name]).eval()
    assert rows_reached(model) == 5
    assert seen(model) == [(5, 5), (5, 5)]


class Strided(nn.Module):
    def __init__(self, **options: int) -> None:
        super().__init__()
        self.options = options

    def forward(self, x: Tensor) -> Tensor:
        return F.fold(F.unfold(x, 4, **self.options), x.shape[2:], 4, **self.options)


@pytest.mark.parametrize(
    "options", [{"stride": 2, "padding": 1}, {"dilation": 2, "padding": 3}, {"stride": 4}]
)
def test_with_strides_and_dilations(options: dict[str, int]) -> None:
    model = Strided(**options).eval()
    assert rows_reached(model) == 1
    assert seen(model) == [(1, 1), (1, 1)]


def test_other_windows_are_not_undone() -> None:
    class Other(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            columns = F.unfold(x, 3, padding=1)
            return F.fold(columns, x.shape[2:], 3, padding=1, dilation=1).roll(1, 1)

    class Wider(nn.Module):
        """27 channels of windows of 3 x 3, taken for three of windows of 3 x 3 further apart."""

        def forward(self, x: Tensor) -> Tensor:
            columns = F.unfold(x, 3, padding=1)
            return F.fold(columns, x.shape[2:], 3, padding=2, dilation=2)

    assert seen(Other()) == [(1, 1), (1, 1)]
    assert rows_reached(Wider()) == 3
    (height, _) = seen(Wider())
    assert height[1] is None or height[1] >= 3  # type: ignore[operator]


def test_convolutions_behind_it_are_not_past_the_border() -> None:
    """Three times a convolution of 3 x 3: seven pixels, and no finding at 16."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            for conv in self.convs:
                x = conv(F.fold(F.unfold(x, 5, padding=2), x.shape[2:], 5, padding=2))
            return x

    report = rflint.lint(Net, res=16)
    assert report.models[0].analysis.layers[-1].output_field[0].r_min == 7
    assert not [x for x in report.findings if x.code == "RF101"]
