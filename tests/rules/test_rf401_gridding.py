"""RF401 against running networks: which rows of the map in front reach one unit in the middle.

A NaN all across one row of the input reaches exactly the units that see that row. So for one unit
well inside the map, the rows whose NaNs reach it are what it sees: how many they are and how far
they spread is counted, and must be what `Row` says. Where the rule speaks follows from the counts:
two dilated windows behind each other share a factor, and rows between are missing at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import rflint
from rflint.analysis.proofs.gridding import Stack, griddings, stacks
from rflint.linting.finding import Finding
from tests.helpers import probe
from tests.helpers.on_meta import analysed
from zoo.torchvision_import import import_torchvision

CONV = {1: nn.Conv1d, 2: nn.Conv2d}
POOL = {1: nn.MaxPool1d, 2: nn.MaxPool2d}
PAD = {1: nn.ZeroPad1d, 2: nn.ZeroPad2d}
SIZE = {1: 96, 2: 52}
"""Large enough for what the middle of the map sees to stay away from all padding."""

Ints = tuple[int, ...]


# -- the oracle


def rows_seen(model: nn.Module, size: Ints, axis: int, unit: int) -> list[int]:
    """The rows of the input along an axis that reach this unit of the running network."""
    images = torch.zeros(size[axis], 1, *size)
    for row in range(size[axis]):
        images[row].select(1 + axis, row)[...] = torch.nan
    reached = probe.reached(model.eval(), images, axis)[""]
    return [int(row) for row in reached[:, unit].nonzero().flatten()]


def last_rows(model: nn.Module, size: Ints) -> list[Stack]:
    """What rflint says that a unit of the output sees, per axis."""
    analysis = analysed(model, (1, 1, *size))
    return [stacks(analysis.architecture, axis)[-1] for axis in range(len(size))]


def assert_counted(model: nn.Module, size: Ints) -> list[Stack]:
    """Count, span and place, along every axis, for a unit that no border cuts."""
    found = last_rows(model, size)
    for axis, row in enumerate(found):
        unit = (size[axis] - row.span) // 2 - row.first  # what it sees lies in the middle
        seen = rows_seen(model, size, axis, unit)
        assert seen[0] == unit + row.first
        assert (len(seen), seen[-1] - seen[0] + 1) == (row.count, row.span)
    return found


def findings(model: nn.Module, size: int | Ints) -> list[Finding]:
    return list(rflint.lint(model, res=size, select="RF401").findings)


# -- random rows


class Parallel(nn.Module):
    """Branches from one value, added."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        results = [branch(x) for branch in self.branches]
        return sum(results[1:], results[0])


