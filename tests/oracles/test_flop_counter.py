"""Multiply-accumulates and parameters of small models, against PyTorch's own counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.helpers.modules import Lambda
from tests.helpers.on_meta import analysed


class Attention(nn.Module):
    """Attention over positions, spelled out and fused."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.qkv = nn.Conv2d(4, 24, 1)
        self.out = nn.Linear(8, 4)
        self.fused = fused

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(x).flatten(2).transpose(1, 2).chunk(3, -1)
        if self.fused:
            mixed = F.scaled_dot_product_attention(query, key, value)
        else:
            mixed = (query @ key.transpose(-1, -2)).softmax(-1) @ value
        return self.out(mixed)


class Shared(nn.Module):
    """One convolution called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.max_pool2d(self.conv(x), 2))


class OwnWeights(nn.Module):
    """Functions on parameters that belong to no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.rand(6, 2, 3, 3))
        self.matrix = nn.Parameter(torch.rand(6, 5))
        self.unused = nn.Parameter(torch.rand(7))

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv2d(x, self.kernel, stride=2, groups=2)
        return x.mean((2, 3)) @ self.matrix


def heads(model: nn.Module) -> nn.Module:
    return nn.Sequential(model, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "convolutions in 1-d": (
        lambda: nn.Sequential(nn.Conv1d(4, 8, 5, stride=2), nn.ReLU(), nn.Conv1d(8, 3, 3)),
        (1, 4, 40),
    ),
    "convolutions in 2-d": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, (3, 5), stride=(2, 1), padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 2, 3)
        ),
        (1, 4, 16, 20),
    ),
    "convolutions in 3-d": (
        lambda: nn.Sequential(nn.Conv3d(4, 8, 3, dilation=2, bias=False), nn.Conv3d(8, 8, 1)),
        (1, 4, 8, 9, 10),
    ),
    "grouped and depthwise": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, 3, groups=2), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 16, 1)
        ),
        (1, 4, 12, 12),
    ),
    "transposed in 1-d": (
        lambda: nn.Sequential(nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1)),
        (1, 4, 11),
    ),
    "transposed in 2-d": (
        lambda: nn.Sequential(
            nn.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1), nn.ConvTranspose2d(6, 2, 2)
        ),
        (1, 4, 7, 9),
    ),
    "transposed in groups in 3-d": (
        lambda: nn.Sequential(nn.ConvTranspose3d(4, 6, 3, stride=2, groups=2)),
        (1, 4, 4, 5, 6),
    ),
    "a classifier": (lambda: heads(nn.Conv2d(4, 8, 3)), (1, 4, 16, 16)),
    "a flattened map": (
        lambda: nn.Sequential(nn.Conv2d(4, 8, 3), nn.Flatten(), nn.Linear(8 * 36, 10)),
        (1, 4, 8, 8),
    ),
    "linear on every position": (
        lambda: nn.Sequential(nn.Linear(9, 5), nn.GELU(), nn.Linear(5, 9)),
        (1, 4, 6, 9),
    ),
    "attention spelled out": (lambda: Attention(fused=False), (1, 4, 5, 6)),
    "fused attention": (lambda: Attention(fused=True), (1, 4, 5, 6)),
    "a layer called twice": (Shared, (1, 4, 8, 8)),
    "functions on parameters": (OwnWeights, (1, 4, 9, 9)),
    "a product of two maps": (lambda: Lambda(lambda x: x @ x.transpose(2, 3)), (1, 4, 5, 6)),
    "a weight-normalised layer": (
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 8, 3))),
        (1, 4, 8, 8),
    ),
    "a batch": (lambda: heads(nn.Conv2d(4, 8, 3)), (5, 4, 16, 16)),
    "attention in a batch": (lambda: Attention(fused=True), (3, 4, 5, 6)),
}


@pytest.mark.parametrize("name", MODELS)
def test_macs_are_half_of_what_the_flop_counter_counts(name: str) -> None:
    build, shape = MODELS[name]
    model = build().eval()
    layers = analysed(model, shape).layers
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        model(torch.rand(shape))
    assert counter.get_total_flops() > 0
    assert 2 * shape[0] * sum(x.layer.macs for x in layers) == counter.get_total_flops()


@pytest.mark.parametrize("name", MODELS)
def test_params_are_those_of_the_model(name: str) -> None:
    build, shape = MODELS[name]
    model = build()
    analysis = analysed(model, shape)
    assert analysis.totals.params == sum(p.numel() for p in model.parameters())
    unused = sum(p.numel() for name, p in model.named_parameters() if name == "unused")
    assert sum(x.layer.params for x in analysis.layers) == analysis.totals.params - unused


def test_a_layer_called_twice_counts_its_work_twice_and_its_parameters_once() -> None:
    first, _, second = analysed(Shared(), (1, 4, 8, 8)).layers
    assert (first.layer.call, second.layer.call) == (0, 1)
    assert (first.layer.params, second.layer.params) == (4 * 4 * 9 + 4, 0)
    assert (first.layer.macs, second.layer.macs) == (16 * 9 * 64, 16 * 9 * 16)
