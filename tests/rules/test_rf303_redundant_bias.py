"""RF303: a bias is called redundant where, in training, no output changes with it.

The oracle is PyTorch: the network runs in training mode and double precision, its biases are
replaced by others, and it runs again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from tests.helpers.modules import Lambda
from zoo.torchvision_import import import_torchvision

Build = Callable[[], nn.Module]

CHANNELS, SIZE = 8, 8


def reported(model: nn.Module, axes: int, tracer: str = "auto") -> set[str]:
    """The layers whose bias RF303 calls redundant."""
    shape = (1, 4, *[SIZE] * axes)
    report = rflint.lint(model, input=shape, select="RF303", tracer=tracer).models[0]
    return {finding.layer for finding in report.findings}


def matters(model: nn.Module, axes: int, bias: str) -> bool:
    """Whether, in training, some output depends on what is in this bias."""
    torch.manual_seed(0)
    model = copy.deepcopy(model).double().train()
    other = copy.deepcopy(model)
    x = torch.randn(4, 4, *[SIZE] * axes, dtype=torch.double)
    with torch.no_grad():
        parameter = other.get_parameter(bias)
        parameter.copy_(torch.randn_like(parameter))
        torch.manual_seed(1)
        before = model(x)
        torch.manual_seed(1)
        after = other(x)
    return bool((before - after).abs().max() > 1e-6)


class Steps(nn.Module):
    """Some modules under their names, and a forward that is given."""

    def __init__(self, forward: Callable[..., Any], **modules: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.run = forward
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x: Tensor) -> Any:
        return self.run(self, x)


def conv(axes: int = 2, **options: Any) -> nn.Module:
    module: nn.Module = getattr(nn, f"Conv{axes}d")(4, CHANNELS, 3, **options)
    return module


def parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape))


class OwnBatchNorm(nn.BatchNorm2d):
    """A class of the user's that calls the function, as timm's BatchNormAct2d does."""

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, self.training
        ).relu()


class FrozenByItsCall(nn.BatchNorm2d):
    """It never takes statistics of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)


class FrozenByItsMode(nn.BatchNorm2d):
    """It stays in evaluation mode, whatever its model is in."""

    def train(self, mode: bool = True) -> FrozenByItsMode:
        super().train(False)
        return self


class Backbone(nn.Sequential):
    """A model that freezes its normalisations when it is fine-tuned."""

    def train(self, mode: bool = True) -> Backbone:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


