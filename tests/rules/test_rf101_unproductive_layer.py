"""RF101, unproductive-layer: what it says is what Eq. 1 says, and nothing about single units.

The receptive field of a layer's input is the size of a window. A unit near the border of its map
sees less than that, since a part of the window lies in the padding.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.linting.rule_files import load_rules


def deep() -> nn.Sequential:
    """At 16 px, its last convolution reads r = 18 pixels (Eq. 1: 1 + 2 + 1 + 4 + 2 + 8)."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


def pixels_seen(front: nn.Module, size: int) -> Tensor:
    """For every position of what a module makes, how many input pixels have a gradient."""
    seen = []
    for module in front.modules():
        if isinstance(module, nn.MaxPool2d):  # of a maximum only one position has one
            module.forward = lambda x: nn.functional.avg_pool2d(x, 2)  # type: ignore[method-assign]
    image = torch.rand(1, 3, size, size, requires_grad=True)
    made = front(image).sum(1).flatten()
    for unit in made:
        (gradient,) = torch.autograd.grad(unit, image, retain_graph=True)
        seen.append((gradient.abs().sum((0, 1)) > 0).sum())
    return torch.stack(seen)


def test_the_message_speaks_of_the_receptive_field_and_not_of_what_units_have_seen() -> None:
    """No unit of what the unproductive layer reads sees all of the 256 pixels, though r > i."""
    assert pixels_seen(deep()[:5], 16).max() < 256
    report = rflint.lint(deep, res=16)
    (found,) = (x for x in report.findings if x.code == "RF101")
    assert found.layer == "5"
    assert found.message == (
        "the receptive field of what it reads is larger than the 16x16 input (18x18 pixels on the "
        "shortest path): its 2.32 k parameters and 36.9 k MACs are predicted to contribute nothing"
    )


def test_the_summary_speaks_of_the_receptive_field_too() -> None:
    analysis = rflint.lint(deep, res=16).models[0].analysis
    (rule,) = (rule for rule in load_rules() if rule.code == "RF101")
    said = rule.summarise(analysis, list(rflint.lint(deep, res=16).findings)[:1])
    assert said.startswith(
        "5 is predicted to contribute nothing: the receptive field of what it reads is larger than "
        "the 16x16 input. "
    )


# -- decoders draw


def conv(n: int, m: int, stride: int = 1, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(n, m, kernel, stride, kernel // 2)


def encoder() -> list[nn.Module]:
    """r = 43 in front of its last convolution's successor, on maps of an eighth of the size."""
    return [conv(3, 8, 2), conv(8, 8), conv(8, 8, 2), conv(8, 8), conv(8, 8, 2), conv(8, 8)]


def autoencoder() -> nn.Module:
    """Convolutions before and behind every upsampling, and no skip connection."""
    up = [conv(8, 8), conv(8, 8), nn.Upsample(scale_factor=2), conv(8, 8)]
    return nn.Sequential(*encoder(), *up, *up, *up, conv(8, 3))


def with_transposed_convolutions() -> nn.Module:
    up = [nn.ConvTranspose2d(8, 8, 4, 2, 1), conv(8, 8)]
    return nn.Sequential(*encoder(), *up, *up, *up)


def with_pixel_shuffles() -> nn.Module:
    up = [conv(8, 32), nn.PixelShuffle(2), conv(8, 8)]
    return nn.Sequential(*encoder(), *up, *up, *up)


class TwoOutputs(nn.Module):
    """A variational autoencoder: its code is an output too."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*encoder(), conv(8, 4))
        up = [nn.Upsample(scale_factor=2), conv(8, 8)]
        self.decoder = nn.Sequential(conv(4, 8), *up, *up, *up)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = self.encoder(x)
        return self.decoder(code), code


def segmentation() -> nn.Module:
    """Resized to the input's size in one step, and refined there."""
    return nn.Sequential(
        *encoder(), conv(8, 8), nn.Upsample(scale_factor=8), conv(8, 8), conv(8, 2)
    )


def super_resolution() -> nn.Module:
    """Finer than the input: what feeds the pixel shuffle, and what is behind it, draws."""
    body = [conv(3, 3, kernel=5) for _ in range(3)]
    return nn.Sequential(*body, nn.Conv2d(3, 12, 1), nn.PixelShuffle(2), conv(3, 3), conv(3, 3))


@pytest.mark.parametrize(
    ("build", "size"),
    [
        (autoencoder, 32),
        (with_transposed_convolutions, 32),
        (with_pixel_shuffles, 32),
        (TwoOutputs, 32),
        (segmentation, 32),
        (super_resolution, 12),
    ],
)
def test_what_draws_is_no_finding(build: Callable[[], nn.Module], size: int) -> None:
    report = rflint.lint(build, res=size, select=["RF101", "RF103"])
    assert not report.findings
    assert report.models[0].analysis.totals.unproductive == 0


def test_a_decoder_along_one_axis() -> None:
    """Sound, coded and decoded."""
    down = [nn.Conv1d(4, 4, 8, 4, 2) for _ in range(3)]
    up = [layer for _ in range(3) for layer in (nn.ConvTranspose1d(4, 4, 8, 4, 2), _conv1d())]
    report = rflint.lint(nn.Sequential(*down, _conv1d(), *up), input=(1, 4, 256), select="RF101")
    assert not report.findings


def _conv1d() -> nn.Conv1d:
    return nn.Conv1d(4, 4, 9, padding=4)


def test_what_an_encoder_integrates_is_judged_at_every_size() -> None:
    """Its border moves with the input, and the smallest sound input is that of the encoder."""
    for size in (16, 24):
        found = rflint.lint(autoencoder, res=size, select="RF101").findings
        assert [x.layer for x in found] == (["4"] if size == 16 else [])
    for size in (32, 64, 128):
        analysis = rflint.lint(autoencoder, res=size).models[0].analysis
        assert analysis.feasible_min == (19, 19)


def resized_first() -> nn.Module:
    """A classifier for small images, which are made larger for it."""
    down = [layer for _ in range(3) for layer in (conv(3, 3, 2), conv(3, 3), conv(3, 3))]
    return nn.Sequential(nn.Upsample(scale_factor=2), *down, *_head())


def resized_between() -> nn.Module:
    """Downsampled again to where it was."""
    down = [layer for _ in range(3) for layer in (conv(3, 3, 2), conv(3, 3))]
    again = [nn.Upsample(scale_factor=2), conv(3, 3, 2), conv(3, 3)]
    return nn.Sequential(*down, *again, *_head())


def resized_last() -> nn.Module:
    """Coarse scores, resized to the image's size: no convolution draws."""
    return nn.Sequential(*encoder(), conv(8, 8), conv(8, 2), nn.Upsample(scale_factor=8))


def _head() -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10)]


