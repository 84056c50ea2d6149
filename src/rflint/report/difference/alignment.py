"""Which layer before is which one after, told by names and by order.

A layer that has a name of its own is what bears that name after. A position in an `nn.Sequential`
('features.3') and the number of a function ('relu_2') are no such names: whatever is inserted or
removed before them changes them. So layers that are only numbered are aligned in execution order:
of all ways to pair them without crossing, the one is taken in which the most stays what it was.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from rflint.report.schema import JsonObject

Key: TypeAlias = tuple[str, int]
"""A layer's name, and which call of it."""
Places: TypeAlias = dict[int, int]
"""The places of layers after, by those before."""

_GEOMETRY = ("kernel", "stride", "dilation", "padding")
_NAMED, _SAME, _SAME_OUTPUT, _WEIGHTLESS, _SAME_CHANNELS = 24, 20, 14, 12, 6
"""What it is worth to pair layers: of one name; that differ in nothing; in what they read; in
channels that they only pass on; in their geometry."""
_SAME_PLACE, _SAME_KIND = 12, 8
"""The same for layers at one position of which the operation is one, or at least its kind."""
_STAYS = 2
"""What it is worth besides if the position stays."""
_MOST = 4_000_000
"""Where more pairs than this would have to be weighed, positions are taken for names."""


def key_of(layer: JsonObject) -> Key:
    """What a layer is found by."""
    return layer["name"], layer["call"]


def is_function(name: str, operation: str) -> bool:
    """Whether a name is that of a function and a number: 'relu', 'relu_2'."""
    last = name.rpartition(".")[2]
    return last == operation or re.fullmatch(rf"{re.escape(operation)}_\d+", last) is not None


def aligned(
    before: Sequence[JsonObject], after: Sequence[JsonObject], called: Mapping[Key, str]
) -> Places:
    """Pairs of places; `called` has the names after of layers that are known to be renamed."""
    sorts: dict[object, int] = {}
    olds = [_Item.of(x, sorts, called.get(key_of(x))) for x in before]
    news = [_Item.of(x, sorts) for x in after]
    start, ends = _alike_at_the_ends(olds, news)
    found = {i: i for i in range(start)}
    found |= {len(olds) - i: len(news) - i for i in range(1, ends + 1)}
    first, last = olds[start : len(olds) - ends], news[start : len(news) - ends]
    if len(first) * len(last) <= _MOST:
        found |= {start + i: start + j for i, j in _heaviest(first, last).items()}
    return found | _by_name(olds, news, found)


@dataclass(frozen=True, slots=True)
class _Item:
    """What of a layer tells who it is."""

    key: Key
    """With the name that it has after."""
    pattern: tuple[str, int]
    """The same without positions."""
    is_numbered: bool
    """Whether there is a position in its name."""
    is_renamed: bool
    kind: str
    op: str
    geometry: str
    channels: tuple[int | None, int | None]
    params: int
    sort: int
    """Equal for layers that are only told apart by where they stand."""

    @classmethod
    def of(cls, layer: JsonObject, sorts: dict[object, int], called: str | None = None) -> _Item:
        """What tells of a layer; `sorts` numbers those that were seen so far."""
        name, op = called or layer["name"], layer["op"]
        *parents, last = name.split(".")
        own = op if is_function(layer["name"], op) else last
        pattern = ".".join("*" if x.isdigit() else x for x in (*parents, own))
        facts = {
            "pattern": (pattern, layer["call"]),
            "is_numbered": pattern != name or own == op,
            "is_renamed": called is not None,
            "kind": layer["kind"],
            "op": op,
            "geometry": repr([layer[x] for x in _GEOMETRY]),
            "channels": _channels(layer),
            "params": layer["params"],
        }
        sort = sorts.setdefault(tuple(facts.values()), len(sorts))
        return cls(key=(name, layer["call"]), sort=sort, **facts)

    @property
    def what(self) -> tuple[object, ...]:
        """Equal for layers that are the same by themselves."""
        return self.op, self.geometry, self.channels, self.params


