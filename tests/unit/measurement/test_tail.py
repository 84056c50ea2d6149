"""The tail pattern: consecutive layers with less than half of the others' saturation."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rflint.measurement.tail import tail


@pytest.mark.parametrize(
    ("saturations", "expected"),
    [
        ([], []),
        ([0.5], []),
        ([0.5, 0.5, 0.5], []),
        ([0.6, 0.6, 0.6, 0.1, 0.1], [3, 4]),
        ([0.6, 0.6, 0.6, 0.1], []),  # one layer is no sequence
        ([0.6, 0.1, 0.1, 0.6, 0.6], [1, 2]),
        ([0.6, 0.1, 0.1, 0.6, 0.1, 0.1], [4, 5]),  # of two, the last
        ([0.1, 0.1, 0.6, 0.6, 0.1, 0.1, 0.1], [4, 5, 6]),
        ([0.6, 0.6, 0.3, 0.3], []),  # not below half
        ([0.6, 0.6, 0.29, 0.29], [2, 3]),
        ([0.0, 0.0, 0.0], []),
    ],
)
def test_the_longest_run_below_half_of_the_others(
    saturations: list[float], expected: list[int]
) -> None:
    assert list(tail(saturations)) == expected


@given(st.lists(st.sampled_from([0.05, 0.1, 0.2, 0.4, 0.8]), max_size=9))
def test_it_is_what_the_definition_gives(saturations: list[float]) -> None:
    number = len(saturations)
    runs = [
        range(begin, end)
        for begin in range(number)
        for end in range(begin + 2, number + 1)
        if end - begin < number
    ]

    def is_low(run: range) -> bool:
        others = [Fraction(s) for i, s in enumerate(saturations) if i not in run]
        average = sum(others) / len(others)
        return all(saturations[i] < average / 2 for i in run)

    longest = max((run for run in runs if is_low(run)), key=lambda r: (len(r), r.start), default=[])
    assert list(tail(saturations)) == list(longest)
