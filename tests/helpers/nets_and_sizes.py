"""Networks by what happens to them at other input sizes, and a size at which each of them runs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.paper.attention import SqueezeExcitation
from zoo.paper.resnet import resnet18
from zoo.torchvision_import import import_torchvision

import_torchvision()

from torchvision import models as tv  # noqa: E402


class UNet(nn.Module):
    """Two steps down, two up; maps are put together by concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1) for i, o in ((3, 8), (8, 8), (8, 8))
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(8, 8, 2, 2) for _ in range(2))
        self.join = nn.ModuleList(nn.Conv2d(16, 8, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for step in self.down:
            x = F.relu(step(x))
            kept.append(x)
            x = F.max_pool2d(x, 2)
        x = kept.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([up(x), kept.pop()], 1))
        return x


class Resizing(UNet):
    """The same, whose maps are resized to those that they meet: it runs at every size."""

    def forward(self, x: Tensor) -> Tensor:
        one = F.relu(self.down[0](x))
        two = F.relu(self.down[1](F.max_pool2d(one, 2)))
        return self.join[0](torch.cat([F.interpolate(two, size=one.shape[2:]), one], 1))


class AsksForItsSize(nn.Module):
    """Small images take another way, and so do those of one odd size."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 8, 3, padding=1)
        self.two = nn.Conv2d(8, 8, 5, padding=2)
        self.three = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.one(x)
        if x.shape[-1] >= 64 and x.shape[-1] != 100:
            x = F.max_pool2d(x, 4)
        return self.three(self.two(x))


class Embedded(nn.Module):
    """A table of positions, which holds it to one size without asking for it."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 8, 3, 2, padding=1)
        self.table = nn.Parameter(torch.zeros(1, 8, 16, 16))
        self.two = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.two(self.one(x) + self.table)


def flattening() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 7, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(8, 8, 5, padding=2), nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(8 * 3 * 3, 10),
    )  # fmt: skip


def dilated() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3 if d == 1 else 8, 8, 3, padding=d, dilation=d) for d in (1, 2, 4, 8, 16)),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
    )  # fmt: skip


def mirrored() -> nn.Module:
    return nn.Sequential(
        nn.ReflectionPad2d(5), nn.Conv2d(3, 8, 11, 2), nn.ReLU(), nn.Conv2d(8, 8, 3, 2),
        nn.InstanceNorm2d(8), nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(8, 8, 3),
    )  # fmt: skip


def windowed_head() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, padding=1),
        nn.AvgPool2d(8), nn.Conv2d(8, 10, 1), nn.Flatten(),
    )  # fmt: skip


def excited() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), SqueezeExcitation(16), nn.Conv2d(16, 16, 3, 2, 1),
        SqueezeExcitation(16), nn.Conv2d(16, 16, 3, 2, 1), nn.AdaptiveAvgPool2d(1),
    )  # fmt: skip


def dense() -> nn.Module:
    return tv.DenseNet(growth_rate=4, block_config=(2, 2, 2, 2), num_init_features=8, bn_size=2)


def googlenet() -> nn.Module:
    with torch.device("meta"):
        return tv.googlenet(weights=None, aux_logits=False, init_weights=False)


def vgg16() -> nn.Module:
    with torch.device("meta"):
        return tv.vgg16(weights=None, init_weights=False)


def alexnet() -> nn.Module:
    with torch.device("meta"):
        return tv.alexnet(weights=None)


PLAIN: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet18": (resnet18, 32),
    "densenet": (dense, 32),
    "googlenet": (googlenet, 32),
    "vgg16": (vgg16, 32),
    "alexnet": (alexnet, 224),
    "dilated": (dilated, 48),
    "mirrored": (mirrored, 48),
    "unet": (UNet, 32),
}
OTHERS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "flattening": (flattening, 64),
    "windowed head": (windowed_head, 32),
    "excited": (excited, 32),
    "resizing": (Resizing, 32),
    "asks for its size": (AsksForItsSize, 32),
    "asks for its size, and is large": (AsksForItsSize, 128),
    "embedded": (Embedded, 32),
}
