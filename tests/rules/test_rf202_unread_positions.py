"""Maps with positions that nobody reads: where it is said, and that a NaN there shows nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from rflint.rules import rf202_unread_positions as rule
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.analysis.analyse import analyse
from rflint.analysis.proofs.read_positions import read_positions
from rflint.linting.finding import Finding
from rflint.linting.rule import Settings
from tests.helpers.modules import Lambda
from tests.helpers.positions import LAST, C, check_reads, maps, positions_of, reaching, traced
from zoo.torchvision_import import import_torchvision


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
    others = [m if isinstance(m, nn.Module) else Lambda(m) for m in modules]
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
        "(1.downsample); stride 2x2 and padding 1x1 there and stride 1 in its readers compute the "
        "same"
    )


def test_a_reader_of_two_strides_is_said_with_both() -> None:
    (message,) = said(behind(nn.Conv2d(C, C, (1, 2), (3, 2))), (9, 8)).values()
    assert "stride 3x2 and a kernel of 1x2: 48 of the 72 positions (67 %)" in message


def test_what_is_never_read_of_the_input_is_not_computed() -> None:
    (message,) = said(nn.Sequential(conv(1, 2, inputs=3), conv(3))).values()
    assert message.endswith("192 of the 256 positions (75 %) of the input are never read")


def test_a_crop_takes_a_part() -> None:
    ((layer, message),) = said(behind(lambda x: x[..., ::2, 4:])).items()
    assert layer == "0"
    assert message.startswith(
        "160 of the 256 positions (62 %) of the map that it makes are computed and never read "
        "(getitem in 1"
    )
    assert message.endswith(" reads the rest)")


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
        Lambda(lambda x: ((x - 0.5) / 0.2)[..., 2:-2]), conv(3, inputs=3)
    ),
    "bottleneck v1.5": behind(Bottleneck(1, 2)),
    "basic block": behind(BasicBlock()),
    "space-to-depth": behind(space_to_depth, conv(1, inputs=4 * C)),
    "space-to-depth, unshuffled": behind(nn.PixelUnshuffle(2), conv(1, inputs=4 * C)),
    "three of its four slices: the block counts as a whole": behind(three_of_four),
    "both halves of a chunk": behind(lambda x: sum(x.chunk(2, 2))),
    "2x2 pooling": behind(nn.MaxPool2d(2)),
    "windows that end before the map, which is RF203's": behind(nn.Conv2d(C, C, 3, 3)),
    "crop of the input": nn.Sequential(Lambda(lambda x: x[..., 2:-2, 2:-2]), conv(3, inputs=3)),
    "strided slice of the input": nn.Sequential(Lambda(lambda x: x[..., ::2]), conv(3, inputs=3)),
    "the first token of attention": behind(lambda x: x.flatten(2).softmax(2)[..., :1]),
    "flipped and added": behind(lambda x: x + x.flip(3)),
}


@pytest.mark.parametrize("name", FIRES)
def test_fires(name: str) -> None:
    """And where it fires, a NaN at the positions that are counted reaches no output."""
    (message,) = said(FIRES[name]).values()
    counted = re.search(r"([\d,]+) of the 256 positions", message)
    assert counted is not None
    architecture = traced(FIRES[name], (16, 16), 3)
    region = read_positions(architecture).by_readers
    assert int(counted[1]) in {region[index].outside for index, _, _ in maps(architecture)}
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
    told = rule.summarise(analysis, list(rule.check(analysis, Settings())))
    wasted = 16 * 16 * 27 * C * 3 // 4
    whole = 16 * 16 * 27 * C + 8 * 8 * C * C
    assert told.startswith("A map has positions that nobody reads")
    assert f"{wasted / 1000:.1f} k MACs ({100 * wasted / whole:.0f} %)" in told


# -- what is said of each reading, and what helps against it


def findings(model: Any, shape: tuple[int, ...]) -> list[Finding]:
    (report,) = rflint.lint(model, input=shape, select=["RF202"]).models
    return list(report.findings)


class Steps(nn.Module):
    """Two convolutions over time, and what is taken of the second one's map."""

    def __init__(self, takes: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(2, 8, 3, padding=1), nn.Conv1d(8, 8, 3, padding=1)
        self.takes, self.head = takes, nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.takes(self.second(self.first(x).relu()).relu()))


