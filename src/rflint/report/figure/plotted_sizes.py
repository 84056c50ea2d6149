"""A model over the sizes of its input through matplotlib: what is lost at each, and what it costs.

Importing this module imports matplotlib.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from math import log10
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rflint.analysis.sizes.at_size import AtSize
from rflint.analysis.sizes.ranges import Standing
from rflint.errors import UsageError
from rflint.report.figure.looks import (
    ACTIVATIONS,
    ASKED,
    ASSUMED,
    AT_DOTS,
    BAD,
    BEYOND,
    BEYOND_SHADE,
    CARD,
    COSTS,
    FAILING,
    GOOD,
    GREY,
    INK,
    MACS,
    MEMORY,
    NOT_FOLLOWED,
    NOT_JUDGED,
    OTHER,
    PALE,
    SATURATION_COLOUR,
    SHADE,
    SMALLEST_SOUND,
    SOUND,
    SOUND_SHADE,
    TIDY,
    UNPRODUCTIVE,
    UNPRODUCTIVE_LAYERS,
)
from rflint.report.figure.scale import Scale
from rflint.report.figure.size_curve import Band, SizeCurve, Stretch
from rflint.report.figure.style import PlottedFigure, across, legend, styled
from rflint.text.escape import one_line
from rflint.text.numbers import abbreviated, plural

_WIDTH, _HEIGHT = 6.4, 4.6
"""Inches of a model that stands alone; those beside each other get less of the width."""
_BESIDE = 4.6
_NARROWEST, _NARROWEST_BESIDE = 3.2, 2.2
"""The least that a whole figure needs, and each of several models."""
_MARGIN = 1.5
"""Inches that the labels of the axes take."""
_TITLE_LETTER, _HEADING_LETTER, _BAND_LETTER, _KEY_LETTER = 0.088, 0.105, 0.068, 0.066
"""The mean width of a letter of a title, the heading, a band's name, and an entry of the legend."""
_KEY = 0.55
"""Inches of an entry of the legend besides its letters."""
_ROW = 0.18
"""The height of a further row of the legend, or line of the heading."""
_FAR = 8
"""Where the longest length is so many times the shortest, the axis is logarithmic."""
_APART = 0.2
"""The part of the lower panel by which its lines lie apart."""
_FEW, _SHORTEST = 4, 0.015
"""Of so few lines, one that takes less of the axis gets dots."""
_BYTES = 4
"""Of a number in float32."""
_MARK_ROOM = 0.95
"""Inches between marks whose names do not run into each other."""

_LOOKS: dict[Standing, tuple[str, dict[str, Any]]] = {
    Standing.UNPRODUCTIVE: (UNPRODUCTIVE, {"facecolor": SHADE}),
    Standing.SOUND: (SOUND, {"facecolor": SOUND_SHADE}),
    Standing.TOO_LARGE: (BEYOND, {"facecolor": BEYOND_SHADE}),
    Standing.FAILS: (FAILING, {"facecolor": "white", "hatch": "////", "edgecolor": CARD}),
    Standing.NOT_KNOWN: (NOT_FOLLOWED, {"facecolor": "white", "hatch": "...", "edgecolor": CARD}),
}
_OF_JUDGED = (Standing.UNPRODUCTIVE, Standing.SOUND, Standing.TOO_LARGE)


