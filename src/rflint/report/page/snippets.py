"""The lines of the user's code around the places that a report names."""

from __future__ import annotations

import tokenize
from functools import cached_property

from rflint.graph.source_location import SourceLocation
from rflint.report.schema import JsonObject

_BEFORE, _AFTER = 3, 3
"""So many lines around the one that is meant."""
_WIDTH = 240
"""Longer lines are cut."""


class Snippets:
    """The quoted places of a model, each once."""

    def __init__(self) -> None:
        self.entries: list[JsonObject] = []
        self._numbers: dict[SourceLocation, int | None] = {}
        self._files: dict[str, _File] = {}

    def at(self, place: SourceLocation | None) -> int | None:
        """The index of the lines around a place; None where they cannot be read."""
        if place is None:
            return None
        if place not in self._numbers:
            self._numbers[place] = self._added(place)
        return self._numbers[place]

    def _added(self, place: SourceLocation) -> int | None:
        lines = self._files.setdefault(place.path, _File(place.path)).lines
        if not 1 <= place.line <= len(lines):
            return None
        first = max(1, place.line - _BEFORE)
        shown = lines[first - 1 : place.line + _AFTER]
        self.entries.append(
            {
                "path": place.path,
                "line": place.line,
                "first": first,
                "lines": [_cut(line) for line in shown],
            }
        )
        return len(self.entries) - 1


class _File:
    """A source file, read when it is first asked for."""

    def __init__(self, path: str) -> None:
        self.path = path

    @cached_property
    def lines(self) -> list[str]:
        """Its lines; none where there is no such file, or it is no Python (any more)."""
        try:
            with tokenize.open(self.path) as stream:
                return stream.read().split("\n")
        except (OSError, SyntaxError, ValueError):
            return []


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"
