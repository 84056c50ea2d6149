"""RF403 against running networks: where the centre of mass of an output's gradient lies.

With uniform kernels everything that moves positions is linear and symmetric about its centre, so
the gradient of an output has its centre of mass where the unit looks. It is taken over a whole
period of output phases in the middle of the map. Two branches that meet are then as far apart as
these centres are, in input pixels, and that is what `Misalignment.pixels` must say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import rflint
from rflint.analysis.analyse import analyse
from rflint.analysis.proofs.alignment import Misalignment, misalignments
from rflint.linting.finding import Finding
from rflint.tracing.trace import trace
from zoo.torchvision_import import import_torchvision

LENGTH = 320

# -- the oracle


def centre(branch: nn.Module, jump: Fraction, size: Sequence[int] = (LENGTH,)) -> list[float]:
    """Per axis, where position 0 of a branch's output is centred, in input pixels.

    The mean of (place - position * jump) over the middle four positions, each weighted by what
    reaches it. Bias-free and linear, a branch maps an image of ones to these weights.
    """
    image = torch.ones(1, 1, *size, dtype=torch.double, requires_grad=True)
    out = branch.double()(image)
    found = []
    for axis in range(len(size)):
        middle = [slice(n // 2 - 2, n // 2 + 2) for n in out.shape[2:]]
        weights = out[(slice(None), slice(None), *middle)]
        (gradient,) = torch.autograd.grad(weights.sum(), image, retain_graph=True)
        others = [dim for dim in range(gradient.dim()) if dim != 2 + axis]
        places = (gradient.sum(others) * torch.arange(size[axis])).sum()
        start = out.shape[2 + axis] // 2 - 2
        positions = (weights.sum(others) * torch.arange(start, start + 4)).sum()
        found.append(((places - float(jump) * positions) / weights.sum()).item())
    return found


def last_seen(branch: nn.Module, jump: Fraction) -> float:
    """The last pixel that position 0 of a branch sees: the latest of four in the middle."""
    image = torch.ones(1, 1, LENGTH, dtype=torch.double, requires_grad=True)
    out = branch.double()(image)[0, 0]
    found = []
    for place in range(len(out) // 2 - 2, len(out) // 2 + 2):
        (gradient,) = torch.autograd.grad(out[place], image, retain_graph=True)
        found.append(gradient[0, 0].nonzero().max().item() - float(jump) * place)
    return max(found)


def uniform(model: nn.Module) -> nn.Module:
    """All weights of a kernel the same, summing to one."""
    for parameter in model.parameters():
        nn.init.constant_(parameter, 1 / parameter[0].numel())
    return model


# -- networks


class Merged(nn.Module):
    """Branches from one value, added where all of them have positions."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        results = [branch(x) for branch in self.branches]
        for dim in range(2, x.dim()):
            least = min(result.shape[dim] for result in results)
            results = [result.narrow(dim, 0, least) for result in results]
        return sum(results[1:], results[0])


class Cropped(nn.Module):
    def __init__(self, before: int, after: int = 0) -> None:
        super().__init__()
        self.kept = slice(before, -after or None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, self.kept]


class Every(nn.Module):
    """A strided slice."""

    def __init__(self, stride: int, start: int) -> None:
        super().__init__()
        self.taken = slice(start, None, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, self.taken]


