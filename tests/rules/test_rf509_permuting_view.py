"""RF509: views that have the shape of a transpose, and move nothing.

The oracle is where numbers come to lie: `torch.arange`, viewed, beside the same, permuted. A row of
a view cuts rows if, as sets of numbers, the two overlap and neither holds the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations, product
from math import prod

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import rflint
from rflint.analysis.proofs.permuting_views import cuts_rows, meant, row_that_is_cut
from rflint.linting.finding import Finding

Shape = tuple[int, ...]

# -- shapes, against the indices themselves


def numbers(shape: Sequence[int]) -> Tensor:
    return torch.arange(prod(shape)).view(*shape)


def rows(shape: Shape) -> Iterator[set[int]]:
    """The numbers behind every index of every dimension."""
    x = numbers(shape)
    for dim in range(len(shape)):
        for row in x.flatten(0, dim):
            yield set(row.flatten().tolist())


def overlap_partly(one: set[int], other: set[int]) -> bool:
    return bool(one & other) and not (one <= other or other <= one)


@st.composite
def shapes_of_equal_size(draw: st.DrawFn) -> tuple[Shape, Shape]:
    factors = draw(st.lists(st.sampled_from([2, 2, 3, 5]), min_size=2, max_size=4))

    def cut(order: Sequence[int]) -> Shape:
        found = [1]
        for factor in order:
            if draw(st.booleans()):
                found.append(factor)
            else:
                found[-1] *= factor
        return tuple(found)

    return cut(factors), cut(draw(st.permutations(factors)))


@settings(max_examples=150, deadline=None)
@given(shapes_of_equal_size())
def test_rows_are_cut_where_sets_of_numbers_overlap(shapes: tuple[Shape, Shape]) -> None:
    before, after = shapes
    assert cuts_rows(before, after) == any(
        overlap_partly(one, other) for one in rows(before) for other in rows(after)
    )


def shapes_of(size: int) -> list[Shape]:
    """Every shape of so many numbers whose dimensions are larger than one."""
    return [
        (first, *rest)
        for first in range(2, size + 1)
        if size % first == 0
        for rest in (shapes_of(size // first) if first < size else [()])
    ]


def views_that_cut_rows(size: int) -> list[tuple[Shape, Shape]]:
    return [pair for pair in product(shapes_of(size), repeat=2) if cuts_rows(*pair)]


@settings(max_examples=150)
@given(st.sampled_from([6, 12, 24, 30, 36, 60]).map(views_that_cut_rows).flatmap(st.sampled_from))
def test_the_row_that_is_named_holds_what_is_said(shapes: tuple[Shape, Shape]) -> None:
    before, after = shapes
    row, first, last = row_that_is_cut(before, after)
    x = numbers(before)
    held = x.view(after)[row].flatten()
    assert held.tolist() == list(range(int(x[first]), int(x[last]) + 1))
    assert any(overlap_partly(there, one) for there in rows(before) for one in rows(after))


@st.composite
def transposes(draw: st.DrawFn) -> tuple[Shape, Shape, Tensor]:
    """A transpose of dimensions of distinct sizes, one of which is split in front or merged behind;
    its shapes, and where the numbers come to lie. Parts of one dimension stay in order: which of
    them was to lie outside, sizes do not tell."""
    sizes = draw(st.permutations([2, 3, 5, 7]))[:3]
    order = draw(st.sampled_from([x for x in permutations(range(3)) if x != (0, 1, 2)]))
    moved = numbers(sizes).permute(order)
    before, after = tuple(sizes), tuple(moved.shape)
    merged = [at for at in (0, 1) if order[at] + 1 < order[at + 1]]  # no neighbours before
    split = [at for at in (0, 1) if order.index(at) < order.index(at + 1)]
    changes = [("split", at) for at in split] + [("merged", at) for at in merged]
    how, at = draw(st.sampled_from([("as it is", 0), *changes]))
    if how == "split":
        before = (*before[:at], before[at] * before[at + 1], *before[at + 2 :])
    if how == "merged":
        after = (*after[:at], after[at] * after[at + 1], *after[at + 2 :])
    ones = draw(st.booleans())
    before, after = ((1, *before), (1, *after)) if ones else (before, after)
    return before, after, moved.reshape(after)


@settings(max_examples=80, deadline=None)
@given(transposes())
def test_the_code_that_is_named_transposes(case: tuple[Shape, Shape, Tensor]) -> None:
    before, after, transposed = case
    assume(cuts_rows(before, after))
    reordering = meant(before, after)
    assert reordering is not None
    x = numbers(before)
    code = message_code(before, after)
    made = eval(code, {"x": x})
    assert made.equal(transposed)
    assert not made.equal(x.view(after))


def message_code(before: Shape, after: Shape) -> str:
    """What the rule says is to be written for a view from one shape to another."""
    (finding,) = findings(Only(lambda x: x.view(after).relu()), before)
    code: str = finding.message.split("if axes were to be swapped, ")[1]
    return code


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.data())
def test_neighbours_may_be_merged_and_split(sizes: list[int], data: st.DataObject) -> None:
    """Any grouping of the same factors, in the same order, is no transpose."""
    cuts = data.draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes)))
    merged = [1]
    for size, new in zip(sizes, cuts, strict=True):
        merged = [*merged, size] if new else [*merged[:-1], merged[-1] * size]
    for before, after in ((sizes, merged), (merged, sizes)):
        assert not cuts_rows(tuple(before), tuple(after))


# -- networks

Forward = Callable[..., Tensor]


class Only(nn.Module):
    """The input itself, viewed."""

    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.run = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x)


class Net(nn.Module):
    """Layers of several kinds, and a forward that is given (1, 3, 24, 24)."""

    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.run = forward
        self.conv = nn.Conv2d(3, 32, 3, stride=4, padding=1)  # 6 x 6 positions
        self.proj = nn.Linear(32, 32)
        self.code = nn.Linear(32, 10 * 16)
        self.up = nn.Conv2d(3, 48, 3, padding=1)
        self.table = nn.Parameter(torch.zeros(36, 32))

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)

    def tokens(self, x: Tensor) -> Tensor:
        """(1, 36, 32)."""
        return self.proj(self.conv(x).flatten(2).transpose(1, 2))


def findings(model: nn.Module, shape: Shape = (1, 3, 24, 24), **options: object) -> list[Finding]:
    report = rflint.lint(model, input=shape, select="RF509", **options)
    return list(report.models[0].findings)


def attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.transpose(-2, -1)).softmax(-1) @ v


FAULTS: dict[str, tuple[Forward, str]] = {
    "channels and positions": (
        lambda net, x: net.proj(net.conv(x).flatten(2).view(1, -1, 32)),
        "x.transpose(1, 2)",
    ),
    "channels last": (
        lambda net, x: net.proj(net.conv(x).view(1, 6, 6, 32)),
        "x.permute(0, 2, 3, 1)",
    ),
    "tokens to a map": (
        lambda net, x: net.tokens(x).reshape(1, 32, 6, 6).relu(),
        "x.view(1, 6, 6, 32).permute(0, 3, 1, 2)",
    ),
    "heads": (
        lambda net, x: attended(*[net.tokens(x).view(1, 8, -1, 4)] * 3),
        "x.view(1, 36, 8, 4).transpose(1, 2)",
    ),
    "heads of heads": (
        lambda net, x: net.tokens(x).view(1, 36, 8, 4).view(1, 8, 36, 4).softmax(-1),
        "x.transpose(1, 2)",
    ),
    "heads in the batch": (
        lambda net, x: attended(*[net.tokens(x).view(8, -1, 4)] * 3),
        "x.view(1, 36, 8, 4).transpose(1, 2).reshape(8, 36, 4)",
    ),
    "heads that are not put back": (
        lambda net, x: net.proj(
            attended(*[net.tokens(x).view(1, -1, 8, 4).transpose(1, 2)] * 3).reshape(1, -1, 32)
        ),
        "x.transpose(1, 2).reshape(1, 36, 32)",
    ),
    "queries out of all three": (
        lambda net, x: attended(
            *[torch.cat([net.tokens(x)] * 3, -1).view(1, 36, 3, 32)[:, :, 0].reshape(1, 8, 36, 4)]
            * 3
        ),
        "x.view(1, 36, 8, 4).transpose(1, 2)",
    ),
    "copied in between": (
        lambda net, x: net.proj(net.conv(x).flatten(2).contiguous().clone().view(1, 36, 32)),
        "x.transpose(1, 2)",
    ),
    "rows of a map as steps": (
        lambda net, x: net.conv(x).view(1, 6, 32 * 6).cumsum(1),
        "x.transpose(1, 2).reshape(1, 6, 192)",
    ),
    "capsules": (
        lambda net, x: torch.stack([net.conv(x)] * 7, 1).view(1, -1, 7).softmax(-1),
        "x.permute(0, 2, 3, 4, 1).reshape(1, 1152, 7)",
    ),
    "positions of an image": (
        lambda net, x: x.view(1, -1, 3).cumsum(1),
        "x.permute(0, 2, 3, 1).reshape(1, 576, 3)",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("tracer", ["symbolic", "export"])
def test_faults_that_people_report(name: str, tracer: str) -> None:
    forward, code = FAULTS[name]
    (finding,) = findings(Net(forward), tracer=tracer)
    assert finding.message.endswith(f"if axes were to be swapped, {code}")
    assert finding.severity.value == "warning"
    assert finding.evidence is not None
    assert finding.evidence.value == "predicted"
    assert finding.source is not None


def test_frames_and_channels_of_a_video() -> None:
    class Video(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv3d(3, 16, 3, padding=1)
            self.mix = nn.Conv2d(16, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            b, c, t, h, w = y.shape
            return self.mix(y.reshape(b * t, c, h, w))

    (finding,) = findings(Video(), (1, 3, 5, 8, 8))
    assert "x.transpose(1, 2).reshape(5, 16, 8, 8)" in finding.message
    # of 4 frames each holds 4 channels, and that is no transpose either
    assert len(findings(Video(), (1, 3, 4, 8, 8))) == 1


def test_the_message_says_what_a_row_holds() -> None:
    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(3, 64, 3, padding=1)
            self.head = nn.Linear(64, 2)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            return self.head(y.view(y.shape[0], -1, 64))

    (finding,) = findings(Steps(), (1, 3, 100))
    assert finding.message == (
        "view of (1, 64, 100) to (1, 100, 64) moves nothing, and is no transpose: [0, 0] of the "
        "result holds 64 numbers in a row, those from [0, 0, 0] to [0, 0, 63]; if axes were to be "
        "swapped, x.transpose(1, 2)"
    )
    # with as many samples as anybody likes
    assert "x.transpose(1, 2)" in findings(Steps(), (5, 3, 100))[0].message


def test_a_line_is_reported_once_for_all_modules_that_run_it() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.proj = nn.Linear(32, 32)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.proj(x).view(1, 8, -1, 4).softmax(-1).transpose(1, 2).reshape(x.shape)

    (finding,) = findings(nn.Sequential(*(Block() for _ in range(3))), (1, 36, 32))
    assert finding.layer == "0"
    assert finding.message.endswith(" (and in 2 other modules)")


# -- sizes that divide each other


def by_sizes(forward: Forward, size: int) -> list[Finding]:
    return findings(Net(forward), (1, 3, size, size))


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_fault_is_one_at_sizes_that_divide_each_other_too(size: int) -> None:
    """At 32 pixels there are 64 tokens: each of the 8 heads gets 8 whole ones."""
    forward, _ = FAULTS["heads"]
    assert len(by_sizes(forward, size)) == 1


@pytest.mark.parametrize("size", [32, 64])
def test_steps_that_are_put_together_are_no_transpose_by_chance(size: int) -> None:
    """64 steps of 16 features to 16 of 64: a pyramid of steps, as in listeners."""

    class Pyramid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(3, 16, 3, padding=1)
            self.head = nn.Linear(64, 2)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x).transpose(1, 2)
            y = y[:, : y.shape[1] // 4 * 4]
            return self.head(y.reshape(y.shape[0], y.shape[1] // 4, 64))

    assert findings(Pyramid(), (1, 3, size)) == []


# -- what is silent


def shuffled(x: Tensor, groups: int) -> Tensor:
    b, c, h, w = x.shape
    return x.view(b, groups, c // groups, h, w).transpose(1, 2).reshape(b, c, h, w)


def windows(x: Tensor, size: int) -> Tensor:
    b, h, w, c = x.shape
    x = x.view(b, h // size, size, w // size, size, c)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, size * size, c)


def put_back(x: Tensor, size: int, h: int, w: int) -> Tensor:
    x = x.view(-1, h // size, w // size, size, size, x.shape[-1])
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(1, h, w, -1)


def depth_to_space(x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    x = x.view(b, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(b, c // 4, 2 * h, 2 * w)


def space_to_depth(x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    x = x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(b, 4 * c, h // 2, w // 2)


def rotated_halves(x: Tensor) -> Tensor:
    pairs = x.view(*x.shape[:-1], -1, 2)
    return torch.stack([-pairs[..., 1], pairs[..., 0]], -1).view(x.shape)


def relative_shift(x: Tensor) -> Tensor:
    """Transformer-XL's, on (batch, heads, rows, columns): padded, viewed, sliced."""
    b, h, n, m = x.shape
    padded = torch.cat([x.new_zeros(b, h, n, 1), x], -1)
    return padded.view(b, h, m + 1, n)[:, :, 1:].view(b, h, n, m)