class StandardisedConv(nn.Conv2d):
    """Its weight is normalised before each use."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


def normalised_map(model: Any, x: Tensor) -> Tensor:
    return model.norm(model.conv(x))


REDUNDANT: dict[str, tuple[int, Build]] = {
    **{
        f"{kind}{axes}d and {norm}{axes}d": (
            axes,
            lambda kind=kind, axes=axes, norm=norm: Steps(
                normalised_map,
                conv=getattr(nn, f"{kind}{axes}d")(4, CHANNELS, 3, padding=1),
                norm=getattr(nn, f"{norm}{axes}d")(CHANNELS),
            ),
        )
        for kind in ("Conv", "ConvTranspose")
        for axes in (1, 2, 3)
        for norm in ("BatchNorm", "InstanceNorm")
    },
    "group norm of one channel a group": (
        2,
        lambda: Steps(normalised_map, conv=conv(), norm=nn.GroupNorm(CHANNELS, CHANNELS)),
    ),
    "linear": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(m.conv(x.mean((2, 3)))),
            conv=nn.Linear(4, CHANNELS),
            norm=nn.BatchNorm1d(CHANNELS),
        ),
    ),
    "grouped, padded with copies": (
        2,
        lambda: Steps(
            normalised_map,
            conv=conv(groups=4, padding=1, padding_mode="circular"),
            norm=nn.BatchNorm2d(CHANNELS),
        ),
    ),
    "without running statistics": (
        2,
        lambda: Steps(
            normalised_map, conv=conv(), norm=nn.BatchNorm2d(CHANNELS, track_running_stats=False)
        ),
    ),
    "a copy in between": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(m.conv(x).contiguous(memory_format=torch.channels_last)),
            conv=conv(),
            norm=nn.BatchNorm2d(CHANNELS),
        ),
    ),
    "a weight that is normalised": (
        2,
        lambda: Steps(
            normalised_map,
            conv=nn.utils.parametrizations.weight_norm(conv()),
            norm=nn.BatchNorm2d(CHANNELS),
        ),
    ),
    "a convolution of one's own": (
        2,
        lambda: Steps(
            normalised_map, conv=StandardisedConv(4, CHANNELS, 3), norm=nn.BatchNorm2d(CHANNELS)
        ),
    ),
    "a batch norm of one's own": (
        2,
        lambda: Steps(normalised_map, conv=conv(), norm=OwnBatchNorm(CHANNELS)),
    ),
    "two norms": (
        2,
        lambda: Steps(
            lambda m, x: (lambda y: m.norm(y) + m.other(y))(m.conv(x)),
            conv=conv(),
            norm=nn.BatchNorm2d(CHANNELS),
            other=nn.InstanceNorm2d(CHANNELS),
        ),
    ),
    "a shared convolution with a norm for each call": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(m.conv(x)).mean() + m.other(m.conv(x[..., 2:, 2:])).square().mean(),
            conv=conv(),
            norm=nn.BatchNorm2d(CHANNELS),
            other=nn.BatchNorm2d(CHANNELS),
        ),
    ),
}


@pytest.mark.parametrize("name", REDUNDANT)
def test_a_redundant_bias_changes_nothing(name: str) -> None:
    axes, build = REDUNDANT[name]
    model = build()
    assert reported(model, axes) == {"conv"}
    assert not matters(model, axes, "conv.bias")


NEEDED: dict[str, tuple[int, Build]] = {
    "layer norm": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(m.conv(x).permute(0, 2, 3, 1)),
            conv=conv(),
            norm=nn.LayerNorm(CHANNELS),
        ),
    ),
    "layer norm over all": (
        2,
        lambda: Steps(normalised_map, conv=conv(), norm=nn.LayerNorm([CHANNELS, 6, 6])),
    ),
    "group norm of several channels a group": (
        2,
        lambda: Steps(normalised_map, conv=conv(), norm=nn.GroupNorm(2, CHANNELS)),
    ),
    "local response": (
        2,
        lambda: Steps(normalised_map, conv=conv(), norm=nn.LocalResponseNorm(3)),
    ),
    "an activation in between": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(m.conv(x).relu()), conv=conv(), norm=nn.BatchNorm2d(CHANNELS)
        ),
    ),
    "an activation in place in between": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(F.relu_(m.conv(x))), conv=conv(), norm=nn.BatchNorm2d(CHANNELS)
        ),
    ),
    "padding in between": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(F.pad(m.conv(x), [1, 1, 1, 1])),
            conv=conv(),
            norm=nn.BatchNorm2d(CHANNELS),
        ),
    ),
    "dropout in between": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(F.dropout(m.conv(x), training=m.training)),
            conv=conv(),
            norm=nn.BatchNorm2d(CHANNELS),
        ),
    ),
    "rounding in between": (
        2,
        lambda: Steps(
            lambda m, x: m.norm((8 * m.conv(x)).int().double() * m.scale),
            conv=conv(),
            norm=nn.BatchNorm2d(CHANNELS),
            scale=parameter(1),
        ),
    ),
    "another reader": (
        2,
        lambda: Steps(
            lambda m, x: (lambda y: m.norm(y) + y)(m.conv(x)),
            conv=conv(),
            norm=nn.BatchNorm2d(CHANNELS),
        ),
    ),
    "another reader, of a view": (
        2,
        lambda: Steps(
            lambda m, x: (lambda y: m.norm(y).mean() + y[:, 1:].mean())(m.conv(x)),
            conv=conv(),
            norm=nn.BatchNorm2d(CHANNELS),
        ),
    ),
    "one call of two without a norm": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(m.conv(x)).mean() + m.conv(x[..., 2:, 2:]).mean(),
            conv=conv(),
            norm=nn.BatchNorm2d(CHANNELS),
        ),
    ),
    "another use of the bias": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(m.conv(x)) + m.conv.bias[:, None, None],
            conv=conv(),
            norm=nn.BatchNorm2d(CHANNELS),
        ),
    ),
    "batch norm over positions, as many as channels": (
        1,
        lambda: Steps(
            lambda m, x: m.norm(m.conv(x).transpose(1, 2)),
            conv=nn.Conv1d(4, SIZE, 1),
            norm=nn.BatchNorm1d(SIZE),
        ),
    ),
    "batch norm over rows, as many as channels": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(m.conv(x).transpose(1, 2)),
            conv=nn.Conv2d(4, SIZE, 1),
            norm=nn.BatchNorm2d(SIZE),
        ),
    ),
    "linear on tokens": (
        1,
        lambda: Steps(
            lambda m, x: m.norm(m.conv(x)), conv=nn.Linear(SIZE, CHANNELS), norm=nn.BatchNorm1d(4)
        ),
    ),
    "instance norm of features": (
        2,
        lambda: Steps(
            lambda m, x: m.norm(m.conv(x.mean((2, 3)))),
            conv=nn.Linear(4, CHANNELS),
            norm=nn.InstanceNorm1d(4),
        ),
    ),
    "fixed statistics": (
        2,
        lambda: Steps(
            lambda m, x: F.instance_norm(
                m.conv(x), m.norm.running_mean, m.norm.running_var, use_input_stats=False
            ),
            conv=conv(),
            norm=nn.BatchNorm2d(CHANNELS),
        ),
    ),
    "torchvision's frozen batch norm": (
        2,
        lambda: Steps(
            normalised_map,
            conv=conv(),
            norm=import_torchvision().ops.FrozenBatchNorm2d(CHANNELS),
        ),
    ),
    "a batch norm frozen by its call": (
        2,
        lambda: Steps(normalised_map, conv=conv(), norm=FrozenByItsCall(CHANNELS)),
    ),
    "a batch norm frozen by its mode": (
        2,
        lambda: Steps(normalised_map, conv=conv(), norm=FrozenByItsMode(CHANNELS)),
    ),
}


@pytest.mark.parametrize("name", NEEDED)
def test_a_bias_that_matters_is_not_reported(name: str) -> None:
    axes, build = NEEDED[name]
    model = build()
    assert matters(model, axes, "conv.bias")
    assert reported(model, axes) == set()


def test_a_model_that_freezes_its_norms() -> None:
    model = Backbone(conv(), nn.BatchNorm2d(CHANNELS))
    assert matters(model, 2, "0.bias")
    assert reported(model, 2) == set()


def test_a_model_that_returns_what_a_norm_reads_too() -> None:
    model = Steps(
        lambda m, x: (lambda y: torch.stack([m.norm(y), y]))(m.conv(x)),
        conv=conv(),
        norm=nn.BatchNorm2d(CHANNELS),
    )
    assert matters(model, 2, "conv.bias")
    assert reported(model, 2) == set()
    pair = Steps(
        lambda m, x: (lambda y: (m.norm(y), y))(m.conv(x)),
        conv=conv(),
        norm=nn.BatchNorm2d(CHANNELS),
    )
    assert reported(pair, 2) == set()


class Functions(nn.Module):
    """Functions on parameters of its own."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.bias = parameter(CHANNELS)
        shapes = {
            "conv2d": (CHANNELS, 4, 3, 3),
            "conv_transpose2d": (4, CHANNELS, 3, 3),
            "linear": (CHANNELS, 4),
            "bilinear": (CHANNELS, 4, 4),
        }
        self.weight = parameter(*shapes[kind])

    def forward(self, x: Tensor) -> Tensor:
        pooled = x.mean((2, 3))
        if self.kind == "linear":
            y = F.linear(pooled, self.weight, self.bias)
        elif self.kind == "bilinear":
            y = F.bilinear(pooled, pooled, self.weight, self.bias)
        else:
            y = getattr(F, self.kind)(x, self.weight, self.bias)
        return F.batch_norm(y, None, None, training=True)


