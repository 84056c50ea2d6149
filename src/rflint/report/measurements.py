"""What was measured of a model, as several formats tell it: a sentence, cells of a table, notes.

Names in it are the user's: each format makes them harmless in its own way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.measurement.comparison import compare, gains
from rflint.measurement.results import Measured, MeasuredField, MeasuredLayer
from rflint.text.numbers import compact_size, percent, plural

S, P, GAIN, TAIL = COLUMNS = ("s", "p", "gain", "tail")
"""The columns of a table of measured layers, behind those that tell what was predicted."""


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """A layer that was measured, and what the others say of it."""

    analysed: AnalysedLayer
    measured: MeasuredLayer
    gain: float | None
    """How much better its probe is than the best of the layers that it depends on."""
    in_tail: bool

    def cells(self, plus_minus: str) -> dict[str, str]:
        """What stands in each of the columns; without a sign for errors, these are left out."""
        layer = self.measured
        return {
            S: "" if layer.saturation is None else f"{layer.saturation:.2f}",
            P: _accuracy(layer, plus_minus),
            GAIN: "" if self.gain is None else f"{100 * self.gain:+.1f}",
            TAIL: "tail" if self.in_tail else "",
        }


def measured_rows(analysis: Analysis, measured: Measured) -> list[MeasuredRow]:
    """All layers that were measured, in execution order."""
    analysed = {(x.name, x.call): x for x in analysis.layers}
    gained = gains(analysis, measured)
    tail = {layer.key for layer in measured.tail}
    return [
        MeasuredRow(analysed[layer.key], layer, gained.get(layer.key), layer.key in tail)
        for layer in measured.layers
        if layer.key in analysed
    ]


def filled_columns(rows: Sequence[MeasuredRow]) -> tuple[str, ...]:
    """The columns that say something of some layer."""
    filled = {name for row in rows for name, cell in row.cells("").items() if cell}
    return tuple(name for name in COLUMNS if name in filled)


def legend(measured: Measured, columns: Sequence[str], plus_minus: str) -> str:
    """What stands in the columns; empty where they need no words."""
    error = f" {plus_minus} its standard error" if plus_minus else ""
    meanings = {
        S: f"the share of directions that hold {100 * measured.delta:.4g} % of the variance",
        P: f"the accuracy of a linear classifier on the layer's output, in percent{error}",
        GAIN: "of p, in points, on the best layer in front of it",
    }
    return "; ".join(f"{name}: {meanings[name]}" for name in columns if name in meanings)


def measured_sentence(analysis: Analysis, measured: Measured) -> str:
    """What follows of the prediction: 'Measured on 80 samples: predicted border 11; ...'."""
    samples = plural(measured.samples, "sample", ",")
    return f"Measured on {samples}: {compare(analysis, measured).sentence}."


def measured_on(measured: Measured) -> str:
    """The data in numbers, and how well the model does on it."""
    accuracy = (
        "" if measured.accuracy is None else f"; the model's accuracy {measured.accuracy:.1%}"
    )
    tested = f", tested on {measured.test_samples:,}" if measured.test_samples else ""
    samples = plural(measured.samples, "sample", ",")
    return f"{samples} of {measured.classes} classes{tested}{accuracy}".replace("%", " %")


def told_weights(measured: Measured) -> str:
    """Where the weights come from."""
    return f"weights: {measured.weights or 'as the model was built, not trained'}"


def field_sentences(
    analysis: Analysis, measured: Measured, cross: str = "x", unbounded: str = "all"
) -> Iterator[tuple[str, str]]:
    """The name of each layer with an effective receptive field, and what was measured of it."""
    analysed = {(x.name, x.call): x for x in analysis.layers}
    for layer in measured.layers:
        if layer.field is not None:
            x = analysed.get(layer.key)
            yield layer.name, _of_field(layer.field, x, cross, unbounded)


def told_of_layers(analysis: Analysis, measured: Measured) -> Mapping[tuple[str, int], str]:
    """For each layer that was measured a remark in a sentence about it, without names.

    'measured: saturation 0.19, in the tail; probe 79.8 +-1.2 %, gain +0.1'
    """
    told = {}
    for row in measured_rows(analysis, measured):
        cells = row.cells("+-")
        saturation = f"saturation {cells[S]}{', in the tail' if cells[TAIL] else ''}"
        gain = f", gain {cells[GAIN]}" if cells[GAIN] else ""
        probe = f"probe {cells[P]} %{gain}"
        parts = [text for name, text in ((S, saturation), (P, probe)) if cells[name]]
        if parts:
            told[row.measured.key] = f"measured: {'; '.join(parts)}"
    return told


def _accuracy(layer: MeasuredLayer, plus_minus: str) -> str:
    if layer.probe is None:
        return ""
    error = layer.probe_error if plus_minus else None
    return f"{100 * layer.probe:.1f}" + ("" if error is None else f" {plus_minus}{100 * error:.1f}")


def _of_field(field: MeasuredField, x: AnalysedLayer | None, cross: str, unbounded: str) -> str:
    """'(r_min 19, r_max 51 px) is shaped by 4.4 px around: 20 % of it in 8 % of the input, ...'."""
    known = [length for length in x.erf if length is not None] if x else []
    beside = f" ({_per_axis(known, cross)} px at initialisation, by the graph)" if known else ""
    sees = f"({_sees(x, cross, unbounded)}) " if x else ""
    areas = ", ".join(
        f"{percent(share, 1)} of it in {percent(area, 1)} of the input"
        for share, area, _ in field.areas
    )
    return f"{sees}is shaped by {_per_axis(field.deviation, cross)} px around{beside}: {areas}."


def _per_axis(lengths: Sequence[float], cross: str) -> str:
    """'3.2' where all axes agree, else '3.2x4.1'."""
    shown = [f"{length:.1f}" for length in lengths]
    return shown[0] if len(set(shown)) == 1 else cross.join(shown)


def _sees(x: AnalysedLayer, cross: str, unbounded: str) -> str:
    """r_min and r_max of what a layer makes."""
    least, most = (
        compact_size(lengths, cross, unbounded)
        for lengths in (
            [axis.r_min for axis in x.output_field],
            [axis.r_widest for axis in x.output_field],
        )
    )
    return f"r_min {least}, r_max {most} px"