class UNet(nn.Module):
    """Its coarsest level works past the border; the path around it does not."""

    def __init__(self) -> None:
        super().__init__()
        self.first = conv(3, 8)
        self.coarse = nn.Sequential(*(conv(8, 8) for _ in range(4)))
        self.last = conv(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        coarse = self.coarse(nn.functional.max_pool2d(x, 8))
        coarse = nn.functional.interpolate(coarse, scale_factor=8)
        made: Tensor = self.last(torch.cat([x, coarse], 1))
        return made


def resized_to_patches() -> nn.Module:
    """Made larger, and cut into patches by a stride: nothing finer than the input is drawn."""
    return nn.Sequential(nn.Upsample(scale_factor=8), nn.Conv2d(3, 8, 4, stride=4), conv(8, 8))


@pytest.mark.parametrize("build", [resized_first, resized_to_patches])
def test_making_an_image_larger_for_a_network_draws_nothing(
    build: Callable[[], nn.Module],
) -> None:
    layers = rflint.lint(build, res=64).models[0].layers
    assert all(x.is_judged for x in layers if x.layer.kind.is_convolution)


@pytest.mark.parametrize(
    ("build", "unproductive"),
    [
        (resized_first, ["8", "9"]),
        (resized_between, ["4", "5", "8"]),
        (resized_last, ["4", "5", "6", "7"]),
        (UNet, ["coarse.1", "coarse.2", "coarse.3"]),
    ],
)
def test_what_integrates_is_judged(build: Callable[[], nn.Module], unproductive: list[str]) -> None:
    report = rflint.lint(build, res=16, select="RF101")
    assert [x.layer for x in report.findings] == unproductive


class SkipConnections(nn.Module):
    """Two levels; behind the deeper one the map is finer again, and both are joined."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.first = nn.Sequential(conv(3, 8), conv(8, 8))
        self.second = nn.Sequential(*(conv(8, 8) for _ in range(3)))
        self.bottom = nn.Sequential(conv(8, 8), conv(8, 8))
        self.up2 = nn.Sequential(conv(16, 8), conv(8, 8))
        self.up1 = nn.Sequential(*(conv(16 if i == 0 else 8, 8) for i in range(9)))
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        second = self.second(nn.functional.max_pool2d(first, 2))
        x = self.bottom(nn.functional.max_pool2d(second, 2))
        x = nn.functional.interpolate(x, scale_factor=2)
        x = self.up2(torch.cat([x, second], 1))
        x = nn.functional.interpolate(x, scale_factor=2)
        made: Tensor = self.head(self.up1(torch.cat([x, first], 1)))
        return made


def test_a_decoder_that_skip_connections_join_draws_past_the_border() -> None:
    """The deepest level is judged; what is behind it integrates as long as it can, and then draws.

    In front of a classifier's head the same convolutions are those of a classifier.
    """
    up2, up1 = ["up2.0", "up2.1"], [f"up1.{i}" for i in range(6, 9)]
    drawn = rflint.lint(SkipConnections(conv(8, 3)), res=16, select="RF101").findings
    assert [x.layer for x in drawn] == ["bottom.0", "bottom.1"]
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
    judged = rflint.lint(SkipConnections(head), res=16, select="RF101").findings
    assert [x.layer for x in judged] == ["bottom.0", "bottom.1", *up2, *up1]
