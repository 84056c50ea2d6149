"""The report on a terminal: all models in a table, then each with its layers, findings, repairs.

Colour, width and the character set follow the terminal; into a pipe or a file go plain text of a
fixed width. Names from the user's model are never read as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from rflint.linting.rule import Rule
from rflint.report.model_report import ModelReport
from rflint.report.report import Report
from rflint.report.terminal.advice import Advice
from rflint.report.terminal.console import captured, console_for, glyphs_of, plain_console
from rflint.report.terminal.findings import FindingsByRule
from rflint.report.terminal.header import Header
from rflint.report.terminal.layer_table import LayerTable
from rflint.report.terminal.measured_table import MeasuredTable
from rflint.report.terminal.model_table import ModelTable
from rflint.report.train_size import TrainSize, train_size_sentences
from rflint.report.wording import asks_for_advice, severity_counts
from rflint.text.escape import one_line
from rflint.text.numbers import plural, size


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
    if model.train_size:
        console.print()
        _print_train_size(console, model, model.train_size)
    for limit in model.exceeded_limits:
        console.print()
        message = one_line(limit.message)
        console.print(Text.assemble((limit.option, "bold red"), f" exceeded: {message}"))
    if asks_for_advice(model):
        console.print()
        Advice(console, model, verbose=verbose).print()


def _print_train_size(console: Console, model: ModelReport, trained: TrainSize) -> None:
    """What is different at the size that it is trained at."""
    cross, here = glyphs_of(console).cross, model.analysis.architecture.resolution
    sizes = (size(x, cross) for x in (trained.difference.trained, here))
    console.print(Text("Trained at {}, linted at {}".format(*sizes), "bold"))
    for sentence in train_size_sentences(trained, here, cross):
        console.print(Padding(Text(one_line(sentence)), (0, 0, 0, 2)))


def _closing(report: Report) -> Text:
    """How many findings there are, and how many are suppressed or in the baseline."""
    findings = report.findings
    found = severity_counts(finding.severity for finding in findings)
    counts = [found] if found else []
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