class Joined(Parallel):
    """Branches from one value, side by side in the channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__(*branches)
        axes = 1 if any(isinstance(module, nn.Conv1d) for module in self.modules()) else 2
        self.mix = CONV[axes](len(branches), 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mix(torch.cat([branch(x) for branch in self.branches], dim=1))


class Crop(nn.Module):
    """Takes positions away at both ends of every axis."""

    def __init__(self, axes: int, before: int, after: int) -> None:
        super().__init__()
        self.axes, self.before, self.after = axes, before, after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = slice(self.before, -self.after or None)
        return x[:, :, kept] if self.axes == 1 else x[:, :, kept, kept]


def per_axis(axes: int, values: st.SearchStrategy[int]) -> st.SearchStrategy[Ints]:
    return st.tuples(*[values] * axes)


@st.composite
def convolutions(draw: st.DrawFn, axes: int) -> nn.Module:
    kernel = draw(per_axis(axes, st.integers(1, 3)))
    dilation = draw(per_axis(axes, st.sampled_from([1, 1, 2, 3, 4])))
    padding = tuple(
        draw(st.integers(0, d * (k - 1))) for k, d in zip(kernel, dilation, strict=True)
    )
    return CONV[axes](1, 1, kernel, dilation=dilation, padding=padding)


@st.composite
def keeping(draw: st.DrawFn, axes: int) -> nn.Module:
    """Of the size that it gets, with the padding wherever it may be."""
    kernel = draw(per_axis(axes, st.integers(1, 3)))
    dilation = draw(per_axis(axes, st.sampled_from([1, 2, 2, 4])))
    pads: list[int] = []
    for k, d in reversed(list(zip(kernel, dilation, strict=True))):
        before = draw(st.integers(0, d * (k - 1)))
        pads += [before, d * (k - 1) - before]
    return nn.Sequential(PAD[axes](tuple(pads)), CONV[axes](1, 1, kernel, dilation=dilation))


@st.composite
def others(draw: st.DrawFn, axes: int) -> nn.Module:
    kernel = draw(st.integers(2, 3))
    return draw(
        st.sampled_from(
            [
                POOL[axes](kernel, stride=1),
                POOL[axes](kernel, stride=1, padding=kernel // 2, dilation=2),
                PAD[axes]((2, 1) * axes),
                Crop(axes, 1, 2),
                nn.Sequential(nn.ReLU(), CONV[axes](1, 1, 1)),
            ]
        )
    )


@st.composite
def branching(draw: st.DrawFn, axes: int) -> nn.Module:
    branch = st.one_of(keeping(axes), st.just(nn.Identity()))
    branches = draw(st.lists(branch, min_size=1, max_size=2))
    return draw(st.sampled_from([Parallel, Joined]))(draw(keeping(axes)), *branches)


@pytest.mark.parametrize("axes", [1, 2])
def test_a_unit_sees_the_rows_whose_nans_reach_it(axes: int) -> None:
    block = st.one_of(convolutions(axes), convolutions(axes), branching(axes), others(axes))

    @settings(max_examples={1: 40, 2: 10}[axes], deadline=None)
    @given(st.lists(block, min_size=1, max_size=4).map(lambda drawn: nn.Sequential(*drawn)))
    def check(model: nn.Module) -> None:
        assert_counted(model, (SIZE[axes],) * axes)

    check()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from([1, 1, 2, 2, 3, 4, 6])), min_size=1, max_size=5
    )
)
def test_a_chain_is_reported_if_dilations_share_a_factor_and_rows_are_missing(
    chain: list[tuple[int, int]],
) -> None:
    """Reckoned from the counts of the running network and the dilations as drawn."""
    model = nn.Sequential(*(nn.Conv1d(1, 1, k, dilation=d) for k, d in chain))
    seen = rows_seen(model, (SIZE[1],), 0, 0)
    dilations = [d for k, d in chain if k > 1 and d > 1]
    shares = len(dilations) > 1 and gcd(*dilations) > 1
    holes = seen[-1] - seen[0] + 1 - len(seen)
    found = findings(model, SIZE[1])
    assert len(found) == (1 if shares and holes else 0)
    if found:
        last = max(i for i, (k, d) in enumerate(chain) if k > 1 and d > 1)
        assert found[0].layer == str(last)
        assert f"share the factor {gcd(*dilations)}" in found[0].message
        assert f"of the {seen[-1] - seen[0] + 1} positions of the input" in found[0].message
        assert f"it sees {len(seen)}" in found[0].message


# -- rows from the literature


def chain(*dilations: int, kernel: int = 3, axes: int = 2) -> nn.Module:
    """Same-padded convolutions with activations between them."""
    layers: list[nn.Module] = []
    for d in dilations:
        layers += [CONV[axes](1, 1, kernel, dilation=d, padding=d * (kernel - 1) // 2), nn.ReLU()]
    return nn.Sequential(*layers)


@pytest.mark.parametrize(
    ("dilations", "count", "span"),
    [
        ((1, 2, 5), 17, 17),  # hybrid dilated convolution
        ((1, 2, 3), 13, 13),
        ((2, 2, 2), 7, 13),
        ((2, 4, 8), 15, 29),
        ((4, 4), 5, 17),
        ((2, 3), 9, 11),  # no common factor, though two rows are missing
    ],
)
def test_what_a_unit_sees_of_well_known_rows(dilations: Ints, count: int, span: int) -> None:
    model = chain(*dilations, axes=1)
    (row,) = assert_counted(model, (64,))
    assert (row.count, row.span) == (count, span)
    assert bool(findings(model, 64)) == (gcd(*dilations) > 1)


def test_the_message_has_the_numbers() -> None:
    (found,) = findings(chain(2, 2, 2), 32)
    assert found.layer == "4"
    assert "the dilations 2, 2, 2 share the factor 2" in found.message
    assert "of the 13 positions of the input that a unit spans along each axis it sees 7" in (
        found.message
    )
    assert "(the row: 0, 2, 4)" in found.message
    (found,) = findings(chain(2, 2, axes=1), 64)  # one axis needs no name
    assert "of the 9 positions of the input that a unit spans it sees 5" in found.message


def test_axes_that_differ_are_told_apart() -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 3, dilation=(2, 3)), nn.Conv2d(1, 1, 3, dilation=(4, 3)))
    assert [(row.count, row.span) for row in assert_counted(model, (48, 48))] == [(7, 13), (5, 13)]
    (found,) = findings(model, 48)
    height, width, *_ = found.message.split(";")
    assert "dilations 2, 4 share the factor 2" in height
    assert "along height it sees 7" in height
    assert "dilations 3, 3 share the factor 3" in width
    assert "along width it sees 5" in width


def test_dilated_along_one_axis_only() -> None:
    model = nn.Sequential(*(nn.Conv2d(1, 1, 3, dilation=(1, 4)) for _ in range(2)))
    assert [row.holes > 0 for row in assert_counted(model, (48, 48))] == [False, True]
    (found,) = findings(model, 48)
    assert "along width it sees 5" in found.message
    assert "height" not in found.message


class Gated(nn.Module):
    """A layer of WaveNet: a causal convolution, a gate, a residual and a skip connection."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.pad = nn.ConstantPad1d((dilation, 0), 0.0)
        self.filter = nn.Conv1d(1, 1, 2, dilation=dilation)
        self.gate = nn.Conv1d(1, 1, 2, dilation=dilation)
        self.out = nn.Conv1d(1, 1, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        padded = self.pad(x)
        y = self.out(torch.tanh(self.filter(padded)) * torch.sigmoid(self.gate(padded)))
        return x + y, y


class WaveNet(nn.Module):
    def __init__(self, *dilations: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Gated(d) for d in dilations)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for layer in self.layers:
            x, skip = layer(x)
            skips.append(skip)
        return torch.relu(sum(skips[1:], skips[0]))


def test_wavenet_has_no_holes() -> None:
    """Dilations 1, 2, 4, ... with a kernel of 2 meet without gaps, twice over."""
    model = WaveNet(1, 2, 4, 8, 1, 2, 4, 8)
    (row,) = assert_counted(model, (64,))
    assert row.holes == 0
    assert not findings(model, 64)


def test_wavenet_without_its_first_layer_sees_every_other_sample() -> None:
    (row,) = assert_counted(WaveNet(2, 4, 8), (64,))
    assert (row.count, row.span) == (8, 15)
    (found,) = findings(WaveNet(2, 4, 8), 64)
    assert "2, 2, 4, 4, 8, 8 share the factor 2" in found.message


class Chomped(nn.Module):
    """A block of a temporal convolutional network: padded on both sides, then cropped."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.conv = nn.Conv1d(1, 1, 3, padding=2 * dilation, dilation=dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.relu(self.conv(x)[:, :, : -2 * self.dilation])


def test_cropping_belongs_to_the_row() -> None:
    (row,) = assert_counted(nn.Sequential(Chomped(2), Chomped(4)), (48,))
    assert (row.count, row.span) == (7, 13)
    assert len(findings(nn.Sequential(Chomped(2), Chomped(4)), 48)) == 1
    assert not findings(nn.Sequential(Chomped(1), Chomped(2), Chomped(4)), 48)


@pytest.mark.parametrize(("kernel", "holes"), [(3, False), (1, True)])
def test_a_convolution_behind_the_row_fills_it_if_it_is_large_enough(
    kernel: int, holes: bool
) -> None:
    """As in dilated residual networks, which end in undilated layers."""
    model = nn.Sequential(chain(2, 2), nn.Conv2d(1, 1, kernel, padding=kernel // 2))
    assert any(row.holes for row in assert_counted(model, (32, 32))) == holes
    assert bool(findings(model, 32)) == holes


def test_pooling_fills_holes_too() -> None:
    assert not findings(nn.Sequential(chain(2, 2), nn.AvgPool2d(2, stride=1)), 32)


def test_a_skip_connection_leaves_the_grid_as_it_is() -> None:
    model = nn.Sequential(Parallel(nn.Identity(), chain(2)), Parallel(nn.Identity(), chain(2)))
    assert [(row.count, row.span) for row in assert_counted(model, (32, 32))] == [(5, 9)] * 2
    assert len(findings(model, 32)) == 1


# -- what is no row


def test_parallel_branches_are_no_row() -> None:
    """DeepLab's spatial pyramid, v2: no dilated convolution follows another one."""
    assert not findings(Parallel(chain(6), chain(12), chain(18), chain(24)), 64)


def test_strides_end_a_row() -> None:
    model = nn.Sequential(chain(2), nn.Conv2d(1, 1, 3, stride=2, padding=1), chain(2))
    assert not findings(model, 32)
    (found,) = findings(nn.Sequential(nn.Conv2d(1, 1, 3, stride=2, padding=1), chain(2, 2)), 32)
    assert "of the map from 0" in found.message


class Rolled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.roll(x, 1, dims=2)


def test_a_roll_ends_a_row() -> None:
    """Units do not stay where they are: nothing is claimed across it."""
    assert not findings(nn.Sequential(chain(2), Rolled(), chain(2)), 32)


class Forked(nn.Module):
    """Two readers of a row with holes: one fills them, one does not."""

    def __init__(self, *heads: nn.Module) -> None:
        super().__init__()
        self.trunk = chain(2, 2)
        self.heads = nn.ModuleList(heads)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.trunk(x)
        return [head(x) for head in self.heads]


@pytest.mark.parametrize("first", [0, 1])
def test_a_head_that_fills_holes_does_not_fill_them_for_another(first: int) -> None:
    heads = [nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 1)]
    (found,) = findings(Forked(heads[first], heads[1 - first]), 32)
    assert "it sees 5" in found.message
    assert not findings(Forked(heads[0]), 32)


