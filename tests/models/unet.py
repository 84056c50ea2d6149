"""A U-Net: down by pooling, up by transposed convolutions, with skips over concatenations."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def _block(channels_in: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(),
    )


class UNet(nn.Module):
    def __init__(self, depth: int = 3, channels: int = 8, classes: int = 2) -> None:
        super().__init__()
        widths = [channels * 2**level for level in range(depth + 1)]
        self.first = _block(3, channels)
        self.downs = nn.ModuleList(_block(a, 2 * a) for a in widths[:-1])
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2 * a, a, 2, 2) for a in reversed(widths[:-1]))
        self.joins = nn.ModuleList(_block(2 * a, a) for a in reversed(widths[:-1]))
        self.last = nn.Conv2d(channels, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        skips = []
        for down in self.downs:
            skips.append(x)
            x = down(nn.functional.max_pool2d(x, 2))
        for up, join in zip(self.ups, self.joins, strict=True):
            x = join(torch.cat([up(x), skips.pop()], 1))
        return self.last(x)
