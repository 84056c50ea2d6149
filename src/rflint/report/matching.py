"""Match items with places, where several items may fit the same place.

networkx has this too (hopcroft_karp_matching), but it cannot start from matches that are to be
kept, and takes longer to import than all of this takes to run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Fits: TypeAlias = Callable[[int], Iterable[int]]
"""The places that an item fits, by preference."""


def complete_matching(
    options: Fits, start: Mapping[int, int], order: Iterable[int]
) -> dict[int, int]:
    """The place of each item that gets one: as many items as possible.

    The items in `start` have a place there; they keep one, though not always the same. The others
    try in the given order: an item whose places are all taken makes another item move on to a free
    place, which may make a third one move, and so on.
    """
    place_of = dict(start)
    item_at = {place: item for item, place in start.items()}
    hopeless: set[int] = set()  # places that no item can move away from
    for item in order:
        if item in place_of:
            continue
        search = _search(item, options, item_at, hopeless)
        if search.free is None:
            hopeless |= search.wanted_by.keys()
            continue
        place: int | None = search.free
        while place is not None:
            mover = search.wanted_by[place]
            item_at[place] = mover
            before = place_of.get(mover)
            place_of[mover] = place
            place = before
    return place_of


@dataclass(frozen=True, slots=True)
class _Search:
    free: int | None
    """A free place that can be reached by moving items, if there is one."""
    wanted_by: Mapping[int, int]
    """The item that would move to each place."""


def _search(
    item: int, options: Fits, item_at: Mapping[int, int], hopeless: Collection[int]
) -> _Search:
    """Search breadth first for a free place."""
    wanted_by: dict[int, int] = {}
    waiting = [item]
    for asking in waiting:
        for place in options(asking):
            if place in wanted_by or place in hopeless:
                continue
            wanted_by[place] = asking
            if place not in item_at:
                return _Search(place, wanted_by)
            waiting.append(item_at[place])
    return _Search(None, wanted_by)
