"""VGG for small images: 3x3 convolutions with padding 1, 2x2 max pooling, a pooled classifier."""

from __future__ import annotations

from torch import nn

_STAGES = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
_CHANNELS = (64, 128, 256, 512, 512)


def vgg(
    depth: int,
    dilation: int = 1,
    classes: int = 10,
    *,
    width: float = 1.0,
    normalised: bool = False,
) -> nn.Sequential:
    """VGG11, 13, 16 or 19; with dilation 3 every kernel spans seven pixels."""
    stages = [int(width * channels) for channels in _CHANNELS]
    layers: list[nn.Module] = []
    channels_in = 3
    for convolutions, channels in zip(_STAGES[depth], stages, strict=True):
        for _ in range(convolutions):
            layers.append(nn.Conv2d(channels_in, channels, 3, padding=dilation, dilation=dilation))
            if normalised:
                layers.append(nn.BatchNorm2d(channels))
            layers.append(nn.ReLU(inplace=True))
            channels_in = channels
        layers.append(nn.MaxPool2d(2))
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(stages[-1], classes)]
    return nn.Sequential(*layers)
