"""Sizes that follow each other, and of which the same is to be said."""

from __future__ import annotations

import pytest

from rflint.analysis.sizes.advice import advice
from rflint.analysis.sizes.at_size import AtSize, Fails, NotKnown, Outcome
from rflint.analysis.sizes.ranges import Standing, ranges, sound_ranges


def outcomes(text: str, first: int = 10) -> list[Outcome]:
    """One letter a size: u(nproductive), s(ound), t(oo large), -(fails), ?(not known)."""
    return [_outcome(letter, first + i) for i, letter in enumerate(text)]


def _outcome(letter: str, side: int) -> Outcome:
    size = (side, side)
    if letter == "-":
        return Fails(size, f"no {side}")
    if letter == "?":
        return NotKnown(size, "hidden")
    wasted = 3 if letter == "u" else 0
    return AtSize(size, wasted, 0, side, side, False, side % 8 != 0, letter != "t")


def table(text: str) -> list[tuple[str, int, int, int | None]]:
    return [
        (x.standing.name, x.first.size[0], x.last.size[0], x.every) for x in ranges(outcomes(text))
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", []),
        ("ss", [("SOUND", 10, 11, 1)]),
        (
            "--uusst",
            [
                ("FAILS", 10, 11, 1),
                ("UNPRODUCTIVE", 12, 13, 1),
                ("SOUND", 14, 15, 1),
                ("TOO_LARGE", 16, 16, 1),
            ],
        ),
        # a gap or two are told
        ("ss--ss", [("SOUND", 10, 11, 1), ("FAILS", 12, 13, 1), ("SOUND", 14, 15, 1)]),
        # more are not
        ("s-s-s-s-", [("SOUND", 10, 16, 2), ("FAILS", 17, 17, 1)]),
        ("-u-u-s-s-", [
            ("FAILS", 10, 10, 1), ("UNPRODUCTIVE", 11, 13, 2), ("SOUND", 15, 17, 2),
            ("FAILS", 18, 18, 1),
        ]),
        ("s-s--s-s", [("SOUND", 10, 17, None)]),
        ("s?s", [("SOUND", 10, 10, 1), ("NOT_KNOWN", 11, 11, 1), ("SOUND", 12, 12, 1)]),
    ],
)  # fmt: skip
def test_as_few_rows_as_say_the_same(
    text: str, rows: list[tuple[str, int, int, int | None]]
) -> None:
    assert table(text) == rows


def test_the_first_of_those_between_says_why() -> None:
    (first, _) = ranges(outcomes("s-s-s-s-"))
    assert first.between == Fails((11, 11), "no 11")
    assert first.standing is Standing.SOUND


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("uusst", [(12, 13)]),
        ("s-s-st", [(10, 14)]),
        ("ss?s", [(10, 11), (13, 13)]),
        ("suus", [(10, 10), (13, 13)]),
        ("--", []),
    ],
)
def test_sound_ranges_go_over_sizes_that_do_not_run(
    text: str, found: list[tuple[int, int]]
) -> None:
    ends = sound_ranges(outcomes(text))
    assert [(a.size[0], b.size[0]) for a, b in ends] == found


def test_advice_is_the_nearest_on_both_sides() -> None:
    found = outcomes("ss-ss" + "s" * 20)
    given = advice(found, found[2])
    assert given.asked is None
    assert [x and x.size for x in given.running] == [(11, 11), (13, 13)]
    assert [x and x.size for x in given.tidy] == [None, (16, 16)]
    there = advice(found, found[3])
    assert there.running == (None, None)
    assert there.asked == found[3]
