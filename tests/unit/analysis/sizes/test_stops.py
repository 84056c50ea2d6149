"""Which sizes are looked at."""

from __future__ import annotations

import pytest

from rflint.analysis.sizes.stops import stops


@pytest.mark.parametrize("resolution", [(32, 32), (224, 224), (32, 64), (4000,), (16, 112, 112)])
def test_the_linted_size_is_among_them_and_they_ascend(resolution: tuple[int, ...]) -> None:
    found = stops(resolution, None)
    assert resolution in found
    assert list(found) == sorted(found)
    assert len(set(found)) == len(found) <= 700


def test_squares_stay_square_and_others_keep_their_shape() -> None:
    assert all(height == width for height, width in stops((32, 32), None))
    assert (64, 128) in stops((32, 64), None)


def test_they_reach_to_where_no_unit_sees_the_whole_input() -> None:
    assert stops((32, 32), None)[-1] == (256, 256)
    assert stops((32, 32), (400, 400))[-1] == (600, 600)
    assert stops((32, 32), (5000, None))[-1] == (1024, 1024)
    assert stops((2000, 2000), None)[-1] == (4000, 4000)


def test_multiples_of_32_are_there_where_steps_are_coarse() -> None:
    found = stops((1000, 1000), None)
    assert {(n, n) for n in range(32, 2000, 32)} <= set(found)
    assert (1000, 1000) in found
