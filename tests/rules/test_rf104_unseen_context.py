"""RF104: where it speaks, no unit of the output is reached by a NaN of every pixel."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import rflint
from rflint.linting.finding import Finding
from tests.helpers import probe
from tests.helpers.modules import Lambda

Ints = tuple[int, ...]


def findings(model: nn.Module, code: str, *size: int) -> list[Finding]:
    return list(rflint.lint(model, input=(1, 1, *size), select=code).findings)


def widest(model: nn.Module, size: Ints) -> list[int]:
    """Per axis, how many rows of the input reach the output position that most of them reach."""
    model = model.eval()
    found = []
    for axis in range(len(size)):
        images = torch.zeros(size[axis], 1, *size)
        for row in range(size[axis]):
            images[row].select(1 + axis, row)[...] = torch.nan
        reached = probe.reached(model, images, axis)[""]
        found.append(int(reached.sum(0).max()))
    return found


@st.composite
def dense(draw: st.DrawFn) -> nn.Module:
    """Fully convolutional networks, with upsampling and misaligned branches."""
    odd = st.sampled_from([1, 3, 5, 7])

    def conv() -> nn.Module:
        kernel = (draw(odd), draw(odd))
        return nn.Conv2d(1, 1, kernel, padding=(kernel[0] // 2, kernel[1] // 2))

    blocks = {
        "conv": conv,
        "pool": lambda: nn.MaxPool2d(2),
        "strided": lambda: nn.Conv2d(1, 1, 3, 2, 1),
        "up": lambda: nn.Upsample(
            scale_factor=2, mode=draw(st.sampled_from(["nearest", "bilinear"]))
        ),
        "transposed": lambda: nn.ConvTranspose2d(1, 1, draw(st.integers(2, 4)), 2),
        "shifted": lambda: Apart(conv(), draw(st.integers(0, 6))),
    }
    names = draw(st.lists(st.sampled_from(sorted(blocks)), min_size=1, max_size=4))
    return nn.Sequential(*(blocks[name]() for name in names))


class Apart(nn.Module):
    """A convolution beside what lies so many positions further down."""

    def __init__(self, conv: nn.Module, shift: int) -> None:
        super().__init__()
        self.conv, self.pad, self.crop = conv, nn.ZeroPad2d((0, 0, 0, shift)), shift

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x) + self.pad(x)[:, :, self.crop :]


@settings(max_examples=40, deadline=None)
@given(dense(), st.tuples(st.sampled_from([16, 24, 32]), st.sampled_from([16, 20])))
def test_where_there_is_a_finding_no_unit_is_reached_by_everything(
    model: nn.Module, size: Ints
) -> None:
    found = findings(model, "RF104", *size)
    short = [seen < i for seen, i in zip(widest(model, size), size, strict=True)]
    if found:
        assert any(short)
        for axis, name in enumerate(("height", "width")):
            if f"along {name}" in found[0].message:
                assert short[axis]


@settings(max_examples=30, deadline=None)
@given(
    kernels=st.lists(st.sampled_from([1, 3, 5]), min_size=1, max_size=4),
    size=st.integers(4, 14),
)
def test_centred_stride_one_convolutions_are_reported_exactly(
    kernels: list[int], size: int
) -> None:
    """Valid ones: a unit sees r pixels, whatever its place."""
    if sum(k - 1 for k in kernels) >= size:
        kernels = [1]
    model = nn.Sequential(*(nn.Conv1d(1, 1, k) for k in kernels))
    assert bool(findings(model, "RF104", size)) == (widest(model, (size,))[0] < size)


@pytest.mark.parametrize(("size", "axis"), [((6, 20), "along width"), ((20, 6), "along height")])
def test_one_axis_may_be_seen_and_the_other_not(size: Ints, axis: str) -> None:
    model = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) for _ in range(3)))
    (found,) = findings(model, "RF104", *size)
    assert f"input {axis}: the largest receptive field is 7x7" in found.message


def test_branches_that_lie_apart_are_seen_together() -> None:
    """3 rows, and one 6 rows further down: 8 from the first to the last."""
    model = Apart(nn.Conv2d(1, 1, 3, padding=1), 6)
    (found,) = findings(model, "RF104", 16, 16)
    assert "the largest receptive field is 8x3" in found.message


class Fenced(nn.Module):
    """A convolution, and something that looks at the whole map."""

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        self.conv, self.whole = nn.Conv2d(1, 2, 3, padding=1), whole

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        return x * self.whole(x)


def test_a_gate_that_pools_globally_sees_everything() -> None:
    """No feature path, but what it sees does influence the output."""
    squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 2, 1), nn.Sigmoid())
    assert widest(Fenced(squeeze), (16, 16)) == [16, 16]
    assert not findings(Fenced(squeeze), "RF104", 16, 16)
    local = nn.Sequential(nn.Conv2d(2, 2, 7, padding=3), nn.Sigmoid())
    assert widest(Fenced(local), (16, 16)) == [9, 9]
    (found,) = findings(Fenced(local), "RF104", 16, 16)
    assert "the largest receptive field is 9x9" in found.message


@pytest.mark.parametrize("norm", [nn.InstanceNorm2d(2), nn.GroupNorm(1, 2)])
def test_statistics_are_mentioned_since_they_do_see_everything(norm: nn.Module) -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), norm)
    assert widest(model, (16, 16)) == [16, 16]
    (found,) = findings(model, "RF104", 16, 16)
    assert found.message.endswith(
        "but for the statistics that normalisation layers take over the map"
    )
    plain = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2))
    assert "statistics" not in findings(plain, "RF104", 16, 16)[0].message


def test_the_output_that_sees_most_counts() -> None:
    class Heads(nn.Module):
        def __init__(self, last: nn.Module) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv2d(1, 1, 3, padding=1), last

        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return [self.conv(x), self.last(x)]

    assert findings(Heads(nn.Conv2d(1, 1, 5)), "RF104", 16, 16)
    assert not findings(Heads(nn.AdaptiveAvgPool2d(1)), "RF104", 16, 16)
    assert not findings(Heads(nn.Conv2d(1, 1, 16)), "RF104", 16, 16)


def test_paths_of_different_strides_drift_apart() -> None:
    """Position p looks at p and at 2p: together, at the far end, more than any path by itself."""

    class Drifting(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :, : x.shape[2] // 2] + x[:, :, ::2]

    (found,) = findings(Drifting(), "RF104", 16)
    assert found.message.endswith("the largest receptive field is 8")


# -- what rounding to whole positions, seams and moved positions can add


class Rolled(nn.Module):
    """Shifted copies of the map itself, mixed, as in AS-MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.ModuleList(nn.Conv2d(1, 1, 1) for _ in range(8))

    def forward(self, x: Tensor) -> Tensor:
        for mix in self.mix:
            x = mix(x + x.roll(1, 2) + x.roll(-1, 2) + x.roll(1, 3) + x.roll(-1, 3))
        return x


