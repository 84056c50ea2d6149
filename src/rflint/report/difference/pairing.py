"""Which model of one report is to be compared with which of another.

The same name and size make a pair. What is left is paired where there is one way to do it: two
targets, at the same sizes; or two models of which each report has one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from rflint.report.schema import JsonObject

Pair: TypeAlias = tuple[JsonObject | None, JsonObject | None]
"""A model before and after; None stands for one that is not there."""


def pair_models(before: Sequence[JsonObject], after: Sequence[JsonObject]) -> tuple[Pair, ...]:
    """Each model with its partner, in the order of those after."""
    partner: dict[int, int] = {}
    _match(before, after, partner, lambda x: (x["name"], x["resolution"]))
    _match(before, after, partner, lambda x: (x["target"], x["resolution"]))
    left = [x for i, x in enumerate(before) if i not in partner.values()]
    right = [x for i, x in enumerate(after) if i not in partner]
    if len({x["name"] for x in left}) == 1 == len({x["name"] for x in right}):
        _match(before, after, partner, lambda x: x["resolution"])
        if len(left) == 1 == len(right):
            _match(before, after, partner, lambda x: 0)
    return tuple(_pairs(before, after, partner))


def _match(
    before: Sequence[JsonObject],
    after: Sequence[JsonObject],
    partner: dict[int, int],
    key: Callable[[JsonObject], object],
) -> None:
    """Pair what has no partner yet and has the same key; one builder may give a key twice."""
    free: defaultdict[str, list[int]] = defaultdict(list)
    taken = set(partner.values())
    for index, model in enumerate(before):
        if index not in taken:
            free[repr(key(model))].append(index)
    for index, model in enumerate(after):
        if index not in partner and (places := free[repr(key(model))]):
            partner[index] = places.pop(0)


def _pairs(
    before: Sequence[JsonObject], after: Sequence[JsonObject], partner: dict[int, int]
) -> Iterator[Pair]:
    for index, model in enumerate(after):
        there = partner.get(index)
        yield (None if there is None else before[there]), model
    taken = set(partner.values())
    yield from ((model, None) for index, model in enumerate(before) if index not in taken)
