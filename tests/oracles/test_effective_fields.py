"""The effective receptive field that follows from the graph, against gradients at initialisation.

Weights as He et al. draw them, batches normalised as in training: squared gradients of the middle
position with respect to the input, averaged over several initialisations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import prod, sqrt

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.measurement.running.effective_field import deviations, gradient_maps
from rflint.measurement.running.observation import observed
from tests.models.unet import UNet
from zoo.paper.attention import SqueezeExcitation
from zoo.paper.mpnet import mpnet18, mpnet36
from zoo.paper.resnet import resnet18, resnet34
from zoo.paper.vgg import vgg

INITIALISATIONS = 6
THIN = 0.125


def chain(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))


def conv(a: int, b: int, k: int | tuple[int, int] = 3, **options: object) -> nn.Conv2d:
    return nn.Conv2d(a, b, k, **options)


class Parallel(nn.Module):
    """Branches of 1x1, 3x3 and 5x5 windows and a pooling, one behind the other in channels."""

    def __init__(self, a: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                chain(conv(a, 16, 1)),
                chain(conv(a, 16, 1), conv(16, 32, 3, padding=1)),
                chain(conv(a, 8, 1), conv(8, 16, 5, padding=2)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), chain(conv(a, 16, 1))),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class Dense(nn.Module):
    """Each convolution reads all that was made before it."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv(8 + 8 * i, 8, padding=1) for i in range(6))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.convs:
            x = torch.cat([x, torch.relu(layer(x))], 1)
        return x


def separable(a: int, b: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        conv(a, a, 3, stride=stride, padding=1, groups=a, bias=False), conv(a, b, 1, bias=False),
        nn.BatchNorm2d(b), nn.ReLU(),
    )  # fmt: skip


