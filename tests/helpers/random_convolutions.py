"""Random hyper-parameters of convolutions, and inputs for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor


def one_or_per_axis(axes: int, low: int, high: int) -> st.SearchStrategy[Any]:
    """One number for all axes, or one for each."""
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(*[number] * axes))


@dataclass(frozen=True)
class Case:
    """Drawn hyper-parameters and an input."""

    axes: int
    shape: tuple[int, ...]
    options: dict[str, Any]

    @property
    def input(self) -> Tensor:
        return torch.rand(self.shape)


@st.composite
def shapes(draw: st.DrawFn, axes: int, channels: int, low: int = 1, high: int = 9) -> Any:
    batch = draw(st.sampled_from([(1,), (2,), ()]))
    size = draw(st.tuples(*[st.integers(low, high)] * axes))
    return (*batch, channels, *size)


@st.composite
def convolutions(draw: st.DrawFn) -> Case:
    axes = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    channels = draw(st.sampled_from([4, 4, 4, 4, 4, 3]))
    options = {
        "kernel_size": draw(one_or_per_axis(axes, 1, 4)),
        "stride": draw(one_or_per_axis(axes, 1, 3)),
        "padding": draw(st.one_of(one_or_per_axis(axes, 0, 3), st.sampled_from(["same", "valid"]))),
        "dilation": draw(one_or_per_axis(axes, 1, 3)),
        "groups": groups,
    }
    if options["padding"] == "same":
        options["stride"] = 1
    return Case(axes, draw(shapes(axes, channels)), options)


@st.composite
def transposed_convolutions(draw: st.DrawFn) -> Case:
    axes = draw(st.integers(1, 3))
    stride, dilation = draw(st.integers(1, 3)), draw(one_or_per_axis(axes, 1, 3))
    options = {
        "stride": stride,
        "padding": draw(one_or_per_axis(axes, 0, 3)),
        "output_padding": draw(one_or_per_axis(axes, 0, stride - 1)),
        "groups": draw(st.sampled_from([1, 2, 4])),
        "dilation": dilation,
    }
    options["kernel_size"] = draw(one_or_per_axis(axes, 1, 4))
    return Case(axes, draw(shapes(axes, 4, high=6)), options)