@pytest.mark.parametrize("spelling", LAST)
def test_the_same_reading_gets_the_same_answer(spelling: str) -> None:
    (found,) = findings(lambda: Steps(LAST[spelling]), (1, 2, 9))
    assert (found.layer, found.severity.value) == ("second", "warning")
    assert found.message.startswith("8 of the 9 positions (89 %) of the map that it makes are")
    assert "; F.pad(x, (-7, 1)) in front of it and padding=0 compute the same" in found.message


class Chomps(nn.Module):
    """Causal by padding both ends and cutting one off."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(8, 8, 3, padding=self.pad, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x)[:, :, : -self.pad].relu()


class PadsInFront(Chomps):
    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (self.pad, 0))
        return (
            x
            + F.conv1d(padded, self.conv.weight, self.conv.bias, dilation=self.conv.dilation).relu()
        )


@pytest.mark.parametrize("length", [40, 1000])
def test_chomped_padding_is_information_and_gets_the_remedy_that_computes_the_same(
    length: int,
) -> None:
    (found,) = findings(lambda: Chomps(4), (1, 8, length))
    assert (found.layer, found.severity.value) == ("conv", "info")
    assert "F.pad(x, (8, 0)) in front of it and padding=0 compute the same" in found.message
    chomps, pads = Chomps(4), PadsInFront(4)
    pads.load_state_dict(chomps.state_dict())
    x = torch.rand(2, 8, length)
    assert torch.allclose(chomps(x), pads(x), atol=1e-6)
    assert findings(lambda: PadsInFront(4), (1, 8, length)) == []


class Factorised(nn.Module):
    """Two strided 1x1 convolutions, the second one on the map shifted by a pixel."""

    def __init__(self, *, padded: bool) -> None:
        super().__init__()
        self.conv, self.padded = conv(3, inputs=3), padded
        self.one, self.two = nn.Conv2d(C, C, 1, 2), nn.Conv2d(C, C, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).relu()
        shifted = F.pad(x, (0, 1, 0, 1)) if self.padded else x
        return torch.cat([self.one(x), self.two(shifted[:, :, 1:, 1:])], 1)


@pytest.mark.parametrize("padded", [False, True])
def test_a_factorised_reduction_is_one_finding_about_the_layer_that_computes(
    *, padded: bool
) -> None:
    (found,) = findings(lambda: Factorised(padded=padded), (1, 3, 32, 32))
    assert found.layer == "conv"
    assert found.message.startswith("512 of the 1,024 positions (50 %) of the map that it makes")


class Windows(nn.Module):
    """Windows of 7 on a map that is padded to whole windows, and cropped again."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.proj, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).permute(0, 2, 3, 1)
        b, h, w, c = x.shape
        y = F.pad(x, (0, 0, 0, -w % 7, 0, -h % 7))
        rows, columns = y.shape[1] // 7, y.shape[2] // 7
        y = y.view(b, rows, 7, columns, 7, c).transpose(2, 3).reshape(-1, 49, c)
        y = self.proj((y @ y.transpose(1, 2)).softmax(-1) @ y)
        y = y.view(b, rows, columns, 7, 7, c).transpose(2, 3).reshape(b, rows * 7, columns * 7, c)
        return self.head((x + y[:, :h, :w]).mean((1, 2)))


def test_windows_that_need_padding_get_sizes_that_need_none() -> None:
    (found,) = findings(Windows, (1, 3, 96, 96))
    assert (found.layer, found.severity.value) == ("proj", "info")
    assert "pads 24x24 to 28x28; inputs of 84x84 or 112x112 need none" in found.message
    assert findings(Windows, (1, 3, 84, 84)) == findings(Windows, (1, 3, 112, 112)) == []


def test_each_axis_has_its_own_padding() -> None:
    (found,) = findings(Windows, (1, 3, 96, 84))
    assert found.message.endswith("inputs of 84x84 or 112x84 need none")


