"""The summary of a sweep on a terminal, or as plain text in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rflint.linting.finding import Severity
from rflint.report.sweep.summary import SizeCounts, SweepSummary, quantile
from rflint.report.terminal.console import (
    SEVERITY_COLOURS,
    captured,
    console_for,
    glyphs_of,
)
from rflint.text.cut import cut_middle
from rflint.text.escape import one_line, without_ci_commands
from rflint.text.natural_order import natural_order
from rflint.text.numbers import abbreviated, percent, plural

_MESSAGE = 100
_TARGET = 60
"""Longer messages and targets are cut."""
_MOST_RULES = 20
_COLOURS = {x.value: SEVERITY_COLOURS[x] for x in Severity}


def write_summary(summary: SweepSummary, stream: TextIO) -> None:
    """Write what the lines of a sweep say together."""
    console = console_for(stream)
    stream.write(captured(console, lambda: console.print(_all_parts(summary, console))))


def write_files(files: Sequence[tuple[str, int, int]], twice: int, stream: TextIO) -> None:
    """Write how many reports and errors each file has, and how many lines were there before."""
    table = _table("file", "reports", "errors")
    for name, models, errors in files:
        failed = Text(f"{errors:,}", "red" if errors else "")
        table.add_row(Text(one_line(name), "bold"), f"{models:,}", failed)
    parts: list[RenderableType] = [table]
    if twice:
        parts.append(Text(f"{plural(twice, 'line', ',')} about the same as another", "dim"))
    console = console_for(stream)
    stream.write(captured(console, lambda: console.print(Group(*parts))))


def _all_parts(summary: SweepSummary, console: Console) -> RenderableType:
    parts: list[RenderableType] = [_headline(summary)]
    if summary.by_size:
        parts += ["", _sizes(summary, glyphs_of(console).cross)]
    if summary.by_rule:
        parts += ["", _rules(summary)]
    if summary.worst:
        parts += ["", *_worst(summary, console)]
    if summary.by_error:
        parts += ["", _errors(summary, console)]
    return Group(*parts)


def _headline(summary: SweepSummary) -> Text:
    text = Text(plural(summary.models, "report", ","), "bold")
    if summary.errors:
        text.append(f", {plural(summary.errors, 'error', ',')}", "red")
    if summary.incomplete:
        text.append(f", {summary.incomplete:,} incomplete", "yellow")
    return text


def _sizes(summary: SweepSummary, cross: str) -> Table:
    table = _table(
        *("input", "reports", "errors", "with findings"),
        *("unproductive: 25 %", "median", "75 %", "most"),
    )
    for res, counts in sorted(summary.by_size.items(), key=lambda x: natural_order(x[0])):
        share = percent(counts.with_findings, counts.models) if counts.models else ""
        table.add_row(
            Text(one_line(res.replace("x", cross)) or "as given", "bold"),
            f"{counts.models:,}",
            Text(f"{counts.errors:,}", "red" if counts.errors else ""),
            f"{counts.with_findings:,} ({share})" if share else "0",
            *_quartiles(counts),
        )
    return table


def _quartiles(counts: SizeCounts) -> Sequence[str]:
    """Of the numbers of unproductive convolutions."""
    if not counts.models:
        return ("",) * 4
    return [str(quantile(counts.unproductive, x)) for x in (0.25, 0.5, 0.75, 1.0)]


def _rules(summary: SweepSummary) -> RenderableType:
    table = _table("rule", "", "severity", "reports", "findings", left=3)
    by_reports = sorted(summary.by_rule.items(), key=lambda x: (-x[1].models, x[0]))
    for code, counts in by_reports[:_MOST_RULES]:
        share = percent(counts.models, summary.models)
        table.add_row(
            Text(one_line(code), "bold"),
            one_line(counts.name),
            Text(one_line(counts.severity), _COLOURS.get(counts.severity, "")),
            f"{counts.models:,} ({share})",
            f"{counts.findings:,}",
        )
    rest = by_reports[_MOST_RULES:]
    return Group(table, Text(f"and {plural(len(rest), 'rule')} more", "dim")) if rest else table


def _worst(summary: SweepSummary, console: Console) -> Iterable[RenderableType]:
    glyphs = glyphs_of(console)
    yield Text("Most of their parameters in unproductive convolutions:", "dim")
    table = _table("model", "input", "parameters", "unproductive", "share", left=2)
    for one in summary.worst:
        table.add_row(
            Text(cut_middle(one_line(one.target), _TARGET, glyphs.ellipsis), "bold"),
            one.resolution.replace("x", glyphs.cross),
            abbreviated(one.params),
            f"{one.unproductive} of {one.convs}",
            Text(percent(one.share, 1), "red"),
        )
    yield table


def _errors(summary: SweepSummary, console: Console) -> RenderableType:
    ellipsis = glyphs_of(console).ellipsis
    parts: list[RenderableType] = [Text("Errors, and the first of each kind:", "dim")]
    for kind, found in sorted(summary.by_error.items(), key=lambda x: (-x[1].count, x[0])):
        target = cut_middle(one_line(found.target), _TARGET, ellipsis)
        parts.append(Text(f"{found.count:,} {one_line(kind)}", "red"))
        message = one_line(found.message.partition("\n")[0])
        cut = message if len(message) <= _MESSAGE else f"{message[:_MESSAGE]}{ellipsis}"
        told = cut if found.target in message else f"{target}: {cut}"
        parts.append(Padding(Text(without_ci_commands(told), "dim"), (0, 0, 0, 3)))
    return Group(*parts)


def _table(*columns: str, left: int = 1) -> Table:
    """A table whose first columns are texts, and all others numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        right = number >= left
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    return table
