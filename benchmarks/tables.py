"""Figures as a table: for a terminal, or for a document."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def show(headings: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> None:
    """Print a table."""
    if markdown:
        print(as_markdown(headings, rows))
        return
    table = Table(*headings)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def as_markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The text of a table in a document."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
