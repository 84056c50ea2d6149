"""The sizes that an error names, held against the model run at every size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import rflint
from rflint.errors import RflintError
from rflint.usecases.running_sizes import say

Size = tuple[int, ...]

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
POOLINGS = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
MIRRORS = {1: nn.ReflectionPad1d, 2: nn.ReflectionPad2d, 3: nn.ReflectionPad3d}


@pytest.fixture(autouse=True, scope="module")
def there_is_time() -> Iterator[None]:
    """Also on a busy machine."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(say, "_SECONDS", 120.0)
        yield


class UNet(nn.Module):
    """Down by pooling, up by transposed convolutions or by interpolation, with skips."""

    def __init__(self, axes: int, depth: int, interpolates: bool, padding: int) -> None:
        super().__init__()
        convolution = CONVOLUTIONS[axes]
        self.first = convolution(1, 2, 3, padding=padding)
        self.down = nn.ModuleList(convolution(2, 2, 3, padding=1) for _ in range(depth))
        self.pool = POOLINGS[axes](2)
        self.up = nn.ModuleList(
            nn.Upsample(scale_factor=2) if interpolates else TRANSPOSED[axes](2, 2, 2, 2)
            for _ in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        kept = []
        for block in self.down:
            kept.append(x)
            x = block(self.pool(x))
        for up in self.up:
            x = up(x) + 2 * kept.pop()
        return x


class Body(nn.Module):
    """Convolutions, and code behind them."""

    def __init__(self, body: nn.Module, code: Callable[[Any, Tensor], Any], **own: Any) -> None:
        super().__init__()
        self.body = body
        self.code = code
        for name, value in own.items():
            setattr(self, name, value)

    def forward(self, x: Tensor) -> Any:
        return self.code(self, self.body(x))


def flattened(net: Any, x: Tensor) -> Any:
    return net.head(torch.flatten(x, 1))


def with_table(net: Any, x: Tensor) -> Any:
    return net.norm(x.flatten(2).transpose(1, 2) + net.table)


def with_table_of_a_known_size(net: Any, x: Tensor) -> Any:
    assert tuple(x.shape[2:]) == net.grid, "wrong size of the image"
    return with_table(net, x)


def windowed(net: Any, x: Tensor) -> Any:
    for dim in range(2, x.dim()):
        assert x.shape[dim] % net.window == 0, "the map has to be divisible by the window's size"
        x = x.unflatten(dim, (-1, net.window)).mean(dim + 1)
    return x


def shaped(net: Any, x: Tensor) -> Any:
    return x.reshape(len(x), -1, net.window)


def cut(net: Any, x: Tensor) -> Any:
    """Windows by a view: what is left over has no place in it."""
    sizes = [n for size in x.shape[2:] for n in (size // net.window, net.window)]
    return x.view(*x.shape[:2], *sizes)


def branched(net: Any, x: Tensor) -> Any:
    return net.left(x) + 2 * net.right(x)


@st.composite
def stacks(draw: st.DrawFn, axes: int) -> nn.Sequential:
    """Convolutions and poolings, most of them without padding."""
    layers: list[nn.Module] = []
    for number in range(draw(st.integers(1, 3))):
        kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        if number and draw(st.booleans()):
            layers.append(POOLINGS[axes](kernel, stride))
        else:
            padding = draw(st.integers(0, kernel // 2))
            layers.append(CONVOLUTIONS[axes](1 if not number else 2, 2, kernel, stride, padding))
    return nn.Sequential(*layers)


KINDS = (
    "unet",
    "stack",
    "mirror",
    "lazy",
    "branches",
    "window",
    "view",
    "cut",
    "head",
    "table",
    "grid",
)
CODE = {"window": windowed, "view": shaped, "cut": cut}


@st.composite
def networks(draw: st.DrawFn, axes: int, most: int) -> nn.Module:
    """A network that does not run at every size."""
    kind = draw(st.sampled_from(KINDS))
    if kind == "unet":
        return UNet(axes, draw(st.integers(1, 3)), draw(st.booleans()), draw(st.integers(0, 1)))
    body = draw(stacks(axes))
    if kind == "stack":
        return nn.Sequential(body, CONVOLUTIONS[axes](2, 1, draw(st.integers(2, 5))))
    if kind == "mirror":
        pads = [draw(st.integers(0, 6)) for _ in range(2)] * axes
        return nn.Sequential(MIRRORS[axes](tuple(pads)), body)
    if kind == "lazy":
        return nn.Sequential(body, POOLINGS[axes](2), nn.Flatten(), nn.LazyLinear(3))
    if kind == "branches":
        convolution, stride = CONVOLUTIONS[axes], draw(st.integers(1, 3))
        left = convolution(2, 2, draw(st.integers(1, 4)), stride)
        right = convolution(2, 2, draw(st.integers(1, 4)), stride, 1)
        return Body(body, branched, left=left, right=right)
    if kind in CODE:
        return Body(body, CODE[kind], window=draw(st.integers(2, 5)))
    length = draw(st.integers(1, most))
    grid = after(body, (length,) * axes)
    assume(grid is not None)
    assert grid is not None
    positions = torch.Size(grid).numel()
    if kind == "head":
        return Body(body, flattened, head=nn.Linear(2 * positions, 3))
    table = nn.Parameter(torch.zeros(1, positions, 2))
    code = with_table if kind == "table" else with_table_of_a_known_size
    return Body(body, code, table=table, norm=nn.LayerNorm(2), grid=grid)


def after(body: nn.Module, size: Size) -> Size | None:
    try:
        return tuple(body(torch.zeros(1, 1, *size)).shape[2:])
    except RuntimeError:
        return None


def hint_at(model: nn.Module, size: Size, by_shape: bool) -> str | None:
    """The hint of the error; None where the model runs, maybe on something else than an image."""
    asked = {"input": (1, 1, *size)} if by_shape else {"res": size[:1] if is_even(size) else size}
    try:
        rflint.lint(model, **asked)  # type: ignore[arg-type]
    except RflintError as error:
        return error.hint
    return None


def proposed(hint: str, axes: int) -> list[Size]:
    """The sizes that one can copy."""
    found = re.findall(r"res=(\d+|\([\d, ]+\))", hint)
    sizes = [tuple(map(int, re.findall(r"\d+", text))) for text in found]
    shapes = re.findall(r"input=\(1, 1, ([\d, ]+)\)", hint)
    return [
        *(size * axes if len(size) == 1 else size for size in sizes),
        *(tuple(map(int, shape.split(", "))) for shape in shapes),
    ]


def smallest_in(hint: str) -> list[Size]:
    shapes = re.findall(r"the smallest is 1x1x([\dx]+\d)", hint)
    return [tuple(map(int, text.split("x"))) for text in shapes]


def between(a: Size, b: Size) -> Iterator[Size]:
    """All sizes from one to another, without those two, and without those of no length."""
    ranges = (range(max(1, min(x, y)), max(x, y) + 1) for x, y in zip(a, b, strict=True))
    return (size for size in product(*ranges) if size not in (a, b))


def check(model: nn.Module, asked: Size, by_shape: bool) -> None:
    """Hold what the hint says against runs. Of squares, squares are searched."""
    model.eval()
    axes = len(asked)

    @cache
    def runs(size: Size) -> bool:
        try:
            with torch.no_grad():
                # a copy, since it makes lazy weights
                deepcopy(model)(torch.zeros(1, 1, *size))
        except (RuntimeError, AssertionError):
            return False
        return True

    def some_run(sizes: Iterator[Size]) -> bool:
        return any(runs(size) for size in sizes if not is_even(asked) or is_even(size))

    assume(not runs(asked))
    hint = hint_at(model, asked, by_shape)
    assume(by_shape or (hint is not None and "runs on 1x" not in hint.replace("1x1x", "")))
    assert hint is not None
    found = proposed(hint, axes)
    assert all(runs(size) for size in found), hint
    nothing, most = (0,) * axes, tuple(2 * n + 1 for n in asked)
    below = [x for x in found if all(a <= b for a, b in zip(x, asked, strict=True))]
    above = [x for x in found if all(a >= b for a, b in zip(x, asked, strict=True))]
    if "not all tried" in hint:
        assert not is_even(asked)
        return
    for size in below + above:
        assert not some_run(between(size, asked)), hint
    if is_even(asked):
        assert below or not some_run(between(nothing, asked)), hint
        assert above or not some_run(between(asked, most)), hint
    for size in smallest_in(hint) + (above if "the smallest size" in hint else []):
        assert runs(size), hint
        assert not some_run(between(nothing, size)), hint
    if "on no other" in hint:
        assert not some_run(x for x in between(nothing, (60,) * axes) if x not in found), hint


def is_even(size: Size) -> bool:
    return len(set(size)) == 1


@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_lengths(data: st.DataObject) -> None:
    model = data.draw(networks(1, 40))
    check(model, (data.draw(st.integers(1, 40)),), data.draw(st.booleans()))


@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_squares(data: st.DataObject) -> None:
    model = data.draw(networks(2, 30))
    check(model, (data.draw(st.integers(1, 30)),) * 2, data.draw(st.booleans()))


@given(data=st.data())
@settings(deadline=None, max_examples=20)
def test_rectangles(data: st.DataObject) -> None:
    model = data.draw(networks(2, 16))
    asked = data.draw(st.tuples(st.integers(1, 16), st.integers(1, 16)))
    assume(not is_even(asked))
    check(model, asked, data.draw(st.booleans()))


@given(data=st.data())
@settings(deadline=None, max_examples=8)
def test_cubes(data: st.DataObject) -> None:
    model = data.draw(networks(3, 10))
    check(model, (data.draw(st.integers(1, 10)),) * 3, data.draw(st.booleans()))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_model_that_runs_nowhere_is_given_no_size(axes: int) -> None:
    def fails(net: Any, x: Tensor) -> Any:
        raise ValueError("this size is not supported")

    model = Body(CONVOLUTIONS[axes](1, 2, 3), fails)
    assert not proposed(hint_at(model, (8,) * axes, False) or "", axes)
