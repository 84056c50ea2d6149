"""The table of all models of a run, on a terminal: what stands in front of their reports."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rflint.report.model_report import ModelReport
from rflint.report.terminal.console import glyphs_of
from rflint.report.wording import convolutions_cell, severity_counts
from rflint.text.cut import cut_middle
from rflint.text.escape import one_line
from rflint.text.numbers import abbreviated, plural, size

_SHORTEST = 12
"""Names of models are cut to no less than this."""
_COLUMNS = ("model", "input", "parameters", "MACs", "convolutions", "unproductive", "findings")
_DISPENSABLE = ("convolutions", "parameters", "MACs", "input", "unproductive")
"""On a narrow terminal these go first, in this order."""


class ModelTable:
    """One row for each model and input size."""

    def __init__(self, console: Console, models: Sequence[ModelReport]) -> None:
        self.console = console
        self.models = models
        self.glyphs = glyphs_of(console)

    def print(self) -> None:
        """The table, as wide as the terminal at most."""
        rows = [self._cells(model) for model in self.models]
        columns = list(_COLUMNS)
        for dropped in _DISPENSABLE:
            if self._room_for_names(rows, columns) >= _SHORTEST:
                break
            columns.remove(dropped)
        room = max(self._room_for_names(rows, columns), _SHORTEST)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for column in columns:
            right = column not in ("model", "input", "findings")
            table.add_column(column, justify="right" if right else "left", no_wrap=True)
        for row in rows:
            row["model"] = Text(cut_middle(row["model"].plain, room, self.glyphs.ellipsis), "bold")
            table.add_row(*(row[column] for column in columns))
        self.console.print(table)

    def _room_for_names(self, rows: Sequence[dict[str, Text]], columns: Sequence[str]) -> int:
        """How wide names may be beside these columns."""
        widths = (
            max(len(column), *(len(row[column]) for row in rows)) + 2
            for column in columns
            if column != "model"
        )
        return self.console.width - sum(widths)

    def _cells(self, model: ModelReport) -> dict[str, Text]:
        totals = model.analysis.totals
        return {
            "model": Text(one_line(model.title)),
            "input": Text(size(model.analysis.architecture.resolution, self.glyphs.cross)),
            "parameters": Text(abbreviated(totals.params)),
            "MACs": Text(abbreviated(totals.macs)),
            "convolutions": Text(convolutions_cell(model.analysis)),
            "unproductive": Text(str(totals.unproductive), "red" if totals.unproductive else ""),
            "findings": self._findings(model),
        }

    @staticmethod
    def _findings(model: ModelReport) -> Text:
        """'2 errors, 1 warning', with what is exceeded, and whether the model is known whole."""
        counts = severity_counts(finding.severity for finding in model.findings)
        found = [counts] if counts else []
        if model.exceeded_limits:
            found.append(f"{plural(len(model.exceeded_limits), 'limit')} exceeded")
        text = Text(", ".join(found) or "none", "" if found else "green")
        return text if model.analysis.complete else text.append(", incomplete", "yellow")
