"""The head of a model's report on a terminal: what it is, and what it sees of its input."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from rflint.analysis.unjudged import unjudged_by_reason
from rflint.inputs.layouts import is_usual_layout
from rflint.report.model_report import ModelReport
from rflint.report.terminal.console import glyphs_of
from rflint.text.escape import one_line
from rflint.text.numbers import (
    abbreviated,
    abbreviated_count,
    compact_size,
    percent,
    plural,
    size,
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
        """The model and its inputs, its totals, and the sizes that it is made for."""
        g, architecture = self.glyphs, self.analysis.architecture
        said = architecture.layouts or ("",) * len(architecture.inputs)
        inputs = ", ".join(
            f"{size(shape, g.cross)}{'' if is_usual_layout(letters) else f' ({letters})'}"
            for shape, letters in zip(architecture.inputs, said, strict=True)
        )
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
            self._convolutions(),
        ]
        line = Text(f" {g.dot} ".join(facts))
        if totals.unproductive:
            line.append(f" {g.dot} ")
            wasted = [x.geometry.kernel for x in self.analysis.unproductive]
            ones = f", all {g.cross.join('1' * self.analysis.architecture.axes)}"
            mixing_only = all(set(kernel) == {1} for kernel in wasted)
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

    def _convolutions(self) -> str:
        """How many are judged, and how many are not: attention gates, heads, behind unknowns."""
        judged = self.analysis.totals.convs
        others = [x for x in self.analysis.layers if x.kind.is_convolution and not x.is_judged]
        if not judged and not others:
            return "no convolution to judge"
        beside = f" (and {len(others)} not judged)" if others else ""
        return f"{plural(judged, 'convolution')}{beside}"

    def _sizes(self) -> list[Text]:
        """What is said of the input's size: whether it is large enough, and which would be."""
        g, analysis, resolution = self.glyphs, self.analysis, self.analysis.architecture.resolution
        lines = []
        if analysis.architecture.left_out:
            lines.append(Text("Judged up to where the model reads values of the data."))
        elif not analysis.complete:
            lines.append(Text("What depends on an unknown operator was not judged."))
        elif analysis.totals.convs and not analysis.totals.unproductive:
            lines.append(
                Text(
                    f"No convolution is unproductive at {size(resolution, g.cross)}. "
                    f"{self._sound_sizes()}",
                    "" if self.model.findings else "green",
                )
            )
        if analysis.border_min:
            border = Text.assemble(
                "Border layer ", (one_line(analysis.border_min.described), "bold"), ". "
            )
            lines.append(border.append(self._sound_sizes()))
        return lines

    def _sound_sizes(self) -> str:
        """How far its units see, and at which sizes that is enough and not too little."""
        g, analysis = self.glyphs, self.analysis
        least = compact_size(analysis.feasible_min, g.cross)
        if analysis.sizes_differ:
            return f"Receptive fields ask for inputs of at least {least} px."
        most = analysis.feasible_max
        if most is None:
            return f"Sees the whole input; sound from {least} px on."
        sees = compact_size(most, g.cross, "all")
        if least == sees:
            return f"Sees up to {sees} px; sound at {sees} px only."
        return f"Sees up to {sees} px; sound between {least} and {sees} px."

    def _not_judged(self) -> None:
        """Which convolutions are not judged, and why."""
        left = unjudged_by_reason(self.analysis.layers, self.analysis.unjudged)
        for reason, layers in left.items():
            names = one_line(", ".join(x.described for x in layers))
            self.console.print(Text(f"Not judged, since {one_line(reason)}: {names}.", "dim"))
