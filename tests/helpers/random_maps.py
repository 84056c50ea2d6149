"""Random networks along one axis that keep a map: layers behind each other, some with a skip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

CHANNELS = 3


class Cut(nn.Module):
    """A slice."""

    def __init__(self, start: int, end: int, step: int) -> None:
        super().__init__()
        self.part = slice(start, -end or None, step)

    def forward(self, x: Tensor) -> Tensor:
        return x[..., self.part]


class Resize(nn.Module):
    def __init__(self, factor: float, mode: str) -> None:
        super().__init__()
        self.factor, self.mode = factor, mode

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=self.factor, mode=self.mode)


class Skip(nn.Module):
    """What goes around two layers that leave the map as large as it is."""

    def __init__(self, kernel: int, dilation: int) -> None:
        super().__init__()
        self.one = nn.Conv1d(CHANNELS, CHANNELS, kernel, padding="same", dilation=dilation)
        self.two = nn.Conv1d(CHANNELS, CHANNELS, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.two(F.relu(self.one(x)))) / 2


class Deep(nn.Module):
    """A level of a U-Net, whose skip is cropped, or padded, to what comes up."""

    def __init__(self, kernel: int, stride: int, padding: int) -> None:
        super().__init__()
        self.down = nn.Conv1d(CHANNELS, CHANNELS, kernel, stride, padding)
        self.up = nn.ConvTranspose1d(CHANNELS, CHANNELS, stride + 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        up = self.up(self.down(x))
        lost = x.shape[-1] - up.shape[-1]
        if lost < 0:
            return (x + up[..., -lost // 2 : -lost // 2 + x.shape[-1]]) / 2
        return (x[..., lost // 2 : lost // 2 + up.shape[-1]] + up) / 2


@dataclass(frozen=True)
class Spec:
    """A layer to build."""

    make: Any
    arguments: tuple[Any, ...]
    options: tuple[tuple[str, Any], ...] = ()

    def build(self) -> nn.Module:
        layer = self.make(*self.arguments, **dict(self.options))
        assert isinstance(layer, nn.Module)
        return layer


def built(specs: list[Spec]) -> nn.Module:
    first = nn.Conv1d(CHANNELS, CHANNELS, 1)
    return nn.Sequential(first, *(spec.build() for spec in specs))


def _spec(make: Any, *arguments: st.SearchStrategy[Any], **options: Any) -> Any:
    keys = sorted(options)
    return st.builds(
        lambda given, values: Spec(make, given, tuple(zip(keys, values, strict=True))),
        st.tuples(*arguments),
        st.tuples(*(options[key] for key in keys)),
    )


_WIDTH = st.just(CHANNELS)
_STRIDE = st.sampled_from([1, 1, 2, 3])


@st.composite
def _pooling(draw: st.DrawFn) -> Spec:
    kernel = draw(st.integers(2, 4))
    make = draw(st.sampled_from([nn.MaxPool1d, nn.AvgPool1d]))
    options = {"padding": draw(st.integers(0, kernel // 2)), "ceil_mode": draw(st.booleans())}
    return Spec(make, (kernel, draw(st.integers(1, kernel))), tuple(options.items()))


@st.composite
def _transposed(draw: st.DrawFn) -> Spec:
    stride = draw(st.integers(1, 2))
    kernel = draw(st.integers(stride, 4))  # each position gets something
    padding, extra = draw(st.integers(0, 2)), draw(st.integers(0, stride - 1))
    return Spec(nn.ConvTranspose1d, (CHANNELS, CHANNELS, kernel, stride, padding, extra))


_MODES = ("nearest", "linear", "nearest-exact")

LAYERS = st.one_of(
    _spec(
        nn.Conv1d,
        *(_WIDTH, _WIDTH, st.integers(1, 4), _STRIDE, st.integers(0, 3), st.integers(1, 2)),
        padding_mode=st.sampled_from(["zeros", "zeros", "reflect", "replicate"]),
    ),
    _pooling(),
    _transposed(),
    _spec(Resize, st.sampled_from([2.0, 1.5, 0.5, 3.0]), st.sampled_from(_MODES)),
    # by a part of a position, areas are other ones at every size: no tile is like the whole
    _spec(Resize, st.sampled_from([2.0, 3.0]), st.just("area")),
    _spec(Skip, st.integers(1, 4), st.integers(1, 3)),
    _spec(Deep, st.integers(2, 4), st.sampled_from([2, 3]), st.integers(0, 1)),
    _spec(nn.ConstantPad1d, st.tuples(st.integers(0, 3), st.integers(0, 3)), st.just(0.0)),
    _spec(nn.ReflectionPad1d, st.tuples(st.integers(0, 3), st.integers(0, 3))),
    _spec(Cut, st.integers(0, 2), st.integers(0, 2), st.sampled_from([1, 1, 2])),
)

NETWORKS = st.lists(LAYERS, min_size=1, max_size=4)