def _channels(layer: JsonObject) -> tuple[int | None, int | None]:
    read, made = (x[1] if x[1:] else None for x in (layer["in_shape"], layer["out_shape"]))
    return read, made


def _alike_at_the_ends(olds: Sequence[_Item], news: Sequence[_Item]) -> tuple[int, int]:
    """How many are the same, under the same names, at the start and at the end."""
    most = min(len(olds), len(news))
    alike = [x.key == y.key and x.what == y.what for x, y in zip(olds, news, strict=False)]
    start = next((i for i, same in enumerate(alike) if not same), most)
    pairs = zip(reversed(olds[start:]), reversed(news[start:]), strict=False)
    ends = 0
    for old, new in pairs:
        if old.key != new.key or old.what != new.what:
            break
        ends += 1
    return start, ends


def _worth(old: _Item, new: _Item) -> int:
    """What it is worth to take two layers for one; 0: they are two."""
    if old.pattern != new.pattern or (old.is_renamed and old.op != new.op):
        return 0
    stays = old.key == new.key
    if stays and not old.is_numbered:
        return _NAMED
    worth = _likeness(old, new)
    if stays and old.kind == new.kind:
        worth = max(worth, _SAME_PLACE if old.op == new.op else _SAME_KIND)
    return worth + _STAYS if worth and stays else worth


def _likeness(old: _Item, new: _Item) -> int:
    """What speaks for two layers being one, wherever they stand."""
    if old.op != new.op:
        return 0
    if old.what == new.what:
        return _SAME
    if old.geometry != new.geometry:
        return _SAME_CHANNELS if old.channels == new.channels else 0
    if old.channels[1] == new.channels[1]:
        return _SAME_OUTPUT
    return _WEIGHTLESS if not (old.params or new.params) else 0


def _heaviest(olds: Sequence[_Item], news: Sequence[_Item]) -> Places:
    """Pairs that do not cross and together are worth the most."""
    worth = list(_worths(olds, news))
    # what the best pairs of the first layers before and the first ones after are worth
    rows = [[0] * (len(news) + 1)]
    for there in worth:
        above = rows[-1]
        row = list(above)
        for j, gain in there.items():
            row[j + 1] = max(above[j + 1], above[j] + gain)
        rows.append(list(accumulate(row, max)))
    found: Places = {}
    i, j = len(olds), len(news)
    while i and j:
        gain = worth[i - 1].get(j - 1, 0)
        if gain and rows[i - 1][j - 1] + gain == rows[i][j]:
            i, j = i - 1, j - 1
            found[i] = j
        elif rows[i - 1][j] == rows[i][j]:
            i -= 1
        else:
            j -= 1
    return found


def _worths(olds: Sequence[_Item], news: Sequence[_Item]) -> Iterator[dict[int, int]]:
    """For each layer before: those after that it may be, with what that is worth."""
    by_pattern: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for j, new in enumerate(news):
        by_pattern[new.pattern].append(j)
    known: dict[object, int] = {}  # most layers of a model are like many others of it
    for old in olds:
        found = {}
        for j in by_pattern[old.pattern]:
            new = news[j]
            sort = (old.sort, new.sort, old.key == new.key)
            if sort not in known:
                known[sort] = _worth(old, new)
            if gain := known[sort]:
                found[j] = gain
        yield found


def _by_name(olds: Sequence[_Item], news: Sequence[_Item], found: Places) -> Places:
    """Of those that are left: the ones that bear one name, and do the same sort of thing."""
    taken = set(found.values())
    free = {new.key: j for j, new in enumerate(news) if j not in taken}
    places = {}
    for i, old in enumerate(olds):
        j = None if i in found else free.get(old.key)
        if j is not None and _worth(old, news[j]):
            places[i] = j
    return places
