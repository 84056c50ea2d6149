"""The report on a terminal: all models in a table, then each with its layers, findings, repairs.

Colour, width and the character set follow the terminal; into a pipe or a file go plain text of a
fixed width. Names from the user's model are never read as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from rflint.linting.finding import Severity
from rflint.linting.rule import Rule
from rflint.report.model_report import ModelReport
from rflint.report.report import Report
from rflint.report.terminal.advice import Advice
from rflint.report.terminal.console import captured, console_for, plain_console
from rflint.report.terminal.findings import FindingsByRule
from rflint.report.terminal.header import Header
from rflint.report.terminal.layer_table import LayerTable
from rflint.report.terminal.measured_table import MeasuredTable
from rflint.report.terminal.model_table import ModelTable
from rflint.report.wording import asks_for_advice
from rflint.text.escape import one_line
from rflint.text.numbers import plural


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write the report for a person."""
    console = console_for(stream)
    if console.is_terminal:
        print_report(console, report, verbose)
        return
    stream.write(captured(console, lambda: print_report(console, report, verbose)))


def plain_text(report: Report) -> str:
    """The report without colours, whatever the environment says of terminals."""
    console = plain_console()
    return captured(console, lambda: print_report(console, report))


def print_report(console: Console, report: Report, verbose: bool = False) -> None:
    """Print a table of the models where there are several, each model, and a closing line."""
    several = len(report.models) > 1
    if several:
        ModelTable(console, report.models).print()
    for model in report.models:
        if several:
            console.print()
            console.rule(style="dim")
            console.print()
        _print_model(console, model, report.rules, verbose)
    if report.models:
        console.print()
        console.print(_closing(report))


def _print_model(
    console: Console, model: ModelReport, rules: Sequence[Rule], verbose: bool
) -> None:
    """Header, layers, findings, repairs."""
    Header(console, model, verbose=verbose).print()
    if model.analysis.totals.convs and (verbose or model.findings):
        console.print()
        LayerTable(console, model.analysis, verbose=verbose).print()
    if model.measured:
        console.print()
        MeasuredTable(console, model.analysis, model.measured).print()
    FindingsByRule(console, model, rules, verbose=verbose).print()
    for limit in model.exceeded_limits:
        console.print()
        message = one_line(limit.message)
        console.print(Text.assemble((limit.option, "bold red"), f" exceeded: {message}"))
    if asks_for_advice(model):
        console.print()
        Advice(console, model, verbose=verbose).print()


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
