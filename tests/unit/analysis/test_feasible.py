"""The smallest input without unproductive layers, against all inputs that there are."""

from __future__ import annotations

from itertools import product
from math import prod

from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import rflint
from rflint.analysis.feasible_sizes import RequiredSizes, smallest_feasible_input
from zoo.paper.resnet import resnet18


def is_sound(fields: list[RequiredSizes], size: tuple[int, ...]) -> bool:
    return not any(
        all(r is None or r > i for r, i in zip(lengths, size, strict=True)) for lengths in fields
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[RequiredSizes], tuple[int, ...]]:
    axes = draw(st.integers(1, 3))
    length = st.one_of(st.none(), st.integers(1, 9))
    lengths = st.tuples(*[length] * axes).filter(lambda r: any(x is not None for x in r))
    return draw(st.lists(lengths, max_size=5)), draw(st.tuples(*[st.integers(1, 8)] * axes))


@given(cases())
def test_nothing_smaller_would_do(case: tuple[list[RequiredSizes], tuple[int, ...]]) -> None:
    fields, given_size = case
    largest = [max((r[a] or 1 for r in fields), default=1) for a in range(len(given_size))]
    found = smallest_feasible_input(fields, given_size)
    assert is_sound(fields, found)
    if len(set(given_size)) == 1:
        assert list(found) == largest
        return
    kept = [
        range(min(size, most), most + 1) for size, most in zip(given_size, largest, strict=True)
    ]
    assert prod(found) == min(prod(size) for size in product(*kept) if is_sound(fields, size))


def test_of_an_input_that_is_not_square_one_axis_grows() -> None:
    wide = rflint.lint(resnet18, res=(32, 64)).models[0]
    assert wide.analysis.totals.unproductive > 0
    assert wide.analysis.feasible_min == (32, 75)
    assert wide.larger_input is not None
    assert wide.larger_input.resolution == (32, 75)
    there = rflint.lint(resnet18, res=(32, 75)).models[0].analysis.totals
    assert (there.unproductive, there.macs) == (0, wide.larger_input.macs)


def test_a_square_input_stays_square() -> None:
    assert rflint.lint(resnet18, res=32).models[0].analysis.feasible_min == (75, 75)


def test_an_axis_that_kernels_leave_alone_keeps_its_size() -> None:
    def build() -> nn.Module:
        rows = [nn.Conv2d(1 if i == 0 else 4, 4, (1, 9), padding=(0, 4)) for i in range(6)]
        return nn.Sequential(*rows, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))

    found = rflint.lint(build, input=(1, 1, 8, 16)).models[0].analysis
    assert found.totals.unproductive == 0  # along the height they see one row of eight
    assert found.feasible_min == (1, 16)
