"""The sizes on a terminal: for each model a table of ranges, and advice."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TextIO, TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rflint.analysis.sizes.at_size import AtSize
from rflint.analysis.sizes.ranges import SizeRange, Standing
from rflint.analysis.tiling.obstacles import NotTileable
from rflint.analysis.tiling.tiling import Tiling
from rflint.report.sizes.report import ModelSizes, SizesReport
from rflint.report.sizes.tiling_words import tiling_rows, tiling_sentences, tiling_titles
from rflint.report.sizes.words import (
    advice,
    amount_cell,
    how_known,
    look_back_sentence,
    memory_cell,
    ordinal,
    reasons,
    share_cell,
    sizes_cell,
    standing_cell,
    step_of,
)
from rflint.report.terminal.console import captured, console_for, glyphs_of
from rflint.report.units import main_unit
from rflint.report.wording import inputs_text
from rflint.text.escape import one_line
from rflint.text.numbers import plural, size

_STYLES = {
    Standing.FAILS: "red",
    Standing.NOT_KNOWN: "magenta",
    Standing.UNPRODUCTIVE: "yellow",
    Standing.SOUND: "green",
    Standing.TOO_LARGE: "yellow",
}


def write(report: SizesReport, stream: TextIO) -> None:
    """Write the report for a person."""
    console = console_for(stream)
    # what is said on stderr is not said beside it once more
    failures = stream is not sys.stdout
    if console.is_terminal:
        _print(console, report, failures)
        return
    stream.write(captured(console, partial(_print, console, report, failures)))


def _print(console: Console, report: SizesReport, failures: bool) -> None:
    for position, model in enumerate(report.models):
        if position:
            console.print()
        _print_model(console, model)
    for failure in report.failures if failures else ():
        console.print(Text(f"{one_line(failure.target)}: {failure.error}", "red"))


def _print_model(console: Console, model: ModelSizes) -> None:
    g = glyphs_of(console)
    survey = model.survey
    first, last = (size(x.size, g.cross) for x in (survey.outcomes[0], survey.outcomes[-1]))
    unit = main_unit(model.analysis.architecture)
    span = f"{first} to {last} {unit}" if first != last else f"{first} {unit}"
    counted = plural(len(survey.outcomes), "size")
    step = step_of(survey.outcomes)
    counted += f", every {ordinal(step)}" if step > 1 else ""
    inputs = inputs_text(model.analysis, g.cross)
    console.print(
        Text.assemble((one_line(model.title), "bold"), f"  at {span} ({counted}), like {inputs}")
    )
    console.print()
    console.print(_table(model, g.cross))
    console.print()
    for line in (*reasons(model, g.cross), *advice(model, g.cross)):
        console.print(Text(one_line(line)))
    if model.look_back is not None:
        console.print(Text(one_line(look_back_sentence(model.look_back))))
    console.print(Text(one_line(how_known(model)), "dim"))
    if model.tiling is not None:
        console.print()
        _print_tiling(console, model.tiling, unit)


def _print_tiling(console: Console, found: Tiling | NotTileable, unit: str) -> None:
    cross = glyphs_of(console).cross
    for line in tiling_sentences(found, unit, cross):
        console.print(Text(one_line(line)))
    if isinstance(found, NotTileable) or not found.advice:
        return
    table = Table(box=None, padding=(0, 3, 0, 0), show_edge=False, header_style="bold")
    for number, title in enumerate(tiling_titles(found, cross)):
        table.add_column(title, justify="left" if number < 2 else "right", no_wrap=True)
    for row in tiling_rows(found, cross):
        table.add_row(*row)
    console.print()
    console.print(table)


def _table(model: ModelSizes, cross: str) -> Table:
    """A row for each range; columns that would say nothing anywhere are left out."""
    ranges = model.survey.ranges
    columns = [(title, cell) for title, cell, holds in _COLUMNS if _somewhere(ranges, holds)]
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("input", no_wrap=True)
    table.add_column("", no_wrap=True)
    for title, _ in columns:
        table.add_column(title, justify="right")
    for found in ranges:
        what = Text(standing_cell(model, found), _STYLES[found.standing])
        cells = [cell(found.running) for _, cell in columns] if found.running else []
        table.add_row(sizes_cell(found, cross), what, *cells)
    return table


Cell: TypeAlias = Callable[[Sequence[AtSize]], str]

_COLUMNS: tuple[tuple[str, Cell, Callable[[AtSize], object]], ...] = (
    ("MACs", lambda found: amount_cell([x.macs for x in found]), lambda x: x.macs),
    ("activations", memory_cell, lambda x: x.activations),
    (
        "dead\nweights",
        lambda found: amount_cell([x.dead_weights for x in found]),
        lambda x: x.dead_weights,
    ),
    (
        "rows\nunread",
        lambda found: share_cell([x.unread_border for x in found]),
        lambda x: x.unread_border,
    ),
    (
        "uneven\npadding",
        lambda found: share_cell([x.uneven_padding for x in found]),
        lambda x: x.uneven_padding,
    ),
)
"""What each column is called, holds, and what has to be so somewhere for it to be there."""


def _somewhere(ranges: Sequence[SizeRange], holds: Callable[[AtSize], object]) -> bool:
    return any(holds(x) for found in ranges for x in found.running)
