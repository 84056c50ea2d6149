"""Networks that make maps of images: what people cut into tiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_CONV: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_UP: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_POOL: dict[int, Any] = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}


def _twice(axes: int, channels: int, width: int, padding: int) -> nn.Sequential:
    conv = _CONV[axes]
    return nn.Sequential(
        conv(channels, width, 3, padding=padding),
        nn.ReLU(),
        conv(width, width, 3, padding=padding),
        nn.ReLU(),
    )


class UNet(nn.Module):
    """Two levels; without padding, skips are cropped to what comes up."""

    def __init__(self, axes: int = 2, up: str = "transposed", padding: int = 1) -> None:
        super().__init__()
        self.down1 = _twice(axes, 3, 4, padding)
        self.down2 = _twice(axes, 4, 6, padding)
        self.bottom = _twice(axes, 6, 8, padding)
        self.pool = _POOL[axes](2)
        self.up, self.crops = up, not padding
        if up == "transposed":
            self.up2, self.up1 = _UP[axes](8, 8, 2, 2), _UP[axes](6, 6, 2, 2)
        self.join2 = _twice(axes, 14, 6, padding)
        self.join1 = _twice(axes, 10, 4, padding)
        self.head = _CONV[axes](4, 2, 1)

    def _joined(self, skip: Tensor, x: Tensor, up: nn.Module | None) -> Tensor:
        if up is not None:
            x = up(x)
        elif self.up == "to the size of the skip":
            x = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=False)
        else:
            x = F.interpolate(x, scale_factor=2, mode=self.up)
        for dim in range(2, x.dim() if self.crops else 0):
            lost = skip.shape[dim] - x.shape[dim]
            skip = skip.narrow(dim, lost // 2, x.shape[dim])
        return torch.cat([skip, x], 1)

    def forward(self, x: Tensor) -> Any:
        one = self.down1(x)
        two = self.down2(self.pool(one))
        x = self.bottom(self.pool(two))
        x = self.join2(self._joined(two, x, getattr(self, "up2", None)))
        x = self.join1(self._joined(one, x, getattr(self, "up1", None)))
        return self.head(x)


class TwoScales(UNet):
    """The same with a second output, at half the size."""

    def __init__(self) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(6, 2, 1)

    def forward(self, x: Tensor) -> Any:
        one = self.down1(x)
        two = self.down2(self.pool(one))
        x = self.bottom(self.pool(two))
        x = self.join2(self._joined(two, x, self.up2))
        return self.head(self.join1(self._joined(one, x, self.up1))), self.coarse(x)


def dncnn(depth: int = 9) -> nn.Module:
    between = [x for _ in range(depth - 2) for x in (nn.Conv2d(6, 6, 3, padding=1), nn.ReLU())]
    first, last = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 3, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), *between, last)


def srcnn() -> nn.Module:
    """Without padding: the result is smaller by a margin."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 9), nn.ReLU(), nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 3, 5)
    )


def espcn(times: int = 2) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, padding=2),
        nn.Tanh(),
        nn.Conv2d(8, 3 * times**2, 3, padding=1),
        nn.PixelShuffle(times),
    )


def context() -> nn.Module:
    """Dilations one, two, four and eight."""
    convs = [nn.Conv2d(6, 6, 3, padding=d, dilation=d) for d in (1, 2, 4, 8)]
    return nn.Sequential(nn.Conv2d(3, 6, 1), *[x for conv in convs for x in (conv, nn.ReLU())])


def fcn() -> nn.Module:
    """A map at an eighth of the image's size."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 7, 2, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(8, 8, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(8, 2, 1),
    )


class ENetLike(nn.Module):
    """Positions go back to where their maxima were."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Conv2d(3, 6, 3, padding=1),
            nn.Conv2d(6, 6, (5, 1), padding=(2, 0)),
        )
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
        self.last = nn.Conv2d(6, 2, (1, 5), padding=(0, 2))

    def forward(self, x: Tensor) -> Any:
        x, places = self.pool(self.first(x))
        return self.last(self.unpool(F.relu(self.second(x)), places))


class ConvNeXtLike(nn.Module):
    """Channels are normalised at the end of the dimensions; the result is a map at a quarter."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.depthwise = nn.Conv2d(8, 8, 7, padding=3, groups=8)
        self.norm = nn.LayerNorm(8)
        self.wide, self.narrow = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + self.narrow(F.gelu(self.wide(y))).permute(0, 3, 1, 2)


class CausalLike(nn.Module):
    """Padded in front only, as WaveNet is."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(3, 6, 1)
        self.layers = nn.ModuleList(nn.Conv1d(6, 6, 2, dilation=2**n) for n in range(5))

    def forward(self, x: Tensor) -> Any:
        x = self.first(x)
        for number, layer in enumerate(self.layers):
            x = x + F.relu(layer(F.pad(x, (2**number, 0))))
        return x


def mirrored() -> nn.Module:
    """What is padded mirrors the map."""
    return nn.Sequential(
        nn.ReflectionPad2d(4),
        nn.Conv2d(3, 6, 9),
        nn.Conv2d(6, 6, 3, 2, 1, padding_mode="reflect"),
        nn.ReLU(),
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.Conv2d(6, 3, 5, padding=2, padding_mode="replicate"),
    )


class SpaceToDepth(nn.Module):
    """Four slices side by side, as YOLO begins, and a resize that leaves out positions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(12, 6, 3, padding=1)

    def forward(self, x: Tensor) -> Any:
        x = torch.cat([x[..., a::2, b::2] for a in (0, 1) for b in (0, 1)], 1)
        return F.interpolate(self.conv(x), scale_factor=0.5, mode="bilinear")


def resized(mode: str, factor: float, **options: Any) -> Callable[[], nn.Module]:
    """Two convolutions around a resize."""

    class Resized(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.before, self.after = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)

        def forward(self, x: Tensor) -> Any:
            x = F.interpolate(self.before(x), scale_factor=factor, mode=mode, **options)
            return self.after(x)

    return Resized


def transposed(kernel: int, stride: int, padding: int, extra: int = 0, dilation: int = 1) -> Any:
    """Two convolutions around a transposed one."""
    return lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ConvTranspose2d(4, 4, kernel, stride, padding, extra, dilation=dilation),
        nn.Conv2d(4, 2, 3, padding=1),
    )
