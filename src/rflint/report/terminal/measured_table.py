"""The table of what was measured of a trained model, beside what was predicted."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rflint.analysis.analysed_layer import Verdict
from rflint.analysis.analysis import Analysis
from rflint.measurement.comparison import compare
from rflint.measurement.results import Measured
from rflint.report.measurements import (
    COLUMNS,
    TAIL,
    MeasuredRow,
    field_sentences,
    filled_columns,
    legend,
    measured_on,
    measured_rows,
    told_weights,
)
from rflint.report.terminal.console import glyphs_of
from rflint.text.cut import cut_middle
from rflint.text.escape import one_line
from rflint.text.numbers import compact_size

_LONGEST_NAME = 32
_UNLIMITED = 10_000
"""More than any table has."""
_COLOURS = {Verdict.UNPRODUCTIVE: "red", Verdict.PARTIAL: "yellow", Verdict.NOT_JUDGED: "dim"}


class MeasuredTable:
    """One row for each layer that was measured, and what follows from them."""

    def __init__(self, console: Console, analysis: Analysis, measured: Measured) -> None:
        self.console = console
        self.analysis = analysis
        self.measured = measured
        self.glyphs = glyphs_of(console)

    def print(self) -> None:
        """What was measured on, the table, its meaning, and the comparison in a sentence."""
        measured, g = self.measured, self.glyphs
        self.console.print(Text(f"Measured on {measured_on(measured)}.", "bold"))
        for told in filter(None, (measured.data, told_weights(measured))):
            self.console.print(Text(one_line(told), "dim"))
        self.console.print()
        self._print_table()
        comparison = compare(self.analysis, measured)
        style = {True: "green", False: "yellow", None: ""}[comparison.holds]
        self.console.print()
        sentence = one_line(comparison.sentence)
        self.console.print(Text(f"{sentence[:1].upper()}{sentence[1:]}.", style))
        for name, text in field_sentences(self.analysis, measured, g.cross, g.unbounded):
            self.console.print(Text(f"{one_line(name)} {text}"))
        for note in measured.notes:
            text = one_line(note)
            self.console.print(Text(f"{text[:1].upper()}{text[1:]}.", "yellow"))

    def _print_table(self) -> None:
        """Errors stand in it where there is room for them."""
        rows = measured_rows(self.analysis, self.measured)
        columns = filled_columns(rows)
        has_errors = any(row.measured.probe_error is not None for row in rows)
        plus_minus = self.glyphs.plus_minus if has_errors else ""
        table = self._table(rows, columns, plus_minus)
        unlimited = self.console.options.update(max_width=_UNLIMITED)
        if self.console.measure(table, options=unlimited).maximum > self.console.width:
            plus_minus = ""
            table = self._table(rows, columns, plus_minus)
        told = legend(self.measured, columns, plus_minus)
        if has_errors and not plus_minus:
            told += "; the standard error of p: p_stderr in --format json, or in a wider terminal"
        self.console.print(table)
        if told:
            self.console.print(Text(told, "dim"))

    def _table(self, rows: Sequence[MeasuredRow], columns: Sequence[str], plus_minus: str) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for column in ("", "layer", "sees", "verdict", *columns):
            right = column == "sees" or (column in COLUMNS and column != TAIL)
            table.add_column(column, justify="right" if right else "left", no_wrap=True)
        for row in rows:
            cells = row.cells(plus_minus)
            told = (Text(cells[name], "yellow" if name == TAIL else "") for name in columns)
            table.add_row(*self._predicted(row), *told)
        return table

    def _predicted(self, row: MeasuredRow) -> list[Text]:
        """A mark, the layer, what it sees, and whether it is called productive."""
        g, x = self.glyphs, row.analysed
        colour = _COLOURS.get(x.verdict, "green")
        mark = {Verdict.UNPRODUCTIVE: g.bad, Verdict.PARTIAL: g.warn}.get(x.verdict, "")
        name = cut_middle(one_line(x.described), _LONGEST_NAME, g.ellipsis)
        sees = compact_size((axis.r_min for axis in x.input_field), g.cross, g.unbounded)
        return [
            Text(mark, colour),
            Text(name, f"bold {colour}" if mark else ""),
            Text(sees, colour),
            Text(x.verdict.value, colour),
        ]
