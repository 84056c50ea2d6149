"""The sizes between two."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rflint.analysis.sizes.spans import Span, sizes_in
from rflint.errors import UsageError

Size = tuple[int, ...]


def test_squares_stay_square_from_16_to_512() -> None:
    assert sizes_in(Span(), (224, 224)) == tuple((n, n) for n in range(16, 513))


def test_a_larger_input_is_looked_at_up_to_twice_its_size_in_steps() -> None:
    found = sizes_in(Span(), (16000,))
    assert (found[0], found[-1]) == ((16,), (32000 - (32000 - 16) % 64,))
    assert len(found) <= 501


@pytest.mark.parametrize(
    ("span", "own", "ends"),
    [
        (Span((32,), (64,)), (480, 640), ((24, 32), (48, 64))),
        (Span((32,), (64,)), (640, 480), ((32, 24), (64, 48))),
        (Span((56,), (112,)), (16, 112, 112), ((16, 56, 56), (16, 112, 112))),
        (Span((8, 56, 56), (16, 112, 112)), (16, 112, 112), ((8, 56, 56), (16, 112, 112))),
        (Span((32,), (64,)), (96, 96, 96), ((32, 32, 32), (64, 64, 64))),
        (Span((16, 64), (16, 128)), (32, 100), ((16, 64), (16, 128))),
    ],
)
def test_other_inputs_keep_their_shape_and_clips_their_frames(
    span: Span, own: Size, ends: tuple[Size, Size]
) -> None:
    found = sizes_in(span, own)
    assert (found[0], found[-1]) == ends


@given(st.lists(st.integers(1, 60), min_size=1, max_size=3), st.integers(0, 90), st.integers(1, 9))
def test_sizes_ascend_along_every_axis(own: list[int], more: int, step: int) -> None:
    found = sizes_in(Span((5,), (5 + more,), step), tuple(own))
    for smaller, larger in pairwise(found):
        assert all(a <= b for a, b in zip(smaller, larger, strict=True))
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("span", [Span((64,), (32,)), Span((8, 8, 8)), Span((5, 5), (4, 4))])
def test_what_is_no_range_is_refused(span: Span) -> None:
    with pytest.raises(UsageError, match=r"larger than|axes"):
        sizes_in(span, (32, 32))