def relative_shift_by_pad(x: Tensor) -> Tensor:
    """Music Transformer's, and Longformer's."""
    b, h, n, m = x.shape
    return F.pad(x, (1, 0)).reshape(b, h, m + 1, n)[:, :, 1:, :].softmax(-1)


def relative_shift_by_slice(x: Tensor) -> Tensor:
    """XLNet's: there are more columns to begin with."""
    b, h, n, m = x.shape
    return x.reshape(b, h, m, n)[:, :, 1:].reshape(b, h, n, m - 1)


def relative_to_absolute(x: Tensor) -> Tensor:
    """As in BoTNet: (batch, heads, n, 2 n - 1) to (batch, heads, n, n)."""
    b, h, n, _ = x.shape
    x = F.pad(x, (0, 1)).reshape(b, h, -1)
    x = F.pad(x, (0, n - 1)).reshape(b, h, n + 1, 2 * n - 1)
    return x[:, :, :n, n - 1 :]


def written_shift(x: Tensor) -> Tensor:
    b, h, n, m = x.shape
    padded = x.new_zeros(b, h, n, m + 1)
    padded[..., 1:] = x
    return padded.view(b, h, m + 1, n)[:, :, 1:].softmax(-1)


def scores(net: Net, x: Tensor, columns: int) -> Tensor:
    """(1, 8, 36, columns)."""
    q = net.tokens(x).view(1, 36, 8, 4).transpose(1, 2)
    return q @ q[:, :, :columns].transpose(-2, -1)


