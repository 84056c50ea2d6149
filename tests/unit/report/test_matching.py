"""Items get places: as many of them as can, and those that have one keep one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rflint.report.matching import complete_matching

FITS = st.lists(st.lists(st.integers(0, 5), unique=True, max_size=4), max_size=6)


def largest(fits: list[list[int]], taken: frozenset[int] = frozenset()) -> int:
    """How many items can have a place, by trying everything."""
    if not fits:
        return 0
    first, *others = fits
    options = [1 + largest(others, taken | {place}) for place in first if place not in taken]
    return max([*options, largest(others, taken)])


@given(FITS, st.data())
def test_as_many_as_possible_get_a_place_that_they_fit(
    fits: list[list[int]], data: st.DataObject
) -> None:
    start: dict[int, int] = {}
    for item, places in enumerate(fits):
        free = [place for place in places if place not in start.values()]
        if free and data.draw(st.booleans()):
            start[item] = data.draw(st.sampled_from(free))
    found = complete_matching(fits.__getitem__, start, range(len(fits)))
    assert len(set(found.values())) == len(found) == largest(fits)
    assert all(place in fits[item] for item, place in found.items())
    assert start.keys() <= found.keys()
