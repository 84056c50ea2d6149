"""The head of a model's report on a terminal: what it is, and what it sees of its input."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from rflint.analysis.unjudged import unjudged_by_reason
from rflint.report.model_report import ModelReport
from rflint.report.terminal.console import glyphs_of
from rflint.report.wording import (
    all_pointwise,
    convolutions,
    from_border_on,
    incompleteness,
    inputs_text,
    sizes_asked_for,
    soundness,
)
from rflint.text.escape import one_line
from rflint.text.numbers import (
    abbreviated,
    abbreviated_count,
    percent,
)


class Header:
    """The first lines about one model; with the layers that are not judged where `verbose`."""

    def __init__(self, console: Console, model: ModelReport, *, verbose: bool) -> None:
        self.console = console
        self.model = model
        self.analysis = model.analysis
        self.verbose = verbose
        self.glyphs = glyphs_of(console)

    def print(self) -> None:
        """The model and its inputs, its totals, and the sizes that it asks for."""
        g = self.glyphs
        inputs = inputs_text(self.analysis, g.cross)
        self.console.print(Text.assemble((one_line(self.model.title), "bold"), f"  on {inputs}"))
        if self.model.assumption:
            self.console.print(f"Assumed of the input: {one_line(self.model.assumption)}.")
        self.console.print(self._totals())
        for line in self._sizes():
            self.console.print(line)
        if self.verbose:
            self._not_judged()

    def _totals(self) -> Text:
        g, totals = self.glyphs, self.analysis.totals
        facts = [
            abbreviated_count(totals.params, "parameter"),
            abbreviated_count(totals.macs, "MAC"),
            convolutions(self.analysis),
        ]
        line = Text(f" {g.dot} ".join(facts))
        if totals.unproductive:
            line.append(f" {g.dot} ")
            ones = f", all {g.cross.join('1' * self.analysis.architecture.axes)}"
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
        return line

    def _sizes(self) -> list[Text]:
        """What is said of the input's size: whether it is large enough, and which would be."""
        g, analysis = self.glyphs, self.analysis
        lines = []
        unjudged, sound = incompleteness(analysis), soundness(analysis, g.cross)
        if unjudged:
            lines.append(Text(unjudged))
        elif sound:
            lines.append(Text(sound, "" if self.model.findings else "green"))
        if analysis.border_min:
            border = Text.assemble(
                "Border layer ", (one_line(analysis.border_min.described), "bold"), ". "
            )
            lines.append(border.append(sizes_asked_for(analysis, g.cross)))
        if behind := from_border_on(analysis):
            lines.append(Text(behind))
        return lines

    def _not_judged(self) -> None:
        """Which convolutions are not judged, and why."""
        left = unjudged_by_reason(self.analysis.layers, self.analysis.unjudged)
        for reason, layers in left.items():
            names = one_line(", ".join(x.described for x in layers))
            self.console.print(Text(f"Not judged, since {one_line(reason)}: {names}.", "dim"))
