"""Models for the benchmarks."""

from __future__ import annotations

from torch import nn


def huge() -> nn.Sequential:
    """More than ten billion parameters: 43 GB, if they were allocated."""
    layers: list[nn.Module] = [nn.Conv2d(3, 9600, 3, stride=4, padding=1)]
    for _ in range(13):
        layers += [nn.Conv2d(9600, 9600, 3, padding=1), nn.BatchNorm2d(9600), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(9600, 1000))
