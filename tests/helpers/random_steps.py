"""Steps of random programs: maps of 4 dimensions to maps, in the many ways that models spell them.

A step is drawn with its hyper-parameters and builds a module for a given number of channels, which
it keeps. Where operators leave positions in channels, or take them from there, or work on some of
the channels, there is a 1x1 convolution next to them: receptive fields are those of positions, and
what a single channel sees may be less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

Pair: TypeAlias = tuple[int, int]
Size: TypeAlias = tuple[int, int]
Number: TypeAlias = int | Fraction


@dataclass(frozen=True)
class Slack:
    """By how much what a position reads may begin and end elsewhere than a window says.

    In positions of the step's input, as (least, most). A window's start is nominal where it
    depends on the position: position p of a map that was upsampled by 2 reads position
    floor(p / 2), not p / 2.
    """

    first: tuple[Number, Number] = (0, 0)
    last: tuple[Number, Number] = (0, 0)


EXACT = Slack()


def rounded_down(parts: int) -> Slack:
    """Windows begin at multiples of 1 / parts, and what is read at the next integer below."""
    most = Fraction(parts - 1, parts)
    return Slack((-most, 0), (-most, 0))


def partition(window: int) -> Slack:
    """All positions of a window read the whole window, wherever in it they are."""
    return Slack((1 - window, 0), (1 - window, 0))


class StepModule(nn.Module):
    """A function with the modules that it needs, and what the probe has to know of it."""

    def __init__(
        self,
        function: Callable[..., Tensor],
        *modules: nn.Module,
        slack: tuple[Slack, Slack] = (EXACT, EXACT),
        wraps: bool = False,
        one_sided: bool = False,
        transposes: bool = False,
    ) -> None:
        super().__init__()
        self.function = function
        self.needed = nn.ModuleList(modules)
        self.slack = slack
        """For the last two dimensions of the step's input."""
        self.wraps = wraps
        """Positions at the border read what is on the other side, or mirrored."""
        self.one_sided = one_sided
        """It only reads what lies before a position, or what lies behind it."""
        self.transposes = transposes

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.needed)


Options: TypeAlias = "Callable[[Size], st.SearchStrategy[Any] | None]"
"""The values of an option, given the size of the map; None where the step cannot be."""


@dataclass(frozen=True)
class StepKind:
    """A way to write a step, and which hyper-parameters it has."""

    build: Callable[..., nn.Module]
    options: Mapping[str, Options]


KINDS: dict[str, StepKind] = {}


