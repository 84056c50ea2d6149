"""RF510: padding that a strided layer reads at one end more than at the other.

The oracle is PyTorch: a window of ones over a padded map shows, by its gradient, which rows of the
padding are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from tests.helpers.layers import AVG_POOL, CONV, MAX_POOL, per_axis
from tests.helpers.modules import Lambda
from tests.helpers.random_chains import runs_on
from zoo.torchvision_import import import_torchvision

C = 2


def said(model: Any, size: tuple[int, ...], channels: int = C) -> str:
    """What RF510 says; empty where it says nothing."""
    report = rflint.lint(model, input=(1, channels, *size), select=["RF510"])
    assert not report.failures
    assert len(report.findings) <= 1
    return "".join(found.message for found in report.findings)


def suggested(message: str) -> list[tuple[int, ...]]:
    remedy = re.search(r"; inputs of (\S+)(?: or (\S+))? are even throughout$", message)
    return [tuple(map(int, x.split("x"))) for x in (remedy.groups() if remedy else ()) if x]


def read_by(kernel: int, stride: int, padding: int, dilation: int, n: int) -> tuple[int, int, int]:
    """How many positions in front of a map, of it and behind it windows read, by gradients."""
    padded = torch.ones(1, 1, n + 2 * padding, requires_grad=True)
    F.conv1d(padded, torch.ones(1, 1, kernel), stride=stride, dilation=dilation).sum().backward()
    assert padded.grad is not None
    read = padded.grad[0, 0].bool()
    parts = read[:padding], read[padding : padding + n], read[padding + n :]
    front, inside, back = (int(part.sum()) for part in parts)
    return front, inside, back


def loses_rows(model: nn.Module, size: tuple[int, ...]) -> bool:
    """Whether RF203, whose tests hold it against NaNs, says that ends of maps are not read."""
    return bool(rflint.lint(model, input=(1, C, *size), select=["RF203"]).findings)


# -- against the windows of PyTorch


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 7), st.integers(1, 4), st.integers(0, 4), st.integers(1, 3), st.integers(1, 20)
)
def test_a_convolution_is_named_where_gradients_show_it(
    kernel: int, stride: int, padding: int, dilation: int, n: int
) -> None:
    assume(n + 2 * padding > dilation * (kernel - 1))
    model = nn.Conv1d(C, C, kernel, stride, padding, dilation)
    front, _, back = read_by(kernel, stride, padding, dilation, n)
    message = said(model, (n,))
    assert bool(message) == (stride > 1 and front != back and not loses_rows(model, (n,)))
    if message:
        told = re.search(r"read (\d+|no) positions? of padding in front of the map, and", message)
        behind = re.search(r", and (\d+|none) behind it", message)
        assert told is not None
        assert behind is not None
        assert (told[1], behind[1]) == (str(front or "no"), str(back or "none"))
    for (size,) in suggested(message):
        front, _, back = read_by(kernel, stride, padding, dilation, size)
        assert front == back


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(2, 4), st.integers(6, 20), st.data())
def test_poolings_pad_like_convolutions(
    kernel: int, stride: int, n: int, data: st.DataObject
) -> None:
    padding = data.draw(st.integers(0, kernel // 2))
    front, _, back = read_by(kernel, stride, padding, 1, n)
    for kind in (nn.MaxPool1d, nn.AvgPool1d):
        model = kind(kernel, stride, padding)
        assert bool(said(model, (n,))) == (front != back and not loses_rows(model, (n,)))


@st.composite
def networks(draw: st.DrawFn, axes: int) -> nn.Module:
    """Downsamplings in a row, by convolutions and poolings."""
    modules: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 3))):
        kernel = draw(per_axis(axes, st.integers(2, 5)))
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
        kind = draw(st.sampled_from([CONV, MAX_POOL, AVG_POOL]))
        if kind is CONV:
            modules.append(CONV[axes](C, C, kernel, 2, padding))
        else:
            modules.append(kind[axes](kernel, 2, padding))
    return nn.Sequential(*modules)


def is_even(model: nn.Module, size: tuple[int, ...]) -> bool:
    """Whether every layer reads as much padding at both ends, and every map to its end."""
    x = torch.zeros(1, C, *size)
    for layer in model.children():
        for axis, n in enumerate(x.shape[2:]):
            k, p = (
                v if isinstance(v, int) else v[axis] for v in (layer.kernel_size, layer.padding)
            )
            if n + 2 * p < k:
                return False
            front, _, back = read_by(int(k), 2, int(p), 1, n)
            if front != back:
                return False
        x = layer(x)
    return not loses_rows(model, size)


@pytest.mark.parametrize("axes", [1, 2])
def test_sizes_that_are_named_are_the_next_that_are_even(axes: int) -> None:
    """Held against counting what every layer reads at every size between half and twice as much."""

    @settings(max_examples=30, deadline=None)
    @given(networks(axes), st.integers(18, 30))
    def check(model: nn.Module, side: int) -> None:
        assume(runs_on(model, (side,) * axes))
        message = said(model.float(), (side,) * axes)
        named = suggested(message)
        if message:
            assert not is_even(model, (side,) * axes)
            even = [n for n in range(side // 2 + 1, 2 * side) if is_even(model, (n,) * axes)]
            smaller = [n for n in even if n < side][-1:]
            larger = [n for n in even if n > side][:1]
            whole = [size for size in named if len(set(size)) == 1]  # else one axis was even
            assert not whole or whole == [(n,) * axes for n in (*smaller, *larger)]
        for size in named:
            assert is_even(model, size)
            assert said(model, size) == ""

    check()


# -- what is said


def stages() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(C, C, 7, 2, 3), nn.MaxPool2d(3, 2, 1), nn.Conv2d(C, C, 3, 2, padding=1)
    )


def test_one_finding_names_all_layers_and_the_sizes() -> None:
    assert said(stages(), (32, 32)) == (
        "at 32x32 its windows read 3 rows and columns of padding at the top and on the left, and "
        "2 at the bottom and on the right; the padding of 1, 2 is uneven too; inputs of 25x25 or "
        "33x33 are even throughout"
    )


def test_axes_count_each_for_itself() -> None:
    assert said(nn.Conv2d(C, C, 3, 2, 1), (32, 33)) == (
        "at 32x33 its windows read 1 row of padding at the top, and none at the bottom; inputs of "
        "31x33 or 33x33 are even throughout"
    )
    assert said(nn.Conv2d(C, C, (3, 5), 2, (1, 2)), (32, 32)).startswith(
        "at 32x32 its windows read 1 row of padding at the top, and none at the bottom; 2 columns "
        "of padding on the left, and 1 on the right; inputs of"
    )
    assert "1 frame of padding at the front, and none at the back" in said(
        nn.Conv3d(C, C, 3, 2, 1), (8, 9, 9)
    )


def test_a_module_that_is_called_again_is_named_once() -> None:
    class Again(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.up = nn.Conv2d(C, C, 3, 2, 1), nn.Upsample(scale_factor=2)

        def forward(self, x: Tensor) -> Tensor:
            return self.down(self.up(self.down(x)))

    message = said(Again(), (16, 16))
    assert "the padding of down (call 2) is uneven too" in message


def test_no_size_is_named_where_none_is_even() -> None:
    """A kernel of 3 asks for odd sizes, and one of 4 for even ones."""

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.odd, self.even = nn.Conv2d(C, C, 3, 2, 1), nn.Conv2d(C, C, 4, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.odd(x) + self.even(x)

    assert said(Both(), (32, 32)).endswith("none at the bottom and on the right")


def test_no_size_is_named_at_which_the_model_does_not_run() -> None:
    model = nn.Sequential(nn.Conv2d(C, C, 3, 2, 1), Fixed(16))
    assert suggested(said(model, (32, 32))) == [(31, 31)]  # 33 would make a map of 17


class Fixed(nn.Module):
    """An embedding of positions for maps of one size."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.zeros(1, C, side, side))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.positions


