"""Which taps of a kernel have a gradient, and convolutions of which some have none."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Tap = tuple[int, ...]


def taps_with_gradient(weight: Tensor, dimensions: int) -> set[Tap]:
    """The taps of a kernel of which some pair of channels has a gradient."""
    assert weight.grad is not None
    channels = tuple(range(weight.dim() - dimensions))
    return {tuple(tap) for tap in weight.grad.abs().sum(channels).nonzero().tolist()}


def run_backward(model: nn.Module, *inputs: Tensor) -> None:
    """Gradients of a random combination of the outputs."""
    outputs = model(*inputs)
    (outputs * torch.randn_like(outputs)).sum().backward()


class PadAndConvolve(nn.Module):
    """A convolution behind explicit padding, in one of its spellings."""

    def __init__(
        self, conv: nn.Module, pads: Sequence[int] = (), value: float = 0.0, *, module: bool = False
    ) -> None:
        super().__init__()
        self.conv = conv
        self.pads, self.value = list(pads), value
        self.pad: nn.Module | None = None
        if module and pads:
            classes = {2: nn.ConstantPad1d, 4: nn.ConstantPad2d, 6: nn.ConstantPad3d}
            self.pad = classes[len(pads)](tuple(pads), value)

    def forward(self, x: Tensor) -> Tensor:
        if self.pad is not None:
            x = self.pad(x)
        elif self.pads:
            x = F.pad(x, self.pads, value=self.value)
        return self.conv(x)


def runs(model: nn.Module, shape: Sequence[int]) -> bool:
    """Whether PyTorch can run it, and something comes out."""
    try:
        with torch.no_grad():
            return bool(model(torch.rand(tuple(shape), dtype=torch.double)).numel())
    except (RuntimeError, ValueError):
        return False


class OnTwoMaps(nn.Module):
    """A convolution that is called on a map and on a corner of it."""

    def __init__(self, conv: nn.Module, corner: Sequence[int]) -> None:
        super().__init__()
        self.conv, self.corner = conv, tuple(corner)

    def forward(self, x: Tensor) -> Tensor:
        height, width = self.corner
        both = self.conv(x).flatten(1), self.conv(x[:, :, :height, :width]).flatten(1)
        return torch.cat(both, 1)


class CentralDifference(nn.Module):
    """A convolution from which the centre, times the sum of the kernel, is subtracted.

    "Searching Central Difference Convolutional Networks" (Yu et al., 2020).
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) - F.conv2d(x, self.conv.weight.sum((2, 3), keepdim=True))
