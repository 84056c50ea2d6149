"""Random chains and branches of operators that are followed position by position."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from tests.helpers.layers import AVG_POOL, CONV, MAX_POOL, NORM, TRANSPOSED, per_axis
from tests.helpers.modules import Lambda
from tests.helpers.positions import C


def window(places: tuple[slice, ...]) -> nn.Module:
    def taken(x: Tensor) -> Tensor:
        if not x[(..., *places)].numel():
            raise RuntimeError("nothing is left")
        return x[(..., *places)]

    return Lambda(taken, places)


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

    return Lambda(padded, amounts)


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
        return Lambda(lambda x: torch.cat([part.sigmoid() for part in x.chunk(2, 1)], 1))
    # not in place: a hook replaces what a module returns, while other branches read what it wrote
    return nn.ReLU() if one == "relu" else Lambda(lambda x: x * 2 + 1)


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


def runs_on(model: nn.Module, size: Sequence[int]) -> bool:
    try:
        with torch.no_grad():
            return 0 < model.double().eval()(torch.zeros(1, C, *size).double()).numel() < 2000
    except RuntimeError:
        return False
