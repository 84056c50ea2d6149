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

    The reader knows which file is spoken of where it is `known_file`: 'line 12 (from 40)'.
    """
    inner = f"line {source.line}" if source.path == known_file else str(source)
    if called_from is None:
        return inner
    if called_from.path != source.path:
        return f"{inner} (from {called_from})"
    word = "" if source.path == known_file else "line "
    return f"{inner} (from {word}{called_from.line})"


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