class PreActivated(nn.Module):
    """A residual block whose normalisation comes first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.BatchNorm2d(channels), nn.ReLU(), conv(channels, channels, padding=1),
            nn.BatchNorm2d(channels), nn.ReLU(), conv(channels, channels, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], float]] = {
    "VGG11": (partial(vgg, 11, width=THIN), (1, 3, 128, 128), 0.1),
    "VGG16": (partial(vgg, 16, width=THIN), (1, 3, 160, 160), 0.1),
    "VGG16 normalised": (partial(vgg, 16, width=THIN, normalised=True), (1, 3, 160, 160), 0.1),
    "VGG13 dilated": (partial(vgg, 13, 3, width=THIN), (1, 3, 256, 256), 0.15),
    "ResNet18": (partial(resnet18, width=THIN), (1, 3, 192, 192), 0.3),
    "ResNet18 without skips": (partial(resnet18, skip=False, width=THIN), (1, 3, 256, 256), 0.1),
    "ResNet18 SE": (
        partial(resnet18, width=THIN, attention=partial(SqueezeExcitation, reduction=4)),
        (1, 3, 192, 192),
        0.3,
    ),
    "ResNet34": (partial(resnet34, width=THIN), (1, 3, 320, 320), 0.3),
    "MPNet18": (partial(mpnet18, THIN), (1, 3, 160, 160), 0.1),
    "MPNet36": (partial(mpnet36, THIN), (1, 3, 192, 192), 0.15),
    # without normalisation, every maximum makes what it pools weigh more than its skip
    "U-Net": (UNet, (1, 3, 128, 128), 0.5),
    "parallel branches": (
        lambda: nn.Sequential(conv(3, 16, 3, padding=1), Parallel(16), Parallel(80)),
        (1, 3, 48, 48),
        0.15,
    ),
    "dense": (lambda: nn.Sequential(conv(3, 8, padding=1), Dense()), (1, 3, 48, 48), 0.25),
    "separable": (
        lambda: nn.Sequential(
            conv(3, 16, 3, stride=2, padding=1), separable(16, 32), separable(32, 64, 2),
            separable(64, 64), separable(64, 64),
        ),
        (1, 3, 96, 96),
        0.1,
    ),
    "mean pooling": (
        lambda: nn.Sequential(
            chain(conv(3, 16, padding=1)), nn.AvgPool2d(2), chain(conv(16, 32, padding=1)),
            nn.AvgPool2d(2), chain(conv(32, 32, padding=1)),
        ),
        (1, 3, 64, 64),
        0.1,
    ),
    "oblong windows": (
        lambda: chain(conv(3, 32, (1, 7), padding=(0, 3)), conv(32, 32, (5, 1), padding=(2, 0)),
                      conv(32, 32, (3, 5), stride=(1, 2), padding=(1, 2))),
        (1, 3, 48, 64),
        0.1,
    ),
    "nearest upsampling": (
        lambda: nn.Sequential(
            chain(conv(3, 16, stride=2, padding=1), conv(16, 32, stride=2, padding=1)),
            nn.Upsample(scale_factor=2), chain(conv(32, 32, padding=1)),
        ),
        (1, 3, 64, 64),
        0.15,
    ),
    "transposed convolution": (
        lambda: nn.Sequential(
            chain(conv(3, 16, stride=2, padding=1), conv(16, 32, stride=2, padding=1)),
            nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(), conv(16, 16, padding=1),
        ),
        (1, 3, 64, 64),
        0.1,
    ),
    "a series, dilated more and more": (
        lambda: chain(
            *(nn.Conv1d(2 if i == 0 else 32, 32, 3, padding=2**i, dilation=2**i) for i in range(6))
        ),
        (1, 2, 512),
        0.1,
    ),
    "residual, pre-activated": (
        lambda: nn.Sequential(
            conv(3, 32, padding=1),
            *(PreActivated(32) for _ in range(4)),
        ),
        (1, 3, 64, 64),
        0.3,
    ),
}  # fmt: skip
"""A builder, a shape larger than what is seen, and how far the two may be apart."""


@pytest.mark.parametrize("name", NETWORKS)
def test_what_follows_from_the_graph_is_what_gradients_show(name: str) -> None:
    build, shape, tolerance = NETWORKS[name]
    report = rflint.lint(build, input=shape)
    convolutions = [
        x
        for x in report.layers
        if x.kind.is_convolution and x.is_module and None not in x.erf and min(x.positions) > 1
    ]
    number = len(convolutions)
    chosen = {convolutions[i].name: convolutions[i].erf for i in (number // 3, number - 1)}
    measured = energies(build, tuple(chosen), shape)
    for layer, expected in chosen.items():
        found = deviations(measured[layer])
        assert expected == pytest.approx(found, rel=tolerance), layer


def energies(
    build: Callable[[], nn.Module], names: tuple[str, ...], shape: tuple[int, ...]
) -> dict[str, Tensor]:
    """Squared gradients of the middle of some layers' outputs, summed over initialisations."""
    found = {name: torch.zeros(shape[2:], dtype=torch.float64) for name in names}
    for seed in range(INITIALISATIONS):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        model = initialised(build()).train()
        for name, energy in _energies(model, names, shape, generator):
            found[name] += energy
    return found


def _energies(
    model: nn.Module, names: tuple[str, ...], shape: tuple[int, ...], generator: torch.Generator
) -> Iterator[tuple[str, Tensor]]:
    outputs: dict[str, Tensor] = {}
    x = torch.randn(2, *shape[1:], requires_grad=True)
    calls = [(name, 0) for name in names]
    with observed(model, calls, lambda call, output: outputs.update({call[0]: output})):
        model(x)
    for name in names:
        yield name, gradient_maps(outputs[name], x, generator).energy


def initialised(model: nn.Module) -> nn.Module:
    """With weights that keep variance, behind a ReLU: of two over what a position reads."""
    for module in model.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d):
            read = module.in_channels // module.groups * prod(module.kernel_size)
            if isinstance(module, nn.ConvTranspose2d):
                read //= prod(module.stride)
            nn.init.normal_(module.weight, std=sqrt(2 / read))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model
