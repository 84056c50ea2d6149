"""The table of layers on a terminal: what each sees of the input, as a number and as a bar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.analysis import Analysis
from rflint.analysis.roles import Role
from rflint.graph.layer import Kind
from rflint.report.terminal.console import glyphs_of
from rflint.report.wording import sees_what
from rflint.text.cut import cut_middle
from rflint.text.escape import one_line
from rflint.text.numbers import abbreviated, compact_size, size

_ALL_ROWS = 36
"""Networks of up to this many convolutions and poolings are shown whole."""
_WASTED_ROWS = 8
"""Of longer ones, so many unproductive layers."""
_NARROWEST_BAR, _WIDEST_BAR = 10, 32
_SHORT, _SHORTEST = 24, 12
"""Layer names are cut to the first before columns go, and to no less than the second."""
_RIGHT = ("sees", "params", "MACs")

_COLOURS = {
    Verdict.UNPRODUCTIVE: "red",
    Verdict.PARTIAL: "yellow",
    Verdict.CRITICAL: "green",
    Verdict.PRODUCTIVE: "green",
    Verdict.NOT_JUDGED: "dim",
}


@dataclass(frozen=True, slots=True)
class _OmittedRows:
    """Neighbouring rows that are counted in place of being shown."""

    layers: int
    unproductive: int

    def __str__(self) -> str:
        wasted = f", {self.unproductive} unproductive" if self.unproductive else ""
        return f"{self.layers} more{wasted}"


class LayerTable:
    """The layers of one model that matter; all of them where `verbose`."""

    def __init__(self, console: Console, analysis: Analysis, *, verbose: bool) -> None:
        self.console = console
        self.analysis = analysis
        self.verbose = verbose
        self.glyphs = glyphs_of(console)

    def print(self) -> None:
        """The table, and what its columns mean."""
        g = self.glyphs
        rows_of = [x for x in self.analysis.layers if self.verbose or _matters(x)]
        shown = list(self._abridged(rows_of))
        rows = [self._cells(x) for x in shown]
        columns, name, bar = self._columns(rows)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for column in columns:
            table.add_column(
                self._scale(bar) if column == "bar" else Text(column),
                justify="right" if column in _RIGHT else "left",
                no_wrap=True,
                overflow="ellipsis",
                width=bar if column == "bar" else None,
            )
        for x, row in zip(shown, rows, strict=True):
            row["bar"] = Text() if isinstance(x, _OmittedRows) else self._bar(x, bar)
            shortened = cut_middle(row["layer"].plain, name, g.ellipsis)
            row["layer"] = Text(shortened, row["layer"].style)
            table.add_row(*(row[column] for column in columns))
        self.console.print(table)
        self.console.print(
            "sees: the receptive field of the layer's input along the shortest path, in "
            f"{sees_what(self.analysis)} ({g.border} = {self._border})",
            style="dim",
        )
        if any(x.verdict is Verdict.PARTIAL for x in self.analysis.layers):
            self.console.print(f"{g.warn}: unproductive along some axes only", style="dim")

    @property
    def _border(self) -> str:
        differ = self.analysis.sizes_differ
        return "the size of the input that it sees" if differ else "the input's size"

    def _cells(self, x: AnalysedLayer | _OmittedRows) -> dict[str, Text]:
        """What stands in each column, the bar excepted."""
        g = self.glyphs
        if isinstance(x, _OmittedRows):
            filler = Text(f"{g.ellipsis} {x}", "dim")
            return defaultdict(Text, layer=filler)
        layer = x.layer
        colour = _COLOURS[x.verdict]
        mark = {Verdict.UNPRODUCTIVE: g.bad, Verdict.PARTIAL: g.warn}.get(x.verdict, "")
        kernel = layer.geometry.kernel
        reads = "?" if x.is_unknown else "global" if None in kernel else size(kernel, g.cross)
        unknown = any(axis.unknown and not axis.spans for axis in x.input_field)
        sees = compact_size(
            (seen.r_min if x.has_axis(axis) else 1 for axis, seen in enumerate(x.input_field)),
            g.cross,
            g.unbounded,
        )
        return {
            "": Text(mark, colour),
            "layer": Text(one_line(layer.described), f"bold {colour}" if mark else ""),
            "kernel": Text(reads),
            "stride": Text(
                "?" if x.is_unknown else compact_size(layer.geometry.stride, g.cross, "")
            ),
            "map": Text(size(layer.positions, g.cross) if layer.has_positions else ""),
            "sees": Text("?") if unknown else Text(sees, colour),
            "params": Text(abbreviated(layer.params) if layer.params else ""),
            "MACs": Text(abbreviated(layer.macs) if layer.macs else ""),
        }

    def _columns(self, rows: Sequence[dict[str, Text]]) -> tuple[list[str], int, int]:
        """The columns that fit, and the widths of the names and of the bar.

        Names are cut first, then what is least needed goes; what a layer reads and sees stays.
        """
        columns = ["", "layer", "kernel", "stride", "map", "sees", "bar", "params", "MACs"]
        longest = max(len("layer"), *(len(row["layer"]) for row in rows))

        def room() -> int:
            """What the other columns leave to names and bar."""
            widths = (
                max(len(column), *(len(row[column]) for row in rows))
                for column in columns
                if column not in ("layer", "bar")
            )
            return self.console.width - sum(widths) - 2 * len(columns)

        for dropped in ("MACs", "params", "map"):
            if room() >= min(longest, _SHORT) + _NARROWEST_BAR:
                break
            columns.remove(dropped)
        for dropped in ("stride", "kernel", "bar"):
            if room() >= min(longest, _SHORTEST) + _NARROWEST_BAR:
                break
            columns.remove(dropped)
        if "bar" not in columns:
            return columns, max(min(longest, room()), 1), 0
        bar = max(_NARROWEST_BAR, min(_WIDEST_BAR, room() - longest))
        return columns, min(longest, room() - bar), bar

    def _bar(self, x: AnalysedLayer, width: int) -> Text:
        """r_{l-1,min} on a scale from nothing to twice the input, with the input's size marked.

        The input is the one that the layer is compared with.
        """
        g = self.glyphs
        ratio = min(2.0, *(compared.ratio for compared in x.comparisons))
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
        alike = not self.analysis.sizes_differ
        label = compact_size(resolution, self.glyphs.cross) if alike else "its input"
        return Text("0".ljust(max(1, middle - len(label) // 2)) + label)

    def _abridged(self, rows: Sequence[AnalysedLayer]) -> Iterable[AnalysedLayer | _OmittedRows]:
        """Long networks show their ends, downsampling, and the first unproductive layers.

        Each of those comes with the layer before it; the rest is counted.
        """
        if self.verbose or len(rows) <= _ALL_ROWS:
            return list(rows)
        shown = {0, 1, len(rows) - 1}
        for i, x in enumerate(rows):
            downsamples = any(s is not None and s > 1 for s in x.geometry.stride)
            if downsamples or x.verdict is Verdict.PARTIAL:
                shown.add(i)
        wasted = [i for i, x in enumerate(rows) if x.verdict is Verdict.UNPRODUCTIVE]
        for i in wasted[:_WASTED_ROWS]:
            shown.update((max(i - 1, 0), i))
        result: list[AnalysedLayer | _OmittedRows] = []
        for is_shown, run in groupby(enumerate(rows), key=lambda pair: pair[0] in shown):
            layers = [x for _, x in run]
            if is_shown or len(layers) <= 2:
                result += layers
            else:
                unproductive = sum(x.verdict is Verdict.UNPRODUCTIVE for x in layers)
                result.append(_OmittedRows(len(layers), unproductive))
        return result


def _matters(x: AnalysedLayer) -> bool:
    """Judged convolutions, and the trunk's poolings and samplings between them."""
    if x.is_judged:
        return True
    samples = x.kind in (Kind.POOL, Kind.UPSAMPLE, Kind.UNKNOWN)
    return samples and x.role is Role.TRUNK
