"""The report on a terminal: header, the layers that matter, findings as a story, repairs.

Colour, width and the character set follow the terminal; into a pipe or a file go plain text of a
fixed width. Names from the user's model are never read as markup.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rflint.analysis import AnalysedLayer, Verdict
from rflint.architecture import Kind
from rflint.figures import change, compact, count, plural, share, size
from rflint.layouts import is_usual
from rflint.repair import Repair
from rflint.repair.words import in_figures
from rflint.report import ModelReport, Report
from rflint.reporters.places import one_line
from rflint.roles import Role
from rflint.rule import Finding, Rule, Severity

_PIPE_WIDTH = 100
_ALL_ROWS = 36
"""Networks of up to this many convolutions and poolings are shown whole."""
_WASTED_ROWS = 8
"""Of longer ones, so many unproductive layers."""
_NARROWEST_BAR, _WIDEST_BAR = 10, 32
_TABLE_WIDTH = 70
"""Narrower terminals get repairs as a list."""
_SHORTEST = 12
"""Layer names are cut to no less than this."""
_RIGHT = ("sees", "params", "MACs")
_EDITS = 6
"""So many lines of a repair are shown, unless --verbose asks for all."""
_REFUSALS = 2
"""So many reasons why something is not offered."""
_NAMES = 12
"""So many layers of a finding are named, unless --verbose asks for all."""

_COLOURS = {
    Verdict.UNPRODUCTIVE: "red",
    Verdict.PARTIAL: "yellow",
    Verdict.CRITICAL: "green",
    Verdict.PRODUCTIVE: "green",
    Verdict.NOT_JUDGED: "dim",
}
_SEVERITIES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


@dataclass(frozen=True, slots=True)
class _Glyphs:
    cross: str = "×"
    dot: str = "·"
    border: str = "│"
    full: str = "█"
    past: str = "▓"
    more: str = "▶"
    ellipsis: str = "…"
    bad: str = "✗"
    warn: str = "!"
    unbounded: str = "∞"


@dataclass(frozen=True, slots=True)
class _Run:
    """Rows that are not shown one by one."""

    layers: int
    unproductive: int

    def __str__(self) -> str:
        wasted = f", {self.unproductive} unproductive" if self.unproductive else ""
        return f"{self.layers} more{wasted}"


_ASCII = _Glyphs("x", "-", "|", "#", "%", ">", "...", "x", "!", "all")


def write_text(report: Report, rules: Sequence[Rule], stream: TextIO, verbose: bool) -> None:
    """Write the report for a person."""
    console = console_for(stream)
    if console.is_terminal:
        print_report(console, report, rules, verbose)
        return
    with console.capture() as captured:
        print_report(console, report, rules, verbose)
    # tables fill their cells with spaces, which nobody wants in a file
    stream.writelines(f"{_inert(line.rstrip())}\n" for line in captured.get().splitlines())


def _inert(line: str) -> str:
    """A line that the log of a CI run does not take for a command (`::error::`, `##[error]`)."""
    return re.sub(r"^(\s*:)(?=:)", r"\1 ", line).replace("##[", "# #[")


def print_report(
    console: Console, report: Report, rules: Sequence[Rule], verbose: bool = False
) -> None:
    """Print every model's page and a closing line."""
    for position, model in enumerate(report.models):
        if position:
            console.print()
            console.rule(style="dim")
            console.print()
        _Page(console, model, rules, verbose).print()
    if report.models:
        console.print()
        console.print(_closing(report))