def test_only_the_longest_row_is_reported() -> None:
    assert [x.layer for x in findings(chain(2, 2, 2, 2), 48)] == ["6"]


class Squeezed(nn.Module):
    """A row whose map is looked at by a channel gate as well."""

    def __init__(self) -> None:
        super().__init__()
        self.row = chain(2, 2)
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(1, 1, 1), nn.Sigmoid())
        self.fill = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.row(x)
        return self.fill(x * self.squeeze(x))


def test_a_gate_neither_ends_a_row_nor_continues_it() -> None:
    assert not findings(Squeezed(), 32)


def deeplab_backbone() -> nn.Module:
    trunk = import_torchvision().models.resnet50(replace_stride_with_dilation=[False, True, True])
    names = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"]
    return nn.Sequential(*(getattr(trunk, name) for name in names))


def test_deeplabs_resnet50_fills_its_holes() -> None:
    """Its dilated stages follow undilated 3x3 convolutions of the second stage, at one resolution.

    Their 3, 5, 7, 9 neighbouring positions are wider than the dilations (2 and 4) jump.
    """
    assert not findings(deeplab_backbone(), 224)


def test_the_last_stage_of_a_dilated_resnet_alone_leaves_holes() -> None:
    """Without an undilated stage in front, 2, 4, 4 (bottlenecks with skip connections) share 2."""
    stage = deeplab_backbone()[-1]
    analysis = analysed(stage, (1, 1024, 28, 28))
    found = griddings(analysis.architecture)
    assert [(x.stack.dilations, x.stack.count, x.stack.span) for x in found] == [
        ((2, 4, 4), 11, 21)
    ] * 2


@pytest.mark.parametrize(
    "dilations", [(12, 24, 36), (6, 12, 18)], ids=["output stride 8", "output stride 16"]
)
def test_deeplabs_pyramid_behind_a_convolution(dilations: Sequence[int]) -> None:
    """Branches with global pooling beside them, in front of a single undilated 3x3 convolution."""

    class Pyramid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.branches = nn.ModuleList(chain(d) for d in dilations)
            self.pool = nn.AdaptiveAvgPool2d(1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            everything = self.pool(x).expand_as(x)
            return torch.cat([branch(x) for branch in self.branches] + [everything], 1)

    assert not findings(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), Pyramid()), 64)