class Halved(nn.Module):
    """Adaptive pooling to half as many positions."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        even = x.shape[2] // 2 * 2
        return F.adaptive_avg_pool1d(x[:, :, :even], even // 2)


def found_in(model: nn.Module, *size: int, channels: int = 1) -> list[Misalignment]:
    image = torch.empty(1, channels, *(size or (LENGTH,)), device="meta")
    analysis = analyse(trace(model, [image]))
    return list(misalignments(analysis.architecture))


def findings(model: nn.Module, res: int | tuple[int, ...], at_least: float = 0.5) -> list[Finding]:
    given = {"RF403": {"at-least": at_least}}
    return list(rflint.lint(model, res=res, select="RF403", settings=given).findings)


def conv(kernel: int, stride: int = 1, dilation: int = 1, padding: int = 0) -> nn.Module:
    return nn.Conv1d(1, 1, kernel, stride, padding, dilation, bias=False)


ints = st.integers
KEEPING = st.one_of(
    st.builds(conv, ints(1, 5), dilation=ints(1, 3), padding=ints(0, 3)),
    st.builds(lambda a, b: nn.ZeroPad1d((a, b)), ints(-2, 3), ints(-2, 3)),
    st.builds(Cropped, ints(0, 3), ints(0, 2)),
    st.builds(lambda k: nn.AvgPool1d(k, 1, k // 2), ints(1, 4)),
)
HALVING = st.one_of(
    st.builds(conv, ints(1, 6), st.just(2), ints(1, 2), ints(0, 3)),
    st.builds(lambda k: nn.AvgPool1d(k, 2, k // 2), ints(1, 4)),
    st.builds(Every, st.just(2), ints(0, 3)),
    st.builds(Halved),
)
DOUBLING = st.one_of(
    st.just(nn.Upsample(scale_factor=2)),
    st.just(nn.Upsample(scale_factor=2, mode="linear")),
    st.just(nn.Upsample(scale_factor=2, mode="nearest-exact")),
    st.builds(
        lambda k, d, p: nn.ConvTranspose1d(1, 1, k, 2, p, dilation=d, bias=False),
        ints(2, 5),
        st.sampled_from([1, 1, 2, 3]),
        ints(0, 2),
    ),
)


@st.composite
def branches(draw: st.DrawFn, halvings: int) -> nn.Module:
    """So much smaller at the end, on ways of its own; whatever doubles comes last."""
    doublings = draw(ints(0, 1))
    blocks = [conv(draw(ints(1, 4)))]
    for block in [HALVING] * (halvings + doublings) + [DOUBLING] * doublings:
        blocks += [draw(block), *draw(st.lists(KEEPING, max_size=1))]
    return uniform(nn.Sequential(*blocks))


@settings(max_examples=40, deadline=None)
@given(st.data(), ints(0, 2))
def test_branches_are_as_far_apart_as_their_gradients(data: st.DataObject, halvings: int) -> None:
    two = [data.draw(branches(halvings)) for _ in range(2)]
    jump = Fraction(2**halvings)
    (first,), (second,) = (centre(branch, jump) for branch in two)
    found = found_in(Merged(*two))
    if abs(first - second) < 1e-6:
        assert not found
    elif not found:  # branches of a causal network, which agree on what they see last
        assert last_seen(two[0], jump) == last_seen(two[1], jump)
    else:
        (only,) = found
        assert float(only.pixels) == pytest.approx(abs(first - second))
        assert float(only.positions) == pytest.approx(abs(first - second) / 2**halvings)


def test_branches_that_end_at_the_same_pixel_are_aligned_wherever_their_centres_are() -> None:
    pooled = uniform(nn.Sequential(conv(1), nn.AvgPool1d(1, 2), nn.AvgPool1d(1, 2)))
    padded = uniform(nn.Sequential(conv(2), Halved(), conv(1, 2, padding=1)))
    shifted = uniform(nn.Sequential(conv(2), Halved(), conv(1, 2)))
    jump = Fraction(4)
    assert (centre(pooled, jump), centre(padded, jump), centre(shifted, jump)) == ([0], [-1], [1])
    assert [last_seen(branch, jump) for branch in (pooled, padded, shifted)] == [0, 0, 2]
    assert not found_in(Merged(pooled, padded))
    assert len(found_in(Merged(pooled, shifted))) == 1


RESIZED = [
    nn.Upsample(scale_factor=3),
    nn.Upsample(scale_factor=0.5),
    nn.Upsample(scale_factor=0.25),
    nn.Upsample(scale_factor=0.5, mode="nearest-exact"),
    nn.Upsample(scale_factor=1 / 3, mode="nearest-exact"),
    nn.Upsample(scale_factor=0.5, mode="linear"),
    nn.Upsample(scale_factor=0.5, mode="linear", align_corners=True),
    nn.Upsample(scale_factor=2, mode="linear", align_corners=True),
    nn.Upsample(size=180),
    nn.Upsample(size=90),
    nn.Upsample(size=180, mode="linear"),
    nn.AdaptiveAvgPool1d(40),
    nn.AdaptiveAvgPool1d(30),
]


@pytest.mark.parametrize("resize", RESIZED, ids=str)
def test_resizing_beside_the_exact_centres_of_the_same_grid(resize: nn.Module) -> None:
    """Beside bilinear resizing, which keeps every position where it belongs."""
    length = 120
    out = resize(torch.empty(1, 1, length)).shape[2]
    exact = nn.Upsample(size=out, mode="linear")
    two = [nn.Sequential(conv(1), resize), nn.Sequential(conv(1), exact)]
    jump = Fraction(length, out)
    expected = abs(Fraction(length - out, 2 * out) - _mean_centre(two[0], jump, length))
    found = found_in(Merged(*two), length)
    assert [x.pixels for x in found] == ([expected] if expected else [])


def _mean_centre(branch: nn.Module, jump: Fraction, length: int) -> Fraction:
    """Over all positions: these maps are small and have no padding that could bend anything.

    Where corners are aligned the jump is another one, but the middle is where it was.
    """
    image = torch.ones(1, 1, length, dtype=torch.double, requires_grad=True)
    out = uniform(branch).double()(image)
    total = Fraction(0)
    for position in range(out.shape[2]):
        (gradient,) = torch.autograd.grad(out[0, 0, position], image, retain_graph=True)
        place = float((gradient[0, 0] * torch.arange(length)).sum())
        total += Fraction(place).limit_denominator(10_000) - position * jump
    return (total / out.shape[2]).limit_denominator(1000)


def test_the_axes_are_apart_from_each_other() -> None:
    two = [nn.Conv2d(1, 1, (2, 5), bias=False), nn.Conv2d(1, 1, (3, 5), padding=(0, 1), bias=False)]
    (height, width) = found_in(Merged(*two), 24, 24)
    ours, theirs = (centre(uniform(branch), Fraction(1), (24, 24)) for branch in two)
    assert (height.axis, height.pixels) == (0, Fraction(1, 2))
    assert (width.axis, width.pixels) == (1, 1)
    assert [abs(a - b) for a, b in zip(ours, theirs, strict=True)] == pytest.approx([0.5, 1])


@pytest.mark.parametrize(("padding", "apart"), [(0, 0), (1, 1)])
def test_pixel_shuffle_is_centred_on_the_block_that_it_makes(padding: int, apart: int) -> None:
    """Down by two, up by two: aligned as a 2x2 convolution and nearest upsampling are."""
    shuffled = nn.Sequential(nn.Conv2d(1, 4, 2, stride=2), nn.PixelShuffle(2))
    up = nn.Sequential(nn.Conv2d(1, 1, 2, stride=2, padding=padding), nn.Upsample(scale_factor=2))
    assert [x.pixels for x in found_in(Merged(shuffled, up), 24, 24)] == [apart] * (
        2 if apart else 0
    )


def test_space_to_depth_is_a_window_however_it_is_spelled() -> None:
    class Slices(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            parts = [x[:, :, i::2, j::2] for i in range(2) for j in range(2)]
            return torch.cat(parts, 1)

    strided = nn.Conv2d(1, 4, 2, stride=2)
    for spelled in (Slices(), nn.PixelUnshuffle(2)):
        assert not found_in(Merged(spelled, strided), 16, 16)


def test_shifted_copies_of_one_map_are_a_window() -> None:
    """Differences and wavelets: nothing but positions of one map is put together."""

    class Differences(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :, 1:] - x[:, :, :-1]

    class Haar(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            even, odd = x[:, :, ::2] / 2, x[:, :, 1::2] / 2
            return torch.cat([even + odd, -even + odd], 1)

    assert not found_in(Differences())
    assert not found_in(Haar())
    # a convolution in one of the branches makes them branches
    moved = nn.Sequential(conv(1), nn.ZeroPad1d((1, -1)))
    assert [x.pixels for x in found_in(Merged(moved, nn.Identity()))] == [1]


# -- once, where it comes about


class Block(nn.Module):
    """A residual block of one convolution."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding="same")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_what_a_branch_brings_along_is_not_reported_again() -> None:
    assert len(found_in(nn.Sequential(Block(4), Block(3), Block(5)))) == 1


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_every_merge_counts_for_what_it_adds() -> None:
    """Half a pixel in each block, not half a pixel more than in the block before."""
    assert [x.pixels for x in found_in(nn.Sequential(*[Block(4)] * 4))] == [Fraction(1, 2)] * 4


