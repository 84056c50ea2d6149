"""MPNet, the paper's multi-path model organism (Fig. 7)."""

from __future__ import annotations

from torch import Tensor, nn


def conv_bn_relu(channels_in: int, channels: int, kernel: int, stride: int) -> nn.Sequential:
    """A same-padded convolution."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


class Module(nn.Module):
    """Two paths of 3x3 and of 7x7 convolutions, added; the last of each path may have a stride."""

    def __init__(
        self, channels_in: int, channels: int, small: int, large: int, stride: int
    ) -> None:
        super().__init__()
        self.small = self._path(channels_in, channels, 3, small, stride)
        self.large = self._path(channels_in, channels, 7, large, stride)

    @staticmethod
    def _path(channels_in: int, channels: int, kernel: int, count: int, stride: int) -> nn.Module:
        return nn.Sequential(
            *(
                conv_bn_relu(
                    channels_in if i == 0 else channels,
                    channels,
                    kernel,
                    stride if i == count - 1 else 1,
                )
                for i in range(count)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.small(x) + self.large(x)


class MPNet(nn.Module):
    """A 3x3 stem, four stages of modules, global average pooling and a classifier."""

    def __init__(
        self, modules: int, small: int, large: int, classes: int = 10, *, width: float = 1.0
    ) -> None:
        super().__init__()
        channels_in = int(width * 64)
        self.conv1 = conv_bn_relu(3, channels_in, 3, 1)
        stages = []
        for channels in (int(width * full) for full in (64, 128, 256, 512)):
            stage = []
            for i in range(modules):
                stride = 2 if i == modules - 1 else 1
                stage.append(Module(channels_in, channels, small, large, stride))
                channels_in = channels
            stages.append(nn.Sequential(*stage))
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels_in, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pool(self.stages(self.conv1(x))).flatten(1))


def mpnet18(width: float = 1.0) -> MPNet:
    """Two modules a stage, two 3x3 beside two 7x7."""
    return MPNet(2, small=2, large=2, width=width)


def mpnet36(width: float = 1.0) -> MPNet:
    """Four modules a stage, one 3x3 beside two 7x7."""
    return MPNet(4, small=1, large=2, width=width)
