"""ResNet18 and 34 with the variations that the paper studies."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

Attention = Callable[[int], nn.Module]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, optional attention, an optional shortcut."""

    def __init__(
        self, channels_in: int, channels: int, stride: int, attention: Attention | None, skip: bool
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.attention = attention(channels) if attention else nn.Identity()
        self.downsample: nn.Module | None = None
        self.skip = skip
        if skip and (stride != 1 or channels_in != channels):
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.attention(self.bn2(self.conv2(out)))
        if self.skip:
            out = out + (x if self.downsample is None else self.downsample(x))
        return self.relu(out)


class ResNet(nn.Module):
    """`stem_downsampling=False` takes the stem's stride and pooling away (paper, section V)."""

    def __init__(
        self,
        blocks: tuple[int, ...],
        *,
        skip: bool = True,
        stem_downsampling: bool = True,
        attention: Attention | None = None,
        classes: int = 10,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        stages = [int(width * channels) for channels in (64, 128, 256, 512)]
        channels_in = stages[0]
        self.conv1 = nn.Conv2d(3, channels_in, 7, 2 if stem_downsampling else 1, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_in)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if stem_downsampling else nn.Identity()
        for i, (count, channels) in enumerate(zip(blocks, stages, strict=True)):
            stage = []
            for j in range(count):
                stride = 2 if i > 0 and j == 0 else 1
                stage.append(BasicBlock(channels_in, channels, stride, attention, skip))
                channels_in = channels
            self.add_module(f"layer{i + 1}", nn.Sequential(*stage))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels_in, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for i in range(4):
            x = self.get_submodule(f"layer{i + 1}")(x)
        return self.fc(self.avgpool(x).flatten(1))


def resnet18(
    *,
    skip: bool = True,
    stem_downsampling: bool = True,
    attention: Attention | None = None,
    classes: int = 10,
    width: float = 1.0,
) -> ResNet:
    """Two basic blocks a stage."""
    return ResNet(
        (2, 2, 2, 2),
        skip=skip,
        stem_downsampling=stem_downsampling,
        attention=attention,
        classes=classes,
        width=width,
    )


def resnet34(*, stem_downsampling: bool = True, classes: int = 10, width: float = 1.0) -> ResNet:
    """3, 4, 6 and 3 basic blocks."""
    return ResNet((3, 4, 6, 3), stem_downsampling=stem_downsampling, classes=classes, width=width)
