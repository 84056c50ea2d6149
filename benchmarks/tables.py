"""Figures as a table: for a terminal, or for a document."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def show(headings: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> None:
    """Print a table."""
    if markdown:
        print("|" + "|".join(f" {heading} " for heading in headings) + "|")
        print("|" + " --- |" * len(headings))
        for row in rows:
            print("| " + " | ".join(row) + " |")
        return
    table = Table(*headings)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