@pytest.mark.parametrize("kind", ["conv2d", "conv_transpose2d", "linear", "bilinear"])
def test_functions_count_like_modules(kind: str) -> None:
    """And it is the bias that is redundant, not the weight."""
    model = Functions(kind)
    # PyTorch refuses to normalise one value over the batch
    report = rflint.lint(model, input=(2, 4, SIZE, SIZE), select="RF303").models[0]
    (found,) = report.findings
    assert f"{CHANNELS} parameters fewer" in found.message
    assert not matters(model, 2, "bias")
    assert matters(model, 2, "weight")


def test_timms_batch_norm_with_its_activation() -> None:
    import_torchvision()
    timm = pytest.importorskip("timm")
    model = Steps(normalised_map, conv=conv(), norm=timm.layers.BatchNormAct2d(CHANNELS))
    assert reported(model, 2) == {"conv"}
    assert not matters(model, 2, "conv.bias")


def test_an_exported_program_says_the_same() -> None:
    model = nn.Sequential(conv(), nn.BatchNorm2d(CHANNELS), nn.ReLU(), nn.Conv2d(CHANNELS, 4, 1))
    assert reported(model, 2, tracer="export") == {"0"}
    frozen = nn.Sequential(conv(), FrozenByItsCall(CHANNELS))
    assert reported(frozen, 2, tracer="export") == set()


def test_what_has_no_bias_is_not_reported() -> None:
    model = nn.Sequential(conv(bias=False), nn.BatchNorm2d(CHANNELS))
    assert reported(model, 2) == set()
    assert reported(Lambda(lambda x: F.conv2d(x, torch.rand(3, 4, 3, 3))), 2) == set()
