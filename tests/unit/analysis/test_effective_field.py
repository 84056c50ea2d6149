"""How far what shapes a value spreads at initialisation: by hand, and by counting every path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import rflint
from tests.helpers.modules import Lambda


def erf_of(model: nn.Module, size: int | tuple[int, ...] = 64, **options: object) -> list[object]:
    """The entry `erf` of all layers, in execution order."""
    return [x["erf"] for x in rflint.lint(model, size, **options).to_dict()["models"][0]["layers"]]


# -- by hand


def conv(k: int = 3, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(3, 3, k, stride, padding=dilation * (k - 1) // 2, dilation=dilation)


@pytest.mark.parametrize(
    ("layers", "variance"),
    [
        ([conv(3)], 8 / 12),
        ([conv(1)], 0),
        ([conv(3), conv(3)], 2 * 8 / 12),
        ([conv(7)], 48 / 12),
        ([conv(3, dilation=3)], 9 * 8 / 12),
        ([conv(3, stride=2), conv(3)], 8 / 12 + 4 * 8 / 12),
        ([conv(3), nn.MaxPool2d(2), conv(3)], 8 / 12 + 3 / 12 + 4 * 8 / 12),
        ([conv(3), nn.ReLU(), nn.BatchNorm2d(3), nn.AvgPool2d(2)], 8 / 12 + 3 / 12),
    ],
)
def test_windows_add_the_variance_of_their_taps(layers: list[nn.Module], variance: float) -> None:
    assert erf_of(nn.Sequential(*layers))[-1] == pytest.approx([sqrt(variance)] * 2, abs=1e-3)


def test_axes_are_their_own() -> None:
    model = nn.Conv2d(3, 3, (1, 5), (1, 2), (0, 2))
    assert erf_of(model)[-1] == pytest.approx([0, sqrt(24 / 12)], abs=1e-3)


def branches(join: Callable[[Tensor, Tensor], Tensor], channels: int = 3) -> nn.Module:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wide = nn.Conv2d(3, 3, 7, padding=3)
            self.narrow = nn.Conv2d(3, channels, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return join(self.wide(x), self.narrow(x))

    return Branches()


@pytest.mark.parametrize(
    ("model", "variance"),
    [
        (branches(lambda a, b: a + b), (4 + 8 / 12) / 2),
        (branches(lambda a, b: a + b + b), (4 + 2 * 8 / 12) / 3),
        (branches(lambda a, b: a * b), (4 + 8 / 12) / 2),
        (branches(lambda a, b: torch.cat([a, b], 1), channels=9), (3 * 4 + 9 * 8 / 12) / 12),
    ],
    ids=["sum", "sum of three", "product", "concatenation"],
)
def test_branches_mix_by_the_variance_that_they_bring(model: nn.Module, variance: float) -> None:
    assert erf_of(model)[-1] == pytest.approx([sqrt(variance)] * 2, abs=1e-3)


def test_branches_that_look_elsewhere_are_further_apart() -> None:
    def beside(x: Tensor) -> Tensor:
        return x[..., 4:] + x[..., :-4]

    assert erf_of(nn.Sequential(conv(1), Lambda(beside)))[-1] == pytest.approx([0, 2], abs=1e-3)


def test_what_sees_everything_has_none() -> None:
    model = nn.Sequential(conv(3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    assert erf_of(model) == [[0.816, 0.816], [None, None], [None, None], [None, None]]


def test_a_gate_changes_nothing() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.gate = conv(3), nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return x * self.gate(x.mean((2, 3), keepdim=True)).sigmoid()

    assert erf_of(Gated())[-1] == [0.816, 0.816]


def test_a_thousand_sums_are_no_overflow() -> None:
    class Doubled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = conv(3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            for _ in range(1100):
                x = x + x
            return x

    assert erf_of(Doubled())[-1] == [0.816, 0.816]


# -- random graphs, every path counted


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_it_is_the_spread_of_all_paths_together(data: st.DataObject) -> None:
    """Chains of convolutions with sums: every path to every tap is walked."""
    steps = data.draw(
        st.lists(
            st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 2, 3]), st.integers(0, 3)),
            min_size=1,
            max_size=5,
        )
    )

    class Sums(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.ModuleList(
                nn.Conv1d(2, 2, k, padding=d * (k - 1) // 2, dilation=d) for k, d, _ in steps
            )

        def forward(self, x: Tensor) -> Tensor:
            values = [x]
            for layer, (_, _, back) in zip(self.convs, steps, strict=True):
                values.append(layer(values[-1]) + values[max(0, len(values) - 1 - back)])
            return values[-1]

    values = [Counter({0: 1.0})]
    for k, d, back in steps:
        found: Counter[int] = Counter()
        for place, weight in values[-1].items():
            for tap in range(k):
                found[place + d * (tap - (k - 1) // 2)] += weight / k
        found.update(values[max(0, len(values) - 1 - back)])
        values.append(found)
    total = sum(values[-1].values())
    mean = sum(place * weight for place, weight in values[-1].items()) / total
    spread = sum((place - mean) ** 2 * w for place, w in values[-1].items()) / total
    (erf,) = erf_of(Sums(), input=(1, 2, 64))[-1]
    assert erf == pytest.approx(sqrt(spread), abs=1e-3)
