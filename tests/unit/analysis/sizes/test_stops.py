"""Which sizes are looked at."""

from __future__ import annotations

import pytest

from rflint.analysis.sizes.stops import stops


@pytest.mark.parametrize("resolution", [(32, 32), (224, 224), (32, 64), (4000,), (16, 112, 112)])
def test_the_linted_size_is_among_them_and_they_ascend(resolution: tuple[int, ...]) -> None:
    for most in (None, (5000,) * len(resolution)):
        found = stops(resolution, (75,) * len(resolution), most)
        assert resolution in found
        assert list(found) == sorted(found)
        for axis in range(len(resolution)):
            lengths = [size[axis] for size in found]
            assert lengths == sorted(lengths)
        assert len(set(found)) == len(found) <= 710


def test_squares_stay_square_and_others_keep_their_shape() -> None:
    assert all(height == width for height, width in stops((32, 32), (1, 1), None))
    assert (64, 128) in stops((32, 64), (1, 1), None)


def test_they_reach_to_where_no_unit_sees_the_whole_input() -> None:
    assert stops((32, 32), (1, 1), None)[-1] == (256, 256)
    assert stops((32, 32), (1, 1), (400, 400))[-1] == (600, 600)
    assert stops((32, 32), (1, 1), (5000, None))[-1] == (5000, 5000)
    assert stops((2000, 2000), (1, 1), None)[-1] == (4000, 4000)


@pytest.mark.parametrize("size", [32, 224, 320])
def test_where_there_is_room_every_size_is_among_them(size: int) -> None:
    found = stops((size, size), (75, 75), (435, 435))
    assert found == tuple((n, n) for n in range(1, found[-1][0] + 1))


def test_sizes_that_reports_speak_of_are_there_where_steps_are_coarse() -> None:
    found = stops((1000, 1000), (1403, 1403), (6001, 6001), (1407, 1407))
    assert {(1000, 1000), (1403, 1403), (6001, 6001), (1407, 1407)} <= set(found)


def test_of_another_shape_they_are_there_where_sizes_still_ascend() -> None:
    assert (38, 75) in stops((32, 64), (38, 75), None)
    found = stops((32, 64), (75, 75), (435, 435))
    assert {(75, 150), (218, 435)} <= set(found)
    assert (75, 75) not in found
    assert (64, 128) in stops((32, 64), (1, 1), None, (64, 128))


def test_multiples_of_32_are_there_where_steps_are_coarse() -> None:
    found = stops((1000, 1000), (1, 1), None)
    assert {(n, n) for n in range(32, 2000, 32)} <= set(found)
    assert (1000, 1000) in found
