"""The report on a terminal: header, the layers that matter, findings, repairs.

Colour, width and the character set follow the terminal; into a pipe or a file go plain text of a
fixed width. Names from the user's model are never read as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from rflint.linting.finding import Finding, Severity
from rflint.linting.rule import Rule
from rflint.report.model_report import ModelReport
from rflint.report.report import Report
from rflint.report.terminal.advice import Advice
from rflint.report.terminal.console import console_for, glyphs_of, plain_console
from rflint.report.terminal.layer_table import LayerTable
from rflint.report.wording import (
    all_pointwise,
    asks_for_advice,
    incompleteness,
    inputs_text,
    paragraph,
    soundness,
)
from rflint.text.escape import escaped_lines, one_line, without_ci_commands
from rflint.text.numbers import abbreviated, abbreviated_count, percent, plural, size

_NAMES = 12
"""So many layers of a finding are named, unless --verbose asks for all."""
_SEVERITIES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write the report for a person."""
    console = console_for(stream)
    if console.is_terminal:
        print_report(console, report, verbose)
        return
    stream.write(_captured(console, report, verbose))


def plain_text(report: Report) -> str:
    """The report without colours, whatever the environment says of terminals."""
    return _captured(plain_console(), report, verbose=False)


def _captured(console: Console, report: Report, verbose: bool) -> str:
    with console.capture() as captured:
        print_report(console, report, verbose)
    # tables fill their cells with spaces, which nobody wants in a file
    lines = captured.get().splitlines()
    return "".join(f"{without_ci_commands(line.rstrip())}\n" for line in lines)


def print_report(console: Console, report: Report, verbose: bool = False) -> None:
    """Print every model's page and a closing line."""
    for position, model in enumerate(report.models):
        if position:
            console.print()
            console.rule(style="dim")
            console.print()
        _Page(console, model, report.rules, verbose).print()
    if report.models:
        console.print()
        console.print(_closing(report))


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
        self.glyphs = glyphs_of(console)

    def print(self) -> None:
        """Header, layers, findings, repairs."""
        self._header()
        if self.analysis.totals.convs and (self.verbose or self.model.findings):
            self.console.print()
            LayerTable(self.console, self.analysis, verbose=self.verbose).print()
        for code, findings in groupby(self.model.findings, key=lambda finding: finding.code):
            self.console.print()
            self._findings(code, list(findings))
        for limit in self.model.exceeded_limits:
            self.console.print()
            self.console.print(
                Text.assemble((limit.option, "bold red"), f" exceeded: {one_line(limit.message)}")
            )
        if asks_for_advice(self.model):
            self.console.print()
            Advice(self.console, self.model, verbose=self.verbose).print()

    def _header(self) -> None:
        g, totals, architecture = self.glyphs, self.analysis.totals, self.analysis.architecture
        inputs = inputs_text(self.analysis, g.cross)
        self.console.print(Text.assemble((one_line(self.model.title), "bold"), f"  on {inputs}"))
        if self.model.assumption:
            self.console.print(f"Assumed of the input: {one_line(self.model.assumption)}.")
        facts = [
            abbreviated_count(totals.params, "parameter"),
            abbreviated_count(totals.macs, "MAC"),
            self._convolutions(),
        ]
        line = Text(f" {g.dot} ".join(facts))
        if totals.unproductive:
            line.append(f" {g.dot} ")
            ones = f", all {g.cross.join('1' * architecture.axes)}"
            mixing_only = all_pointwise(self.analysis)
            line.append(
                f"{totals.unproductive} unproductive{ones if mixing_only else ''}",
                "yellow" if mixing_only else "bold red",
            )
        if totals.dead_weights:
            dead = percent(totals.dead_weights, totals.params)
            line.append(f" {g.dot} ")
            line.append(f"{abbreviated(totals.dead_weights)} dead weights ({dead})", "bold yellow")
        if not self.analysis.complete:
            line.append(f" {g.dot} ")
            line.append("incomplete", "bold yellow")
        self.console.print(line)
        unjudged, sound = incompleteness(self.analysis), soundness(self.analysis, g.cross)
        if unjudged:
            self.console.print(unjudged)
        elif sound:
            self.console.print(sound, style="green" if not self.model.findings else None)
        if self.analysis.border_min:
            self.console.print(
                Text.assemble(
                    "Border layer ",
                    (one_line(self.analysis.border_min.described), "bold"),
                    f": receptive fields ask for inputs of at least "
                    f"{size(self.analysis.feasible_min, g.cross)}.",
                )
            )

    def _convolutions(self) -> str:
        """How many are judged, and how many are not: attention gates, heads, behind unknowns."""
        judged = self.analysis.totals.convs
        others = [x for x in self.analysis.layers if x.kind.is_convolution and not x.is_judged]
        if not judged and not others:
            return "no convolution to judge"
        beside = f" (and {len(others)} not judged)" if others else ""
        return f"{plural(judged, 'convolution')}{beside}"

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
        messages = (finding.message for finding in findings)
        said = paragraph(self.rules.get(code), self.analysis, findings, messages)
        if said:
            self.console.print(Padding(Text(escaped_lines(said)), (0, 0, 0, 2)))
        by_place: dict[tuple[str, str], list[Finding]] = {}
        for finding in findings:
            by_place.setdefault((str(finding.source or ""), finding.detail), []).append(finding)
        for (place, _), there in by_place.items():
            self._at(place, there, with_messages=not said)

    def _at(self, place: str, findings: list[Finding], *, with_messages: bool) -> None:
        if with_messages:
            for finding in findings:
                message = escaped_lines(finding.message)
                text = Text.assemble((one_line(finding.title), "bold"), f": {message}")
                if place:
                    text.append(f" ({one_line(place)})", "cyan")
                self.console.print(Padding(text, (0, 0, 0, 2)))
            return
        names = list(dict.fromkeys(finding.title for finding in findings))
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


def _evidence(finding: Finding) -> str:
    return f", {finding.evidence.value}" if finding.evidence else ""


def _closing(report: Report) -> Text:
    """How many findings there are, and how many are suppressed or in the baseline."""
    findings = report.findings
    counts = [
        plural(sum(1 for f in findings if f.severity is severity), severity.value)
        for severity in reversed(Severity)
        if any(f.severity is severity for f in findings)
    ]
    exceeded = sum(len(model.exceeded_limits) for model in report.models)
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
