"""RF104 against running networks: random ones that resize, roll, unfold and fill buffers.

The rule says that no unit of the output sees the whole input. A NaN in one row after another, and
in one column after another, shows which units see them all: where there is one, the rule is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import rflint

Maker: TypeAlias = Callable[[], nn.Module]


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Residual(nn.Module):
    """What a part makes, added to what it gets."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = x + self.part(x)
        return added


def recurrent(x: Tensor) -> Tensor:
    state, states = torch.zeros(()), []
    for row in x.unbind(2):
        state = torch.tanh(row + state)
        states.append(state)
    return torch.stack(states, 2)


def filled(apart: int) -> Callable[[Tensor], Tensor]:
    def forward(x: Tensor) -> Tensor:
        made = torch.zeros_like(x)
        for row in range(apart, x.shape[2]):
            made[:, :, row] = x[:, :, row - apart] + x[:, :, row]
        return made

    return forward


class Windows(nn.Module):
    """All positions of a window mixed, each window on its own."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.mix = size, nn.Linear(size * size, size * size)

    def forward(self, x: Tensor) -> Tensor:
        (b, c, h, w), m = x.shape, self.size
        x = x.view(b, c, h // m, m, w // m, m).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, m * m)
        x = self.mix(x).view(b, h // m, w // m, c, m, m)
        return x.permute(0, 3, 1, 4, 2, 5).reshape(b, c, h, w)


class Folded(nn.Module):
    """Windows side by side in the channels, mixed or not, and put back."""

    def __init__(self, kernel: int, stride: int, mixed: bool) -> None:
        super().__init__()
        self.options = {"padding": kernel // 2, "stride": stride}
        self.kernel = kernel
        self.mix = nn.Conv1d(kernel * kernel, kernel * kernel, 1) if mixed else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        columns = self.mix(F.unfold(x, self.kernel, **self.options))
        return F.fold(columns, x.shape[2:], self.kernel, **self.options)


def rolled(shifts: tuple[int, int]) -> nn.Module:
    return Residual(Function(lambda x: x.roll(shifts, (2, 3))))


_number = st.integers(1, 3)
_modes = st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic", "area"])

PARTS: st.SearchStrategy[nn.Module] = st.one_of(
    st.builds(lambda k, s: nn.Conv2d(1, 1, k, s, k // 2), st.integers(1, 4), _number),
    st.builds(lambda k, d: nn.Conv2d(1, 1, k, dilation=d, padding=1), _number, _number),
    st.builds(
        lambda k, s, d: nn.ConvTranspose2d(1, 1, k, s, 1, dilation=d), _number, _number, _number
    ),
    st.builds(
        lambda f, m: nn.Upsample(scale_factor=f, mode=m), st.sampled_from([2, 3, 1.3, 1.5]), _modes
    ),
    st.builds(lambda n, m: nn.Upsample(size=(n, n), mode=m), st.integers(3, 20), _modes),
    st.builds(lambda n: nn.AdaptiveAvgPool2d((n, n)), st.integers(3, 9)),
    st.builds(lambda r: nn.Sequential(nn.Conv2d(1, r * r, 1), nn.PixelShuffle(r)), _number),
    st.builds(lambda n: Function(lambda x: x.repeat_interleave(n, 2)), _number),
    st.builds(rolled, st.tuples(st.integers(-3, 3), st.integers(-3, 3))),
    st.builds(lambda n: Function(filled(n)), _number),
    st.builds(lambda: Function(recurrent)),
    st.builds(Windows, st.integers(2, 4)),
    st.builds(Folded, st.integers(2, 5), st.integers(1, 2), st.booleans()),
    st.builds(lambda: Residual(Function(lambda x: x.flip(2)))),
)


def sees_all(model: nn.Module, size: Sequence[int]) -> list[bool]:
    """Per axis, whether a NaN in any row reaches one and the same unit."""
    found = []
    for axis, length in enumerate(size):
        reached = []
        for place in range(length):
            image = torch.rand(1, 1, *size)
            image.select(2 + axis, place).fill_(float("nan"))
            reached.append(model(image).isnan())
        found.append(bool(torch.stack(reached).all(0).any()))
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=5), st.tuples(*[st.integers(5, 20)] * 2))
def test_no_unit_sees_the_whole_input_where_the_rule_says_so(
    parts: list[nn.Module], size: tuple[int, int]
) -> None:
    model = nn.Sequential(*parts).eval()
    try:
        with torch.no_grad():
            model(torch.rand(1, 1, *size))
    except RuntimeError:
        assume(False)  # the parts do not fit together
    for found in rflint.lint(model, input=(1, 1, *size), select="RF104").findings:
        claimed = ["width" not in found.message, "height" not in found.message]
        with torch.no_grad():
            seen = sees_all(model, size)
        assert not any(all_of_it and c for all_of_it, c in zip(seen, claimed, strict=True)), found
