"""Modules that have another name and are otherwise the same.

`backbone.conv1`, `backbone.conv2` that became `encoder.conv1`, `encoder.conv2` are a renamed
module, and not two layers lost and two gained. That is only said where nothing speaks against it:
all layers below one name are gone, all below the other are new, they are the same operations of the
same sizes in the same order under the same inner names, they stand behind the same layer, and there
is only one way to see it so. Where one module of that name was renamed, others of it follow: what
is renamed in a class is renamed in all its blocks, also where nothing but the name tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rflint.report.difference.alignment import Key, Places, aligned, is_function, key_of
from rflint.report.schema import JsonObject

Pair: TypeAlias = tuple[JsonObject, JsonObject]
"""A layer before and after."""

_STRUCTURE = ("kind", "op", "kernel", "stride", "dilation", "padding", "params")


@dataclass(frozen=True, slots=True)
class Renaming:
    """One module under two names, or at two positions; an empty name is the model itself."""

    before: str
    after: str
    layers: tuple[Pair, ...]
    """Its layers before and after."""


def paired_layers(before: Sequence[JsonObject], after: Sequence[JsonObject]) -> tuple[Pair, ...]:
    """The layers that both sides have, whatever they are called, in the order of those after."""
    places = aligned(before, after, {})
    if called := _called(before, after, places):
        places = aligned(before, after, called)
    there = sorted(places.items(), key=lambda pair: pair[1])
    return tuple((before[i], after[j]) for i, j in there)


def renamings(pairs: Iterable[Pair]) -> tuple[Renaming, ...]:
    """The modules under another name: what is the same at the end of both names is left out.

    Functions have no names, only numbers, of which nothing is said.
    """
    found: defaultdict[tuple[str, str], list[Pair]] = defaultdict(list)
    for old, new in pairs:
        if old["name"] != new["name"] and not is_function(new["name"], new["op"]):
            found[_where_they_part(old["name"], new["name"])].append((old, new))
    return tuple(Renaming(*names, tuple(layers)) for names, layers in found.items())


def _where_they_part(old: str, new: str) -> tuple[str, str]:
    olds, news = old.split("."), new.split(".")
    while olds and news and olds[-1] == news[-1]:
        olds.pop()
        news.pop()
    return ".".join(olds), ".".join(news)


# -- modules that are recognised by their structure


def _called(
    before: Sequence[JsonObject], after: Sequence[JsonObject], places: Places
) -> Mapping[Key, str]:
    """What layers before are called after, of modules that were renamed."""
    olds = _Side(before, {key_of(before[i]): key_of(after[j]) for i, j in places.items()})
    news = _Side(after, {key_of(after[j]): key_of(after[j]) for j in places.values()})
    found: dict[Key, str] = {}
    words: defaultdict[str, set[str]] = defaultdict(set)
    for old, new, pairs in _same_structures(olds, news):
        found |= {key_of(x): y["name"] for x, y in pairs}
        old_word, new_word = (x.rpartition(".")[2] for x in (old, new))
        if old_word and new_word and not old_word.isdigit():
            words[old_word].add(new_word)
    known = {old: new.pop() for old, new in words.items() if len(new) == 1}
    for place, layer in enumerate(before):
        if place not in places and key_of(layer) not in found:
            parts = layer["name"].split(".")
            renamed = ".".join(known.get(x, x) for x in parts)
            if renamed != layer["name"]:
                found[key_of(layer)] = renamed
    return found


def _same_structures(olds: _Side, news: _Side) -> Iterator[tuple[str, str, tuple[Pair, ...]]]:
    """Modules before and after with their layers, the outermost ones of those that can be told."""
    by_structure: defaultdict[object, list[str]] = defaultdict(list)
    for name in news.modules:
        by_structure[news.structure(name)].append(name)
    same_before: defaultdict[object, list[str]] = defaultdict(list)
    for name in olds.modules:
        same_before[olds.structure(name)].append(name)
    taken: set[Key] = set()
    for name in olds.modules:  # the outermost first
        structure = olds.structure(name)
        candidates = by_structure[structure]
        if len(candidates) != 1 or len(same_before[structure]) != 1:
            continue
        pairs = tuple(zip(olds.below(name), news.below(candidates[0]), strict=True))
        keys = {key_of(old) for old, _ in pairs}
        has_weights = any(old["params"] for old, _ in pairs)
        if has_weights and not keys & taken:
            taken |= keys
            yield name, candidates[0], pairs


class _Side:
    """The modules of one side of which the other has no layer."""

    def __init__(self, layers: Sequence[JsonObject], known: Mapping[Key, Key]) -> None:
        """`known` are the keys that layers of both sides have after."""
        self._below: defaultdict[str, list[JsonObject]] = defaultdict(list)
        self._behind: dict[str, Key | None] = {}
        shared: set[str] = set()
        last: Key | None = None
        for layer in layers:
            key = key_of(layer)
            for module in _modules_around(layer["name"]):
                self._below[module].append(layer)
                self._behind.setdefault(module, last)
                if key in known:
                    shared.add(module)
            if key in known:
                last = known[key]
        names = (name for name in self._below if name not in shared)
        self.modules = sorted(names, key=lambda name: (name.count(".") if name else -1, name))

    def below(self, module: str) -> list[JsonObject]:
        """Its layers in execution order."""
        return self._below[module]

    def structure(self, module: str) -> object:
        """Equal for modules that differ in nothing but their name."""
        start = len(module) + 1 if module else 0
        layers = (
            (
                layer["name"][start:],
                layer["call"],
                *(repr(layer[name]) for name in _STRUCTURE),
                *_channels(layer),
            )
            for layer in self._below[module]
        )
        return self._behind[module], tuple(layers)


def _modules_around(name: str) -> Iterator[str]:
    """'', 'a', 'a.b' and 'a.b.c' for 'a.b.c'."""
    yield ""
    parts = name.split(".")
    yield from (".".join(parts[: length + 1]) for length in range(len(parts)))


def _channels(layer: JsonObject) -> Iterable[int | None]:
    return (shape[1] if shape[1:] else None for shape in (layer["in_shape"], layer["out_shape"]))