class Restores(nn.Module):
    """Images padded to a multiple of 16 right away, as networks that restore them do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(3, inputs=3)

    def forward(self, x: Tensor) -> Tensor:
        h, w = x.shape[2:]
        return self.conv(F.pad(x, (0, -w % 16, 0, -h % 16), mode="reflect"))[:, :, :h, :w]


def test_padding_is_found_where_it_is_the_first_thing_that_is_done() -> None:
    (found,) = findings(Restores, (1, 3, 40, 56))
    assert (found.layer, found.severity.value) == ("conv", "info")
    assert "pads 40x56 to 48x64; inputs of 32x48 or 48x64 need none" in found.message


class Twice(nn.Module):
    """One convolution, of which one call is cropped: its padding is that of the other call too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.last = conv(3, inputs=3), conv(1, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.conv(x), self.conv(x.flip(3))[:, :, 1:], self.last(self.conv(x + 1))


def test_no_remedy_changes_another_call_of_the_module() -> None:
    found = findings(Twice, (1, 3, 16, 16))
    assert [(x.layer, x.call) for x in found] == [("conv", 1), ("last", 0)]
    assert not any("the same" in x.message for x in found)


class Token(nn.Module):
    """A class token in front of the steps of a sequence."""

    def __init__(self, takes: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.patches, self.token = nn.Conv1d(2, 8, 4, 4), nn.Parameter(torch.zeros(1, 1, 8))
        self.mlp, self.takes = nn.Linear(8, 8), takes

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        return self.takes(self.mlp((x @ x.transpose(1, 2)).softmax(-1) @ x))


def modes(x: Tensor) -> Tensor:
    lowest = torch.fft.rfft(x)[..., :4]
    return torch.fft.irfft(F.pad(lowest * 2, (0, x.shape[-1] // 2 - 3)), n=x.shape[-1])


def gated_modes(x: Tensor) -> Tensor:
    spectrum = torch.fft.rfft(x)
    return torch.stack([spectrum[..., i] * i for i in range(4)], -1).abs()


def spectrogram(x: Tensor) -> Tensor:
    window = torch.hann_window(16)
    return torch.stft(x[:, 0], 16, 4, window=window, return_complex=True).abs()[..., 2:-2]


MEANT: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "overhang of a transposed convolution, at the end": (
        lambda: nn.Sequential(nn.ConvTranspose1d(2, 2, 16, 8), Lambda(lambda x: x[..., :-8])),
        (1, 2, 75),
    ),
    "overhang of a transposed convolution, at both ends": (
        lambda: nn.Sequential(
            nn.Conv1d(2, 2, 3, padding=1),
            nn.ConvTranspose1d(2, 2, 4, 2),
            Lambda(lambda x: x[..., 1:-1]),
        ),
        (1, 2, 20),
    ),
    "class token, by a number": (lambda: Token(lambda x: x[:, 0]), (1, 2, 40)),
    "class token, by a slice": (lambda: Token(lambda x: x[:, :1].mean(1)), (1, 2, 40)),
    "all but the class token": (lambda: Token(lambda x: x[:, 1:].mean(1)), (1, 2, 40)),
    "lowest modes": (lambda: nn.Sequential(nn.Conv1d(2, 2, 1), Lambda(modes)), (1, 2, 32)),
    "modes one by one": (
        lambda: nn.Sequential(nn.Conv1d(2, 2, 1), Lambda(gated_modes)),
        (1, 2, 32),
    ),
    "frames of an STFT": (lambda: nn.Sequential(Lambda(spectrogram)), (1, 1, 128)),
    "last step of a recurrent network": (
        lambda: nn.Sequential(Lambda(lambda x: x.transpose(1, 2)), Recurrent()),
        (1, 2, 20),
    ),
    "doubled and cropped to an odd size": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 2, 3, padding=1),
            nn.Upsample(scale_factor=2),
            Lambda(lambda x: x[..., :-1]),
        ),
        (1, 2, 8, 8),
    ),
}


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(x)[0][:, -1]


@pytest.mark.parametrize("name", MEANT)
def test_nothing_is_said_of_what_is_meant_and_costs_nothing(name: str) -> None:
    model, shape = MEANT[name]
    assert findings(model, shape) == []


def test_more_than_the_overhang_of_a_transposed_convolution_is_computed_for_nothing() -> None:
    (found,) = findings(
        nn.Sequential(
            nn.Conv1d(2, 2, 3, padding=1),
            nn.ConvTranspose1d(2, 2, 4, 2),
            Lambda(lambda x: x[..., :-20]),
        ),
        (1, 2, 40),
    )
    assert (found.layer, found.severity.value) == ("1", "warning")


def test_what_is_less_than_a_hundredth_of_the_work_is_information() -> None:
    """A crop of a small convolution in front of a large one."""

    def model(width: int) -> nn.Module:
        small, large = nn.Conv2d(2, 2, 1), nn.Conv2d(2, width, 3)
        return nn.Sequential(small, Lambda(lambda x: x[..., 8:]), large)

    severities = [findings(model(width), (1, 2, 16, 16))[0].severity.value for width in (1, 512)]
    assert severities == ["warning", "info"]


def test_of_the_input_no_work_is_lost() -> None:
    (found,) = findings(nn.Sequential(conv(1, 2, inputs=3), conv(3)), (1, 3, 16, 16))
    assert found.severity.value == "info"


# -- training


class CropsInEvaluation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(3, inputs=3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x if self.training else x[..., 4:-4, 4:-4]


def test_a_crop_in_evaluation_only_is_said_of_evaluation() -> None:
    (found,) = findings(CropsInEvaluation, (1, 3, 16, 16))
    assert found.severity.value == "info"
    assert found.message.startswith("in evaluation, 192 of the 256 positions (75 %)")


def test_the_statistics_of_a_batch_read_what_evaluation_does_not() -> None:
    normalised = nn.Sequential(conv(3, inputs=3), nn.BatchNorm2d(C), conv(1, 2))
    (found,) = findings(normalised, (1, 3, 16, 16))
    assert found.severity.value == "info"
    assert found.message.startswith("in evaluation, reads with stride 2x2 and a kernel of 1x1")
    (found,) = findings(nn.Sequential(conv(3, inputs=3), nn.ReLU(), conv(1, 2)), (1, 3, 16, 16))
    assert found.severity.value == "warning"
    assert found.message.startswith("reads with stride 2x2")


@pytest.mark.parametrize("padding", [0, 1])
def test_the_stride_can_be_given_to_the_layer_in_front(padding: int) -> None:
    first, second = nn.Conv2d(3, C, 3, padding=padding), nn.Conv2d(C, C, 1, 2)
    (found,) = findings(nn.Sequential(first, nn.ReLU(), second), (1, 3, 15, 16))
    remedy = (
        f"; stride 2x2 and padding {padding}x{padding} there and stride 1 here compute the same"
    )
    assert found.message.endswith(remedy)
    x = torch.rand(2, 3, 15, 16)
    before = second(first(x).relu())
    first.stride, second.stride = (2, 2), (1, 1)
    assert torch.allclose(second(first(x).relu()), before, atol=1e-6)


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
    found = read_positions(architecture)
    image = torch.rand(1, 3, 64, 64, dtype=torch.double)
    for name in ("layer1.2.relu", "layer2.3.relu"):
        calls = [i for i, layer in enumerate(architecture.layers) if layer.name == name]
        region = found.by_outputs[calls[-1]]
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


class DilatedSteps(nn.Module):
    """Dilated convolutions over time, of which a head reads one step."""

    def __init__(self, front: int, step: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(4, 4, 3, dilation=2**i) for i in range(3))
        self.head, self.front, self.step = nn.Linear(4, 5), front, step

    def forward(self, x: Tensor) -> Tensor:
        for i, conv in enumerate(self.convs):
            x = conv(F.pad(x, (self.front * 2**i, (2 - self.front) * 2**i))).relu()
        scores: Tensor = self.head(x[:, :, self.step])
        return scores


@pytest.mark.parametrize(
    ("front", "step", "severity"),
    [(2, -1, "info"), (2, 0, "warning"), (2, 40, "warning"), (1, -1, "warning")],
    ids=["causal, its present", "causal, its past", "causal, between", "sees the future"],
)
def test_the_past_of_a_causal_network_is_information(front: int, step: int, severity: str) -> None:
    found = rflint.lint(
        partial(DilatedSteps, front, step), input=(1, 4, 64), select="RF202"
    ).findings
    assert [(x.layer, x.severity.value) for x in found] == [("convs.2", severity)]
