"""Modules that have another name and are otherwise the same.

`backbone.conv1`, `backbone.conv2` that became `encoder.conv1`, `encoder.conv2` are a renamed
module, and not two layers lost and two gained. That is only said where nothing speaks against it:
all layers below one name are gone, all below the other are new, they are the same operations of the
same sizes in the same order under the same inner names, they stand behind the same layer, and there
is only one way to see it so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rflint.report.schema import JsonObject

_Key: TypeAlias = tuple[str, int]
_STRUCTURE = ("kind", "op", "kernel", "stride", "dilation", "padding", "params")


@dataclass(frozen=True, slots=True)
class Renaming:
    """One module under two names; an empty name is the model itself."""

    before: str
    after: str
    layers: tuple[tuple[JsonObject, JsonObject], ...]
    """Its layers before and after."""


def renamings(before: Sequence[JsonObject], after: Sequence[JsonObject]) -> tuple[Renaming, ...]:
    """The modules that were renamed, the outermost ones of those that can be told."""
    olds, news = _Side(before, after), _Side(after, before)
    by_structure: defaultdict[object, list[str]] = defaultdict(list)
    for name in news.modules:
        by_structure[news.structure(name)].append(name)
    same_before: defaultdict[object, list[str]] = defaultdict(list)
    for name in olds.modules:
        same_before[olds.structure(name)].append(name)
    found: list[Renaming] = []
    taken: set[_Key] = set()
    for name in olds.modules:  # the outermost first
        structure = olds.structure(name)
        candidates = by_structure[structure]
        if len(candidates) != 1 or len(same_before[structure]) != 1:
            continue
        pairs = tuple(zip(olds.below(name), news.below(candidates[0]), strict=True))
        keys = {_key(old) for old, _ in pairs}
        has_weights = any(old["params"] for old, _ in pairs)
        if has_weights and not keys & taken:
            taken |= keys
            found.append(Renaming(name, candidates[0], pairs))
    return tuple(found)


class _Side:
    """The modules of one side of which the other has no layer by that name."""

    def __init__(self, layers: Sequence[JsonObject], others: Sequence[JsonObject]) -> None:
        known = {_key(x) for x in others}
        self._below: defaultdict[str, list[JsonObject]] = defaultdict(list)
        self._behind: dict[str, _Key | None] = {}
        shared: set[str] = set()
        last: _Key | None = None
        for layer in layers:
            key = _key(layer)
            for module in _modules_around(layer["name"]):
                self._below[module].append(layer)
                self._behind.setdefault(module, last)
                if key in known:
                    shared.add(module)
            if key in known:
                last = key
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


def _key(layer: JsonObject) -> _Key:
    return layer["name"], layer["call"]
