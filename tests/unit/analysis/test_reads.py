"""Which positions of every map are read, against the running network: a NaN at each in turn.

A NaN is written into all channels of one position of what a layer makes (or of the input). Where
that position is called unread, every output stays clean. Where operators are followed exactly
(windows, slices, padding, what works position by position, and joins of these), some output is NaN
at every other position.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from rflint.analysis.proofs import regions
from rflint.analysis.proofs.read_positions import read_positions
from rflint.analysis.proofs.regions import Region, runs
from tests.helpers.layers import Network, per_axis
from tests.helpers.modules import Lambda
from tests.helpers.positions import LAST, C, check_reads, positions_of, traced
from tests.helpers.random_chains import chains, runs_on

# -- random networks of operators that are followed exactly


def networks(axes: int) -> st.SearchStrategy[Network]:
    return chains(axes).map(lambda model: Network(axes, model))


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_what_is_read_is_what_a_nan_shows(axes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "_MOST_BOXES", 10_000)
    seen = []

    @settings(max_examples={1: 60, 2: 45, 3: 12}[axes], deadline=None)
    @given(networks(axes), per_axis(axes, st.integers(4, {1: 14, 2: 9, 3: 5}[axes])))
    def check(network: Network, size: tuple[int, ...]) -> None:
        assume(runs_on(network.model, size))
        # a slice that takes nothing but padding has no positions of the input left
        layers = traced(network.model, size).layers
        exact = all(layer.positions == layer.out_shape[2:] for layer in layers)
        seen.append(check_reads(network.model, size, exact=exact))

    check()
    assert sum(unread > 0 for unread in seen) > len(seen) // 4


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_of_many_boxes_too_much_counts_as_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "_MOST_BOXES", 1)

    @settings(max_examples=15, deadline=None)
    @given(networks(2), per_axis(2, st.integers(4, 8)))
    def check(network: Network, size: tuple[int, ...]) -> None:
        assume(runs_on(network.model, size))
        check_reads(network.model, size, exact=False)

    check()


# -- operators that are not followed exactly: whatever is called unread is


def attention(x: Tensor) -> Tensor:
    tokens = x.flatten(2).transpose(1, 2)
    return F.scaled_dot_product_attention(tokens, tokens, tokens).transpose(1, 2).view(x.shape)


def windows(x: Tensor, size: int = 2) -> Tensor:
    b, c, h, w = x.shape
    return x.view(b, c, h // size, size, w // size, size)


def window_attention(x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    tokens = windows(x).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, c)
    mixed = F.scaled_dot_product_attention(tokens, tokens, tokens)
    return mixed.view(b, h // 2, w // 2, 2, 2, c).permute(0, 5, 1, 3, 2, 4).reshape(x.shape)


def over_tokens(x: Tensor) -> Tensor:
    """Windows over tokens run over the ends of rows."""
    return F.conv1d(x.flatten(2), torch.ones(C, C, 3).to(x), padding=1).view(x.shape)


def pairs(x: Tensor) -> Tensor:
    return x + x.transpose(2, 3)


def pairs_side_by_side(x: Tensor) -> Tensor:
    return torch.cat([x, x.transpose(2, 3)], 1)


def partition_in_another_order(x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    rows = x.view(b, c, h // 2, 2, w)
    return torch.cat([rows[:, :, 1:], rows[:, :, :1]], 2).reshape(x.shape)


def frames_in_another_order(x: Tensor) -> Tensor:
    return torch.stack([x[:, :, i] for i in reversed(range(x.shape[2]))], 2)


def interleaved(x: Tensor) -> Tensor:
    y = x.new_zeros(x.shape)
    y[:, :, ::2] = x[:, :, 1::2]
    y[:, :, 1::2] = x[:, :, ::2]
    return y


def written_mirrored(x: Tensor) -> Tensor:
    y = x.clone()
    y[..., 1:] = x[..., 1:].flip(3)
    return y


MOVES: dict[str, Callable[[Tensor], Tensor]] = {
    "attention": attention,
    "window attention": window_attention,
    "convolution over tokens": over_tokens,
    "sum with the transpose": pairs,
    "concatenation with the transpose": pairs_side_by_side,
    "a partition in another order": partition_in_another_order,
    "frames in another order": frames_in_another_order,
    "interleaved": interleaved,
    "written mirrored": written_mirrored,
    "flip": lambda x: x.flip(2, 3),
    "flipped rows": lambda x: x.flip([3]),
    "fliplr, of dimension 1": lambda x: torch.fliplr(x.transpose(1, 3)).transpose(1, 3),
    "half turn": lambda x: x.rot90(2, (2, 3)),
    "quarter turn": lambda x: x.rot90(1, (2, 3)),
    "roll": lambda x: x.roll((1, -2), (2, 3)),
    "roll of tokens": lambda x: x.flatten(2).roll(3, 2).view(x.shape),
    "roll of everything": lambda x: x.roll(3),
    "copies": lambda x: x.repeat(1, 1, 2, 1)[:, :, 3 : 3 + x.shape[2]],
    "nearest": lambda x: F.interpolate(x, scale_factor=2.0),
    "bilinear": lambda x: F.interpolate(x, (7, 9), mode="bilinear"),
    "adaptive pooling": lambda x: F.adaptive_avg_pool2d(x, (3, 5)),
    "group norm": lambda x: F.group_norm(x, 1),
    "instance norm": lambda x: F.instance_norm(x),
    "layer norm of maps": lambda x: F.layer_norm(x, x.shape[1:]),
    "softmax over positions": lambda x: x.softmax(3),
    "running sum": lambda x: x.cumsum(2),
    "sorted": lambda x: x.sort(3).values,
    "reflected": lambda x: F.pad(x, (1, 2, 2, 1), mode="reflect"),
    "wound round": lambda x: F.pad(x, (2, 0, 0, 0), mode="circular"),
    "picked": lambda x: x[..., [5, 0, 3, 2, 1, 4]],
    "picked by a tensor": lambda x: x.index_select(2, torch.tensor([5, 4, 3, 2, 1, 0])),
    "pixel shuffle": lambda x: F.pixel_shuffle(torch.cat([x, x], 1), 2),
    "pixel unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "unfolded": lambda x: F.unfold(x, 3, padding=1).view(x.shape[0], 9 * C, *x.shape[2:]),
    "squeezed": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "gated by a column": lambda x: x * x[..., -1:].sigmoid(),
}

CONVS: dict[str, Callable[[], nn.Module]] = {
    f"{mode} convolution": lambda mode=mode: nn.Conv2d(C, C, 3, padding=1, padding_mode=mode)
    for mode in ("reflect", "circular", "replicate")
}

CUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "the first": lambda x: x[..., :1, :],
    "all but the first": lambda x: x[..., 1:, 1:],
    "all but the last": lambda x: x[..., :-1, :-1],
    "every other": lambda x: x[..., ::2, 1::2],
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("move", [*MOVES, *CONVS])
def test_what_moves_positions_around_is_not_followed_astray(move: str, cut: str) -> None:
    moving = CONVS[move]() if move in CONVS else Lambda(MOVES[move])
    check_reads(nn.Sequential(nn.Conv2d(C, C, 1), moving, Lambda(CUTS[cut])), (6, 6), exact=False)


@pytest.mark.parametrize("move", ["sum with the transpose", "flip", "circular convolution"])
def test_and_where_nothing_is_cut_off_everything_is_read(move: str) -> None:
    moving = CONVS[move]() if move in CONVS else Lambda(MOVES[move])
    assert check_reads(nn.Sequential(nn.Conv2d(C, C, 1), moving), (6, 6), exact=True) == 0


# -- networks made by hand


def test_a_transposed_map_is_followed() -> None:
    model = nn.Sequential(nn.Conv2d(C, C, 1), Lambda(lambda x: x.transpose(2, 3)[..., 1:, ::2]))
    assert check_reads(model, (4, 6), exact=True) == 2 * (24 - 2 * 5)


def test_maps_with_channels_last_are_followed() -> None:
    class ChannelsLast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(C, C, 1)
            self.norm = nn.LayerNorm(C)
            self.linear = nn.Linear(C, C)

        def forward(self, x: Tensor) -> Tensor:
            tokens = self.linear(self.norm(self.first(x).permute(0, 2, 3, 1)))
            return tokens.permute(0, 3, 1, 2)[..., 1:4]

    assert check_reads(ChannelsLast(), (5, 6), exact=True) == 2 * 5 * 3


def test_what_the_model_returns_is_read() -> None:
    """The map inside, and the input itself."""

    class ReturnsAll(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(C, C, 1), nn.Conv2d(C, C, 1, stride=2)

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            y = self.first(x)
            return x, y, self.second(y)

    assert check_reads(ReturnsAll(), (6, 6), exact=True) == 0


def test_what_comes_behind_the_end_of_a_trace_may_read_anything() -> None:
    class Detects(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(C, C, 1), nn.Conv2d(C, C, 1, stride=2)

        def forward(self, x: Tensor) -> Tensor:
            y = self.first(x)
            z = self.second(y)
            if z.sum().item() > 0:  # a value that only a run has
                z = F.interpolate(z, y.shape[2:])
            return y.sum() + z.sum()

    architecture = traced(Detects(), (6, 6))
    assert architecture.left_out is not None
    assert all(region.outside == 0 for region in read_positions(architecture).by_outputs.values())


def test_nothing_is_read_of_what_nobody_uses() -> None:
    class Forgets(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.unused = nn.Conv2d(C, C, 1), nn.Conv2d(C, C, 1)

        def forward(self, x: Tensor) -> Tensor:
            self.unused(x)
            return self.first(x)[..., :2]

    assert check_reads(Forgets(), (4, 4), exact=True) == 8 + 8 + 16


# -- the same reading, however it is spelled


EVERY_THIRD: dict[str, Callable[[Tensor], Tensor]] = {
    "slice": lambda x: x[:, :, ::3],
    "stack": lambda x: torch.stack([x[:, :, i] for i in (0, 3, 6)], 2),
    "unbind": lambda x: torch.stack(x.unbind(2)[::3], 2),
    "concatenation": lambda x: torch.cat([x[:, :, i : i + 1] for i in (0, 3, 6)], 2),
    "list": lambda x: x[:, :, [0, 3, 6]],
    "index_select": lambda x: x.index_select(2, torch.arange(0, 9, 3)),
    "sum": lambda x: x[:, :, 0] + x[:, :, 3] + x[:, :, 6],
}


def two_convolutions(picks: Callable[[Tensor], Tensor]) -> nn.Module:
    first, second = nn.Conv1d(C, C, 3, padding=1), nn.Conv1d(C, C, 3, padding=1)
    return nn.Sequential(first, second, nn.ReLU(), Lambda(picks))


@pytest.mark.parametrize("spelling", LAST)
def test_one_position_is_one_position(spelling: str) -> None:
    """Of nine, the last convolution's map is read in one, what it reads in two, the input in 3."""
    assert check_reads(two_convolutions(LAST[spelling]), (9,), exact=True) == 6 + 7 + 8 + 8


