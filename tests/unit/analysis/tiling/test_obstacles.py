"""What stands against tiles is named; and nothing that does is passed by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import rflint
from rflint.analysis.tiling.obstacles import NotTileable
from rflint.analysis.tiling.tiling import Tiling
from tests.helpers.tiled import ROUNDING, deviation, image, made_sensitive

Body = Callable[["Around", Tensor], Any]


class Around(nn.Module):
    """A convolution, something else, and another convolution."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self.body = body
        self.first, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)
        self.table = nn.Parameter(torch.rand(1, 8, 16, 16))
        self.lstm = nn.LSTM(8, 8, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        return self.last(self.body(self, self.first(x)))


def _tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def _attention(model: Around, x: Tensor) -> Tensor:
    tokens = _tokens(x)
    seen = F.scaled_dot_product_attention(tokens, tokens, tokens)
    return seen.transpose(1, 2).reshape(x.shape)


def _lstm(model: Around, x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    rows, _ = model.lstm(x.permute(0, 2, 3, 1).reshape(b * h, w, c))
    return rows.view(b, h, w, c).permute(0, 3, 1, 2)


def _coordinates(x: Tensor) -> Tensor:
    return torch.linspace(-1, 1, x.shape[-1]).expand(x.shape)


def _first_row_cleared(model: Around, x: Tensor) -> Tensor:
    x = x.clone()
    x[:, :, 0] = 0
    return x


CERTAIN: dict[str, tuple[Body, str]] = {
    "global pooling": (lambda m, x: x * x.mean((2, 3), keepdim=True), "brings all positions"),
    "squeeze and excite": (lambda m, x: x * F.adaptive_avg_pool2d(x, 1), "brings all positions"),
    "a maximum over all": (lambda m, x: x / x.amax((2, 3), keepdim=True), "brings all positions"),
    "pyramid pooling": (
        lambda m, x: x + F.interpolate(F.adaptive_avg_pool2d(x, 4), size=x.shape[2:]),
        "pools to so many positions",
    ),
    "instance normalisation": (lambda m, x: F.instance_norm(x), "statistics of all positions"),
    "group normalisation": (lambda m, x: F.group_norm(x, 2), "statistics of all positions"),
    "attention": (_attention, "attends to all positions"),
    "softmax over positions": (
        lambda m, x: torch.softmax(x.flatten(2), -1).view(x.shape),
        "reads all positions",
    ),
    "a Fourier transform": (
        lambda m, x: torch.fft.ifft2(torch.fft.fft2(x)).real,
        "makes frequencies",
    ),
    "a recurrence": (_lstm, "carries a state"),
    "a running sum": (lambda m, x: torch.cumsum(x, 2), "reads all positions"),
    "a roll": (lambda m, x: torch.roll(x, 1, 2), "moves what leaves at one end"),
    "circular padding": (lambda m, x: F.pad(x, (1, 0, 1, 0), "circular"), "the other end"),
    "aligned corners": (
        lambda m, x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True),
        "align_corners",
    ),
    "a size that is given": (lambda m, x: F.interpolate(x, size=(64, 64)), "of any size"),
    "half of the map": (lambda m, x: x[:, :, : x.shape[2] // 2], "as if not by one step"),
}

UNKNOWN: dict[str, tuple[Body, str]] = {
    "coordinates": (lambda m, x: x + _coordinates(x), "at every position"),
    "coordinates in the channels": (
        lambda m, x: torch.cat([x[:, 1:], _coordinates(x)[:, :1]], 1),
        "at every position",
    ),
    "a table that is resized": (
        lambda m, x: x + F.interpolate(m.table, size=x.shape[2:]),
        "at every position",
    ),
    "noise": (lambda m, x: x + torch.randn_like(x), "at every position"),
    "a row that is cleared": (_first_row_cleared, "at every position"),
    "a triangle": (lambda m, x: torch.tril(x), "at every position"),
    "a flip": (lambda m, x: torch.flip(x, [2]), "elsewhere"),
    "a map and its transposed": (lambda m, x: x + x.transpose(2, 3), "elsewhere"),
    "maps one behind the other": (lambda m, x: torch.cat([x, x], 2), "one behind the other"),
    "windows over rows put in one": (
        lambda m, x: F.conv1d(x.flatten(2), torch.rand(8, 8, 3), padding=1).view(x.shape),
        "in one row",
    ),
    "rows in another order": (
        lambda m, x: x[:, :, torch.arange(x.shape[2] - 1, -1, -1)],
        "nobody knows",
    ),
}

NOTHING: dict[str, Body] = {
    "a softmax over channels": lambda m, x: torch.softmax(x, 1),
    "vectors of length one": lambda m, x: F.normalize(x, dim=1),
    "neighbouring channels": lambda m, x: F.local_response_norm(x, 3),
    "zeros for channels": lambda m, x: torch.cat([x[:, :4], torch.zeros_like(x[:, :4])], 1),
    "a linear layer on tokens": lambda m, x: _tokens(x).transpose(1, 2).view(x.shape),
    "a choice by the data": lambda m, x: torch.where(x > 1, x, x / 2),
    "a map on its side": lambda m, x: x.transpose(2, 3),
    "a margin cut off": lambda m, x: x[:, :, 4:-4, 3:-5],
    "differences of neighbours": lambda m, x: x[:, :, 1:] - x[:, :, :-1],
    "a factor": lambda m, x: x * torch.tensor(2.0),
}


@pytest.mark.parametrize("name", CERTAIN)
def test_what_looks_at_everything_makes_tiles_impossible(name: str) -> None:
    body, what = CERTAIN[name]
    found = rflint.tiling(Around(body), 48)
    assert isinstance(found, NotTileable)
    assert found.is_certain
    assert what in found.obstacles[0].what
    assert str(found.obstacles[0].layer.source).startswith("tests/unit/analysis/tiling")


@pytest.mark.parametrize("name", UNKNOWN)
def test_of_what_is_not_known_exactly_nothing_is_claimed(name: str) -> None:
    body, what = UNKNOWN[name]
    found = rflint.tiling(Around(body), 16)
    assert isinstance(found, NotTileable)
    assert not found.is_certain
    assert what in found.obstacles[0].what


@pytest.mark.parametrize("name", NOTHING)
def test_other_things_leave_tiles_possible(name: str) -> None:
    model = made_sensitive(Around(NOTHING[name]), 0)
    tiling = rflint.tiling(model, (48, 44), tile=(24, 26))
    assert isinstance(tiling, Tiling)
    assert deviation(model, tiling, image((48, 44), 3, 0), (24, 26)) < ROUNDING


def test_all_obstacles_are_named_the_first_one_first() -> None:
    model = nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.InstanceNorm2d(8), nn.Conv2d(8, 8, 3), nn.GroupNorm(2, 8)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)),
    )
    found = rflint.tiling(model, 64)
    assert isinstance(found, NotTileable)
    assert [x.layer.name for x in found.obstacles] == ["1", "3", "4"]


def test_in_training_batch_normalisation_and_dropout_stand_against_it() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout2d(0.1))
    found = rflint.tiling(model, 64, train=True)
    assert isinstance(found, NotTileable)
    assert [x.layer.name for x in found.obstacles] == ["1", "2"]
    assert isinstance(rflint.tiling(model, 64), Tiling)


def test_a_head_for_one_size_is_named() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Flatten(), nn.Linear(8 * 256, 10))
    found = rflint.tiling(model, 16)
    assert isinstance(found, NotTileable)
    assert [x.what for x in found.obstacles] == ["has a weight for every position"]


def test_what_the_model_draws_or_returns_as_it_is_given_is_said() -> None:
    class Drops(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.dropout(F.conv2d(x, torch.rand(3, 3, 3, 3)), 0.5)

    class Echoes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Any:
            return x, self.conv(x)

    for model, why in ((Drops(), "draws numbers"), (Echoes(), "its input itself")):
        found = rflint.tiling(model, input=(1, 3, 32, 32))
        assert isinstance(found, NotTileable)
        assert why in found.why
        assert not found.is_certain
