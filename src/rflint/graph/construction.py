"""Which of the lines that built a module tells it apart from others.

A helper builds many modules on one line: the convolution of a block, say. To whoever looks for the
line to edit, that line alone says little; the lines through which the helper was called say which
of its modules is meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from rflint.graph.source_location import SourceLocation

Construction: TypeAlias = tuple[SourceLocation, ...]
"""The user's lines through which a module was built, innermost first."""


def place_text(
    source: SourceLocation, called_from: SourceLocation | None, known_file: str = ""
) -> str:
    """Both lines as a person reads them: 'net.py:12 (from line 40)'.

    The reader knows which file is spoken of where it is `known_file`: 'line 12 (from line 40)'.
    """
    inner = _line_in(source, known_file)
    return f"{inner} (from {_line_in(called_from, source.path)})" if called_from else inner


def _line_in(place: SourceLocation, file: str) -> str:
    return f"line {place.line}" if place.path == file else str(place)


class Constructions:
    """How many modules were built through the same lines, and through the same beginnings."""

    def __init__(self, constructions: Iterable[Construction]) -> None:
        self._built: dict[Construction, int] = {}
        for lines in constructions:
            for length in range(1, len(lines) + 1):
                self._built[lines[:length]] = self._built.get(lines[:length], 0) + 1

    def calling_line(self, lines: Construction) -> SourceLocation | None:
        """The outer line from which on a module is told apart as far as lines can tell.

        None where the innermost line tells as much.
        """
        telling = None
        for length in range(2, len(lines) + 1):
            if self._count(lines[:length]) < self._count(lines[: length - 1]):
                telling = lines[length - 1]
        return telling

    def _count(self, lines: Construction) -> int:
        return self._built.get(lines, 0)
