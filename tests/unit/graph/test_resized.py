"""An architecture at another size is the one that is traced there: windows, positions, zeros."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from rflint.analysis.sizes.passes_at_size import Resizer
from rflint.analysis.sizes.positions import positions_along_axes, why_unpredictable
from rflint.errors import RflintError
from rflint.graph.architecture import Architecture
from rflint.inputs.tracing_options import TracingOptions
from rflint.tracing.traced_model import trace_model
from tests.helpers.positions import C
from tests.helpers.random_chains import chains


def traced(model: nn.Module, size: tuple[int, ...]) -> Architecture | None:
    try:
        return trace_model(model, None, [(1, C, *size)], TracingOptions()).architecture
    except RflintError:
        return None


def check(model: nn.Module, size: tuple[int, ...], others: list[tuple[int, ...]]) -> int:
    """Hold what is made of one trace against others; how many could be compared."""
    here = traced(model, size)
    if here is None or why_unpredictable(here):
        return 0
    axes = positions_along_axes(here)
    keys = [along.at(n).key for along, n in zip(axes, size, strict=True)]
    resizer, compared = Resizer(here, axes), 0
    for other in others:
        if [along.at(n).key for along, n in zip(axes, other, strict=True)] != keys:
            continue
        there, made = traced(model, other), resizer.at(other)
        assert there is not None
        if made is None:
            continue
        assert made.resolution == there.resolution
        assert [x.positions for x in made.layers] == [x.positions for x in there.layers]
        assert [x.taps for x in made.layers] == [x.taps for x in there.layers]
        compared += 1
    return compared


@settings(max_examples=60)
@given(st.data())
def test_windows_are_those_of_a_trace(data: st.DataObject) -> None:
    axes = data.draw(st.sampled_from([1, 2]))
    model = data.draw(chains(axes, most=5)).eval()
    side = data.draw(st.integers(12, 24))
    check(model, (side,) * axes, [(n,) * axes for n in range(side - 3, side + 8)])


class Padded(nn.Module):
    """Zeros at one end or at both, in front of a window."""

    def __init__(self, before: int, behind: int) -> None:
        super().__init__()
        self.amounts = (before, behind)
        self.conv = nn.Conv1d(C, C, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, self.amounts))


@pytest.mark.parametrize("amounts", [(2, 0), (0, 1), (1, 2)])
def test_zeros_stay_at_the_ends_of_a_map(amounts: tuple[int, int]) -> None:
    assert check(Padded(*amounts), (20,), [(n,) for n in range(16, 30)]) == 14


def test_zeros_between_positions_are_left_to_a_trace() -> None:
    class Spread(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.ConvTranspose1d(C, C, 1, stride=2, bias=False)
            self.conv = nn.Conv1d(C, C, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(self.up(x))

    here = traced(Spread(), (12,))
    assert here is not None
    assert any(taps.zeros for layer in here.layers for taps in layer.taps)
    assert Resizer(here, positions_along_axes(here)).at((13,)) is None