def plot_sizes(
    curves: Sequence[SizeCurve], *, title: str = "", width: float | None = None
) -> PlottedFigure:
    """Two panels for each model, the models side by side; `width` is that of all, in inches.

    Raises UsageError where they do not fit into it.
    """
    columns = across(len(curves))
    if width is not None and width < (least := max(_NARROWEST, _NARROWEST_BESIDE * columns)):
        models = plural(columns, "model")
        raise UsageError(
            f"{models} side by side cannot be read in a width of {width:g} inches",
            hint=f"Give a width of {least:g} inches or more.",
        )
    rows = -(-len(curves) // columns)
    inches = width or (_WIDTH if columns == 1 else _BESIDE * columns)
    heading = textwrap.fill(one_line(title), int(inches / _HEADING_LETTER))
    handles = _handles(curves)
    legend_rows = _legend_rows([len(x.get_label()) for x in handles], inches)
    further = _ROW * (legend_rows + (heading.count("\n") + 1 if heading else 0))
    with styled():
        plotted = PlottedFigure(figsize=(inches, _HEIGHT * rows + further), layout="constrained")
        plotted.told = "; ".join(f"{one_line(x.title)}: {x.told}" for x in curves)
        FigureCanvasAgg(plotted)
        axes = plotted.subplots(
            2 * rows, columns, squeeze=False, gridspec_kw={"height_ratios": [3, 2] * rows}
        )
        for place in range(rows * columns):
            row, column = divmod(place, columns)
            upper, lower = axes[2 * row][column], axes[2 * row + 1][column]
            if place < len(curves):
                _model(upper, lower, curves[place], inches / columns - _MARGIN)
            else:
                upper.set_axis_off()
                lower.set_axis_off()
        legend(plotted, handles, legend_rows)
        if heading:
            plotted.suptitle(heading, fontsize=12, fontweight="bold")
    return plotted


def _model(upper: Axes, lower: Axes, curve: SizeCurve, room: float) -> None:
    """One model, in so many inches."""
    for ax in (upper, lower):
        _x_axis(ax, curve)
        for band in _shown_bands(curve):
            _, look = _LOOKS[band.standing]
            ax.axvspan(band.low, band.high, linewidth=0, zorder=0, **look)
    upper.tick_params(labelbottom=False)
    lower.set_xlabel(textwrap.fill(curve.axis_label, max(12, int(room / 0.066))))
    upper.set_title(
        curve.heading(int((room + 0.5) / _TITLE_LETTER)),
        fontsize=10,
        fontweight="bold",
        loc="left",
        pad=26,
    )
    _unproductive(upper, curve)
    _band_names(upper, curve, room)
    _costs(lower, curve)
    _marks(upper, lower, curve, room)


def _shown_bands(curve: SizeCurve) -> list[Band]:
    """All bands; where nothing is judged, only those of sizes at which the model does not run."""
    return [x for x in curve.bands if curve.is_judged or x.standing not in _OF_JUDGED]


def _is_logarithmic(curve: SizeCurve) -> bool:
    """Whether the longest length is so many times the shortest that both ends could not be read."""
    return curve.last >= _FAR * curve.first


def _x_axis(ax: Axes, curve: SizeCurve) -> None:
    if _is_logarithmic(curve):
        ax.set_xscale("log", base=2)
        powers = [2**x for x in range(curve.last.bit_length()) if curve.first <= 2**x <= curve.last]
        ax.set_xticks(powers, [str(x) for x in powers])
        ax.minorticks_off()
    else:
        ticks = Scale(curve.last, is_logarithmic=False).ticks
        ax.set_xticks([x for x in ticks if x >= curve.first])
    alone = 0.5 if curve.first == curve.last else 0
    ax.set_xlim(curve.first - alone, curve.last + alone)
    ax.grid(axis="y", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)


def _unproductive(ax: Axes, curve: SizeCurve) -> None:
    """How many convolutions are unproductive at each size."""
    ax.set_ylabel(UNPRODUCTIVE_LAYERS)
    if not curve.is_judged:
        ax.set_yticks([])
        ax.text(0.5, 0.5, NOT_JUDGED, transform=ax.transAxes, ha="center", wrap=True)
        return
    most = max((x.unproductive for x in curve.running), default=0)
    ax.set_ylim(-0.04 * max(1, most), 1.22 * max(1, most))
    ax.set_yticks(Scale(1.22 * max(1, most), is_logarithmic=False).ticks)
    _line(ax, curve, lambda x: x.unproductive, BAD, UNPRODUCTIVE_LAYERS, in_steps=True)


def _costs(ax: Axes, curve: SizeCurve) -> None:
    """Multiply-accumulates, and on the right the memory of activations, both logarithmic.

    They grow alike: room below the one and above the other keeps their lines apart.
    """
    right = ax.twinx()
    _cost(ax, curve, lambda x: x.macs, MACS, GOOD)
    _cost(right, curve, lambda x: _BYTES * x.activations, ACTIVATIONS, SATURATION_COLOUR, "B", "--")
    right.spines["right"].set_visible(True)
    if curve.some_tidy:
        ax.vlines(
            curve.some_tidy,
            0,
            0.06,
            transform=ax.get_xaxis_transform(),
            color=INK,
            linewidth=0.8,
            label=TIDY,
            zorder=5,
        )


def _cost(
    ax: Axes,
    curve: SizeCurve,
    value: Callable[[AtSize], int],
    name: str,
    colour: str,
    unit: str = "",
    style: str = "-",
) -> None:
    """A cost on a logarithmic axis of its own.

    One with a unit keeps the lower part of the panel, and one without the upper part.
    """
    ax.set_ylabel(name, color=colour)
    ax.set_yscale("log")
    ax.minorticks_off()
    values = [value(x) for x in curve.running if value(x)]
    if not values:
        ax.set_yticks([])
        return
    low, high = min(values) / 1.3, max(values) * 1.3
    apart = max(1.6, (high / low) ** _APART)
    low, high = (low, high * apart) if unit else (low / apart, high)
    ticks = _ticks(low, high)
    ax.set_ylim(low, high)
    ax.set_yticks(ticks, [f"{_round(x)}{unit}" for x in ticks])
    _line(ax, curve, value, colour, name, style=style)


def _line(
    ax: Axes,
    curve: SizeCurve,
    value: Callable[[AtSize], int],
    colour: str,
    name: str,
    *,
    style: str = "-",
    in_steps: bool = False,
) -> None:
    """A line through sizes that follow each other; dots where those between do not run."""
    for stretch in curve.stretches:
        lengths = [curve.length(x.size) for x in stretch.sizes]
        values = [value(x) or (0 if in_steps else float("nan")) for x in stretch.sizes]
        dotted = _is_dotted(stretch) or _is_short(curve, stretch)
        drawn: dict[str, Any] = {"drawstyle": "steps-mid"} if in_steps and not dotted else {}
        ax.plot(
            lengths,
            values,
            color=colour,
            linestyle=":" if dotted else style,
            linewidth=0.8 if dotted else 1.6,
            marker="o" if dotted else "",
            markersize=3,
            clip_on=not dotted,
            label=name,
            zorder=4,
            **drawn,
        )


def _is_dotted(stretch: Stretch) -> bool:
    """Whether the sizes between are none at which it runs."""
    return stretch.every > 1 or len(stretch.sizes) == 1


def _is_short(curve: SizeCurve, stretch: Stretch) -> bool:
    """Whether a line through it would hardly be seen: many short ones are seen together."""
    if len(curve.stretches) > _FEW:
        return False
    first, last = (curve.length(stretch.sizes[n].size) for n in (0, -1))
    return _place(curve, last) - _place(curve, first) < _SHORTEST


def _ticks(low: float, high: float) -> list[int]:
    """Round numbers along a logarithmic axis, about five."""
    decades = range(int(log10(max(1, low))), int(log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [x * 10**power for power in decades for x in factors]
        shown = [x for x in ticks if low <= x <= high]
        if len(shown) <= 5:
            break
    return shown[:: -(-len(shown) // 5)] if shown else []


def _round(number: int) -> str:
    """'2 M' of a round number: without the digits that it has not."""
    digits, space, unit = abbreviated(number).partition(" ")
    return f"{float(digits):g}{space or ' '}{unit}".rstrip()


def _legend_rows(letters: Sequence[int], inches: float) -> int:
    """The fewest rows in which entries of so many letters fit, filled column by column."""
    for rows in range(1, len(letters)):
        columns = [max(letters[n : n + rows]) for n in range(0, len(letters), rows)]
        if sum(_KEY + _KEY_LETTER * widest for widest in columns) <= inches:
            return rows
    return len(letters)


def _place(curve: SizeCurve, length: float) -> float:
    """Where a length stands along the axis, between 0 and 1."""
    low, high = float(curve.first), float(curve.last)
    if low == high:
        return 0.5
    if _is_logarithmic(curve):
        return (log10(length) - log10(low)) / (log10(high) - log10(low))
    return (length - low) / (high - low)


def _band_names(ax: Axes, curve: SizeCurve, room: float) -> None:
    """What holds of bands, written into those that have room for it."""
    for band in _shown_bands(curve):
        name, _ = _LOOKS[band.standing]
        left, right = _place(curve, band.low), _place(curve, band.high)
        if (right - left) * room > _BAND_LETTER * len(name):
            ax.text(
                (left + right) / 2,
                0.94,
                name,
                transform=ax.transAxes,
                ha="center",
                va="center",
                fontsize=8,
                color=GREY,
                zorder=6,
            )


def _marks(upper: Axes, lower: Axes, curve: SizeCurve, room: float) -> None:
    """The smallest sound size and the one that was asked for, named above the panels."""
    asked = ASSUMED if curve.is_assumed else ASKED
    marks: list[tuple[int, str, str]] = []
    if curve.smallest_sound is not None:
        marks.append((curve.smallest_sound, SMALLEST_SOUND, "-"))
    if curve.asked is not None:
        marks.append((curve.asked, asked, ":"))
    if len(marks) == 2 and marks[0][0] == marks[1][0]:
        marks = [(marks[0][0], f"{SMALLEST_SOUND}, {asked}", marks[0][2])]
    marks.sort(key=lambda mark: mark[0])
    places = [_place(curve, length) for length, _, _ in marks]
    for n, (length, name, look) in enumerate(marks):
        for ax in (upper, lower):
            ax.axvline(length, color=INK, linewidth=1.3, linestyle=look, zorder=3)
        close = len(marks) == 2 and (places[1] - places[0]) * room < _MARK_ROOM
        side = ("right", "left")[n] if close else _side(places[n])
        upper.text(
            places[n],
            1.02,
            f"{length}\n{name}",
            transform=upper.transAxes,
            ha=side,
            va="bottom",
            fontsize=8,
            linespacing=1.1,
        )


def _side(place: float) -> str:
    """Where a name stands beside a mark, so that it does not leave the panel."""
    return "left" if place < 0.12 else "right" if place > 0.88 else "center"


def _handles(curves: Sequence[SizeCurve]) -> list[Any]:
    """The entries of the legend."""
    handles: list[Any] = []
    if any(x.is_judged for x in curves):
        handles.append(Line2D([], [], color=BAD, linewidth=1.6, label=UNPRODUCTIVE_LAYERS))
    if any(x.macs for curve in curves for x in curve.running):
        handles.append(Line2D([], [], color=GOOD, linewidth=1.6, label=COSTS))
    handles.append(Line2D([], [], color=SATURATION_COLOUR, linestyle="--", label=MEMORY))
    there = {band.standing for curve in curves for band in _shown_bands(curve)}
    for standing, (name, look) in _LOOKS.items():
        if standing in there:
            handles.append(Patch(**{"edgecolor": CARD, **look}, label=name))
    if any(_is_dotted(stretch) for curve in curves for stretch in curve.stretches):
        dots: dict[str, Any] = {"linestyle": ":", "marker": "o", "markersize": 3}
        handles.append(Line2D([], [], color=OTHER, label=AT_DOTS, **dots))
    if any(curve.some_tidy for curve in curves):
        ticks: dict[str, Any] = {"linestyle": "none", "marker": "|", "markersize": 7}
        handles.append(Line2D([], [], color=INK, label=TIDY, **ticks))
    return handles
