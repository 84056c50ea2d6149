"""RF104 on random networks that resize, roll, unfold and fill buffers, against what runs.

The rule says that no unit of the output sees the whole input. Another row in the place of one after
another, and another column, shows which units see them all: where there is one, the rule is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import rflint
from tests.helpers.modules import Lambda


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
    return Residual(Lambda(lambda x: x.roll(shifts, (2, 3))))


_number = st.integers(1, 3)
_modes = st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic", "area"])

SLIDING: list[st.SearchStrategy[nn.Module]] = [
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
    st.builds(lambda n: Lambda(lambda x: x.repeat_interleave(n, 2)), _number),
    st.builds(lambda n: Lambda(filled(n)), _number),
    st.builds(lambda: Lambda(recurrent)),
    st.builds(Windows, st.integers(2, 4)),
    st.builds(Folded, st.integers(2, 5), st.integers(1, 2), st.booleans()),
]
"""Parts of which every unit sees positions next to each other."""

AROUND: list[st.SearchStrategy[nn.Module]] = [
    st.builds(rolled, st.tuples(st.integers(-3, 3), st.integers(-3, 3))),
    st.builds(lambda: Residual(Lambda(lambda x: x.flip(2)))),
]
"""And over the ends of the map, or its mirror image."""

PARTS = st.one_of(*SLIDING, *AROUND)


def changed_along(model: nn.Module, size: Sequence[int], axis: int) -> Tensor:
    """By row of the input, which units another one in its place makes different.

    Other than a NaN, that does not go through weights of zero: those of a map that is resized to
    the size that it has.
    """
    image = torch.rand(1, 1, *size)
    made, changed = model(image), []
    for place in range(size[axis]):
        other = image.clone()
        other.select(2 + axis, place).add_(1)
        changed.append(model(other) != made)
    return torch.stack(changed)


def runs(model: nn.Module, size: Sequence[int]) -> bool:
    """Whether the parts fit together, and make something."""
    try:
        with torch.no_grad():
            return bool(model(torch.rand(1, 1, *size)).isfinite().all())
    except RuntimeError:
        return False


@settings(max_examples=60, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=5), st.tuples(*[st.integers(5, 20)] * 2))
def test_no_unit_sees_the_whole_input_where_the_rule_says_so(
    parts: list[nn.Module], size: tuple[int, int]
) -> None:
    model = nn.Sequential(*parts).eval()
    assume(runs(model, size))
    for found in rflint.lint(model, input=(1, 1, *size), select="RF104").findings:
        claimed = ["width" not in found.message, "height" not in found.message]
        with torch.no_grad():
            seen = [bool(changed_along(model, size, axis).all(0).any()) for axis in (0, 1)]
        assert not any(all_of_it and c for all_of_it, c in zip(seen, claimed, strict=True)), found


def makes_even_blocks(part: nn.Module) -> bool:
    """Whether what a part makes larger, it makes larger by a whole number."""
    if isinstance(part, nn.Upsample):
        return part.scale_factor in (2, 3)
    return not isinstance(part, nn.AdaptiveAvgPool2d)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(SLIDING), min_size=1, max_size=5), st.tuples(*[st.integers(5, 20)] * 2))
def test_no_unit_sees_more_than_the_widest_is_said_to_see(
    parts: list[nn.Module], size: tuple[int, int]
) -> None:
    """Eq. 1 is a mean over the phases behind an upsampling; reports say what the widest sees.

    But for dilated transposed convolutions, whose neighbours read in turn here and there, and for
    blocks of different sizes, which resizing by a fraction makes.
    """
    assume(all(map(makes_even_blocks, parts)))
    apart = [x for x in parts if isinstance(x, nn.ConvTranspose2d) and x.dilation[0] > 1]
    assume(all(x.stride[0] == 1 for x in apart))
    model = nn.Sequential(*parts).eval()
    assume(runs(model, size))
    (report,) = rflint.lint(model, input=(1, 1, *size)).models
    if not report.analysis.complete:
        return
    at_most = report.to_dict()["layers"][-1]["r_out_max"]
    for axis, widest in enumerate(at_most):
        if widest is not None:
            with torch.no_grad():
                seen = changed_along(model, size, axis).sum(0).max()
            assert seen <= widest


@pytest.mark.parametrize(
    ("decoder", "widest", "mean"),
    [
        # of maps of an eighth: 3 positions, at the seams of the blocks that are made of them 4
        ([nn.Upsample(scale_factor=8), nn.Conv2d(1, 1, 3, padding=1)], 32, 26),
        ([nn.Upsample(scale_factor=8), nn.Conv2d(1, 1, 9, padding=4)], 32, 32),
        ([nn.Upsample(scale_factor=8), nn.Conv2d(1, 1, 11, padding=5)], 40, 34),
        ([nn.Upsample(scale_factor=8), nn.MaxPool2d(8), nn.Conv2d(1, 1, 3)], 48, 47),
        ([nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=4), nn.Conv2d(1, 1, 2)], 32, 25),
        ([nn.Conv2d(1, 4, 1), nn.PixelShuffle(2), nn.Conv2d(1, 1, 3)], 32, 32),
        ([nn.Upsample(scale_factor=8)], 24, 24),
    ],
)
def test_what_the_widest_unit_sees(decoder: list[nn.Module], widest: int, mean: int) -> None:
    """Growth is rounded up to whole positions of the map that was made larger."""
    encoder = [nn.Conv2d(1, 1, 1), nn.AvgPool2d(8), nn.Conv2d(1, 1, 3, padding=1)]
    model = nn.Sequential(*encoder, *decoder).eval()
    (report,) = rflint.lint(model, input=(1, 1, 64, 64)).models
    assert report.to_dict()["layers"][-1]["r_out_max"] == [widest] * 2
    assert report.analysis.layers[-1].output_field[0].r_max == mean
    with torch.no_grad():
        assert changed_along(model, (64, 64), 0).sum(0).max() <= widest
