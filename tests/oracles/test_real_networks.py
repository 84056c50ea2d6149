"""What real architectures see, against the running network.

Thin copies of timm's and torchvision's models, with all their blocks, strides and branches but few
channels: a receptive field does not depend on the channels. They run on images that are NaN from
some row or column on (tests/helpers/probe.py), and every convolution, pooling and upsampling, and
the feature map in front of the head, must begin and end to see exactly where rflint says. A forward
pass with NaNs is exact where gradients are not: a maximum pooling passes a gradient to one input
only, a ReLU to half of them, and weights may cancel; NaNs come through all of these, and through
weights that are zero.

What rflint counts as no feature path must not carry NaNs either: batch normalisation runs in
evaluation mode, normalisations over positions are taken out, and the squashing functions that an
architecture's attention gates end in return finite numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import gcd
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rflint.analysis.analyse import analyse
from rflint.analysis.analysis import Analysis
from rflint.analysis.receptive_field import AxisField
from rflint.graph.layer import Kind
from rflint.tracing.trace import trace
from tests.helpers.probe import Borders, all_nan, borders, finite
from zoo.torchvision_import import import_torchvision

import_torchvision()

import timm  # noqa: E402
from timm.models.inception_next import InceptionDWConv2d, MetaNeXt  # noqa: E402
from timm.models.metaformer import MetaFormer, Pooling, SepConv  # noqa: E402
from torchvision import models as tv  # noqa: E402
from torchvision.models.video import resnet  # noqa: E402

SE = ("sigmoid", "hardsigmoid")
"""What squeeze-and-excitation and its relatives end in."""


# -- thin copies


class Trunk(nn.Module):
    """A timm model without its head."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.model.forward_features(x)
        return features


def thin(model: nn.Module, by: int) -> nn.Module:
    """The model with its channels divided, wherever their number is divisible."""

    def cut(channels: int) -> int:
        return channels // by if channels % by == 0 else channels

    for module in model.modules():
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv1d | nn.Conv2d | nn.Conv3d):
                child.in_channels, child.out_channels = (
                    cut(child.in_channels),
                    cut(child.out_channels),
                )
                child.groups = gcd(child.groups, child.in_channels, child.out_channels)
                inputs = child.in_channels // child.groups
                child.weight = nn.Parameter(
                    torch.empty(child.out_channels, inputs, *child.kernel_size)
                )
                if child.bias is not None:
                    child.bias = nn.Parameter(torch.empty(child.out_channels))
                child.reset_parameters()
            elif isinstance(child, nn.modules.batchnorm._BatchNorm):
                setattr(module, name, like(child, cut(child.num_features)))
    return model


def like(norm: Any, channels: int) -> nn.Module:
    """A batch normalisation of another width, with the activation that timm puts into some."""
    thinner = nn.modules.batchnorm._BatchNorm(channels)
    norm.num_features = channels
    norm.weight, norm.bias = thinner.weight, thinner.bias
    norm.running_mean, norm.running_var = thinner.running_mean, thinner.running_var
    assert isinstance(norm, nn.Module)
    return norm


def without_norms_over_positions(model: nn.Module) -> nn.Module:
    """Group and instance normalisation count as pointwise, but their statistics carry NaNs."""
    for module in model.modules():
        for name, child in list(module.named_children()):
            if isinstance(child, nn.GroupNorm | nn.modules.instancenorm._InstanceNorm):
                setattr(module, name, nn.Identity())
    return model


def timm_trunk(name: str, by: int = 1, **options: Any) -> nn.Module:
    return thin(Trunk(timm.create_model(name, **options)), by)


def tv_trunk(build: Callable[[], nn.Module], until: int, by: int = 8) -> nn.Module:
    """A torchvision model's children up to its head."""
    return thin(nn.Sequential(*list(build().children())[:until]), by)


def tv_features(build: Callable[..., Any], by: int = 8) -> nn.Module:
    return thin(build().features, by)


# -- what is compared


