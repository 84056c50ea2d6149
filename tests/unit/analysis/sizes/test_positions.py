"""At which sizes an architecture is said to be the same."""

from __future__ import annotations

from torch import nn

import rflint
from rflint.analysis.sizes.facts import held
from rflint.analysis.sizes.positions import Positions


def positions(*modules: nn.Module, size: int) -> Positions:
    report = rflint.lint(nn.Sequential(*modules), res=size, select="RF101")
    return Positions(report.models[0].analysis.architecture, 0)


def test_convolutions_are_the_same_at_all_sizes_at_which_something_is_left() -> None:
    along = positions(nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 5), size=32)
    assert along.at(32).key == along.at(200).key
    assert along.at(8).fails == 1
    assert along.at(9).fails is None


def test_adaptive_pooling_to_several_positions_asks_for_their_number() -> None:
    several = positions(nn.Conv2d(3, 4, 3, 4, 1), nn.AdaptiveAvgPool2d(7), size=64)
    assert several.at(64).key == several.at(61).key
    assert several.at(64).key != several.at(65).key
    one = positions(nn.Conv2d(3, 4, 3, 4, 1), nn.AdaptiveAvgPool2d(1), size=64)
    assert one.at(64).key == one.at(65).key


def test_a_linear_layer_behind_a_flatten_asks_for_their_number() -> None:
    along = positions(nn.Conv2d(3, 4, 3, 4, 1), nn.Flatten(), nn.Linear(4 * 16 * 16, 10), size=64)
    assert along.at(64).key == along.at(61).key
    assert along.at(64).key != along.at(128).key


def test_a_window_over_the_whole_map_is_another_thing_than_one_over_a_part() -> None:
    along = positions(nn.Conv2d(3, 4, 3, 4, 1), nn.MaxPool2d(4), nn.Conv2d(4, 4, 1), size=64)
    assert along.at(64).key == along.at(256).key
    assert along.at(16).key != along.at(64).key


def test_what_holds_at_a_number_is_what_the_last_run_before_it_says() -> None:
    runs = [(2, "b"), (5, "c")]
    assert [held(runs, n, "a") for n in (0, 2, 4, 5, 9)] == ["a", "b", "b", "c", "c"]
