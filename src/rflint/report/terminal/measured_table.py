"""The table of what was measured of a trained model, beside what was predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.analysis import Analysis
from rflint.measurement.comparison import compare, gains
from rflint.measurement.results import Measured, MeasuredField, MeasuredLayer
from rflint.report.terminal.console import glyphs_of
from rflint.text.cut import cut_middle
from rflint.text.escape import one_line
from rflint.text.numbers import compact_size, percent, plural

_LONGEST_NAME = 32
_COLOURS = {Verdict.UNPRODUCTIVE: "red", Verdict.PARTIAL: "yellow", Verdict.NOT_JUDGED: "dim"}


class MeasuredTable:
    """One row for each layer that was measured, and what follows from them."""

    def __init__(self, console: Console, analysis: Analysis, measured: Measured) -> None:
        self.console = console
        self.analysis = analysis
        self.measured = measured
        self.glyphs = glyphs_of(console)

    def print(self) -> None:
        """What was measured on, the table, its meaning, and the comparison in a sentence."""
        measured = self.measured
        self.console.print(Text(f"Measured on {self._samples}.", "bold"))
        for told in filter(None, (measured.data, self._weights)):
            self.console.print(Text(one_line(told), "dim"))
        self.console.print()
        self.console.print(self._table())
        self.console.print(
            Text(
                f"s: the share of directions that hold {measured.delta:.3g} of the variance; "
                "p: the accuracy of a linear classifier on the layer's output, in percent",
                "dim",
            )
        )
        comparison = compare(self.analysis, measured)
        style = {True: "green", False: "yellow", None: ""}[comparison.holds]
        self.console.print()
        sentence = one_line(comparison.sentence)
        self.console.print(Text(f"{sentence[:1].upper()}{sentence[1:]}.", style))
        for layer in measured.layers:
            if layer.field is not None:
                self.console.print(Text(self._field(layer, layer.field)))
        for note in measured.notes:
            text = one_line(note)
            self.console.print(Text(f"{text[:1].upper()}{text[1:]}.", "yellow"))

    @property
    def _samples(self) -> str:
        measured = self.measured
        accuracy = (
            "" if measured.accuracy is None else f"; the model's accuracy {measured.accuracy:.1%}"
        )
        tested = f", tested on {measured.test_samples:,}" if measured.test_samples else ""
        samples = plural(measured.samples, "sample", ",")
        return f"{samples} of {measured.classes} classes{tested}{accuracy}".replace("%", " %")

    @property
    def _weights(self) -> str:
        weights = self.measured.weights
        return f"weights: {weights}" if weights else "weights: as the model was built, not trained"

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for column in ("", "layer", "sees", "verdict", "s", "p", "gain", "tail"):
            right = column in ("sees", "s", "p", "gain")
            table.add_column(column, justify="right" if right else "left", no_wrap=True)
        analysed = {(x.name, x.call): x for x in self.analysis.layers}
        gained = gains(self.analysis, self.measured)
        tail = {layer.key for layer in self.measured.tail}
        for layer in self.measured.layers:
            x = analysed.get(layer.key)
            if x is not None:
                table.add_row(*self._cells(x, layer, gained, layer.key in tail))
        return table

    def _cells(
        self,
        x: AnalysedLayer,
        layer: MeasuredLayer,
        gained: Mapping[tuple[str, int], float],
        in_tail: bool,
    ) -> list[Text]:
        g, colour = self.glyphs, _COLOURS.get(x.verdict, "green")
        mark = {Verdict.UNPRODUCTIVE: g.bad, Verdict.PARTIAL: g.warn}.get(x.verdict, "")
        name = cut_middle(one_line(x.described), _LONGEST_NAME, g.ellipsis)
        sees = compact_size((axis.r_min for axis in x.input_field), g.cross, g.unbounded)
        gain = gained.get(layer.key)
        return [
            Text(mark, colour),
            Text(name, f"bold {colour}" if mark else ""),
            Text(sees, colour),
            Text(x.verdict.value, colour),
            Text("" if layer.saturation is None else f"{layer.saturation:.2f}"),
            Text("" if layer.probe is None else f"{100 * layer.probe:.1f}"),
            Text("" if gain is None else f"{100 * gain:+.1f}"),
            Text("tail" if in_tail else "", "yellow"),
        ]

    def _per_axis(self, lengths: Sequence[float]) -> str:
        """'3.2' where all axes agree, else '3.2x4.1'."""
        shown = [f"{length:.1f}" for length in lengths]
        return shown[0] if len(set(shown)) == 1 else self.glyphs.cross.join(shown)

    def _field(self, layer: MeasuredLayer, field: MeasuredField) -> str:
        """What was measured of the effective receptive field of a layer, in a sentence."""
        x = next((x for x in self.analysis.layers if (x.name, x.call) == layer.key), None)
        measured = self._per_axis(field.deviation)
        expected = self._per_axis([length for length in x.erf if length is not None] if x else [])
        beside = f" ({expected} px at initialisation, by the graph)" if expected else ""
        sees = f" ({self._sees(x)})" if x else ""
        areas = ", ".join(
            f"{percent(share, 1)} of it in {percent(area, 1)} of the input"
            for share, area, _ in field.areas
        )
        return f"{one_line(layer.name)}{sees} is shaped by {measured} px around{beside}: {areas}."

    def _sees(self, x: AnalysedLayer) -> str:
        """r_min and r_max of what a layer makes."""
        least, most = (
            compact_size(lengths, self.glyphs.cross, self.glyphs.unbounded)
            for lengths in (
                [axis.r_min for axis in x.output_field],
                [axis.r_widest for axis in x.output_field],
            )
        )
        return f"r_min {least}, r_max {most} px"