@pytest.mark.parametrize("spelling", EVERY_THIRD)
def test_steps_are_steps(spelling: str) -> None:
    assert check_reads(two_convolutions(EVERY_THIRD[spelling]), (9,), exact=True) == 6 + 6 + 1


def test_numbers_that_are_not_evenly_spaced_may_pick_anything() -> None:
    for places in ([4, 0, 1], [2, 2], [0, 1, 4]):
        model = two_convolutions(lambda x, places=places: x[:, :, places])
        check_reads(model, (9,), exact=False)


def test_numbers_and_lists_together_go_to_the_front() -> None:
    model = nn.Sequential(nn.Conv2d(C, C, 1), Lambda(lambda x: x[:, [0, 1], :, 2].transpose(0, 1)))
    check_reads(model, (4, 4), exact=False)


def test_maps_that_a_slice_leaves_empty_have_no_positions() -> None:
    class Empty(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv2d(C, C, 3, padding=1), nn.Linear(C, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.first(x)[:, :, 2:-1].flatten(2).mean(2))

    architecture = traced(Empty(), (2, 2))
    assert [x.positions for x in architecture.layers][:2] == [(2, 2), (0, 2)]
    assert read_positions(architecture).by_outputs[0].count == 0


def test_positions_as_runs() -> None:
    assert runs(0b110111) == [(0, 2), (4, 5)]
    assert runs(0) == []


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(0, 15)), max_size=4))
def test_a_region_counts_positions_once(boxes: list[tuple[int, int]]) -> None:
    region = Region((5, 4), tuple(boxes))
    inside = [position for position in positions_of((5, 4)) if position in region]
    assert (region.count, region.outside) == (len(inside), 20 - len(inside))
    for axis in (0, 1):
        rows = {p for box in boxes for p in range(5) if box[axis] >> p & 1}
        assert region.along(axis) == sum(1 << p for p in rows)
