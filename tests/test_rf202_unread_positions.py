"""Maps with positions that nobody reads: where it is said, and that a NaN there shows nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from rflint.rules import rf202_unread_positions as rule
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.analysis import analyse
from rflint.proofs.reads import reads
from tests.models.torchvision_import import import_torchvision
from tests.test_reads import C, Does, check_reads, maps, positions_of, reaching, traced


def said(model: Any, res: Any = 16) -> dict[str, str]:
    """What RF202 says, by layer."""
    (report,) = rflint.lint(model, res=res, select=["RF202"]).models
    return {found.layer: found.message for found in report.findings}


def conv(kernel: int, stride: int = 1, inputs: int = C, outputs: int = C) -> nn.Module:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)


class Bottleneck(nn.Module):
    """ResNet's, with the stride in the first 1x1 convolution (v1) or in the 3x3 one (v1.5)."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = conv(1, first), conv(3, second), conv(1)
        self.norm = nn.BatchNorm2d(C)
        self.downsample = conv(1, first * second)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv3(self.conv2(self.norm(self.conv1(x)).relu()).relu())
        return torch.relu(out + self.downsample(x))


class BasicBlock(nn.Module):
    """ResNet18's: a 1x1 shortcut with stride 2 beside a 3x3 convolution with stride 2."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(3, 2), conv(3)
        self.downsample = conv(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv2(self.conv1(x).relu()) + self.downsample(x))


class PreActivated(nn.Module):
    """As in a dual path network: each branch has a normalisation of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(C), nn.BatchNorm2d(C)
        self.conv, self.shortcut = conv(3, 2), conv(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.norm1(x).relu()) + self.shortcut(self.norm2(x).relu())


class UNet(nn.Module):
    """Without padding, as in the original: what was pooled is also cropped, and joined later."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.pool, self.bottom = nn.Conv2d(C, C, 3), nn.MaxPool2d(2), nn.Conv2d(C, C, 3)
        self.up, self.last = nn.ConvTranspose2d(C, C, 2, 2), nn.Conv2d(2 * C, C, 3)

    def forward(self, x: Tensor) -> Tensor:
        skipped = self.down(x)
        up = self.up(self.bottom(self.pool(skipped)))
        edge = (skipped.shape[2] - up.shape[2]) // 2
        crop = skipped[:, :, edge : edge + up.shape[2], edge : edge + up.shape[3]]
        return self.last(torch.cat([crop, up], 1))


def behind(*modules: nn.Module | Callable[[Tensor], Tensor]) -> nn.Module:
    """A 3x3 convolution, and what reads it; the input's channels are three."""
    others = [m if isinstance(m, nn.Module) else Does(m) for m in modules]
    return nn.Sequential(conv(3, inputs=3), *others)


def space_to_depth(x: Tensor) -> Tensor:
    return torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)


def three_of_four(x: Tensor) -> Tensor:
    return torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2]], 1)


# -- what is said


def test_a_stride_in_the_first_1x1_convolution_is_reported_where_both_readers_have_it() -> None:
    (message,) = said(behind(Bottleneck(2, 1))).values()
    assert message == (
        "reads with stride 2x2 and a kernel of 1x1: 192 of the 256 positions (75 %) of the map "
        "that 0 makes are computed and never read, and the other readers leave them out too "
        "(1.downsample)"
    )


def test_a_reader_of_two_strides_is_said_with_both() -> None:
    (message,) = said(behind(nn.Conv2d(C, C, (1, 2), (3, 2))), (9, 8)).values()
    assert "stride 3x2 and a kernel of 1x2: 48 of the 72 positions (67 %)" in message


def test_what_is_never_read_of_the_input_is_not_computed() -> None:
    (message,) = said(nn.Sequential(conv(1, 2, inputs=3), conv(3))).values()
    assert message.endswith("192 of the 256 positions (75 %) of the input are never read")


def test_a_crop_takes_a_part() -> None:
    (message,) = said(behind(lambda x: x[..., ::2, 4:])).values()
    assert message == (
        "takes only a part: 160 of the 256 positions (62 %) of the map that 0 makes "
        "are computed and never read"
    )


FIRES: dict[str, nn.Module] = {
    "bottleneck v1": behind(Bottleneck(2, 1)),
    "1x1 convolution with stride 2": behind(nn.ReLU(), conv(1, 2)),
    "2x2 convolution with stride 3": behind(nn.Conv2d(C, C, 2, 3)),
    "pooling that jumps": behind(nn.MaxPool2d(1, 2)),
    "average pooling that jumps along one axis": behind(nn.AvgPool2d((1, 2), (2, 2))),
    "strided slice": behind(lambda x: x[..., ::2, ::2]),
    "strided slice, and something pointwise": behind(nn.ReLU(), lambda x: 2 * x[..., ::2]),
    "crop": behind(lambda x: x[..., 2:-2, 2:-2]),
    "crop by negative padding": behind(lambda x: F.pad(x, (-1, -1, 0, 0))),
    "crop by narrow": behind(lambda x: x.narrow(3, 0, 8)),
    "half of a chunk": behind(lambda x: x.chunk(2, 2)[0]),
}

