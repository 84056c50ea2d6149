"""Which convolutions count as trunk, which as attention gates, which as heads, by layer name.

By the paper's definition (section IV-D) a gate is a branch that ends in a squashing function and is
multiplied onto the trunk; its layers are not judged, and it is no feature path. A head is a layer
that only global paths lead to. Everything else is trunk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rflint.analysis.analyse import analyse
from rflint.analysis.analysed_layer import Verdict
from rflint.analysis.analysis import Analysis
from rflint.analysis.roles import Role
from rflint.graph.layer import Kind
from rflint.tracing.trace import trace
from zoo.torchvision_import import import_torchvision

import_torchvision()

import timm  # noqa: E402

ATTENTION, HEAD = Role.ATTENTION, Role.HEAD


def analysed(build: Callable[[], nn.Module], size: int = 224) -> Analysis:
    with torch.device("meta"):
        model = build().eval()
    return analyse(trace(model, [torch.empty(1, 3, size, size, device="meta")]))


def assert_roles(analysis: Analysis, expected: Mapping[str, Role]) -> None:
    """Convolutions and linear layers whose names match a pattern have its role, all others trunk.

    The first pattern counts that matches a part of the name; each has to match some layer.
    """
    layers = [x for x in analysis.layers if x.layer.kind in (Kind.CONV, Kind.LINEAR)]
    used: set[str] = set()
    for x in layers:
        pattern = next((p for p in expected if re.search(p, x.layer.name)), None)
        used |= {pattern} if pattern else set()
        assert x.role is (expected[pattern] if pattern else Role.TRUNK), x.layer.name
        judged = x.role is Role.TRUNK and x.layer.kind is Kind.CONV
        assert (x.verdict is not Verdict.NOT_JUDGED) == judged, x.layer.name
    assert used == set(expected)


GATED: dict[str, tuple[str, dict[str, Any], dict[str, Role]]] = {
    # pooled, two layers, sigmoid, times the map
    "se-resnet": ("seresnet18", {}, {r"\.se\.": ATTENTION, "^fc$": HEAD}),
    "efficientnet": ("efficientnet_b0", {}, {r"\.se\.": ATTENTION, "^classifier$": HEAD}),
    # the same with a hard sigmoid; conv_head comes behind the global pooling
    "mobilenet v3": (
        "mobilenetv3_small_050",
        {},
        {r"\.se\.": ATTENTION, "^conv_head$|^classifier$|^linear$": HEAD},
    ),
    "lcnet": ("lcnet_050", {}, {r"\.se\.": ATTENTION, "^conv_head$|^classifier$|^linear$": HEAD}),
    "regnet y": ("regnety_002", {}, {r"\.se\.": ATTENTION, r"^head\.fc$": HEAD}),
    "vovnet": ("ese_vovnet19b_slim", {}, {r"\.attn\.": ATTENTION, r"^head\.fc$": HEAD}),
    # a convolution over channels instead of the two layers
    "eca-resnet": ("ecaresnet26t", {}, {r"\.se\.": ATTENTION, "^fc$": HEAD}),
    # channel attention, then a 7x7 convolution over positions
    "cbam-resnet": (
        "resnet18",
        {"block_args": {"attn_layer": "cbam"}},
        {r"\.se\.": ATTENTION, "^fc$": HEAD},
    ),
    # split attention: a softmax over branches weights them; the branches themselves are trunk
    "sk-resnet": ("skresnet18", {}, {r"\.attn\.": ATTENTION, "^fc$": HEAD}),
    "resnest": ("resnest14d", {}, {r"\.conv2\.fc": ATTENTION, "^fc$": HEAD}),
    # a global context that is multiplied on, through a sigmoid
    "gc-resnet, multiplied": (
        "resnet18",
        {"block_args": {"attn_layer": "gc"}},
        {r"\.se\.": ATTENTION, "^fc$": HEAD},
    ),
}


@pytest.mark.parametrize("name", GATED)
def test_gates(name: str) -> None:
    model, options, expected = GATED[name]
    assert_roles(analysed(partial(timm.create_model, model, **options)), expected)


@pytest.mark.parametrize("name", GATED)
def test_gates_do_not_change_what_the_trunk_sees(name: str) -> None:
    """Whatever the gates see, every convolution of the trunk has a bounded field."""
    model, options, _ = GATED[name]
    for x in analysed(partial(timm.create_model, model, **options)).layers:
        if x.is_judged:
            assert all(axis.spans and not axis.unbounded for axis in x.input_field), x.layer.name


def test_an_added_context_is_no_gate() -> None:
    """GC-ResNet adds its global context to the map: nothing is multiplied, so no gate.

    The layers that transform the context see everything, so they are heads. The 1x1 convolution
    that weights the positions of the context works on the map, as the keys of an attention do: it
    is judged. The map's own path goes on beside the context: what follows is judged by r_min.
    """
    analysis = analysed(partial(timm.create_model, "gcresnet50t"))
    assert_roles(analysis, {r"\.attn\.mlp_add\.": HEAD, r"^head\.fc$": HEAD})
    last = [x for x in analysis.layers if x.is_judged][-1]
    assert all(axis.r_min is not None and axis.r_max is None for axis in last.output_field)


# -- gates in other spellings: all layers in `gate` are attention, and the trunk sees 5 x 5


class Module(nn.Module):
    """A 3x3 convolution, a gate on its output, and another 3x3 convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Conv2d(3, 16, 3, padding=1)
        self.after = nn.Conv2d(16, 16, 3, padding=1)
        self.gate = nn.ModuleList(self.layers())

    def layers(self) -> list[nn.Module]:
        return [nn.Conv2d(16, 16, 1)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.after(self.gated(self.before(x)))
        return output

    def gated(self, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class GatherExcitePooled(Module):
    """Hu et al. 2018, theta-minus: the weights come from a neighbourhood, without parameters."""

    def gated(self, x: torch.Tensor) -> torch.Tensor:
        gathered = self.gate[0](F.avg_pool2d(x, 15, stride=8, padding=7))
        return x * torch.sigmoid(F.interpolate(gathered, size=x.shape[-2:]))


class GatherExciteLearned(Module):
    """Theta: strided depthwise convolutions gather; here the sigmoid comes first."""

    def layers(self) -> list[nn.Module]:
        return [nn.Conv2d(16, 16, 3, stride=2, padding=1, groups=16) for _ in range(3)]

    def gated(self, x: torch.Tensor) -> torch.Tensor:
        gathered = x
        for layer in self.gate:
            gathered = layer(gathered)
        return F.interpolate(torch.sigmoid(gathered), size=x.shape[-2:]) * x


class GatherExciteGlobal(Module):
    """Theta with a global extent: one depthwise convolution as large as the map."""

    def layers(self) -> list[nn.Module]:
        return [nn.Conv2d(16, 16, 64, groups=16)]

    def gated(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.gate[0](x))


class Coordinates(Module):
    """Coordinate attention (Hou et al. 2021): pooled along each axis, multiplied one by one."""

    def layers(self) -> list[nn.Module]:
        return [nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1), nn.Conv2d(4, 16, 1)]

    def gated(self, x: torch.Tensor) -> torch.Tensor:
        height = x.shape[2]
        rows, columns = x.mean(3, keepdim=True), x.mean(2, keepdim=True).transpose(2, 3)
        mixed = torch.relu(self.gate[0](torch.cat([rows, columns], dim=2)))
        rows, columns = mixed.split([height, mixed.shape[2] - height], dim=2)
        a_rows = torch.sigmoid(self.gate[1](rows))
        a_columns = torch.sigmoid(self.gate[2](columns.transpose(2, 3)))
        return x * a_columns * a_rows


class OneByOne(Module):
    """Two gates of one map, channels and positions."""

    def layers(self) -> list[nn.Module]:
        return [nn.Conv2d(16, 16, 1), nn.Conv2d(16, 1, 7, padding=3)]

    def gated(self, x: torch.Tensor) -> torch.Tensor:
        channels = torch.sigmoid(self.gate[0](x.mean((2, 3), keepdim=True)))
        positions = torch.sigmoid(self.gate[1](x))
        return x * positions * channels


class OneByOneReversed(OneByOne):
    """The other way around."""

    def gated(self, x: torch.Tensor) -> torch.Tensor:
        channels = torch.sigmoid(self.gate[0](x.mean((2, 3), keepdim=True)))
        positions = torch.sigmoid(self.gate[1](x))
        return x * channels * positions


class Scaled(Module):
    """As attentional feature fusion does (Dai et al. 2021): both shares sum to two."""

    def layers(self) -> list[nn.Module]:
        return [nn.Conv2d(16, 16, 5, padding=2)]

    def gated(self, x: torch.Tensor) -> torch.Tensor:
        share = torch.sigmoid(self.gate[0](x))
        return 2 * x * share + 2 * x * (1 - share)


class Residual(Module):
    """Beside the map itself."""

    def layers(self) -> list[nn.Module]:
        return [nn.Conv2d(16, 16, 5, padding=2)]

    def gated(self, x: torch.Tensor) -> torch.Tensor:
        return x + x * self.gate[0](x).tanh()


class InPlace(Module):
    """With a hard sigmoid written out."""

    def gated(self, x: torch.Tensor) -> torch.Tensor:
        weights = F.relu6(self.gate[0](F.adaptive_avg_pool2d(x, 1)) + 3) / 6
        x *= weights
        return x


class AttentionUNet(Module):
    """Oktay et al. 2018: a coarser map says what of a finer one to let through."""

    def layers(self) -> list[nn.Module]:
        return [
            nn.Conv2d(16, 16, 3, stride=2, padding=1),
            nn.Conv2d(16, 16, 1),
            nn.Conv2d(16, 1, 1),
        ]

    def gated(self, x: torch.Tensor) -> torch.Tensor:
        coarse = F.interpolate(self.gate[0](x), size=x.shape[-2:])
        return x * torch.sigmoid(self.gate[2](torch.relu(self.gate[1](x) + coarse)))


@pytest.mark.parametrize("build", [*Module.__subclasses__(), OneByOneReversed])
def test_spellings(build: Callable[[], nn.Module]) -> None:
    analysis = analysed(build, 64)
    assert_roles(analysis, {r"^gate\.": ATTENTION})
    assert [axis.r_max for axis in analysis.layers[-1].output_field] == [5, 5]


# -- gated convolutions: the two factors come from one value, neither from the other


class Gated(nn.Module):
    """As in WaveNet or a gated linear unit: both halves are features."""

    def __init__(self, activation: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.filter = nn.Conv2d(8, 8, 3, padding=1)
        self.gate = nn.Conv2d(8, 8, 5, padding=2)
        self.mix = nn.Conv2d(8, 8, 1)
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        mixed: torch.Tensor = self.activation(self.filter(x)) * torch.sigmoid(self.gate(x))
        return x + self.mix(mixed)


class GatedUnit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.both = nn.Conv2d(8, 16, 5, padding=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.glu(self.both(self.stem(x)), dim=1)


class HalvedUnit(GatedUnit):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value, gate = self.both(self.stem(x)).chunk(2, dim=1)
        return value * torch.sigmoid(gate)


@pytest.mark.parametrize(
    "build",
    [partial(Gated, torch.tanh), partial(Gated, nn.Identity()), GatedUnit, HalvedUnit],
    ids=["wavenet", "gated convolution", "glu", "glu by halves"],
)
def test_gated_convolutions_are_trunk(build: Callable[[], nn.Module]) -> None:
    analysis = analysed(build)
    assert_roles(analysis, {})
    assert [axis.r_max for axis in analysis.layers[-1].output_field] == [7, 7]


# -- attention over positions


def test_layers_within_an_attention_block_are_heads_where_nothing_goes_around_them() -> None:
    """CoAtNet: the projection behind an attention has seen everything. Its residual has not.

    The multi-layer perceptrons behind the residual, and the queries, keys and values of the next
    block, can be reached around the attention, so they are trunk.
    """
    analysis = analysed(partial(timm.create_model, "coatnet_0_rw_224"))
    assert_roles(
        analysis, {r"\.se_early\.|\.se\.": ATTENTION, r"\.attn\.proj": HEAD, r"^head\.fc$": HEAD}
    )


def test_maxvit() -> None:
    """Attention within windows of 8 x 8 positions is bounded, over a grid it sees everything.

    In the first block positions are 4 pixels apart and have seen 9: a window adds 7 * 4. In the
    last stage the map is 8 x 8, and a window all of it.
    """
    analysis = analysed(partial(timm.create_model, "maxvit_nano_rw_256"), 256)
    assert_roles(
        analysis,
        {
            r"\.se\.": ATTENTION,
            r"\.attn_grid\.attn\.proj$": HEAD,
            r"^stages\.3\..*\.attn_block\.attn\.proj$": HEAD,
            r"^head\.fc$": HEAD,
        },
    )
    name = "stages.0.blocks.0.attn_block.attn.proj"
    window = next(x for x in analysis.layers if x.layer.name == name)
    assert [axis.r_min for axis in window.input_field] == [9 + 7 * 4] * 2


def test_botnet() -> None:
    """The 1x1 convolution behind an attention sees everything; the rest has a shortcut around."""
    analysis = analysed(partial(timm.create_model, "botnet26t_256"), 256)
    assert_roles(
        analysis,
        {
            r"^stages\.(2\.1|3\.0|3\.1)\.conv3_1x1\.": HEAD,
            r"^head\.fc$": HEAD,
        },
    )


def test_eva() -> None:
    """A plain transformer: the patch embedding is its only convolution, and is judged."""
    analysis = analysed(partial(timm.create_model, "eva02_tiny_patch14_224"))
    assert [x.layer.name for x in analysis.layers if x.is_judged] == ["patch_embed.proj"]
    projections = [x for x in analysis.layers if x.layer.name.endswith(".attn.proj")]
    assert len(projections) == 12
    assert {x.role for x in projections} == {HEAD}


def test_non_local_blocks() -> None:
    """z comes behind the attention over positions; t, p and g are its queries, keys and values."""
    build = partial(timm.create_model, "resnet18", block_args={"attn_layer": "nl"})
    assert_roles(analysed(build), {r"\.se\.z$": HEAD, "^fc$": HEAD})


# -- masks: the branch is the network, and what it weights is what one layer made of the input


class Separator(nn.Module):
    """As Conv-TasNet (Luo and Mesgarani 2019) separates two speakers."""

    def __init__(self, squash: Callable[[torch.Tensor], torch.Tensor] = torch.sigmoid) -> None:
        super().__init__()
        self.squash = squash
        self.encoder = nn.Conv1d(1, 32, 16, stride=8)
        self.norm = nn.GroupNorm(1, 32)
        self.bottleneck = nn.Conv1d(32, 16, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(16, 32, 1),
                nn.PReLU(),
                nn.GroupNorm(1, 32),
                nn.Conv1d(32, 32, 3, padding=2**i, dilation=2**i, groups=32),
                nn.PReLU(),
                nn.GroupNorm(1, 32),
                nn.Conv1d(32, 16, 1),
            )
            for i in range(4)
        )
        self.masks = nn.Conv1d(16, 2 * 32, 1)
        self.decoder = nn.ConvTranspose1d(32, 1, 16, stride=8)

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        features = self.encoder(sound)
        x = self.bottleneck(self.norm(features))
        for block in self.blocks:
            x = x + block(x)
        masks = self.squash(self.masks(x)).view(len(sound), 2, 32, -1)
        masked = masks * features.unsqueeze(1)
        return self.decoder(masked.flatten(0, 1)).view(len(sound), 2, -1)


class Spectrogram(nn.Module):
    """Speech enhancement: a network weights the very bins that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) for _ in range(4)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.tanh(self.body(x.log1p()))


@pytest.mark.parametrize("squash", [torch.sigmoid, torch.tanh, partial(torch.softmax, dim=1)])
def test_a_network_that_makes_a_mask_is_the_trunk(
    squash: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    model = Separator(squash).eval()
    analysis = analyse(trace(model, [torch.rand(1, 1, 4000)]))
    judged = [x.layer.name for x in analysis.layers if x.is_judged]
    convolutions = [name for name, x in model.named_modules() if isinstance(x, nn.Conv1d)]
    assert judged == convolutions
    # 16 samples, then windows of 3 with dilations 1, 2, 4, 8 on every eighth, and the decoder
    assert analysis.layers[-1].output_field[0].r_max == 16 + 2 * (1 + 2 + 4 + 8) * 8 + 8
    assert analysis.layers[-1].output_field[0].r_min == 16 + 8


def test_a_network_that_weights_its_own_input_is_the_trunk() -> None:
    analysis = analyse(trace(Spectrogram().eval(), [torch.rand(1, 1, 64, 64)]))
    assert [x.layer.name for x in analysis.layers if x.is_judged] == [f"body.{i}" for i in range(4)]
    assert [(axis.r_min, axis.r_max) for axis in analysis.layers[-1].output_field] == [
        (1, 9),
        (1, 9),
    ]


class Recurrent(nn.Module):
    """Convolutions, then a recurrence that has heard everything, then a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(*(nn.Conv2d(1 if i == 0 else 8, 8, 3, 1, 1) for i in range(4)))
        self.lstm = nn.LSTM(8 * 32, 16, batch_first=True)
        self.mask = nn.Linear(16, 32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        frames, _ = self.lstm(self.body(x).permute(0, 3, 1, 2).flatten(2))
        return x * self.mask(frames).sigmoid().transpose(1, 2).unsqueeze(1)


def test_a_mask_that_has_heard_everything_is_made_by_the_trunk() -> None:
    analysis = analyse(trace(Recurrent().eval(), [torch.rand(1, 1, 32, 40)]))
    assert [x.layer.name for x in analysis.layers if x.is_judged] == [f"body.{i}" for i in range(4)]