def test_maps_side_by_side_do_not_meet() -> None:
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x, self.conv(x)[:, :, :, :8], x[:, :, :15]][1:], 3)

    assert not found_in(Wide(), 16, 16)


class SpatialGate(nn.Module):
    """An attention map from an even kernel, multiplied onto what it was computed from."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 4, padding="same")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.conv(x))


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_a_gate_is_no_branch() -> None:
    assert not found_in(SpatialGate(), 16, 16)


@pytest.mark.parametrize(
    ("at_least", "reported"), [(0.25, True), (0.26, False), (0.5, False), (0, True)]
)
def test_the_setting_says_from_when_on(at_least: float, reported: bool) -> None:
    """Average pooling beside a 3x3 convolution of stride 2: a quarter of a position."""
    two = [nn.AvgPool2d(2), nn.Conv2d(1, 1, 3, stride=2, padding=1)]
    assert bool(findings(Merged(*two), 16, at_least)) == reported


class Causal(nn.Module):
    """Pads at one end only, as WaveNet does: residual blocks with growing dilations."""

    def __init__(self, ends: tuple[int, int]) -> None:
        super().__init__()
        self.ends = ends
        self.convs = nn.ModuleList(nn.Conv1d(1, 1, 2, dilation=2**i) for i in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for i, conv in enumerate(self.convs):
            before, behind = (end * 2**i for end in self.ends)
            x = x + conv(nn.functional.pad(x, (before, behind)))
        return x


def test_causal_branches_agree_on_the_present() -> None:
    """Not on centres, and that is how it has to be; who looks into the future has to be centred."""
    assert not findings(Causal((1, 0)), 64)
    assert findings(Causal((0, 1)), 64)


def test_a_tenth_is_a_tenth() -> None:
    """Read as it is written: the float 0.1 is a little more."""
    two = [nn.Conv1d(1, 1, 10, stride=5), nn.Conv1d(1, 1, 9, stride=5)]  # half of five
    assert findings(Merged(*two), 50, 0.1)
    assert not findings(Merged(*two), 50, 0.11)


def test_the_message_names_both_branches_and_says_how_far() -> None:
    two = [nn.AvgPool2d(2), nn.Conv2d(1, 1, 3, stride=2, padding=1)]
    (found,) = findings(Merged(*two), 16, 0)
    assert "branches.0" in found.message
    assert "branches.1" in found.message
    assert "0.5 input pixels apart" in found.message
    assert "(0.25 positions of the merged map)" in found.message
    (found,) = findings(Merged(nn.Conv2d(1, 1, 3, padding=2), nn.Identity()), 16)
    # of a function, whose name says nothing, with the line that calls it
    assert "narrow_2 (tests/rules/test_rf403_misaligned_merge.py:" in found.message
    assert "1 input pixel apart" in found.message
    assert "(1 position of the merged map)" in found.message


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_the_input_is_named_as_such() -> None:
    """And first, since it looks further to the left."""
    (found,) = findings(Block(4), 16)
    assert found.message.startswith(
        "merges the input with conv, whose centres lie 0.5 input pixels"
    )


# -- networks as people build them


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_residual_networks_are_aligned(name: str) -> None:
    model = getattr(import_torchvision().models, name)
    assert not findings(model, 224, 0)


def test_average_pooling_in_the_shortcut_is_a_quarter_of_a_position_off() -> None:
    """ResNet-D: once in each stage that downsamples, and not by default."""
    import_torchvision()  # timm imports it
    timm = pytest.importorskip("timm")
    model = timm.create_model("resnet50d")
    assert not findings(model, 224)
    assert len(findings(model, 224, 0.25)) == 3
    assert not findings(model, 224, 0.26)


class UNet(nn.Module):
    def __init__(self, down: nn.Module, up: nn.Module) -> None:
        super().__init__()
        self.outer, self.down, self.up = nn.Conv2d(1, 4, 3, padding=1), down, up

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.outer(x)
        return torch.cat([x, self.up(self.down(x))], 1)


POOLED = nn.MaxPool2d(2)
STRIDED = nn.Conv2d(4, 4, 3, stride=2, padding=1)


@pytest.mark.parametrize(
    ("down", "up", "pixels"),
    [
        (POOLED, nn.ConvTranspose2d(4, 4, 2, stride=2), 0),
        (POOLED, nn.Upsample(scale_factor=2), 0),
        (POOLED, nn.Upsample(scale_factor=2, mode="bilinear"), 0),
        (POOLED, nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), 0),
        (POOLED, nn.ConvTranspose2d(4, 4, 4, stride=2, padding=1), 0),
        (POOLED, nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1), 0.5),
        (STRIDED, nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1), 0),
        (STRIDED, nn.Upsample(scale_factor=2), 0.5),
        (STRIDED, nn.Upsample(scale_factor=2, mode="bilinear"), 0.5),
    ],
    ids=str,
)
def test_decoders(down: nn.Module, up: nn.Module, pixels: float) -> None:
    found = found_in(UNet(down, up), 32, 32)
    assert [float(x.pixels) for x in found] == ([pixels] * 2 if pixels else [])
    assert bool(findings(UNet(down, up), 32)) == bool(pixels)


def test_a_feature_pyramid_on_a_residual_network_is_half_a_position_off() -> None:
    """Nearest upsampling between maps whose strided convolutions keep even positions."""

    class Pyramid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            detection = import_torchvision().models.detection.backbone_utils
            self.body = detection.resnet_fpn_backbone(backbone_name="resnet18", weights=None)

        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return list(self.body(x).values())

    found = findings(Pyramid, 128)
    assert len(found) == 3
    assert all("0.5 positions of the merged map" in x.message for x in found)


@pytest.mark.parametrize("name", ["swin_tiny_patch4_window7_224", "vit_tiny_patch16_224"])
def test_transformers_are_aligned(name: str) -> None:
    import_torchvision()  # timm imports it
    timm = pytest.importorskip("timm")
    assert not findings(timm.create_model(name), 224, 0)


def test_convnext_is_aligned() -> None:
    assert not findings(import_torchvision().models.convnext_tiny, 224, 0)


def test_windows_that_are_rolled_are_not_called_misaligned() -> None:
    class Shifted(nn.Module):
        """Windows between windows, and back, as in Swin."""

        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            moved = torch.roll(x, (-2, -2), (2, 3))
            return x + torch.roll(self.mix(moved), (2, 2), (2, 3))

    assert not found_in(Shifted(), 16, 16)


# -- causal branches, however they are padded and wherever they part


def padded(x: torch.Tensor, by: int) -> torch.Tensor:
    """In front only."""
    return F.pad(x, (by, 0))


def first_repeated(x: torch.Tensor, by: int) -> torch.Tensor:
    """As video autoencoders do: by copies of the first frame."""
    return torch.cat([x[:, :, :1]] * by + [x], 2)


def first_expanded(x: torch.Tensor, by: int) -> torch.Tensor:
    return torch.cat([x[:, :, :1].expand(-1, -1, by), x], dim=-1)


def first_selected(x: torch.Tensor, by: int) -> torch.Tensor:
    return torch.cat([x.select(2, 0).unsqueeze(2).repeat(1, 1, by), x], 2)


def remembered(x: torch.Tensor, by: int) -> torch.Tensor:
    """A streaming cache, empty at first."""
    return torch.cat([x.new_zeros(x.shape[0], x.shape[1], by), x], 2)


def chomped(x: torch.Tensor, by: int) -> torch.Tensor:
    """Both ends are padded, and one is cut off behind the convolution; here in front of it."""
    return F.pad(x, (by, by))[:, :, :-by]


class Unit(nn.Module):
    """A residual unit whose kernel of 3 looks back only; with `ahead`, by that less."""

    def __init__(
        self, pad: Callable[[torch.Tensor, int], torch.Tensor], dilation: int = 1, ahead: int = 0
    ) -> None:
        super().__init__()
        self.pad, self.by, self.ahead = pad, 2 * dilation, ahead
        self.conv = nn.Conv1d(1, 1, 3, dilation=dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(F.pad(self.pad(x, self.by - self.ahead), (0, self.ahead)))
        return x + y


class Strided(nn.Module):
    """A causal convolution with a stride: position t is made when sample 2 t + 1 arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 4, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(F.pad(x, (2, 0)))


