"""How many positions a layer leaves: what it says of itself holds at sizes that were not traced."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT
from rflint.graph.sizing import KEPT, FixedSize, Scaled, Sliding
from rflint.tracing.example_inputs.build import example_inputs
from rflint.tracing.model.build import build
from rflint.tracing.trace import trace
from zoo.models import ZooModel
from zoo.paper.attention import cbam
from zoo.paper.mpnet import mpnet18
from zoo.paper.resnet import resnet18
from zoo.paper.vgg import vgg

SIZES = st.integers(1, 60)


@given(
    n=SIZES,
    kernel=st.integers(1, 7),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
)
def test_a_convolutions_window(
    n: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    extent = dilation * (kernel - 1) + 1
    assume(n + 2 * padding >= extent)
    x, weight = torch.zeros(1, 1, n), torch.zeros(1, 1, kernel)
    expected = F.conv1d(x, weight, None, stride, padding, dilation).shape[-1]
    assert Sliding(extent, stride, padding, padding)(n) == expected
    undilated = Sliding(kernel, stride, padding, padding)
    if n + 2 * padding * dilation >= extent:
        wider = F.conv1d(x, weight, None, stride, padding * dilation, dilation).shape[-1]
        assert undilated.dilated(dilation)(n) == wider
    if n + 2 * padding >= kernel:
        assert undilated.with_stride(1)(n) == F.conv1d(x, weight, None, 1, padding).shape[-1]


@given(n=SIZES, kernel=st.integers(1, 7), stride=st.integers(1, 4), ceil=st.booleans())
def test_a_poolings_window(n: int, kernel: int, stride: int, ceil: bool) -> None:
    padding = kernel // 2
    assume(n + 2 * padding >= kernel)
    pooled = F.max_pool1d(torch.zeros(1, 1, n), kernel, stride, padding, ceil_mode=ceil)
    assert Sliding(kernel, stride, padding, padding, ceil)(n) == pooled.shape[-1]


class Resampling(nn.Module):
    """Everything that changes the grid otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 8, 5, 3, 1, output_padding=2)
        self.twice = nn.Upsample(scale_factor=2)
        self.pad = nn.ZeroPad2d((1, 2, 3, 4))
        self.unshuffle = nn.PixelUnshuffle(2)
        self.shuffle = nn.PixelShuffle(2)
        self.adaptive = nn.AdaptiveAvgPool2d((5, 3))
        self.pool = nn.AdaptiveMaxPool2d(1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pad(self.twice(self.up(x)))
        x = F.avg_pool2d(x, 3, 2, ceil_mode=True)
        x = self.unshuffle(F.interpolate(x, scale_factor=2.0, mode="bilinear"))
        return self.pool(self.adaptive(self.shuffle(x)))


OWN: dict[str, Any] = {
    "vgg": lambda: vgg(16),
    "resnet with CBAM": lambda: resnet18(attention=cbam),
    "mpnet": mpnet18,
    "resampling": Resampling,
}
ZOO = ("timm/tf_efficientnet_b0", "timm/resnet14t", "torchvision/shufflenet_v2_x0_5")


def traced(builder: Any, height: int, width: int) -> Architecture:
    model = build(builder, {}, "model").model
    return trace(model, example_inputs(model, None, [(1, 3, height, width)]))


def held_against_each_other(builder: Any) -> None:
    """What is traced at one size says what will be traced at another."""
    here, there = traced(builder, 64, 96), traced(builder, 80, 144)
    assert [layer.name for layer in here.layers] == [layer.name for layer in there.layers]
    known = 0
    for axis in range(2):
        for one, other in zip(here.layers, there.layers, strict=True):
            given = [
                there.resolution[axis]
                if edge.source == INPUT
                else there.layers[edge.source].positions[axis]
                for edge in one.inputs
            ]
            sizing = one.sizing[axis]
            if given and sizing is not None:
                assert sizing(max(given)) == other.positions[axis], one.name
                known += 1
    assert known >= 0.9 * 2 * len(here.layers)


@pytest.mark.parametrize("name", OWN)
def test_our_own_models(name: str) -> None:
    held_against_each_other(OWN[name])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("title", ZOO)
def test_the_zoo(title: str, zoo: dict[str, ZooModel]) -> None:
    held_against_each_other(zoo[title].builder)


def sizings(module: nn.Module) -> list[Any]:
    return [layer.sizing[0] for layer in traced(lambda: module, 24, 24).layers]


@pytest.mark.parametrize(
    ("module", "sizing"),
    [
        (nn.Conv2d(3, 8, 3, 2, 1), Sliding(3, 2, 1, 1)),
        (nn.Conv2d(3, 8, 4, padding="same"), Sliding(4, 1, 1, 2)),
        (nn.MaxPool2d(3, 2, ceil_mode=True), Sliding(3, 2, 0, 0, ceil=True)),
        (nn.ConvTranspose2d(3, 8, 4, 2, 1), Scaled(2, 0)),
        (nn.AdaptiveAvgPool2d(7), FixedSize(7)),
        (nn.AdaptiveAvgPool2d((None, 7)), KEPT),
        (nn.ReLU(), KEPT),
        (nn.Softmax(dim=2), KEPT),
    ],
)
def test_what_a_layer_says_of_itself(module: nn.Module, sizing: Any) -> None:
    assert sizings(nn.Sequential(module))[0] == sizing


class ToSize(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(F.avg_pool2d(x, 2), size=(self.size, self.size))


def test_a_size_in_a_call_is_a_constant_only_where_it_is_the_inputs() -> None:
    """Another may be that of a map which changes as well."""
    assert sizings(ToSize(24))[-1] == FixedSize(24)
    assert sizings(ToSize(13))[-1] is None
