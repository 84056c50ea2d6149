"""Texts are sorted as people count."""

from __future__ import annotations

import random

from rflint.text.natural_order import natural_order


def test_numbers_in_texts_are_compared_as_numbers() -> None:
    ordered = ["", "2", "10", "10x5", "10x30", "net", "net2", "net10", "net10b", "other"]
    shuffled = random.Random(0).sample(ordered, len(ordered))
    assert sorted(shuffled, key=natural_order) == ordered


def test_texts_that_count_alike_are_in_one_order() -> None:
    assert sorted(["a1", "a01", "a001"], key=natural_order) == ["a001", "a01", "a1"]


def test_numbers_may_be_very_long() -> None:
    long, longer = "9" * 6000, "1" + "0" * 6000
    assert sorted([longer, long], key=natural_order) == [long, longer]
