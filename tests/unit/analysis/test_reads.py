"""Which positions of every map are read, against the running network: a NaN at each in turn.

A NaN is written into all channels of one position of what a layer makes (or of the input). Where
that position is called unread, every output stays clean. Where operators are followed exactly
(windows, slices, padding, what works position by position, and joins of these), some output is NaN
at every other position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count, product
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from rflint.analysis.proofs import reads as reads_module
from rflint.analysis.proofs.reads import Region, reads, runs
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT
from rflint.tracing.trace import trace
from tests.oracles.test_against_running_networks import (
    AVG_POOL,
    CONV,
    MAX_POOL,
    NORM,
    TRANSPOSED,
    Network,
    per_axis,
)

C = 2

Position = tuple[int, ...]


# -- the oracle


def positions_of(sizes: Sequence[int]) -> list[Position]:
    return list(product(*map(range, sizes)))


def reaching(
    model: nn.Module, image: Tensor, name: str, positions: Sequence[Position], call: int = 0
) -> set[Position]:
    """Positions at which a NaN in what the module `name` makes reaches some output of the model.

    The input's, for no name; of a module that is called several times, in that call. One image of
    a batch for every position.
    """
    found: set[Position] = set()
    for start in range(0, len(positions), 64):
        some = positions[start : start + 64]
        reached = _reached(model, image, name, some, call)
        found.update(position for position, dirty in zip(some, reached, strict=True) if dirty)
    return found


def _reached(
    model: nn.Module, image: Tensor, name: str, positions: Sequence[Position], call: int
) -> list[bool]:
    calls = count()

    def spoiled(value: Tensor) -> Tensor:
        value = value.clone()
        for number, position in enumerate(positions):
            value[(number, slice(None), *position)] = torch.nan
        return value

    images = image.repeat(len(positions), *(1,) * (image.dim() - 1))
    with torch.no_grad():
        if not name:
            return _dirty(model(spoiled(images)), len(positions))
        module = model.get_submodule(name)
        handle = module.register_forward_hook(
            lambda _, inputs, value: spoiled(value) if next(calls) == call else value
        )
        try:
            return _dirty(model(images), len(positions))
        finally:
            handle.remove()


def _dirty(outputs: Any, batch: int) -> list[bool]:
    tensors = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    assert not any(value.requires_grad for value in tensors)
    flat = torch.cat([value.double().reshape(batch, -1) for value in tensors], 1)
    return [bool(x) for x in flat.isnan().any(1)]


def traced(model: nn.Module, size: Sequence[int], channels: int = C) -> Architecture:
    return trace(model, [torch.empty(1, channels, *size, device="meta")])


def maps(architecture: Architecture) -> Iterator[tuple[int, str, tuple[int, ...]]]:
    """The input and every map that a module makes in its only call: index, name and size."""
    yield INPUT, "", architecture.resolution
    names = [layer.name for layer in architecture.layers]
    for index, layer in enumerate(architecture.layers):
        alone = layer.is_module and names.count(layer.name) == 1
        if alone and layer.is_map and layer.out_shape[2:] == layer.positions:
            yield index, layer.name, layer.positions


def check_reads(model: nn.Module, size: Sequence[int], *, exact: bool, channels: int = C) -> int:
    """Hold what is read of every map against the running network; how many positions are unread."""
    # in single precision, fast convolutions spread a NaN over the tile that they work on
    model = model.double().eval()
    architecture = traced(model, size, channels)
    image = torch.rand(1, channels, *size, dtype=torch.double)
    found = reads(architecture).values
    unread = 0
    for index, name, sizes in maps(architecture):
        region = found[index]
        assert region.sizes == sizes
        said = {position for position in positions_of(sizes) if position in region}
        assert (region.positions, region.unread) == (
            len(said),
            len(positions_of(sizes)) - len(said),
        )
        shown = reaching(model, image, name, positions_of(sizes))
        assert shown <= said, (name or "input", sorted(shown - said))
        if exact:
            assert said == shown, (name or "input", sorted(said - shown))
        unread += region.unread
    return unread


class Does(nn.Module):
    """A function as a module, so that a hook finds its result."""

    def __init__(self, function: Callable[[Tensor], Any], word: object = "") -> None:
        super().__init__()
        self.function = function
        self.word = word

    def extra_repr(self) -> str:
        return str(self.word)

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


# -- random networks of operators that are followed exactly


def window(places: tuple[slice, ...]) -> nn.Module:
    def taken(x: Tensor) -> Tensor:
        if not x[(..., *places)].numel():
            raise RuntimeError("nothing is left")
        return x[(..., *places)]

    return Does(taken, places)


@st.composite
def slices(draw: st.DrawFn, axes: int) -> nn.Module:
    def one() -> slice:
        start, end = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        return slice(start, -end or None, draw(st.sampled_from([1, 1, 2, 3])))

    return window(tuple(one() for _ in range(axes)))


@st.composite
def pads(draw: st.DrawFn, axes: int) -> nn.Module:
    amounts = draw(st.tuples(*[st.integers(-1, 2)] * (2 * axes)))

    def padded(x: Tensor) -> Tensor:
        if not F.pad(x, amounts).numel():  # which PyTorch lets pass, and rflint does not
            raise RuntimeError("nothing is left")
        return F.pad(x, amounts)

    return Does(padded, amounts)


@st.composite
def convolutions(draw: st.DrawFn, axes: int) -> nn.Module:
    kernel = draw(per_axis(axes, st.integers(1, 3)))
    stride = draw(per_axis(axes, st.sampled_from([1, 1, 2, 3])))
    dilation = draw(per_axis(axes, st.sampled_from([1, 1, 2])))
    if max(stride) == 1 and draw(st.booleans()):
        return CONV[axes](C, C, kernel, dilation=dilation, padding="same")
    padding = draw(per_axis(axes, st.integers(0, 2)))
    groups = draw(st.sampled_from([1, C]))
    return CONV[axes](C, C, kernel, stride, padding, dilation, groups)


@st.composite
def transposed_convolutions(draw: st.DrawFn, axes: int) -> nn.Module:
    kernel = draw(per_axis(axes, st.integers(1, 3)))
    stride = draw(per_axis(axes, st.sampled_from([1, 2])))
    padding = draw(per_axis(axes, st.integers(0, 2)))
    extra = tuple(draw(st.integers(0, s - 1)) for s in stride)
    dilation = draw(per_axis(axes, st.sampled_from([1, 2])))
    return TRANSPOSED[axes](C, C, kernel, stride, padding, extra, dilation=dilation)


@st.composite
def pools(draw: st.DrawFn, axes: int) -> nn.Module:
    kernel = draw(per_axis(axes, st.integers(1, 3)))
    stride = draw(per_axis(axes, st.integers(1, 3)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    ceil = draw(st.booleans())
    if draw(st.booleans()):
        return AVG_POOL[axes](kernel, stride, padding, ceil_mode=ceil)
    dilation = draw(per_axis(axes, st.sampled_from([1, 2])))
    return MAX_POOL[axes](kernel, stride, padding, dilation, ceil_mode=ceil)


@st.composite
def pointwise(draw: st.DrawFn, axes: int) -> nn.Module:
    one = draw(st.sampled_from(["relu", "norm", "scale", "channels", "conv"]))
    if one == "norm":
        return NORM[axes](C)
    if one == "conv":
        return CONV[axes](C, C, 1)
    if one == "channels":
        return Does(lambda x: torch.cat([part.sigmoid() for part in x.chunk(2, 1)], 1))
    # not in place: a hook replaces what a module returns, while other branches read what it wrote
    return nn.ReLU() if one == "relu" else Does(lambda x: x * 2 + 1)


class Halves(nn.Module):
    """What lies in the first positions and what lies behind them, each for itself."""

    def __init__(self, axis: int, at: int, first: nn.Module, rest: nn.Module | None) -> None:
        super().__init__()
        self.axis, self.at = axis, at
        self.first, self.rest = first, rest

    def extra_repr(self) -> str:
        return f"axis={self.axis}, at={self.at}"

    def forward(self, x: Tensor) -> Tensor:
        dim = 2 + self.axis
        one, other = x.split([self.at, x.shape[dim] - self.at], dim)
        return self.first(one) if self.rest is None else fitted([self.first(one), self.rest(other)])


class Branches(nn.Module):
    """Several readers of one map, whose results are cropped to one size and joined."""

    def __init__(self, *branches: nn.Module, axes: int, concatenate: bool) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.mix = CONV[axes](C * len(branches), C, 1) if concatenate else None

    def forward(self, x: Tensor) -> Tensor:
        return fitted([branch(x) for branch in self.branches], self.mix)


def fitted(results: list[Tensor], mix: nn.Module | None = None) -> Tensor:
    smallest = [min(sizes) for sizes in zip(*(x.shape[2:] for x in results), strict=True)]
    cropped = [x[(..., *(slice(n) for n in smallest))] for x in results]
    return sum(cropped[1:], cropped[0]) if mix is None else mix(torch.cat(cropped, 1))


@st.composite
def chains(draw: st.DrawFn, axes: int, most: int = 3, depth: int = 1) -> nn.Module:
    kinds = [convolutions, convolutions, transposed_convolutions, pools, slices, pads, pointwise]
    parts = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=most))
    modules = [draw(kind(axes)) for kind in parts]
    if depth and draw(st.booleans()):
        inside = st.one_of(chains(axes, 2, depth - 1), st.just(nn.Identity()))
        if draw(st.sampled_from([False, False, True])):
            axis, at = draw(st.integers(0, axes - 1)), draw(st.integers(1, 3))
            rest = draw(inside) if draw(st.booleans()) else None
            modules.append(Halves(axis, at, draw(inside), rest))
        else:
            branches = draw(st.lists(inside, min_size=2, max_size=3))
            joined = Branches(*branches, axes=axes, concatenate=draw(st.booleans()))
            modules.append(joined)
        modules += [draw(kind(axes)) for kind in draw(st.lists(st.sampled_from(kinds), max_size=1))]
    return nn.Sequential(*modules)


def networks(axes: int) -> st.SearchStrategy[Network]:
    return chains(axes).map(lambda model: Network(axes, model))


def runs_on(model: nn.Module, size: Sequence[int]) -> bool:
    try:
        with torch.no_grad():
            return 0 < model.double().eval()(torch.zeros(1, C, *size).double()).numel() < 2000
    except RuntimeError:
        return False


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_what_is_read_is_what_a_nan_shows(axes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads_module, "_MOST_BOXES", 10_000)
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
    monkeypatch.setattr(reads_module, "_MOST_BOXES", 1)

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
    moving = CONVS[move]() if move in CONVS else Does(MOVES[move])
    check_reads(nn.Sequential(nn.Conv2d(C, C, 1), moving, Does(CUTS[cut])), (6, 6), exact=False)


@pytest.mark.parametrize("move", ["sum with the transpose", "flip", "circular convolution"])
def test_and_where_nothing_is_cut_off_everything_is_read(move: str) -> None:
    moving = CONVS[move]() if move in CONVS else Does(MOVES[move])
    assert check_reads(nn.Sequential(nn.Conv2d(C, C, 1), moving), (6, 6), exact=True) == 0


# -- networks made by hand


def test_a_transposed_map_is_followed() -> None:
    model = nn.Sequential(nn.Conv2d(C, C, 1), Does(lambda x: x.transpose(2, 3)[..., 1:, ::2]))
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
    assert all(region.unread == 0 for region in reads(architecture).values.values())


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


def numbers(*places: int) -> Tensor:
    return torch.tensor(places)


LAST: dict[str, Callable[[Tensor], Tensor]] = {
    "slice": lambda x: x[:, :, -1:].squeeze(2),
    "number": lambda x: x[:, :, -1],
    "number from the front": lambda x: x[:, :, 8],
    "number behind an ellipsis": lambda x: x[..., -1],
    "select": lambda x: x.select(2, -1),
    "torch.select": lambda x: torch.select(x, -1, 8),
    "unbind": lambda x: x.unbind(2)[-1],
    "split": lambda x: x.split(1, 2)[-1].squeeze(2),
    "narrow": lambda x: x.narrow(2, 8, 1).squeeze(2),
    "index_select": lambda x: x.index_select(2, numbers(8)).squeeze(2),
    "list": lambda x: x[:, :, [-1]].squeeze(2),
    "tensor": lambda x: x[:, :, numbers(8)].squeeze(2),
    "number of a transposed map": lambda x: x.transpose(1, 2)[:, -1],
    "number in front": lambda x: x.permute(2, 0, 1)[-1],
}

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
    return nn.Sequential(first, second, nn.ReLU(), Does(picks))


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
    model = nn.Sequential(nn.Conv2d(C, C, 1), Does(lambda x: x[:, [0, 1], :, 2].transpose(0, 1)))
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
    assert reads(architecture).values[0].positions == 0


def test_positions_as_runs() -> None:
    assert runs(0b110111) == [(0, 2), (4, 5)]
    assert runs(0) == []


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(0, 15)), max_size=4))
def test_a_region_counts_positions_once(boxes: list[tuple[int, int]]) -> None:
    region = Region((5, 4), tuple(boxes))
    inside = [position for position in positions_of((5, 4)) if position in region]
    assert (region.positions, region.unread) == (len(inside), 20 - len(inside))
    for axis in (0, 1):
        rows = {p for box in boxes for p in range(5) if box[axis] >> p & 1}
        assert region.along(axis) == sum(1 << p for p in rows)
