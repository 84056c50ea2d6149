"""What is foreseen on the graph is what the changed model is found to be."""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rflint.repair.candidate import Candidate
from tests.helpers.candidates import MOST, bench, outcomes
from zoo.models import ZooModel
from zoo.paper.attention import SqueezeExcitation, cbam
from zoo.paper.mpnet import mpnet18, mpnet36
from zoo.paper.resnet import resnet18, resnet34
from zoo.paper.vgg import vgg

OWN: dict[str, Any] = {
    "vgg11": lambda: vgg(11),
    "vgg19": lambda: vgg(19),
    "vgg19, dilated": lambda: vgg(19, dilation=3),
    "resnet18": resnet18,
    "resnet18 without skips": lambda: resnet18(skip=False),
    "resnet18 with SE": lambda: resnet18(attention=SqueezeExcitation),
    "resnet18 with CBAM": lambda: resnet18(attention=cbam),
    "resnet34": resnet34,
    "mpnet18": mpnet18,
    "mpnet36": mpnet36,
}
ZOO = (
    *("torchvision/fcn_resnet50", "torchvision/mnasnet0_5", "torchvision/r3d_18"),
    *("torchvision/regnet_y_400mf", "torchvision/shufflenet_v2_x0_5", "torchvision/vgg11_bn"),
    *("timm/convnext_atto", "timm/dla34", "timm/efficientvit_b0", "timm/ese_vovnet19b_dw"),
    *("timm/gcresnext26ts", "timm/ghostnet_050", "timm/legacy_xception"),
    *("timm/mobilenetv4_conv_small_050", "timm/nf_ecaresnet26", "timm/resnet14t"),
    *("timm/resnest14d", "timm/resnetaa50", "timm/seresnet18", "timm/test_byobnet"),
    *("timm/test_efficientnet", "timm/test_resnet", "timm/tf_mobilenetv3_small_100"),
)
A_FEW = MOST if "FUZZ_EXAMPLES" in os.environ else 12
"""So many candidates of a model are tried where there are many models: `make fuzz` tries more."""
AT_32 = (1, 3, 32, 32)
REFUSED = {"timm/dla34": "'list' object has no attribute 'size'"}
"""What some candidates of a model fail with: its trees take lists, which a pooling does not."""


def foreseen_wrongly(candidates: list[tuple[Candidate, str]]) -> list[str]:
    """Candidates that can be built, and are something else than was foreseen."""
    return [reason for _, reason in candidates if "foreseen" in reason]


@pytest.mark.parametrize("name", OWN)
def test_candidates_of_our_own_models_are_what_was_foreseen(name: str) -> None:
    tried = list(outcomes(bench(OWN[name], [AT_32])))
    assert len(tried) > 20
    assert [reason for _, reason in tried if reason] == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("title", ZOO)
def test_candidates_of_the_zoo_are_what_was_foreseen(title: str, zoo: dict[str, ZooModel]) -> None:
    shape = (1, 3, 16, 32, 32) if title == "torchvision/r3d_18" else AT_32
    tried = list(outcomes(bench(zoo[title].builder, [shape]), A_FEW))
    assert foreseen_wrongly(tried) == []
    refused = [reason for _, reason in tried if reason]
    assert len(refused) < len(tried)
    assert [reason for reason in refused if REFUSED.get(title, "nothing") not in reason] == []


def test_there_are_thirty_models() -> None:
    assert len(set(ZOO)) + len(OWN) >= 30


# -- random networks


class Residual(nn.Module):
    """Convolutions beside a shortcut, which downsample together."""

    def __init__(self, channels_in: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels_in != channels:
            self.shortcut = nn.Conv2d(channels_in, channels, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class Branches(nn.Module):
    """A convolution, and a pooling or another convolution beside it, concatenated."""

    def __init__(
        self, channels_in: int, channels: int, kernel: int, stride: int, *, pools: bool
    ) -> None:
        super().__init__()
        self.a = nn.Conv2d(channels_in, channels - channels_in, kernel, stride, kernel // 2)
        self.b: nn.Module = nn.MaxPool2d(3, stride, 1)
        if not pools:
            self.b = nn.Conv2d(channels_in, channels_in, 5, stride, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.a(x), self.b(x)], 1)


class Functional(nn.Module):
    """Downsampling that is a function call."""

    def __init__(self, channels_in: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel, padding=kernel // 2)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu(self.conv(x))
        return nn.functional.avg_pool2d(x, self.stride)


BLOCKS: dict[str, Any] = {
    "conv": lambda i, o, k, s: nn.Sequential(nn.Conv2d(i, o, k, s, k // 2), nn.ReLU()),
    "valid": lambda i, o, k, s: nn.Conv2d(i, o, 3, s),
    "dilated": lambda i, o, k, s: nn.Conv2d(i, o, k, s, 2 * (k // 2), dilation=2),
    "depthwise": lambda i, o, k, s: nn.Sequential(
        nn.Conv2d(i, i, k, s, k // 2, groups=i), nn.Conv2d(i, o, 1)
    ),
    "max": lambda i, o, k, s: nn.Sequential(
        nn.Conv2d(i, o, k, padding="same"), nn.MaxPool2d(3, s, 1, ceil_mode=True)
    ),
    "avg": lambda i, o, k, s: nn.Sequential(nn.Conv2d(i, o, 1), nn.AvgPool2d(s)),
    "se": lambda i, o, k, s: nn.Sequential(nn.Conv2d(i, o, k, s, k // 2), SqueezeExcitation(o, 2)),
    "residual": Residual,
    "branches": lambda i, o, k, s: Branches(i, o, k, s, pools=False),
    "reduction": lambda i, o, k, s: Branches(i, o, k, s, pools=True),
    "functional": Functional,
}


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[tuple[str, int, int]], str, int]:
    blocks = draw(
        st.lists(
            st.tuples(st.sampled_from(list(BLOCKS)), st.sampled_from([1, 3, 5]), st.integers(1, 2)),
            min_size=3,
            max_size=9,
        )
    )
    return (
        blocks,
        draw(st.sampled_from(["pooled", "flattened", "averaged"])),
        draw(st.integers(12, 40)),
    )


def network(blocks: list[tuple[str, int, int]], head: str, side: int) -> nn.Sequential:
    """The blocks one behind the other, and a classifier."""
    layers: list[nn.Module] = []
    channels = 3
    for kind, kernel, stride in blocks:
        layers.append(BLOCKS[kind](channels, channels + 2, kernel, stride))
        channels += 2
    body = nn.Sequential(*layers).eval()
    with torch.no_grad():
        shape = body(torch.zeros(1, 3, side, side)).shape
    if head == "pooled":
        return nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))
    if head == "averaged":
        pooling = nn.AvgPool2d((shape[2], shape[3]))
        return nn.Sequential(body, pooling, nn.Flatten(), nn.Linear(channels, 10))
    return nn.Sequential(body, nn.Flatten(), nn.Linear(shape[1:].numel(), 10))


def runs(blocks: list[tuple[str, int, int]], head: str, side: int) -> bool:
    try:
        network(blocks, head, side)
    except RuntimeError:
        return False
    return True


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(networks().filter(lambda drawn: runs(*drawn)))
def test_random_networks_are_what_was_foreseen(
    drawn: tuple[list[tuple[str, int, int]], str, int],
) -> None:
    side = drawn[2]
    tried = list(outcomes(bench(lambda: network(*drawn), [(1, 3, side, side)]), A_FEW))
    assert foreseen_wrongly(tried) == []