def console_for(stream: TextIO) -> Console:
    """A console that takes everything literally."""
    console = Console(file=stream, markup=False, highlight=False, emoji=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPE_WIDTH
    return console


class _Page:
    """One model's part of the report."""

    def __init__(
        self, console: Console, model: ModelReport, rules: Sequence[Rule], verbose: bool
    ) -> None:
        self.console = console
        self.model = model
        self.analysis = model.analysis
        self.rules = {rule.code: rule for rule in rules}
        self.verbose = verbose
        self.glyphs = _ASCII if console.options.ascii_only else _Glyphs()

    def print(self) -> None:
        """Header, layers, findings, repairs."""
        self._header()
        if self.analysis.totals.convs and (self.verbose or self.model.findings):
            self.console.print()
            self._layers()
        for code, findings in groupby(self.model.findings, key=lambda finding: finding.code):
            self.console.print()
            self._findings(code, list(findings))
        for limit in self.model.over_limits:
            self.console.print()
            self.console.print(
                Text.assemble((limit.code, "bold red"), f" exceeded: {one_line(limit.message)}")
            )
        if self._asks_for_advice():
            self.console.print()
            self._advice()

    def _asks_for_advice(self) -> bool:
        """Whether a layer that is to be done something about is unproductive.

        Repairs answer for nothing else: not for what is suppressed, accepted, or was not asked for.
        """
        wasted = {x.layer.name for x in self.analysis.unproductive}
        limited = any(x.code == "max-unproductive" for x in self.model.over_limits)
        return limited or any(x.layer in wasted for x in self.model.findings)

    def _header(self) -> None:
        g, totals, architecture = self.glyphs, self.analysis.totals, self.analysis.architecture
        inputs = ", ".join(
            f"{size(shape, g.cross)}{'' if is_usual(letters) else f' ({letters})'}"
            for shape, letters in zip_longest(
                architecture.inputs, architecture.layouts, fillvalue=""
            )
        )
        self.console.print(Text.assemble((one_line(self.model.title), "bold"), f"  on {inputs}"))
        facts = [
            f"{count(totals.params)} parameters",
            f"{count(totals.macs)} MACs",
            self._convolutions(),
        ]
        line = Text(f" {g.dot} ".join(facts))
        if totals.unproductive:
            line.append(f" {g.dot} ")
            wasted = [x.layer.geometry.kernel for x in self.analysis.unproductive]
            ones = f", all {g.cross.join('1' * architecture.axes)}"
            mixing_only = all(set(kernel) == {1} for kernel in wasted)
            line.append(
                f"{totals.unproductive} unproductive{ones if mixing_only else ''}",
                "yellow" if mixing_only else "bold red",
            )
        if totals.dead_weights:
            dead = share(totals.dead_weights, totals.params)
            line.append(f" {g.dot} ")
            line.append(f"{count(totals.dead_weights)} dead weights ({dead})", "bold yellow")
        if not self.analysis.complete:
            line.append(f" {g.dot} ")
            line.append("incomplete", "bold yellow")
        self.console.print(line)
        feasible = size(self.analysis.feasible_min, g.cross)
        if architecture.left_out:
            self.console.print("Judged up to where the model reads values of the data.")
        elif not self.analysis.complete:
            self.console.print("What depends on an unknown operator was not judged.")
        elif totals.convs and not totals.unproductive:
            smaller = all(
                least <= given
                for least, given in zip(
                    self.analysis.feasible_min, architecture.resolution, strict=True
                )
            )
            would = "would allow inputs down to" if smaller else "ask, axis by axis, for at least"
            self.console.print(
                f"No convolution is unproductive at {size(architecture.resolution, g.cross)}; "
                f"receptive fields {would} {feasible}.",
                style="green" if not self.model.findings else None,
            )
        if self.analysis.border_min:
            self.console.print(
                Text.assemble(
                    "Border layer ",
                    (one_line(self.analysis.border_min.layer.title), "bold"),
                    f": receptive fields ask for inputs of at least {feasible}.",
                )
            )

    def _convolutions(self) -> str:
        """How many are judged, and how many are not: in gates, heads, or behind unknowns."""
        judged = self.analysis.totals.convs
        others = [
            x for x in self.analysis.layers if x.layer.kind.is_convolution and not x.is_judged
        ]
        if not judged and not others:
            return "no convolution to judge"
        beside = f" (and {len(others)} not judged)" if others else ""
        return f"{plural(judged, 'convolution')}{beside}"

    # -- layers

    def _layers(self) -> None:
        g = self.glyphs
        rows_of = [x for x in self.analysis.layers if self.verbose or _matters(x)]
        shown = list(self._abridged(rows_of))
        rows = [self._cells(x) for x in shown]
        columns, bar = self._columns(rows)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for column in columns:
            table.add_column(
                self._scale(bar) if column == "bar" else Text(column),
                justify="right" if column in _RIGHT else "left",
                no_wrap=True,
                overflow="ellipsis",
                width=bar if column == "bar" else None,
                min_width=_SHORTEST if column == "layer" else None,
            )
        for x, row in zip(shown, rows, strict=True):
            row["bar"] = Text() if isinstance(x, _Run) else self._bar(x, bar)
            table.add_row(*(row[column] for column in columns))
        self.console.print(table)
        self.console.print(
            f"sees: the receptive field of the layer's input along the shortest path, in input "
            f"pixels per side ({g.border} = the input's size)",
            style="dim",
        )
        if any(x.verdict is Verdict.PARTIAL for x in self.analysis.layers):
            self.console.print(f"{g.warn}: unproductive along some axes only", style="dim")

    def _cells(self, x: AnalysedLayer | _Run) -> dict[str, Text]:
        """What stands in each column, the bar excepted."""
        g = self.glyphs
        if isinstance(x, _Run):
            filler = Text(f"{g.ellipsis} {x}", "dim")
            return defaultdict(Text, layer=filler)
        layer = x.layer
        colour = _COLOURS[x.verdict]
        mark = {Verdict.UNPRODUCTIVE: g.bad, Verdict.PARTIAL: g.warn}.get(x.verdict, "")
        kernel = layer.geometry.kernel
        reads = "?" if x.unknown else "global" if None in kernel else size(kernel, g.cross)
        unknown = any(axis.unknown and not axis.spans for axis in x.seen)
        sees = compact(
            (seen.r_min if x.has_axis(axis) else 1 for axis, seen in enumerate(x.seen)),
            g.cross,
            g.unbounded,
        )
        return {
            "": Text(mark, colour),
            "layer": Text(one_line(layer.title), f"bold {colour}" if mark else ""),
            "kernel": Text(reads),
            "stride": Text("?" if x.unknown else compact(layer.geometry.stride, g.cross, "")),
            "map": Text(size(layer.out_shape[-len(kernel) :], g.cross)),
            "sees": Text("?") if unknown else Text(sees, colour),
            "params": Text(count(layer.params) if layer.params else ""),
            "MACs": Text(count(layer.macs) if layer.macs else ""),
        }

    def _columns(self, rows: Sequence[dict[str, Text]]) -> tuple[list[str], int]:
        """The columns that fit, and the width of the bar; what is least needed goes first."""
        columns = ["", "layer", "kernel", "stride", "map", "sees", "bar", "params", "MACs"]

        def room() -> int:
            widths = (
                max(
                    _SHORTEST if column == "layer" else 1,
                    len(column),
                    *(len(row[column]) for row in rows),
                )
                for column in columns
                if column != "bar"
            )
            return self.console.width - sum(widths) - 2 * len(columns)

        for dropped in ("stride", "MACs", "kernel", "params", "map"):
            if room() >= _NARROWEST_BAR:
                break
            columns.remove(dropped)
        bar = min(_WIDEST_BAR, room())
        if bar < _NARROWEST_BAR:
            columns.remove("bar")
            return columns, 0
        return columns, bar

    def _bar(self, x: AnalysedLayer, width: int) -> Text:
        """r_{l-1,min} on a scale from nothing to twice the input, with the input's size marked."""
        g = self.glyphs
        resolution = self.analysis.architecture.resolution
        ratios = [
            2.0 if axis.r_min is None else float(axis.r_min) / i
            for axis, i in zip(x.seen, resolution, strict=True)
        ]
        ratio = min(ratios)
        middle = width // 2
        filled = round(ratio * middle)
        filled = min(filled, middle) if ratio <= 1 else max(filled, middle + 2)
        text = Text((g.full * min(filled, middle)).ljust(middle), "green")
        text.append(g.border, "bold default")
        beyond = g.past * (min(filled, width) - middle - 1)
        if filled >= width:
            beyond = beyond[:-1] + g.more
        return text.append(beyond.ljust(width - middle - 1), "red")

    def _scale(self, width: int) -> Text:
        resolution = self.analysis.architecture.resolution
        middle = width // 2
        label = compact(resolution, self.glyphs.cross)
        return Text("0".ljust(max(1, middle - len(label) // 2)) + label)

    def _abridged(self, rows: Sequence[AnalysedLayer]) -> Iterable[AnalysedLayer | _Run]:
        """Long networks show their ends, downsampling, and the first unproductive layers.

        Each of those comes with the layer before it; the rest is counted.
        """
        if self.verbose or len(rows) <= _ALL_ROWS:
            return list(rows)
        shown = {0, 1, len(rows) - 1}
        for i, x in enumerate(rows):
            downsamples = any(s is not None and s > 1 for s in x.layer.geometry.stride)
            if downsamples or x.verdict is Verdict.PARTIAL:
                shown.add(i)
        wasted = [i for i, x in enumerate(rows) if x.verdict is Verdict.UNPRODUCTIVE]
        for i in wasted[:_WASTED_ROWS]:
            shown.update((max(i - 1, 0), i))
        result: list[AnalysedLayer | _Run] = []
        for is_shown, run in groupby(enumerate(rows), key=lambda pair: pair[0] in shown):
            layers = [x for _, x in run]
            if is_shown or len(layers) <= 2:
                result += layers
            else:
                unproductive = sum(x.verdict is Verdict.UNPRODUCTIVE for x in layers)
                result.append(_Run(len(layers), unproductive))
        return result

    # -- findings

    def _findings(self, code: str, findings: list[Finding]) -> None:
        first = findings[0]
        self.console.print(
            Text.assemble(
                (code, f"bold {_SEVERITIES[first.severity]}"),
                f" {first.name} ",
                (f"({plural(len(findings), first.severity.value)}{_evidence(first)})", "dim"),
            )
        )
        rule = self.rules.get(code)
        story = rule.summarise(self.analysis, findings) if rule and rule.summarise else ""
        if not story and len({finding.message for finding in findings}) == 1:
            story = first.message
        if story:
            self.console.print(Padding(Text(_paragraphs(story)), (0, 0, 0, 2)))
        by_place: dict[tuple[str, str], list[Finding]] = {}
        for finding in findings:
            by_place.setdefault((str(finding.source or ""), finding.detail), []).append(finding)
        for (place, _), there in by_place.items():
            self._at(place, there, with_messages=not story)

    def _at(self, place: str, findings: list[Finding], *, with_messages: bool) -> None:
        if with_messages:
            for finding in findings:
                message = _paragraphs(finding.message)
                text = Text.assemble((one_line(finding.layer), "bold"), f": {message}")
                if place:
                    text.append(f" ({one_line(place)})", "cyan")
                self.console.print(Padding(text, (0, 0, 0, 2)))
            return
        names = list(dict.fromkeys(finding.layer for finding in findings))
        limit = len(names) if self.verbose else _NAMES
        listed = ", ".join(names[:limit])
        if len(names) > limit:
            listed += f" and {len(names) - limit} more"
        text = Text()
        if place:
            text.append(f"{one_line(place)}  ", "cyan")
        text.append(one_line(listed))
        if findings[0].detail:
            text.append(f": {one_line(findings[0].detail)}")
        self.console.print(Padding(text, (0, 0, 0, 2)))

    # -- repairs

    def _advice(self) -> None:
        """What to change: the model, or what it is fed; and what was looked for in vain."""
        g, model = self.glyphs, self.model
        if model.repairs:
            self._repairs()
        else:
            self.console.print("No change to the model was found that would mend this.")
        larger = model.larger_input
        if larger:
            factor = change(self.analysis.totals.macs, larger.macs, g.cross)
            self.console.print(
                f"Or feed it larger inputs: at {size(larger.resolution, g.cross)} nothing is "
                f"unproductive, for {count(larger.macs)} MACs ({factor})."
            )
        refusals = model.not_offered if self.verbose else model.not_offered[:_REFUSALS]
        for reason in refusals:
            self.console.print(Text(f"Not offered: {one_line(reason)}.", "dim"))
        if len(model.not_offered) > len(refusals):
            more = len(model.not_offered) - len(refusals)
            self.console.print(Text(f"({more} more with --verbose)", "dim"))

    def _repairs(self) -> None:
        repairs = enumerate(self.model.repairs, start=1)
        if self.console.width < _TABLE_WIDTH:
            for number, repair in repairs:
                self.console.print(self._repair_title(number, repair))
                self.console.print(Padding(Text(in_figures(repair)), (0, 0, 0, 3)))
        else:
            table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
            table.add_column("what to do about it", ratio=1)
            for heading in ("unproductive", "parameters", "MACs"):
                table.add_column(heading, justify="right", no_wrap=True)
            before = self.model.repairs[0].before
            unproductive = Text(str(before.unproductive), "red")
            table.add_row("as it is", unproductive, count(before.params), count(before.macs))
            for number, repair in repairs:
                table.add_row(*self._repair(number, repair))
            self.console.print(table)
        self.console.print(
            "Each change was made to a copy of the model, and the copy analysed again. Accuracy is "
            "not predicted: train to decide. rflint fix --repair N writes the N-th as code.",
            style="dim",
        )

    def _repair_title(self, number: int, repair: Repair) -> RenderableType:
        edits = [step.code for step in repair.steps if not step.defines]
        shown = edits if self.verbose else edits[:_EDITS]
        lines = [Text(_paragraphs(edit), "dim") for edit in shown]
        if len(shown) < len(edits):
            lines.append(Text(f"and {len(edits) - len(shown)} more lines", "dim"))
        return Group(
            Text(f"{number}. {repair.words}", "bold"),
            *(Padding(line, (0, 0, 0, 3)) for line in [Text(one_line(repair.title)), *lines]),
        )

    def _repair(self, number: int, repair: Repair) -> list[RenderableType]:
        before, after = repair.before, repair.after
        cross = self.glyphs.cross
        return [
            self._repair_title(number, repair),
            Text(str(after.unproductive), "green" if not after.unproductive else "yellow"),
            _changed(before.params, after.params, cross),
            _changed(before.macs, after.macs, cross),
        ]


def _changed(before: int, after: int, cross: str) -> Text:
    text = Text(count(after))
    difference = change(before, after, cross)
    if difference:
        text.append(f"\n{difference}", "green" if after < before else "yellow")
    return text


def _evidence(finding: Finding) -> str:
    return f", {finding.evidence.value}" if finding.evidence else ""


def _paragraphs(text: str) -> str:
    """A text of several lines; a name in it can neither move the cursor nor set colours."""
    return "\n".join(map(one_line, text.split("\n")))


def _matters(x: AnalysedLayer) -> bool:
    """Judged convolutions, and the trunk's poolings and samplings between them."""
    if x.is_judged:
        return True
    samples = x.layer.kind in (Kind.POOL, Kind.UPSAMPLE, Kind.UNKNOWN)
    return samples and x.role is Role.TRUNK


def _closing(report: Report) -> Text:
    """How many findings there are, and how many somebody has answered for."""
    findings = report.findings
    counts = [
        plural(sum(1 for f in findings if f.severity is severity), severity.value)
        for severity in reversed(Severity)
        if any(f.severity is severity for f in findings)
    ]
    exceeded = sum(len(model.over_limits) for model in report.models)
    if exceeded:
        counts.append(f"{plural(exceeded, 'limit')} exceeded")
    beside = [
        f"{number} {what}"
        for number, what in (
            (sum(len(model.suppressed) for model in report.models), "suppressed"),
            (sum(len(model.accepted) for model in report.models), "in the baseline"),
        )
        if number
    ]
    aside = f" ({', '.join(beside)})" if beside else ""
    if not counts:
        return Text(f"No findings{aside}.", "green")
    return Text(f"Found {', '.join(counts)}{aside}.", "bold")
