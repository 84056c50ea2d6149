"""Places in the user's source files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A place in a source file; `path` as a person would type it, `line` counted from 1.

    Of code in a notebook, `path` is the cell.
    """

    path: str
    line: int

    def __str__(self) -> str:
        is_cell = self.path.startswith("cell [")
        return f"{self.path}{', line ' if is_cell else ':'}{self.line}"