def analysed(model: nn.Module, size: Sequence[int], channels: int = 3) -> Analysis:
    return analyse(trace(model, [torch.empty(1, channels, *size, device="meta")]))


def measurable(analysis: Analysis, model: nn.Module) -> dict[str, tuple[AxisField, ...]]:
    """What the modules that change the grid see, by name, and the model's output under ""."""
    modules = dict(model.named_modules())
    axes = analysis.architecture.axes
    again = {x.layer.name for x in analysis.layers if x.layer.call}
    fields = {
        x.layer.name: x.output_field
        for x in analysis.layers
        if x.layer.kind in (Kind.CONV, Kind.CONV_TRANSPOSE, Kind.POOL, Kind.UPSAMPLE)
        and x.layer.name in modules
        and x.layer.name not in again
        and len(x.layer.out_shape) == 2 + axes
        and all(axis.r_max is not None for axis in x.output_field)
    }
    fields[""] = analysis.layers[analysis.architecture.outputs[0]].output_field
    return fields


@dataclass(frozen=True)
class Measured:
    """Along one axis of one size: what rflint says, and what the running network shows."""

    fields: Mapping[str, AxisField]
    seen: Mapping[str, Borders]
    period: int
    """The largest jump."""
    length: int


def measure(
    model: nn.Module,
    axis: int,
    *,
    gates: Collection[str] = (),
    rest: Sequence[int] = (32,),
    channels: int = 3,
) -> Measured:
    """Compare on an image that is long along `axis` and has the sizes in `rest` along the others.

    The image is long enough to see half a field from either end.
    """

    def size(length: int) -> tuple[int, ...]:
        return (*rest[:axis], length, *rest[axis:])

    fields = [x.output_field[axis] for x in analysed(model, size(512), channels).layers]
    spans = [(j, span) for field in fields for j, span in field.spans.items()]
    assert spans, "everything is unbounded"
    period = int(max(j for j, _ in spans))
    half = max(max(-span.first, span.last) for _, span in spans)
    length = -(-int(half + 6 * period) // 64) * 64

    analysis = analysed(model, size(length), channels)
    assert analysis.complete
    expected = {name: field[axis] for name, field in measurable(analysis, model).items()}
    with finite(gates):
        seen = borders(
            model, size(length), axis, list(expected)[:-1], period=period, channels=channels
        )
    return Measured(expected, seen, period, length)


def assert_exact(measured: Measured) -> None:
    """Position p sees from input p * jump + first to p * jump + last, at every layer."""
    near, far = measured.period + 1, 3 * measured.period
    for name, field in measured.fields.items():
        ((jump, span),) = field.spans.items()
        seen = measured.seen[name]
        firsts = within(jump, span.first, near, far)
        lasts = within(jump, span.last, measured.length - 1 - far, measured.length - 1 - near)
        assert len(firsts) >= 2, name
        assert len(lasts) >= 2, name
        assert {p: seen.first.get(p) for p in firsts} == firsts, name
        assert {p: seen.last.get(p) for p in lasts} == lasts, name
        assert field.r_max is not None
        assert field.r_max <= span.last - span.first + 1, name


def within(jump: Any, offset: Any, low: int, high: int) -> dict[int, int]:
    """The positions p for which p * jump + offset lies in a range, with that number."""
    first = -(-(low - offset) // jump)
    return {p: p * jump + offset for p in range(first, (high - offset) // jump + 1)}


# -- one jump a layer, all branches centred: exact


@dataclass(frozen=True)
class Case:
    """How to build a network, what its gates end in, and how small the other axis may be."""

    build: Callable[[], nn.Module]
    gates: Collection[str] = ()
    rest: int = 32


def metaformer(mixer: type[nn.Module]) -> nn.Module:
    return Trunk(MetaFormer(depths=(1, 1, 2, 1), dims=(8, 16, 24, 32), token_mixers=mixer))


def convmixer() -> nn.Module:
    return Trunk(timm.models.ConvMixer(dim=8, depth=4, kernel_size=9, patch_size=7))


def inceptionnext() -> nn.Module:
    return Trunk(
        MetaNeXt(depths=(1, 1, 2, 1), dims=(16, 16, 24, 32), token_mixers=InceptionDWConv2d)
    )


def rexnet() -> nn.Module:
    return Trunk(timm.models.RexNet(initial_chs=4, final_chs=40))


def dpn() -> nn.Module:
    return Trunk(
        timm.models.DPN(
            small=True,
            num_init_features=8,
            k_r=16,
            groups=4,
            k_sec=(1, 1, 2, 1),
            inc_sec=(4, 4, 8, 8),
        )
    )


def googlenet() -> nn.Module:
    return tv.googlenet(init_weights=False, aux_logits=False)


SHALLOW = {"layers": (1, 1, 1, 1)}

EXACT = {
    "alexnet": Case(partial(tv_features, tv.alexnet), rest=64),
    "vgg11": Case(partial(tv_features, tv.vgg11_bn, 16)),
    "googlenet": Case(partial(tv_trunk, googlenet, -3)),
    "squeezenet": Case(partial(tv_features, tv.squeezenet1_1)),
    "shufflenet v2": Case(partial(tv_trunk, tv.shufflenet_v2_x0_5, -1, 4)),
    "densenet, torchvision": Case(
        lambda: tv.DenseNet(growth_rate=4, block_config=(2, 2, 2, 2), num_init_features=8).features
    ),
    "mnasnet": Case(partial(timm_trunk, "mnasnet_small", 8), SE),
    "inception v3": Case(partial(timm_trunk, "inception_v3", 8), rest=96),
    "xception": Case(partial(timm_trunk, "legacy_xception", 8)),
    "resnet, basic": Case(partial(timm_trunk, "resnet18", 8)),
    "resnet, bottleneck": Case(partial(timm_trunk, "resnet26", 8)),
    "resnet, wide": Case(partial(timm_trunk, "resnet26", 8, base_width=128)),
    "resnet, output stride 8": Case(partial(timm_trunk, "resnet26", 8, output_stride=8)),
    "resnet-d": Case(partial(timm_trunk, "resnet26d", 8)),
    "resnet, blur pooling": Case(
        partial(timm_trunk, "resnetblur50", channels=(8, 8, 8, 8), **SHALLOW)
    ),
    "resnext": Case(partial(timm_trunk, "resnext26ts", 8)),
    "se-resnet": Case(partial(timm_trunk, "seresnet18", 8), SE),
    "eca-resnet": Case(partial(timm_trunk, "ecaresnet26t", 8), SE),
    "cbam-resnet": Case(partial(timm_trunk, "resnet18", 8, block_args={"attn_layer": "cbam"}), SE),
    "resnest": Case(partial(timm_trunk, "resnest14d", 8), ("softmax",)),
    "sk-resnet": Case(
        partial(timm_trunk, "skresnet18", channels=(16, 16, 32, 32), **SHALLOW), ("softmax",)
    ),
    "res2net": Case(partial(timm_trunk, "res2net50_14w_8s", channels=(16, 16, 32, 32), **SHALLOW)),
    "mobilenet v1": Case(partial(timm_trunk, "mobilenetv1_100", 8)),
    "mobilenet v2": Case(partial(timm_trunk, "mobilenetv2_100", 8)),
    "mobilenet v3": Case(partial(timm_trunk, "mobilenetv3_small_050", 8), SE),
    "mobilenet v4": Case(partial(timm_trunk, "mobilenetv4_conv_small", 8)),
    "efficientnet": Case(partial(timm_trunk, "efficientnet_b0", 8), SE),
    "lcnet": Case(partial(timm_trunk, "lcnet_050"), SE),
    "hardcorenas": Case(partial(timm_trunk, "hardcorenas_a", 8), SE),
    "ghostnet": Case(partial(timm_trunk, "ghostnet_050"), SE),
    "rexnet": Case(rexnet, SE),
    "regnet x": Case(partial(timm_trunk, "regnetx_002", 8)),
    "regnet y": Case(partial(timm_trunk, "regnety_002", 8), SE),
    "gernet": Case(partial(timm_trunk, "gernet_s", 8)),
    "repvgg": Case(partial(timm_trunk, "repvgg_a0", 8)),
    "convnext": Case(partial(timm_trunk, "convnext_atto", dims=(8, 16, 32, 64))),
    "inceptionnext": Case(inceptionnext),
    "fasternet": Case(partial(timm_trunk, "fasternet_t0")),
    "starnet": Case(partial(timm_trunk, "starnet_s050")),
    "convmixer": Case(convmixer),
    "poolformer": Case(partial(metaformer, Pooling)),
    "convformer": Case(partial(metaformer, SepConv)),
    "dla": Case(partial(timm_trunk, "dla34", 8)),
    "darknet": Case(partial(timm_trunk, "darknet17", 8)),
    "cspnet": Case(partial(timm_trunk, "cs3darknet_s")),
    "dpn": Case(dpn),
    "vovnet": Case(partial(timm_trunk, "ese_vovnet19b_slim", 8), SE),
    "hgnet": Case(partial(timm_trunk, "hgnetv2_b0", 8)),
    "selecsls": Case(partial(timm_trunk, "selecsls42", 8)),
    "tresnet": Case(partial(timm_trunk, "tresnet_m", width_factor=0.25, **SHALLOW), SE),
}


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", EXACT)
def test_every_layer_sees_exactly_what_a_nan_shows(name: str, axis: int) -> None:
    case = EXACT[name]
    torch.manual_seed(0)
    model = without_norms_over_positions(case.build()).eval()
    measured = measure(model, axis, gates=case.gates, rest=(case.rest,))
    assert_exact(measured)
    output = measured.fields[""]
    (span,) = output.spans.values()
    assert output.r_max == span.last - span.first + 1, "all branches are centred"


# -- several resolutions: exact on average


class Block(nn.Sequential):
    """Two 3x3 convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.ReLU(),
        )


class UNet(nn.Module):
    def __init__(self, up: Callable[[], nn.Module], depth: int = 3) -> None:
        super().__init__()
        self.first = Block(3, 4)
        self.pool = nn.MaxPool2d(2)
        self.down = nn.ModuleList(Block(4, 4) for _ in range(depth))
        self.up = nn.ModuleList(up() for _ in range(depth))
        self.merge = nn.ModuleList(Block(8, 4) for _ in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = [self.first(x)]
        for down in self.down:
            maps.append(down(self.pool(maps[-1])))
        x = maps.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([up(x), maps.pop()], dim=1))
        return x


class FeaturePyramid(nn.Module):
    def __init__(self, mode: str) -> None:
        super().__init__()
        self.backbone = thin(timm.create_model("resnet18", features_only=True), 8)
        self.lateral = nn.ModuleList(nn.Conv2d(c, 4, 1) for c in (8, 8, 16, 32, 64))
        self.output = nn.Conv2d(4, 4, 3, padding=1)
        self.mode = mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = [lateral(m) for lateral, m in zip(self.lateral, self.backbone(x), strict=True)]
        merged = maps.pop()
        while maps:
            finer = maps.pop()
            merged = finer + F.interpolate(merged, size=finer.shape[-2:], mode=self.mode)
        return self.output(merged)


class Segmentation(nn.Module):
    """A segmentation model of torchvision, which returns a dictionary."""

    def __init__(self, build: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.model = thin(build(weights=None, weights_backbone=None), 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.model(x)["out"]
        return output


def transposed(kernel: int) -> nn.Module:
    """Doubles the size."""
    padding = (kernel - 1) // 2
    return nn.ConvTranspose2d(
        4, 4, kernel, stride=2, padding=padding, output_padding=2 + 2 * padding - kernel
    )


SEVERAL_RESOLUTIONS = {
    "u-net, nearest": Case(partial(UNet, partial(nn.Upsample, scale_factor=2))),
    "u-net, bilinear": Case(partial(UNet, partial(nn.Upsample, scale_factor=2, mode="bilinear"))),
    "u-net, transposed 2x2": Case(partial(UNet, partial(transposed, 2))),
    "u-net, transposed 4x4": Case(partial(UNet, partial(transposed, 4))),
    "fpn, nearest": Case(partial(FeaturePyramid, "nearest")),
    "fpn, bilinear": Case(partial(FeaturePyramid, "bilinear")),
    "hrnet": Case(partial(timm_trunk, "hrnet_w18_small", 18)),
    "fcn": Case(partial(Segmentation, tv.segmentation.fcn_resnet50)),
    "lr-aspp": Case(partial(Segmentation, tv.segmentation.lraspp_mobilenet_v3_large), SE),
}


def extents(borders: Borders, jump: Any, period: int) -> list[Fraction]:
    """How many inputs each of the positions within a period spans: they repeat after it."""
    phases = range(int(period / jump))
    first = {p % len(phases): start - p * jump for p, start in borders.first.items()}
    last = {p % len(phases): end - p * jump for p, end in borders.last.items()}
    assert set(first) == set(last) == set(phases)
    return [Fraction(last[phase] - first[phase] + 1) for phase in phases]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", SEVERAL_RESOLUTIONS)
def test_a_position_behind_upsampling_sees_r_max_on_average(name: str, axis: int) -> None:
    """Behind an upsampling by u, how much of its input a convolution of size k meets depends on
    where it stands: the whole positions between floor((p + a) / u) and floor((p + a + k - 1) / u).
    Over u neighbours that averages to (k - 1) / u steps exactly, which is Eq. 1 with a jump
    divided by u. So r_max is the average over one period, as long as the same path is the widest
    throughout, which holds for the outputs here; and in front of the first upsampling it
    is exact.
    """
    case = SEVERAL_RESOLUTIONS[name]
    torch.manual_seed(0)
    model = case.build().eval()
    measured = measure(model, axis, gates=case.gates, rest=(case.rest,))
    ((jump, _),) = measured.fields[""].spans.items()
    seen = extents(measured.seen[""], jump, measured.period)
    assert sum(seen) / len(seen) == measured.fields[""].r_max


def test_a_transposed_convolution_of_uneven_overlap_sees_at_most_r_max_on_average() -> None:
    """Of a 3x3 kernel with stride 2, positions meet one or two taps in turn; r counts two."""
    torch.manual_seed(0)
    measured = measure(UNet(partial(transposed, 3)), 0)
    for name, field in measured.fields.items():
        ((jump, _),) = field.spans.items()
        seen = extents(measured.seen[name], jump, measured.period)
        assert field.r_max is not None
        assert sum(seen) / len(seen) <= field.r_max, name


# -- one and three axes


class WavEncoder(nn.Sequential):
    """The convolutions of wav2vec 2.0: 25 ms every 20 ms, at 16 kHz."""

    def __init__(self) -> None:
        shapes = [(10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2)]
        layers: list[nn.Module] = []
        for i, (kernel, stride) in enumerate(shapes):
            layers += [nn.Conv1d(4 if i else 1, 4, kernel, stride=stride), nn.GELU()]
        super().__init__(*layers)


class WaveNet(nn.Module):
    """Gated causal convolutions with dilations 1, 2, 4, ..., residuals and skips."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, 4, 1)
        self.features = nn.ModuleList(nn.Conv1d(4, 4, 2, dilation=2**i) for i in range(depth))
        self.gates = nn.ModuleList(nn.Conv1d(4, 4, 2, dilation=2**i) for i in range(depth))
        self.mix = nn.ModuleList(nn.Conv1d(4, 4, 1) for _ in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        skips = torch.zeros_like(x)
        for i, (feature, gate) in enumerate(zip(self.features, self.gates, strict=True)):
            causal = F.pad(x, (2**i, 0))
            mixed = self.mix[i](torch.tanh(feature(causal)) * torch.sigmoid(gate(causal)))
            skips = skips + mixed
            x = x + mixed
        return torch.relu(skips)


def tcn() -> nn.Module:
    """Same-padded dilated convolutions."""
    return nn.Sequential(
        *(nn.Conv1d(4 if i else 1, 4, 3, dilation=2**i, padding=2**i) for i in range(6))
    )


@pytest.mark.parametrize(
    ("build", "r_max", "jump"),
    [(WavEncoder, 400, 320), (partial(WaveNet, 8), 256, 1), (tcn, 127, 1)],
    ids=["wav encoder", "wavenet", "tcn"],
)
def test_one_axis(build: Callable[[], nn.Module], r_max: int, jump: int) -> None:
    torch.manual_seed(0)
    measured = measure(build().eval(), 0, rest=(), channels=1)
    assert_exact(measured)
    assert (measured.fields[""].r_max, measured.fields[""].jump) == (r_max, jump)


def factorised() -> nn.Module:
    """R(2+1)D with one block a stage."""
    return resnet.VideoResNet(
        resnet.BasicBlock,
        [resnet.Conv2Plus1D] * 4,
        [1, 1, 1, 1],
        resnet.R2Plus1dStem,
    )


VIDEO = {
    "r3d": partial(tv_trunk, tv.video.r3d_18, -2),
    "mc3": partial(tv_trunk, tv.video.mc3_18, -2),
    "r(2+1)d": partial(tv_trunk, factorised, -2),
    "s3d": partial(tv_features, tv.video.s3d),
}


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("name", VIDEO)
def test_three_axes(name: str, axis: int) -> None:
    torch.manual_seed(0)
    assert_exact(measure(VIDEO[name]().eval(), axis, rest=(32, 32) if axis == 0 else (8, 32)))


# -- unbounded: one pixel reaches everything


def mixer() -> nn.Module:
    return Trunk(timm.models.MlpMixer(num_blocks=2, embed_dim=32))


def deeplab() -> nn.Module:
    return Segmentation(tv.segmentation.deeplabv3_mobilenet_v3_large)


UNBOUNDED = {
    "vit": Case(partial(timm_trunk, "vit_tiny_patch16_224", depth=2), rest=224),
    "mixer": Case(mixer, rest=224),
    "botnet": Case(partial(timm_trunk, "botnet26t_256"), rest=256),
    "coatnet": Case(partial(timm_trunk, "coatnet_pico_rw_224"), SE, rest=224),
    "mobilevit": Case(partial(timm_trunk, "mobilevit_xxs"), rest=256),
    "edgenext": Case(partial(timm_trunk, "edgenext_xx_small"), rest=256),
    "convnext v2": Case(partial(timm_trunk, "convnextv2_atto", dims=(8, 16, 32, 64)), rest=128),
    "gc-resnet": Case(partial(timm_trunk, "gcresnext26ts"), rest=128),
    "non-local resnet": Case(
        partial(timm_trunk, "resnet18", block_args={"attn_layer": "nl"}), rest=128
    ),
    "deeplab v3": Case(deeplab, SE, rest=256),
    "se-resnet, with its head": Case(partial(timm.create_model, "seresnet18"), SE, rest=128),
}


@pytest.mark.parametrize("name", UNBOUNDED)
def test_one_pixel_reaches_all_that_is_unbounded(name: str) -> None:
    case = UNBOUNDED[name]
    torch.manual_seed(0)
    model = case.build().eval()
    analysis = analysed(model, (case.rest, case.rest))
    assert analysis.complete
    modules = dict(model.named_modules())
    again = {x.layer.name for x in analysis.layers if x.layer.call}
    unbounded = [
        x.layer.name
        for x in analysis.layers
        if x.layer.name in modules
        and x.layer.name not in again
        and x.layer.kind is not Kind.ACTIVATION  # gates were made finite
        and all(axis.unbounded for axis in x.output_field)
    ]
    assert unbounded
    image = torch.rand(1, 3, case.rest, case.rest)
    image[..., 0, 0] = torch.nan
    with finite(case.gates):
        reached = all_nan(model, image, unbounded)
    assert [layer for layer in unbounded if not reached[layer]] == []