PADS = [padded, first_repeated, first_expanded, first_selected, remembered, chomped]


@pytest.mark.parametrize("pad", PADS)
def test_causal_is_causal_however_it_is_padded(
    pad: Callable[[torch.Tensor, int], torch.Tensor],
) -> None:
    assert not found_in(nn.Sequential(*(Unit(pad, d) for d in (1, 2, 4))), 64)


@pytest.mark.parametrize("pad", PADS)
@pytest.mark.parametrize(
    "front",
    [
        nn.Conv1d(1, 1, 5, padding=2),
        Strided(),
        nn.Sequential(Strided(), Strided(), nn.Conv1d(1, 1, 3, padding=1)),
        nn.AvgPool1d(4),
    ],
    ids=["centred", "strided", "strided twice", "pooled"],
)
def test_what_happened_before_branches_part_is_the_same_for_all(
    front: nn.Module, pad: Callable[[torch.Tensor, int], torch.Tensor]
) -> None:
    assert not found_in(nn.Sequential(front, Unit(pad), Unit(pad, 2)), 64)
    assert found_in(nn.Sequential(front, Unit(padded, 2, ahead=1)), 64)


def test_a_causal_stride_within_a_branch() -> None:
    """Beside pooling of the same two samples it is causal, beside a delayed map it is not."""
    pool = nn.AvgPool1d(2)
    assert not found_in(Merged(Strided(), pool), 64)
    delayed = nn.Sequential(nn.ConstantPad1d((3, -3), 0), nn.AvgPool1d(2))
    assert found_in(Merged(Strided(), delayed), 64)