def recurrent(x: Tensor) -> Tensor:
    """Row i sees all rows up to its own, and so do columns."""
    for dim in (2, 3):
        state, states = torch.zeros(()), []
        for part in x.unbind(dim):
            state = torch.tanh(part + state)
            states.append(state)
        x = torch.stack(states, dim)
    return x


def recurrent_over_slices(x: Tensor) -> Tensor:
    """The same, of rows that stay maps."""
    for _ in range(2):
        states = [x[:, :, :1]]
        for row in range(1, x.shape[2]):
            states.append(torch.tanh(states[-1] + x[:, :, row : row + 1]))
        x = torch.cat(states, 2).transpose(2, 3)
    return x


def filled(x: Tensor) -> Tensor:
    """Rows of a buffer, each made of two rows of a map; sixteen times, for both axes."""
    for _ in range(16):
        made = torch.zeros_like(x)
        for row in range(1, x.shape[2]):
            made[:, :, row] = x[:, :, row - 1] + x[:, :, row]
        x = made.transpose(2, 3)
    return x


def window_means(x: Tensor) -> Tensor:
    """Every position less the mean of its window of 4 x 4."""
    b, c, h, w = x.shape
    x = x.view(b, c, h // 4, 4, w // 4, 4)
    return (x - x.mean((3, 5), keepdim=True)).view(b, c, h, w)


SEAMS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int]]] = {
    "nearest upsampling": (
        lambda: nn.Sequential(
            nn.AvgPool2d(8),
            nn.Conv2d(1, 1, 3, padding=1),
            nn.Upsample(scale_factor=8),
            nn.Conv2d(1, 1, 3, padding=1),
        ),
        (32, 32),
    ),
    "pixel shuffle": (
        lambda: nn.Sequential(
            nn.AvgPool2d(4), nn.Conv2d(1, 16, 3, padding=1), nn.PixelShuffle(4), nn.Conv2d(1, 1, 3)
        ),
        (16, 16),
    ),
    "bicubic, by 1.3": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 1, 4, 2, 1), nn.Upsample(scale_factor=1.3, mode="bicubic")
        ),
        (5, 5),
    ),
    "area, by 1.3": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 1, 4, 3, 1),
            nn.ConvTranspose2d(1, 1, 3, 3, 1, dilation=2),
            nn.Upsample(scale_factor=1.3, mode="area"),
        ),
        (6, 6),
    ),
    "transposed and dilated": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 1, 4, 2, 1),
            nn.ConvTranspose2d(1, 1, 3, 3, dilation=2),
            nn.ConvTranspose2d(1, 1, 4, 2, 2, output_padding=1, dilation=2),
        ),
        (7, 7),
    ),
    "windows of a partition": (
        lambda: nn.Sequential(Lambda(window_means), nn.Conv2d(1, 1, 3, padding=1)),
        (8, 8),
    ),
    "rolled": (Rolled, (16, 16)),
    "recurrent over rows": (lambda: Lambda(recurrent), (16, 16)),
    "recurrent over slices": (lambda: Lambda(recurrent_over_slices), (8, 8)),
    "filled row by row": (lambda: Lambda(filled), (8, 8)),
    "mirrored": (
        lambda: nn.Sequential(Lambda(lambda x: x + x.flip((2, 3))), nn.Conv2d(1, 1, 3)),
        (6, 6),
    ),
}


@pytest.mark.parametrize("name", SEAMS)
def test_units_that_see_more_than_others_are_reckoned_with(name: str) -> None:
    """A NaN in any row, and in any column, reaches one and the same unit: it sees the whole."""
    build, (height, width) = SEAMS[name]
    model = build().eval()
    for dim, length in ((2, height), (3, width)):
        reached = []
        for place in range(length):
            image = torch.rand(1, 1, height, width)
            image.select(dim, place).fill_(float("nan"))
            reached.append(model(image).isnan().flatten())
        assert torch.stack(reached).all(0).any()
    assert not findings(model, "RF104", height, width)


def test_far_below_what_rounding_can_add_the_rule_speaks() -> None:
    build, _ = SEAMS["nearest upsampling"]
    (found,) = findings(build(), "RF104", 128, 128)
    assert found.message.endswith("the largest receptive field is at most 42x42")
