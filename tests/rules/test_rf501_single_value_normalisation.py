"""RF501: a normalisation of single values gives its bias, and no gradient.

The oracle is PyTorch: two samples that differ come out alike, what is in front gets a gradient of
zero, or PyTorch itself refuses to train.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import rflint
from rflint.linting.finding import Severity
from tests.helpers.modules import Lambda

SIZE = 8
Build = Callable[[], nn.Module]


def pooled(*layers: nn.Module) -> nn.Sequential:
    """A convolution, global pooling, some layers, a head."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), *layers, nn.Flatten(), nn.Linear(8, 2)
    )


CONSTANT: dict[str, Build] = {
    "as many groups as channels": lambda: pooled(nn.GroupNorm(8, 8)),
    "the same without a scale": lambda: pooled(nn.GroupNorm(8, 8, affine=False)),
    "one feature": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(3 * SIZE**2, 1), nn.LayerNorm(1), nn.Linear(1, 2)
    ),
    "positions, of which there is one": lambda: pooled(nn.LayerNorm((1, 1))),
    "a function": lambda: pooled(Lambda(lambda x: nn.functional.group_norm(x, 8))),
    "a function that checks nothing": lambda: pooled(
        Lambda(lambda x: torch.instance_norm(x, None, None, None, None, True, 0.1, 1e-5, False))
    ),
}
VARIES: dict[str, Build] = {
    "groups of two channels": lambda: pooled(nn.GroupNorm(4, 8)),
    "all channels": lambda: pooled(nn.GroupNorm(1, 8)),
    "features": lambda: pooled(nn.Flatten(), nn.LayerNorm(8)),
    "channels of two positions": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d((1, 2)), nn.InstanceNorm2d(8), nn.Conv2d(8, 2, 1)
    ),
    "the sign of one feature is left": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(3 * SIZE**2, 1, bias=False), nn.RMSNorm(1), nn.Linear(1, 2)
    ),
    "a normalisation by the past": lambda: pooled(nn.InstanceNorm2d(8, track_running_stats=True)),
}


def findings(model: nn.Module, **options: object) -> list[rflint.Finding]:
    report = rflint.lint(model, input=(1, 3, SIZE, SIZE), select="RF501", **options)
    return list(report.models[0].findings)


def is_constant(model: nn.Module) -> bool:
    """Whether samples come out alike, and what is in front gets no gradient.

    Two values in a group are set to their signs, or nearly, and these differ between samples.
    """
    model = model.double().eval()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 3, SIZE, SIZE, dtype=torch.double, generator=generator)
    out = model(100 * x)
    alike = torch.allclose(out, out[:1].expand_as(out), atol=1e-9)
    (out - out[:1]).square().sum().backward()
    weight = next(model.parameters())
    assert weight.grad is not None
    assert not alike or weight.grad.abs().max() < 1e-9
    return alike


@pytest.mark.parametrize("name", CONSTANT)
def test_what_is_constant_is_reported(name: str) -> None:
    assert is_constant(CONSTANT[name]())
    (found,) = findings(CONSTANT[name]())
    assert found.severity is Severity.WARNING
    assert "whatever the input" in found.message
    assert "get no gradient" in found.message


@pytest.mark.parametrize("name", VARIES)
def test_what_depends_on_the_input_is_not(name: str) -> None:
    assert not is_constant(VARIES[name]())
    assert findings(VARIES[name]()) == []


def raises_alone(model: nn.Module) -> bool:
    """Whether PyTorch refuses to train on one sample."""
    model.train()
    with contextlib.suppress(ValueError):
        model(torch.randn(1, 3, SIZE, SIZE))
        return False
    return True


class Frozen(nn.BatchNorm2d):
    def train(self, mode: bool = True) -> Frozen:
        super().train(False)
        return self


def positions(x: torch.Tensor) -> torch.Tensor:
    """The positions of all samples in a row: what linear layers make of them is normalised."""
    return x.flatten(2).transpose(1, 2).flatten(0, 1)


@pytest.mark.parametrize(
    ("build", "raises"),
    [
        (lambda: pooled(nn.BatchNorm2d(8)), True),
        (lambda: pooled(nn.Flatten(), nn.BatchNorm1d(8)), True),
        (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)), False),
        (lambda: pooled(Frozen(8)), False),
        (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), Lambda(positions), nn.BatchNorm1d(8)), False),
    ],
)
@pytest.mark.parametrize("train", [False, True])
def test_batch_normalisation_of_one_sample(build: Build, raises: bool, train: bool) -> None:
    assert raises_alone(build()) is raises
    found = list(
        rflint.lint(build(), input=(2 if train else 1, 3, SIZE, SIZE), select="RF501", train=train)
        .models[0]
        .findings
    )
    assert [x.severity for x in found] == [Severity.INFO] * raises
    assert all("drop_last=True" in x.message for x in found)


def test_many_batch_normalisations_are_told_once() -> None:
    branches = nn.Sequential(*(nn.BatchNorm2d(8) for _ in range(5)))
    (found,) = findings(pooled(branches))
    assert "like 4 other layers" in found.message


def test_who_gets_no_gradient_is_counted() -> None:
    (found,) = findings(pooled(nn.GroupNorm(8, 8)))
    assert "224 parameters before it get no gradient" in found.message, "3 * 8 * 9 + 8"


def test_what_comes_round_on_another_way_gets_gradients() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 8, SIZE), nn.GroupNorm(8, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x)
            return x + self.norm(x)

    (found,) = findings(Net())
    assert "gradient" not in found.message


NORMS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "groups of a channel": lambda channels, _, __: nn.GroupNorm(channels, channels),
    "one group": lambda channels, _, __: nn.GroupNorm(1, channels),
    "two groups": lambda channels, _, __: nn.GroupNorm(2, channels),
    "rows": lambda _, __, width: nn.LayerNorm(width),
    "maps": lambda _, height, width: nn.LayerNorm((height, width)),
    "everything": lambda channels, height, width: nn.LayerNorm((channels, height, width)),
}


@given(
    name=st.sampled_from(sorted(NORMS)),
    channels=st.sampled_from([2, 4]),
    height=st.integers(1, 2),
    width=st.integers(1, 2),
)
@settings(max_examples=40, deadline=None)
def test_of_drawn_shapes(name: str, channels: int, height: int, width: int) -> None:
    """A normalisation is reported if, and only if, nothing of what it is given comes through."""

    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, channels, 3),
            nn.AdaptiveAvgPool2d((height, width)),
            NORMS[name](channels, height, width),
            nn.Conv2d(channels, 2, 1),
        )

    assert bool(findings(build())) is is_constant(build())
