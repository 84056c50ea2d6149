"""What `rflint init` found, on a terminal: what runs at which sizes, and why the rest does not."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rflint.inputs.notation import Sizes
from rflint.report.terminal.console import Glyphs, console_for, glyphs_of
from rflint.text.escape import one_line, without_ci_commands
from rflint.text.numbers import size
from rflint.usecases.init import Survey, proposed_size
from rflint.usecases.trial import SizeTried, Trial
from rflint.usercode.paths import short_path
from rflint.usercode.target_hints import syntax_error


def write_survey(survey: Survey, stream: TextIO) -> None:
    """Write the table of what can be linted, and a list of what cannot."""
    console = console_for(stream)
    with console.capture() as captured:
        _print(survey, console)
    # tables fill their cells with spaces, which nobody wants in a file
    for line in captured.get().splitlines():
        stream.write(f"{without_ci_commands(line.rstrip())}\n")


def _print(survey: Survey, console: Console) -> None:
    if survey.usable:
        _print_usable(survey, console)
    not_linted = survey.not_usable or survey.unread
    if survey.usable and not_linted:
        console.print()
    if not_linted:
        console.print(Text("Cannot be linted as they are:", "dim"))
    for trial in survey.not_usable:
        console.print(Text(one_line(trial.candidate.title)))
        for text in filter(None, (trial.reason, trial.hint)):
            console.print(Padding(Text(one_line(text), "dim"), (0, 0, 0, 3)))
    for file in survey.unread:
        console.print(Text(one_line(short_path(file))))
        why = syntax_error(file) or "It cannot be read."
        console.print(Padding(Text(one_line(why), "dim"), (0, 0, 0, 3)))


def _print_usable(survey: Survey, console: Console) -> None:
    glyphs = glyphs_of(console)
    sizes = sorted({x.size for trial in survey.usable for x in trial.running})
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("model", overflow="fold")
    for one in sizes:
        table.add_column(size(one, glyphs.cross), justify="right", no_wrap=True)
    table.add_column("input", overflow="fold")
    for trial in survey.usable:
        table.add_row(*_row(trial, sizes, glyphs))
    console.print(table)
    console.print(
        Text(
            "Below each input size: how many convolutions are unproductive there "
            "(- does not run, ? not followed to the end)",
            "dim",
        )
    )


def _row(trial: Trial, sizes: list[Sizes], glyphs: Glyphs) -> list[Text]:
    at = {x.size: x for x in trial.sizes}
    chosen = proposed_size(trial)
    shown = ", ".join(x.replace("x", glyphs.cross) for x in chosen.inputs)
    return [
        Text(one_line(trial.candidate.title), "bold"),
        *(_cell(at[x]) if x in at else Text() for x in sizes),
        Text(shown),
    ]


def _cell(tried: SizeTried) -> Text:
    if not tried.runs:
        return Text("-", "dim")
    colour = "red" if tried.unproductive else "green"
    return Text(f"{tried.unproductive}{'' if tried.complete else '?'}", colour)