MEANT: dict[str, Forward] = {
    "flatten": lambda net, x: net.conv(x).flatten(1),
    "positions in a row": lambda net, x: net.conv(x).view(1, 32, -1).softmax(-1),
    "tokens": lambda net, x: net.tokens(x),
    "heads": lambda net, x: attended(*[net.tokens(x).view(1, -1, 8, 4).transpose(1, 2)] * 3),
    "heads put back": lambda net, x: (
        attended(*[net.tokens(x).view(1, -1, 8, 4).transpose(1, 2)] * 3)
        .transpose(1, 2)
        .reshape(1, -1, 32)
    ),
    "time first": lambda net, x: (
        net.tokens(x).transpose(0, 1).contiguous().view(36, 8, 4).transpose(0, 1).softmax(-1)
    ),
    "a channel shuffle": lambda net, x: shuffled(net.conv(x), 4),
    "pixel shuffle": lambda net, x: F.pixel_shuffle(net.conv(x), 2),
    "pixel shuffle by hand": lambda net, x: depth_to_space(net.conv(x)),
    "space to depth": lambda net, x: space_to_depth(net.conv(x)),
    "windows": lambda net, x: put_back(
        windows(net.conv(x).permute(0, 2, 3, 1), 3).softmax(-1), 3, 6, 6
    ),
    "patches": lambda net, x: F.unfold(net.conv(x), 2, stride=2).view(1, 32, 4, 9).sum(2),
    "rotary pairs": lambda net, x: rotated_halves(net.tokens(x)),
    "groups of channels": lambda net, x: net.conv(x).view(4, 8, 6, 6).mean(1),
    "channels last, permuted": lambda net, x: net.proj(net.conv(x).permute(0, 2, 3, 1)),
    "boxes": lambda net, x: net.conv(x).permute(0, 2, 3, 1).contiguous().view(1, -1, 4).softmax(-1),
    "anchors": lambda net, x: net.conv(x).view(1, 4, 8, 6, 6).sigmoid(),
    "non-local": lambda net, x: (
        net.conv(x).flatten(2) @ net.tokens(x).matmul(net.conv(x).flatten(2)).softmax(-1)
    ).view(1, 32, 6, 6),
    "a code to a map": lambda net, x: net.code(net.tokens(x).mean(1)).view(1, 10, 4, 4).relu(),
    "a code to steps": lambda net, x: net.code(net.tokens(x).mean(1)).view(1, 16, 10).relu(),
    "a code in two views": lambda net, x: (
        net.code(net.tokens(x).mean(1)).view(1, 16, 10).view(1, 10, 16).relu()
    ),
    "flattened again": lambda net, x: net.conv(x).flatten(2).view(1, 36, 32).flatten(1).relu(),
    "a view that nobody reads": lambda net, x: (net.conv(x).view(1, 36, 32), net.conv(x))[1],
    "a parameter": lambda net, x: net.conv(x) + net.table.view(32, 6, 6),
    "an index table": lambda net, x: net.tokens(x)[
        :, torch.arange(36).view(4, 9).reshape(9, 4).flatten()
    ],
    "a relative shift": lambda net, x: relative_shift(scores(net, x, 20)),
    "a relative shift where sizes divide each other": lambda net, x: (
        relative_shift(scores(net, x, 17)) + relative_shift_by_slice(scores(net, x, 18))
    ),
    "a relative shift, padded": lambda net, x: relative_shift_by_pad(scores(net, x, 20)),
    "a relative shift, sliced": lambda net, x: relative_shift_by_slice(scores(net, x, 20)),
    "a relative shift, written": lambda net, x: written_shift(scores(net, x, 20)),
    "relative to absolute": lambda net, x: relative_to_absolute(
        scores(net, x, 8).transpose(-2, -1)[:, :, :, :15]
    ),
    "the order that is there": lambda net, x: net.conv(x).view(1, 32, 6, 6).relu(),
    "rows for a linear layer": lambda net, x: net.proj(net.tokens(x).reshape(-1, 32)),
}


@pytest.mark.parametrize("name", MEANT)
def test_what_is_meant_is_silent(name: str) -> None:
    """At 32 pixels maps have 64 positions, and sizes divide each other: where it runs there."""
    assert findings(Net(MEANT[name])) == []
    if _runs(MEANT[name], 32):
        assert by_sizes(MEANT[name], 32) == []


def _runs(forward: Forward, size: int) -> bool:
    try:
        Net(forward)(torch.rand(1, 3, size, size))
    except (RuntimeError, IndexError):
        return False
    return True


def test_libraries_layers_are_silent() -> None:
    block = nn.TransformerEncoderLayer(32, 8, 64, batch_first=True)
    assert findings(block, (1, 36, 32)) == []
    rearrange = pytest.importorskip("einops").rearrange
    assert findings(Net(lambda net, x: rearrange(net.conv(x), "b c h w -> b (h w) c"))) == []
