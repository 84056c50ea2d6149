"""What to do about unproductive layers, on a terminal: changes to the model, or larger inputs."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rflint.repair.edit import Edit
from rflint.repair.repair import Repair
from rflint.report.model_report import ModelReport
from rflint.report.terminal.console import glyphs_of
from rflint.report.wording import NO_REPAIR, larger_input
from rflint.text.escape import escaped_lines, one_line
from rflint.text.numbers import abbreviated, relative_change

_TABLE_WIDTH = 70
"""Narrower terminals get repairs as a list."""
_FIGURES = 42
"""So wide is what stands beside the repairs in the table."""
_EDITS = 6
"""So many lines of a repair are shown, unless --verbose asks for all."""
_REFUSALS = 2
"""So many reasons why something is not offered."""


class Advice:
    """What can be done about one model."""

    def __init__(self, console: Console, model: ModelReport, *, verbose: bool) -> None:
        self.console = console
        self.model = model
        self.verbose = verbose
        self.glyphs = glyphs_of(console)

    def print(self) -> None:
        """What to change: the model, or what it is fed; and what was looked for in vain."""
        g, model = self.glyphs, self.model
        if model.repairs:
            self._repairs()
        elif model.has_module:
            self.console.print(NO_REPAIR)
        if larger := larger_input(model, g.cross):
            self.console.print(f"Or {larger}")
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
                self.console.print(Padding(Text(repair.summary), (0, 0, 0, 3)))
        else:
            table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
            table.add_column("what to do about it", ratio=1)
            for heading in ("unproductive", "parameters", "MACs"):
                table.add_column(heading, justify="right", no_wrap=True)
            before = self.model.repairs[0].before
            unproductive = Text(str(before.unproductive), "red")
            table.add_row(
                "as it is", unproductive, abbreviated(before.params), abbreviated(before.macs)
            )
            for number, repair in repairs:
                table.add_row(*self._repair(number, repair))
            self.console.print(table)
        self.console.print(
            "Each change was made to a copy of the model, and the copy analysed again. Accuracy is "
            "not predicted: train to decide.",
            style="dim",
        )
        what, code = self.model.how_to_get(1)
        self.console.print(Text.assemble((f"{what}: ", "dim"), one_line(code)))

    def _repair_title(self, number: int, repair: Repair) -> RenderableType:
        edits = [step for step in repair.steps if not step.defines]
        shown = edits if self.verbose else edits[:_EDITS]
        lines = [self._edit(edit) for edit in shown]
        if len(shown) < len(edits):
            lines.append(Text(f"and {len(edits) - len(shown)} more lines", "dim"))
        return Group(
            Text(f"{number}. {repair.words}", "bold"),
            *(Padding(line, (0, 0, 0, 3)) for line in [Text(one_line(repair.title)), *lines]),
        )

    def _edit(self, edit: Edit) -> Text:
        """A statement, and the user's line that built what it changes."""
        text = Text(escaped_lines(edit.code), "dim")
        place = edit.place(self.model.place.path if self.model.place else "")
        if not place:
            return text
        comment = f"# {one_line(place)}"
        if len(text) + len(comment) + 2 > self.console.width - _FIGURES:
            return Text(f"{comment}\n", "cyan").append_text(text)
        return text.append(f"  {comment}", "cyan")

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
    text = Text(abbreviated(after))
    difference = relative_change(before, after, cross)
    if difference:
        text.append(f"\n{difference}", "green" if after < before else "yellow")
    return text