PASSES: dict[str, nn.Module] = {
    "a shortcut that normalises what the branch beside it reads": behind(
        PreActivated(),
    ),
    "crop of the normalised input": nn.Sequential(
        Does(lambda x: ((x - 0.5) / 0.2)[..., 2:-2]), conv(3, inputs=3)
    ),
    "bottleneck v1.5": behind(Bottleneck(1, 2)),
    "basic block": behind(BasicBlock()),
    "space-to-depth": behind(space_to_depth, conv(1, inputs=4 * C)),
    "space-to-depth, unshuffled": behind(nn.PixelUnshuffle(2), conv(1, inputs=4 * C)),
    "three of its four slices: the block counts as a whole": behind(three_of_four),
    "both halves of a chunk": behind(lambda x: sum(x.chunk(2, 2))),
    "2x2 pooling": behind(nn.MaxPool2d(2)),
    "windows that end before the map, which is RF203's": behind(nn.Conv2d(C, C, 3, 3)),
    "crop of the input": nn.Sequential(Does(lambda x: x[..., 2:-2, 2:-2]), conv(3, inputs=3)),
    "strided slice of the input": nn.Sequential(Does(lambda x: x[..., ::2]), conv(3, inputs=3)),
    "the first token of attention": behind(lambda x: x.flatten(2).softmax(2)[..., :1]),
    "flipped and added": behind(lambda x: x + x.flip(3)),
}


@pytest.mark.parametrize("name", FIRES)
def test_fires(name: str) -> None:
    """And where it fires, a NaN at the positions that are counted reaches no output."""
    (message,) = said(FIRES[name]).values()
    counted = re.search(r": ([\d,]+) of the 256 positions", message)
    assert counted is not None
    architecture = traced(FIRES[name], (16, 16), 3)
    region = reads(architecture).directly
    assert int(counted[1]) in {region[index].unread for index, _, _ in maps(architecture)}
    assert check_reads(FIRES[name], (16, 16), exact=True, channels=3) > 0


@pytest.mark.parametrize("name", PASSES)
def test_does_not_fire(name: str) -> None:
    assert said(PASSES[name]) == {}
    check_reads(PASSES[name], (16, 16), exact=False, channels=3)


@pytest.mark.parametrize("size", [16, 20])
def test_cropped_skips_of_a_u_net_are_no_finding_where_pooling_reads_them(size: int) -> None:
    unet = nn.Sequential(conv(3, inputs=3), UNet())
    assert said(unet, size) == {}
    check_reads(unet, (size, size), exact=True, channels=3)


def test_nothing_is_said_where_the_end_of_the_model_is_not_known() -> None:
    class Detects(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = conv(3, inputs=3), conv(1, 2)

        def forward(self, x: Tensor) -> Tensor:
            y = self.first(x)
            z = self.second(y)
            return y if z.sum().item() > 0 else z

    assert said(Detects()) == {}


def test_the_summary_counts_the_work() -> None:
    """3x3 convolutions from 3 to 2 channels at 16x16, three quarters of which are for nothing."""
    analysis = analyse(traced(FIRES["1x1 convolution with stride 2"], (16, 16), 3))
    told = rule.summarise(analysis, list(rule.check(analysis, {})))
    wasted = 16 * 16 * 27 * C * 3 // 4
    whole = 16 * 16 * 27 * C + 8 * 8 * C * C
    assert told.startswith("A map has positions that nobody reads")
    assert f"{wasted / 1000:.1f} k MACs ({100 * wasted / whole:.0f} %)" in told


# -- networks of others


def seresnet() -> nn.Module:
    """timm's port of the original weights, which has the stride in the first 1x1 convolution."""
    import_torchvision()
    model: nn.Module = pytest.importorskip("timm").create_model("legacy_seresnet50")
    return model


def resnet_v1() -> nn.Module:
    """torchvision's ResNet50, thin, with the strides where the paper of 2015 has them."""
    model: nn.Module = import_torchvision().models.resnet50(width_per_group=4)
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    return model


@pytest.mark.parametrize("build", [seresnet, resnet_v1])
def test_strided_1x1_convolutions_of_real_networks(build: Callable[[], nn.Module]) -> None:
    """As reported, and a NaN at what is unread, or read, of the map shows so."""
    assert sorted(said(build, 64)) == [f"layer{stage}.0.conv1" for stage in (2, 3, 4)]
    model = build().double().eval()
    architecture = traced(model, (64, 64), 3)
    found = reads(architecture)
    image = torch.rand(1, 3, 64, 64, dtype=torch.double)
    for name in ("layer1.2.relu", "layer2.3.relu"):
        calls = [i for i, layer in enumerate(architecture.layers) if layer.name == name]
        region = found.values[calls[-1]]
        positions = positions_of(region.sizes)
        unread = [x for x in positions if x not in region][::9][:5]
        read = [x for x in positions if x in region][::5][:2]
        assert len(unread) + len(read) > 5
        assert reaching(model, image, name, [*unread, *read], call=len(calls) - 1) == set(read)


@pytest.mark.parametrize("name", ["resnet50", "resnet18", "densenet121"])
def test_networks_without_a_finding(name: str) -> None:
    assert said(lambda: getattr(import_torchvision().models, name)(), 224) == {}


@pytest.mark.parametrize(("size", "unread"), [(2, 3), (3, 5), (4, 12), (5, 16)])
def test_a_stride_on_the_smallest_maps(size: int, unread: int) -> None:
    """On two positions a stride of two leaves out one, though no window ends early."""
    model = nn.Sequential(conv(3), conv(1, 2))
    report = rflint.lint(model, input=(1, C, size, size), select="RF202")
    (found,) = report.findings
    assert f"{unread} of the {size * size} positions" in found.message
