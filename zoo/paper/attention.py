"""The attention mechanisms of the paper's section IV-D, in the spellings that people use."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SqueezeExcitation(nn.Module):
    """One weight per channel, from the pooled map through two linear layers."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // reduction),
            nn.ReLU(inplace=True),
            nn.Linear(channels // reduction, channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.size()
        weights = self.fc(self.pool(x).view(b, c)).view(b, c, 1, 1)
        return x * weights.expand_as(x)


class ConvolutionalSqueezeExcitation(nn.Module):
    """The same with 1x1 convolutions."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // reduction, 1)
        self.expand = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = x.mean((2, 3), keepdim=True)
        weights = self.expand(torch.relu(self.reduce(weights)))
        return weights.sigmoid() * x


class SpatialAttention(nn.Module):
    """One weight per position, from the channels' mean and maximum through a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        average = torch.mean(x, dim=1, keepdim=True)
        maximum, _ = torch.max(x, dim=1, keepdim=True)
        return x * torch.sigmoid(self.conv(torch.cat([average, maximum], dim=1)))


class ChannelAttention(nn.Module):
    """CBAM's first half: average and maximum pooling share an MLP."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, channels // reduction, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(channels // reduction, channels, 1, bias=False),
        )
        self.average = nn.AdaptiveAvgPool2d(1)
        self.maximum = nn.AdaptiveMaxPool2d(1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.mlp(self.average(x)) + self.mlp(self.maximum(x)))


def cbam(channels: int) -> nn.Sequential:
    """Channel attention, then spatial attention."""
    return nn.Sequential(ChannelAttention(channels), SpatialAttention(channels))