@dataclass(frozen=True)
class Step:
    """One step with its hyper-parameters; `around` says how its result is joined with its input."""

    kind: str
    options: tuple[tuple[str, Any], ...] = ()
    around: str = ""

    def __repr__(self) -> str:
        call = f"{self.kind}({', '.join(f'{name}={value}' for name, value in self.options)})"
        return f"{self.around}({call})" if self.around else call

    def build(self, channels: int) -> StepModule:
        """The step as a module."""
        build = KINDS[self.kind].build
        if not self.around:
            return build(channels, **dict(self.options))
        join, share = JOINS[self.around]
        body = build(channels // share, **dict(self.options))
        return StepModule(
            join,
            body,
            nn.Conv2d(channels, channels, 1),
            slack=body.slack,
            wraps=body.wraps,
            one_sided=body.one_sided,
        )


def step(**options: Options) -> Callable[[Callable[..., StepModule]], Callable[..., StepModule]]:
    """Enter a builder into the steps that programs are made of."""

    def register(build: Callable[..., StepModule]) -> Callable[..., StepModule]:
        KINDS[build.__name__] = StepKind(build, options)
        return build

    return register


# -- values of options


def one_of(*values: Any) -> Options:
    return lambda size: st.sampled_from(values)


def pair_of(*values: int) -> Options:
    return lambda size: st.tuples(st.sampled_from(values), st.sampled_from(values))


def dividing(*values: int) -> Options:
    """One of the values per axis, such that it divides the map, and not 1 twice."""

    def options(size: Size) -> st.SearchStrategy[Any] | None:
        pairs = [
            (a, b)
            for a in values
            for b in values
            if size[0] % a == 0 and size[1] % b == 0 and max(a, b) > 1
        ]
        return st.sampled_from(pairs) if pairs else None

    return options


def dividing_both(*values: int) -> Options:
    """A value that divides the map along both axes."""

    def options(size: Size) -> st.SearchStrategy[Any] | None:
        fitting = [n for n in values if size[0] % n == 0 and size[1] % n == 0]
        return st.sampled_from(fitting) if fitting else None

    return options


dims = one_of(2, 3)


# -- windows


def _groups(word: str, channels: int) -> int:
    return {"dense": 1, "halves": 2, "depthwise": channels}[word]


@step(
    kernel=pair_of(1, 2, 3, 3, 4),
    stride=pair_of(1, 1, 2),
    dilation=pair_of(1, 1, 2),
    pad=one_of("none", "half", "full"),
    groups=one_of("dense", "dense", "halves", "depthwise"),
)
def conv(c: int, kernel: Pair, stride: Pair, dilation: Pair, pad: str, groups: str) -> StepModule:
    share = {"none": 0, "half": 1, "full": 2}[pad]
    padding = tuple(d * (k - 1) * share // 2 for k, d in zip(kernel, dilation, strict=True))
    layer = nn.Conv2d(c, c, kernel, stride, padding, dilation, groups=_groups(groups, c))
    return StepModule(lambda x, f: torch.relu(f(x)), layer)


@step(kernel=pair_of(1, 2, 3, 4), dilation=pair_of(1, 2))
def same_conv(c: int, kernel: Pair, dilation: Pair) -> StepModule:
    return StepModule(lambda x, f: f(x), nn.Conv2d(c, c, kernel, dilation=dilation, padding="same"))


@step(kernel=pair_of(1, 3), mode=one_of("reflect", "circular", "replicate"))
def mirrored_conv(c: int, kernel: Pair, mode: str) -> StepModule:
    padding = (kernel[0] // 2, kernel[1] // 2)
    layer = nn.Conv2d(c, c, kernel, padding=padding, padding_mode=mode)
    return StepModule(lambda x, f: f(x), layer, wraps=True)


@step(kernel=pair_of(2, 3, 4), stride=pair_of(1, 2), padding=pair_of(0, 1))
def transposed_conv(c: int, kernel: Pair, stride: Pair, padding: Pair) -> StepModule:
    layer = nn.ConvTranspose2d(c, c, kernel, stride, padding)
    most = [Fraction(s - 1, s) for s in stride]
    slack = [Slack((-m, 2 * m), (-m, m)) for m in most]
    return StepModule(lambda x, f: f(x), layer, slack=(slack[0], slack[1]))


@step(dim=dims, kernel=one_of(3, 5))
def axial_conv(c: int, dim: int, kernel: int) -> StepModule:
    """A 1-d convolution on rows or columns that lie in the batch."""

    def forward(x: Tensor, f: nn.Module) -> Tensor:
        b, c, h, w = x.shape
        if dim == 3:
            rows = x.permute(0, 2, 1, 3).reshape(b * h, c, w)
            return f(rows).view(b, h, c, w).permute(0, 2, 1, 3)
        columns = x.permute(0, 3, 1, 2).flatten(0, 1)
        return f(columns).unflatten(0, (b, w)).permute(0, 2, 3, 1)

    return StepModule(forward, nn.Conv1d(c, c, kernel, padding=kernel // 2))


@step(kernel=one_of(2, 3))
def rows_in_channels(c: int, kernel: int) -> StepModule:
    """Pooling along rows, of which all channels and rows lie side by side in one dimension."""

    def forward(x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        return F.avg_pool1d(x.reshape(b, c * h, w), kernel, 1).view(b, c, h, -1)

    return StepModule(forward)


@step(kernel=pair_of(1, 3))
def channels_in_batch(c: int, kernel: Pair) -> StepModule:
    def forward(x: Tensor, f: nn.Module) -> Tensor:
        b, c, h, w = x.shape
        return f(x.reshape(b * c, 1, h, w)).view(b, c, h, w)

    return StepModule(forward, nn.Conv2d(1, 1, kernel, padding=(kernel[0] // 2, kernel[1] // 2)))


@step(kernel=pair_of(1, 2, 3), stride=pair_of(1, 2), pad=one_of(False, True), ceil=one_of(0, 1))
def max_pool(c: int, kernel: Pair, stride: Pair, pad: bool, ceil: int) -> StepModule:
    padding = (kernel[0] // 2, kernel[1] // 2) if pad else (0, 0)
    return StepModule(
        lambda x, f: f(x), nn.MaxPool2d(kernel, stride, padding, ceil_mode=bool(ceil))
    )


@step(kernel=pair_of(1, 2, 3), stride=pair_of(1, 2), pad=one_of(False, True), ceil=one_of(0, 1))
def avg_pool(c: int, kernel: Pair, stride: Pair, pad: bool, ceil: int) -> StepModule:
    padding = (kernel[0] // 2, kernel[1] // 2) if pad else (0, 0)
    return StepModule(
        lambda x, f: f(x), nn.AvgPool2d(kernel, stride, padding, ceil_mode=bool(ceil))
    )


@step(kernel=pair_of(1, 2, 3), stride=pair_of(1, 2), ceil=one_of(False, True))
def lp_pool(c: int, kernel: Pair, stride: Pair, ceil: bool) -> StepModule:
    return StepModule(lambda x: F.lp_pool2d(x, 2, kernel, stride, ceil_mode=ceil))


@step(factor=dividing(1, 2, 3), largest=one_of(False, True))
def adaptive_pool(c: int, factor: Pair, largest: bool) -> StepModule:
    pool = F.adaptive_max_pool2d if largest else F.adaptive_avg_pool2d
    return StepModule(lambda x: pool(x, (x.shape[2] // factor[0], x.shape[3] // factor[1])))


@step(kernel=pair_of(1, 2, 3), stride=pair_of(1, 2), padding=one_of(0, 1))
def unfold(c: int, kernel: Pair, stride: Pair, padding: int) -> StepModule:
    """im2col, a linear layer over the patches, and a map again: a convolution, spelled out."""
    linear = nn.Linear(c * kernel[0] * kernel[1], c)

    def forward(x: Tensor, f: nn.Module) -> Tensor:
        h, w = (
            (n + 2 * padding - k) // s + 1
            for n, k, s in zip(x.shape[2:], kernel, stride, strict=True)
        )
        columns = F.unfold(x, kernel, padding=padding, stride=stride)
        return f(columns.transpose(1, 2)).transpose(1, 2).reshape(x.shape[0], -1, h, w)

    return StepModule(forward, linear)


@step(dim=dims, size=one_of(2, 3), step=one_of(1, 2))
def sliding(c: int, dim: int, size: int, step: int) -> StepModule:
    """Tensor.unfold, and a linear layer over every window."""
    linear = nn.Linear(size, 1)
    return StepModule(lambda x, f: f(x.unfold(dim, size, step)).squeeze(-1), linear)


@step(dim=dims)
def differences(c: int, dim: int) -> StepModule:
    return StepModule(lambda x: x.diff(dim=dim))


# -- pads, crops and strides


@step(pads=lambda size: st.tuples(*[st.integers(-2, 2)] * 4), mode=one_of("constant", "zero"))
def pad(c: int, pads: tuple[int, ...], mode: str) -> StepModule:
    if mode == "zero":
        return StepModule(lambda x, f: f(x), nn.ZeroPad2d(pads))
    return StepModule(lambda x: F.pad(x, pads))


@step(start=pair_of(0, 1, 3), step=pair_of(1, 2))
def strided_slice(c: int, start: Pair, step: Pair) -> StepModule:
    return StepModule(lambda x: x[:, :, start[0] :: step[0], start[1] :: step[1]])


@step(crop=pair_of(0, 1, 2))
def crop(c: int, crop: Pair) -> StepModule:
    a, b = crop
    return StepModule(lambda x: x[..., a : x.shape[2] - a, b : x.shape[3] - b])


@step(start=one_of(0, 2), dim=dims)
def narrowed(c: int, start: int, dim: int) -> StepModule:
    return StepModule(lambda x: x.narrow(dim, start, x.shape[dim] - start - 1))


@step(shifts=pair_of(-2, 0, 1))
def roll(c: int, shifts: Pair) -> StepModule:
    """What comes in on the other side is cut off."""
    return StepModule(lambda x: x.roll(shifts, (2, 3))[:, :, 2:-2, 2:-2])


# -- resampling


@step(factor=pair_of(1, 2, 3), exact=one_of(False, True))
def nearest(c: int, factor: Pair, exact: bool) -> StepModule:
    mode = "nearest-exact" if exact else "nearest"
    layer = nn.Upsample(scale_factor=tuple(map(float, factor)), mode=mode)
    return StepModule(
        lambda x, f: f(x), layer, slack=(rounded_down(factor[0]), rounded_down(factor[1]))
    )


@step(factor=pair_of(1, 2, 3))
def bilinear(c: int, factor: Pair) -> StepModule:
    def forward(x: Tensor) -> Tensor:
        size = (x.shape[2] * factor[0], x.shape[3] * factor[1])
        return F.interpolate(x, size, mode="bilinear")

    # what lies between two positions reads both; clamped at the border
    slack = [rounded_down(2 * n) if n > 1 else EXACT for n in factor]
    return StepModule(forward, slack=(slack[0], slack[1]), wraps=True)


@step(times=one_of(2, 3), dim=dims)
def repeated(c: int, times: int, dim: int) -> StepModule:
    slack = [rounded_down(times) if d == dim else EXACT for d in (2, 3)]
    return StepModule(lambda x: x.repeat_interleave(times, dim), slack=(slack[0], slack[1]))


@step(factor=one_of(2))
def pixel_shuffle(c: int, factor: int) -> StepModule:
    slack = rounded_down(factor)
    return StepModule(
        lambda x, f, g: g(f(x)),
        nn.Conv2d(c, c * factor**2, 1),
        nn.PixelShuffle(factor),
        slack=(slack, slack),
    )


@step(factor=pair_of(1, 2, 3))
def depth_to_space(c: int, factor: Pair) -> StepModule:
    r, s = factor

    def forward(x: Tensor, f: nn.Module) -> Tensor:
        b, c, h, w = x.shape
        x = f(x).view(b, c, r, s, h, w)
        return x.permute(0, 1, 4, 2, 5, 3).reshape(b, c, h * r, w * s)

    return StepModule(forward, nn.Conv2d(c, c * r * s, 1), slack=(rounded_down(r), rounded_down(s)))


@step(factor=dividing_both(2, 3))
def pixel_unshuffle(c: int, factor: int) -> StepModule:
    return StepModule(
        lambda x, f, g: g(f(x)), nn.PixelUnshuffle(factor), nn.Conv2d(c * factor**2, c, 1)
    )


@step(factor=dividing(1, 2, 3), last=one_of(False, True))
def space_to_depth(c: int, factor: Pair, last: bool) -> StepModule:
    r, s = factor
    mix: nn.Module = nn.Linear(c * r * s, c) if last else nn.Conv2d(c * r * s, c, 1)

    def forward(x: Tensor, f: nn.Module) -> Tensor:
        b, c, h, w = x.shape
        x = x.view(b, c, h // r, r, w // s, s)
        if last:
            x = x.permute(0, 2, 4, 1, 3, 5).flatten(3)
            return f(x).permute(0, 3, 1, 2)
        return f(x.permute(0, 1, 3, 5, 2, 4).reshape(b, c * r * s, h // r, w // s))

    return StepModule(forward, mix)


@step(factor=dividing_both(2))
def merged_slices(c: int, factor: int) -> StepModule:
    """Four strided slices side by side, as in Swin's patch merging."""

    def forward(x: Tensor, f: nn.Module) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        parts = [x[:, a::2, b::2] for a in (0, 1) for b in (0, 1)]
        return f(torch.cat(parts, -1)).permute(0, 3, 1, 2)

    return StepModule(forward, nn.Linear(4 * c, c))


@step(window=dividing(2, 3))
def fold(c: int, window: Pair) -> StepModule:
    """Patches that do not overlap, mixed and put together again."""
    size = c * window[0] * window[1]

    def forward(x: Tensor, f: nn.Module) -> Tensor:
        patches = f(F.unfold(x, window, stride=window))
        return F.fold(patches, x.shape[2:], window, stride=window)

    slack = (partition(window[0]), partition(window[1]))
    return StepModule(forward, nn.Conv1d(size, size, 1), slack=slack)


@step(dim=dims)
def interleaved(c: int, dim: int) -> StepModule:
    """A buffer that is filled with two things in turn."""

    def forward(x: Tensor, f: nn.Module) -> Tensor:
        shape = list(x.shape)
        shape[dim] *= 2
        out = x.new_zeros(shape)
        before = (slice(None),) * dim
        out[(*before, slice(0, None, 2))] = x
        out[(*before, slice(1, None, 2))] = f(x)
        return out

    half = Fraction(1, 2)
    either = Slack((0, half), (-half, 0))
    slack = [either if d == dim else EXACT for d in (2, 3)]
    return StepModule(forward, nn.Conv2d(c, c, 1), slack=(slack[0], slack[1]))


# -- pointwise


@step()
def channels_last(c: int) -> StepModule:
    def forward(x: Tensor, norm: nn.Module, linear: nn.Module) -> Tensor:
        return F.gelu(linear(norm(x.permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)

    return StepModule(forward, nn.LayerNorm(c), nn.Linear(c, c))


@step(spelling=lambda size: st.sampled_from(sorted(_SPELLINGS)))
def pointwise(c: int, spelling: str) -> StepModule:
    return StepModule(_SPELLINGS[spelling], nn.Linear(c, c), nn.Conv1d(c, c, 1), nn.BatchNorm2d(c))


def _einsum(x: Tensor, linear: nn.Linear, *_: nn.Module) -> Tensor:
    return torch.einsum("bchw,dc->bdhw", x, linear.weight)


def _matmul(x: Tensor, linear: nn.Linear, *_: nn.Module) -> Tensor:
    return (linear.weight @ x.flatten(2)).view(x.shape)


def _conv1d(x: Tensor, linear: nn.Linear, conv: nn.Module, _: nn.Module) -> Tensor:
    b, c, h, w = x.shape
    return conv(x.reshape(b, c, -1)).view(b, c, h, w)


def _class_token(x: Tensor, linear: nn.Linear, *_: nn.Module) -> Tensor:
    b, c, h, w = x.shape
    tokens = x.flatten(2).transpose(1, 2)
    tokens = torch.cat([linear.bias.expand(b, 1, -1), tokens], 1)
    return linear(tokens)[:, 1:].transpose(1, 2).reshape(b, c, h, w)


def _flat(x: Tensor, *_: nn.Module) -> Tensor:
    return torch.tanh(x.flatten(1)).unflatten(1, x.shape[1:])


def _shuffled(x: Tensor, *_: nn.Module) -> Tensor:
    b, c, h, w = x.shape
    return x.view(b, 2, c // 2, h, w).transpose(1, 2).reshape(b, c, h, w)


def _norm(x: Tensor, linear: nn.Module, conv: nn.Module, norm: nn.Module) -> Tensor:
    return norm(x)


def _joined(x: Tensor, *_: nn.Module) -> Tensor:
    a, b = x.chunk(2, 1)
    return torch.stack([a, F.silu(b)], 2).flatten(1, 2)


_SPELLINGS: dict[str, Callable[..., Tensor]] = {
    "einsum": _einsum,
    "matmul": _matmul,
    "conv1d": _conv1d,
    "class token": _class_token,
    "flat": _flat,
    "shuffled": _shuffled,
    "norm": _norm,
    "joined": _joined,
}


@step()
def transposed(c: int) -> StepModule:
    return StepModule(lambda x: x.transpose(2, 3), transposes=True)


# -- windows of a partition


def _to_windows(x: Tensor, window: Pair) -> Tensor:
    """(batch and windows, positions in a window, channels)."""
    b, c, h, w = x.shape
    m, n = window
    x = x.view(b, c, h // m, m, w // n, n)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(-1, m * n, c)


def _from_windows(x: Tensor, window: Pair, size: tuple[int, ...]) -> Tensor:
    b, c, h, w = size
    m, n = window
    x = x.view(b, h // m, w // n, m, n, c)
    return x.permute(0, 5, 1, 3, 2, 4).reshape(b, c, h, w)


def _partitions(window: Pair) -> tuple[Slack, Slack]:
    return partition(window[0]), partition(window[1])


@step(window=dividing(1, 2, 3, 4))
def windowed_linear(c: int, window: Pair) -> StepModule:
    """Pointwise, wherever the positions lie meanwhile."""
    return StepModule(
        lambda x, f: _from_windows(f(_to_windows(x, window)), window, x.shape), nn.Linear(c, c)
    )


@step(window=dividing(1, 2, 3))
def windowed_mean(c: int, window: Pair) -> StepModule:
    m, n = window

    def forward(x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        means = _to_windows(x, window).mean(1)
        return means.view(b, h // m, w // n, c).permute(0, 3, 1, 2)

    return StepModule(forward)


@step(window=dividing(1, 2, 3, 4), fused=one_of(False, True))
def windowed_attention(c: int, window: Pair, fused: bool) -> StepModule:
    def forward(x: Tensor, f: nn.Module) -> Tensor:
        q, k, v = f(_to_windows(x, window)).chunk(3, -1)
        return _from_windows(_attended(q, k, v, fused), window, x.shape)

    return StepModule(forward, nn.Linear(c, 3 * c), slack=_partitions(window))


@step(window=dividing(2, 3, 4))
def shifted_attention(c: int, window: Pair) -> StepModule:
    """As in Swin, with several heads."""

    def forward(x: Tensor, f: nn.Module) -> Tensor:
        shifts = (window[0] // 2, window[1] // 2)
        x = x.roll((-shifts[0], -shifts[1]), (2, 3))
        tokens = _to_windows(x, window)
        n, t, c = tokens.shape
        qkv = f(tokens).reshape(n, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        mixed = _attended(q, k, v, False).transpose(1, 2).reshape(n, t, c)
        return _from_windows(mixed, window, x.shape).roll(shifts, (2, 3))

    return StepModule(forward, nn.Linear(c, 3 * c), slack=_partitions(window), wraps=True)


def _attended(q: Tensor, k: Tensor, v: Tensor, fused: bool) -> Tensor:
    if fused:
        return F.scaled_dot_product_attention(q, k, v)
    return torch.softmax(q @ k.transpose(-2, -1), -1) @ v


@step(window=dividing(1, 2, 3))
def windowed_einsum(c: int, window: Pair) -> StepModule:
    """A weighted sum over every window."""
    m, n = window

    def forward(x: Tensor, f: nn.Linear) -> Tensor:
        b, c, h, w = x.shape
        return torch.einsum("bcimjn,mn->bcij", x.view(b, c, h // m, m, w // n, n), f.weight)

    return StepModule(forward, nn.Linear(n, m))


@step(window=dividing(1, 2, 3))
def windowed_mixing(c: int, window: Pair) -> StepModule:
    """The positions of a window mixed by a linear layer, as in an MLP-Mixer on windows."""
    size = window[0] * window[1]

    def forward(x: Tensor, f: nn.Module) -> Tensor:
        mixed = f(_to_windows(x, window).transpose(1, 2)).transpose(1, 2)
        return _from_windows(mixed, window, x.shape)

    return StepModule(forward, nn.Linear(size, size), slack=_partitions(window))


@step(window=dividing(1, 2, 3))
def windowed_extremes(c: int, window: Pair) -> StepModule:
    """The largest value of a window, where all of its positions were."""
    m, n = window

    def forward(x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        x = x.view(b, c, h // m, m, w // n, n)
        return (x - x.amax((3, 5), keepdim=True)).view(b, c, h, w)

    return StepModule(forward, slack=_partitions(window))


# -- everything along an axis


@step(dim=dims)
def cumulative(c: int, dim: int) -> StepModule:
    return StepModule(lambda x: x.cumsum(dim), one_sided=True)


@step(dim=dims)
def softmax(c: int, dim: int) -> StepModule:
    return StepModule(lambda x: x.softmax(dim))


@step(dim=dims)
def axis_mean(c: int, dim: int) -> StepModule:
    return StepModule(lambda x: x - x.mean(dim, keepdim=True))


@step(dim=dims)
def fourier(c: int, dim: int) -> StepModule:
    def forward(x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x, dim=dim)
        return torch.fft.irfft(spectrum * 0.5, n=x.shape[dim], dim=dim)

    return StepModule(forward)


@step(dim=dims)
def axial_attention(c: int, dim: int) -> StepModule:
    def forward(x: Tensor, f: nn.Module) -> Tensor:
        order = (0, 2, 3, 1) if dim == 3 else (0, 3, 2, 1)
        rows = x.permute(order)
        q, k, v = f(rows).chunk(3, -1)
        back = (0, 3, 1, 2) if dim == 3 else (0, 3, 2, 1)
        return _attended(q, k, v, False).permute(back)

    return StepModule(forward, nn.Linear(c, 3 * c))


@step(fused=lambda size: st.booleans() if size[0] * size[1] <= 400 else None)
def attention(c: int, fused: bool) -> StepModule:
    """Between all positions; only of small maps, since it costs the square of them."""

    def forward(x: Tensor, f: nn.Module) -> Tensor:
        q, k, v = f(x.flatten(2).transpose(1, 2)).chunk(3, -1)
        return _attended(q, k, v, fused).transpose(1, 2).reshape(x.shape)

    return StepModule(forward, nn.Linear(c, 3 * c))


# -- around a step that keeps the size


def _residual(x: Tensor, body: nn.Module, mix: nn.Module) -> Tensor:
    return x + body(x)


def _half(x: Tensor, body: nn.Module, mix: nn.Module) -> Tensor:
    a, b = x.chunk(2, 1)
    return mix(torch.cat([body(a), b], 1))


def _written(x: Tensor, body: nn.Module, mix: nn.Module) -> Tensor:
    y = x.clone()
    y[:, : x.shape[1] // 2] = body(x[:, : x.shape[1] // 2])
    return mix(y)


def _stacked(x: Tensor, body: nn.Module, mix: nn.Module) -> Tensor:
    a, b = torch.stack([body(x), x], 2).unbind(2)
    return torch.stack([a, b], -1).mean(-1)


JOINS: dict[str, tuple[Callable[..., Tensor], int]] = {
    "residual": (_residual, 1),
    "half": (_half, 2),
    "written": (_written, 2),
    "stacked": (_stacked, 1),
}
"""Ways to join a step's result with its input, and the share of the channels that it works on."""