# -- what is not said


def same(x: Tensor, kernel: int = 3, stride: int = 2) -> Tensor:
    """As ports from TensorFlow pad: as much as windows need, and more of it at the end."""
    pads = [max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in reversed(x.shape[2:])]
    return F.pad(x, [amount for pad in pads for amount in (pad // 2, pad - pad // 2)])


SILENT: dict[str, Callable[[], nn.Module]] = {
    "a shortcut of 1x1": lambda: nn.Conv2d(C, C, 1, 2),
    "patches": lambda: nn.Conv2d(C, C, 4, 4),
    "a kernel of 4": lambda: nn.Conv2d(C, C, 4, 2, 1),
    "no stride": lambda: nn.Conv2d(C, C, 3, padding="same"),
    "an even kernel that pads at one end": lambda: nn.Conv2d(C, C, 4, padding="same"),
    "padded as in TensorFlow": lambda: nn.Sequential(Lambda(same), nn.Conv2d(C, C, 3, 2)),
    "padded at the end": lambda: nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(C, C, 3, 2)),
    "padded at the end and by itself": lambda: nn.Sequential(
        nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(C, C, 3, 2, 1)
    ),
    "a pooling without padding": lambda: nn.MaxPool2d(2),
    "windows over the end": lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True),
    "values of the map": lambda: nn.Conv2d(C, C, 3, 2, 1, padding_mode="circular"),
    "pooled to a size": lambda: nn.AdaptiveAvgPool2d(7),
    "a transposed convolution": lambda: nn.ConvTranspose2d(C, C, 3, 2, 1),
    "nobody reads it": lambda: Lambda(lambda x: (F.max_pool2d(x, 3, 2, 1), x * 2)[1]),
}


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_said_of(name: str) -> None:
    assert said(SILENT[name](), (16, 16)) == ""


def test_rows_of_the_map_itself_are_said_by_rf203_alone() -> None:
    """A stride of 4 jumps over one row, and over 8 rows leaves the last two."""
    model, size = nn.Conv2d(C, C, 3, 4, 1), (8, 8)
    assert read_by(3, 4, 1, 1, 8) == (1, 5, 0)
    found = rflint.lint(model, input=(1, C, *size), select=["RF203", "RF510"]).findings
    assert [x.code for x in found] == ["RF203"]


def test_it_is_off_by_default() -> None:
    assert not [
        x for x in rflint.lint(stages(), input=(1, C, 32, 32)).findings if x.code == "RF510"
    ]


# -- networks of others


@pytest.mark.parametrize(
    ("name", "size", "sizes"),
    [
        ("resnet18", 224, [(193, 193), (225, 225)]),
        ("mobilenet_v3_small", 224, [(193, 193), (225, 225)]),
        ("densenet121", 224, [(221, 221), (253, 253)]),
        ("vgg16", 224, []),
        ("convnext_tiny", 224, []),
        ("inception_v3", 299, []),
    ],
)
def test_networks_at_their_own_size(name: str, size: int, sizes: list[tuple[int, ...]]) -> None:
    """Inception is even in every stage at its own size."""
    options = {"init_weights": False} if name == "inception_v3" else {}
    message = said(
        lambda: getattr(import_torchvision().models, name)(**options), (size, size), channels=3
    )
    assert suggested(message) == sizes
    assert bool(message) == bool(sizes)