def test_a_video_that_is_causal_in_time_is_centred_in_space() -> None:
    """Of frames the first is repeated; rows and columns are padded at both ends."""

    class Frames(nn.Module):
        def __init__(self, rows: int) -> None:
            super().__init__()
            self.conv = nn.Conv3d(1, 1, 3)
            self.rows = rows

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = torch.cat([x[:, :, :1]] * 2 + [x], 2)
            return x + self.conv(F.pad(y, (1, 1, self.rows, 2 - self.rows)))

    assert not found_in(nn.Sequential(nn.Conv3d(1, 1, 3, padding=1), Frames(1)), 9, 16, 16)
    found = found_in(nn.Sequential(nn.Conv3d(1, 1, 3, padding=1), Frames(2)), 9, 16, 16)
    assert [x.axis for x in found] == [1]


@pytest.mark.parametrize("dilation", [1, 3])
def test_a_causal_unit_without_padding_crops_the_front_of_its_shortcut(dilation: int) -> None:
    """As WaveNet is written: what is merged ends with the same sample."""

    class Valid(nn.Module):
        def __init__(self, crops_behind: int = 0) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 1, 2, dilation=dilation)
            self.crops_behind = crops_behind

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x)
            end = x.shape[2] - self.crops_behind
            return y + x[:, :, end - y.shape[2] : end]

    class Skips(nn.Module):
        """Outputs of several depths, summed up where they end."""

        def __init__(self) -> None:
            super().__init__()
            self.units = nn.ModuleList(Valid() for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.units[0](x)
            skip = x
            for unit in self.units[1:]:
                x = unit(x)
                skip = skip[:, :, -x.shape[2] :] + x
            return skip

    assert not found_in(nn.Sequential(Valid(), Valid()), 64)
    assert not found_in(Skips(), 64)
    assert found_in(Valid(crops_behind=dilation), 64)


def test_causal_units_on_what_both_branches_made_finer() -> None:
    """Frames behind the first one are doubled, in the features and in what modulates them."""

    def finer(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[:, :, :1], F.interpolate(x[:, :, 1:], scale_factor=2)], 2)

    class Modulated(nn.Module):
        def __init__(self, ahead: int = 0) -> None:
            super().__init__()
            self.first, self.second = Unit(first_repeated), Unit(first_repeated)
            self.scale = nn.Sequential(nn.ZeroPad1d((-ahead, ahead)), nn.Conv1d(1, 1, 1))

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            x = self.second(finer(self.first(z)))
            return x * self.scale(finer(z))

    assert not found_in(Modulated(), 5)
    assert found_in(Modulated(ahead=2), 5)


@pytest.mark.parametrize("longer", [1, 2, 4])
def test_remembered_frames_may_be_more_than_those_that_arrive(longer: int) -> None:
    """Chunks of a video pass one after the other; the last frames of each are kept for the next."""

    class Chunks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 1, 1 + longer)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            kept, made = x.new_zeros(1, 1, longer), []
            for start in range(0, x.shape[2], 2):
                chunk = x[:, :, start : start + 2]
                seen = torch.cat([kept, chunk], 2)
                made.append(chunk + self.conv(seen))
                kept = seen[:, :, -longer:]
            return torch.cat(made, 2)

    assert not found_in(nn.Sequential(nn.Conv1d(1, 1, 3, padding=1), Chunks()), 8)
