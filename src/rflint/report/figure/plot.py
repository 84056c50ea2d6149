"""The figure through matplotlib, for papers: several models or sizes side by side (Figs. 4, 9).

Importing this module imports matplotlib.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rflint.errors import UsageError
from rflint.graph.exact import Number
from rflint.report.figure.figure import Figure, input_levels, unproductive_runs
from rflint.report.figure.labels import label, labelled_places
from rflint.report.figure.looks import (
    BAD,
    BORDER,
    CARD,
    GOOD,
    GREY,
    INK,
    INPUT,
    LAYERS,
    LONGEST,
    NOTHING,
    ONLY,
    OTHER,
    PALE,
    PROBE,
    PROBE_COLOUR,
    SATURATION,
    SATURATION_COLOUR,
    SHADE,
    SHARES,
    SHORTEST,
    UNBOUNDED,
    UNJUDGED,
    UNPRODUCTIVE,
    lengths_label,
)
from rflint.report.figure.plotted_fields import FieldsLayout
from rflint.report.figure.scale import Scale, scale_for
from rflint.report.figure.style import PlottedFigure, across, legend, styled
from rflint.text.escape import one_line
from rflint.text.numbers import plural

_LAYER, _FEWEST, _MOST = 0.2, 16, 42
"""Inches that a layer asks for, and the layers for which a panel has room."""
_MARGIN, _HEIGHT = 1.0, 3.4
_LETTER = 0.068
"""The height that a letter of a turned name takes, in inches."""
_TITLE_LETTER, _KEY = 0.088, 1.55
"""The mean width of a letter of a panel's title, and of an entry of the legend, in inches."""
_MEASURED_KEY = 2.1
"""The same of an entry where something was measured: those are longer."""
_LABEL_LETTER, _HEADING_LETTER = 0.066, 0.105
"""The same of a letter of an axis's label, and of the heading of all panels."""
_NARROWEST = 1.5
"""Inches that a panel needs at least."""
_ROW = 0.18
"""The height of a further row of the legend, or line of the heading."""
_LABEL_APART = 0.135
"""Inches between the names of layers."""


def plot(
    figures: Sequence[Figure], *, title: str = "", width: float | None = None
) -> PlottedFigure:
    """Panels side by side, with one y axis; `width` is that of all, in inches.

    Below them stand the effective receptive fields that were measured, if any.

    Raises UsageError where they do not fit into it.
    """
    columns = across(len(figures))
    if width is not None and width < (least := _MARGIN + _NARROWEST * columns):
        panels = plural(columns, "panel")
        raise UsageError(
            f"{panels} side by side cannot be read in a width of {width:g} inches",
            hint=f"Give a width of {least:g} inches or more.",
        )
    rows = -(-len(figures) // columns)
    ratios = [
        max(min(_MOST, max(_FEWEST, len(figure.points))) for figure in figures[column::columns])
        for column in range(columns)
    ]
    longest = max((len(label(x.name)) for figure in figures for x in figure.points), default=0)
    height = _HEIGHT + _LETTER * longest
    inches = width or _MARGIN + _LAYER * sum(ratios)
    heading = textwrap.fill(one_line(title), int(inches / _HEADING_LETTER))
    handles = _handles(figures)
    key = _MEASURED_KEY if any(figure.is_measured for figure in figures) else _KEY
    legend_rows = -(-len(handles) // max(1, int(inches / key)))
    further = _ROW * (max(0, legend_rows - 1) + heading.count("\n"))
    lengths = lengths_label(figures[0].axis_name, {figure.unit for figure in figures})
    fields = [
        FieldsLayout(figure.fields, figure.heading(60) if len(figures) > 1 else "", inches)
        for figure in figures
        if figure.fields
    ]
    heights = [height * rows + 0.5 + further, *(one.height for one in fields)]
    with styled():
        plotted = PlottedFigure(figsize=(inches, sum(heights)), layout="constrained")
        FigureCanvasAgg(plotted)
        above, *below = _parts(plotted, heights)
        axes = above.subplots(
            rows, columns, sharey=True, squeeze=False, gridspec_kw={"width_ratios": ratios}
        )
        scale = scale_for(figures)
        for place, ax in enumerate(axes.flat):
            if place >= len(figures):
                ax.set_axis_off()
                continue
            share = ratios[place % columns] / sum(ratios)
            room = (inches - _MARGIN) * share
            is_last = place % columns == columns - 1 or place == len(figures) - 1
            _panel(ax, figures[place], scale, room, is_last=is_last)
            if place % columns == 0:
                ax.set_ylabel(lengths)
        if handles:
            legend(above, handles, legend_rows)
        if heading:
            above.suptitle(heading, fontsize=12, fontweight="bold")
        for layout, part in zip(fields, below, strict=True):
            layout.draw(part)
    return plotted


def _parts(plotted: MatplotlibFigure, heights: Sequence[float]) -> list[FigureBase]:
    """Parts of a figure below each other, of such heights; a single one is the figure itself."""
    if len(heights) == 1:
        return [plotted]
    return list(plotted.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0])


def _panel(ax: Axes, figure: Figure, scale: Scale, room: float, *, is_last: bool) -> None:
    """One model, in so many inches; the last of its row tells what the right axis shows."""
    points = figure.points
    heading = figure.heading(int(room / _TITLE_LETTER))
    ax.set_title(heading, fontsize=10, fontweight="bold", loc="left")
    _y_axis(ax, scale)
    layers = f"{LAYERS}, without {figure.omission}" if figure.left_out else LAYERS
    ax.set_xlabel(textwrap.fill(layers, int(room / _LABEL_LETTER)))
    ax.set_xlim(-0.6, max(0.6, len(points) - 0.4))
    if not points:
        ax.set_xticks([])
        ax.text(0.5, 0.5, NOTHING, transform=ax.transAxes, ha="center", wrap=True)
        return
    spacing = room / len(points)
    for run in unproductive_runs(points):
        ax.axvspan(run.start - 0.5, run.stop - 0.5, color=SHADE, linewidth=0, zorder=0)
    for run, level in input_levels([point.input_size for point in points]):
        ends = (run.start - 0.5, run.stop - 0.5)
        ax.plot(
            ends, (level, level), color=INK, linewidth=1.2, linestyle=":", label=INPUT, zorder=2
        )
    if figure.border is not None:
        ax.axvline(figure.border - 0.5, color="black", linewidth=3.2, label=BORDER, zorder=3)
    size = min(26.0, max(3.0, (spacing * 72 * 0.5) ** 2))
    if figure.has_branches:
        _curve(ax, figure, [point.r_max for point in points], LONGEST, OTHER, 0.6 * size)
    meaning = SHORTEST if figure.has_branches else ONLY
    _curve(ax, figure, [point.r_min for point in points], meaning, GOOD, size)
    if figure.is_measured:
        _measurements(ax, figure, is_last=is_last)
    first = [] if figure.border is None else [figure.border]
    places = labelled_places(len(points), spacing, _LABEL_APART, [*first, 0, len(points) - 1])
    names = [label(points[place].name) for place in places]
    ax.set_xticks(places, names, rotation=90, fontsize=7.5, color=INK)
    for place, text in zip(places, ax.get_xticklabels(), strict=True):
        text.set_fontweight("bold" if place == figure.border else "normal")


def _y_axis(ax: Axes, scale: Scale) -> None:
    if scale.is_logarithmic:
        ax.set_yscale("log")
    ax.set_ylim(scale.low, scale.high)
    ax.set_yticks(scale.ticks, [f"{tick:,}" for tick in scale.ticks])
    ax.minorticks_off()
    ax.grid(axis="y", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)


def _curve(
    ax: Axes,
    figure: Figure,
    lengths: Sequence[Number | None],
    meaning: str,
    colour: str,
    size: float,
) -> None:
    """A line with dots; what has no size is a mark at the top, and the line has a gap there."""
    at = range(len(lengths))
    values = [float("nan") if length is None else float(length) for length in lengths]
    dashed = "--" if colour == OTHER else "-"
    ax.plot(at, values, color=colour, linewidth=1.3, linestyle=dashed, label=meaning, zorder=4)
    fills, edges = [], []
    for point in figure.points:
        edge = BAD if point.is_unproductive and colour == GOOD else colour
        edges.append(edge)
        fills.append(edge if point.is_judged else "white")
    look: dict[str, Any] = {"c": fills, "edgecolors": edges, "linewidths": 1.0}
    ax.scatter(at, values, s=size, zorder=5, clip_on=False, **look)
    without = [place for place, length in enumerate(lengths) if length is None]
    if without:
        ax.plot(
            without,
            [0.985] * len(without),
            color=colour,
            linestyle="none",
            marker="^",
            markersize=5,
            label=UNBOUNDED,
            transform=ax.get_xaxis_transform(),
            zorder=5,
        )


def _measurements(ax: Axes, figure: Figure, *, is_last: bool) -> None:
    """Saturation and the accuracy of probes, on an axis of their own (paper, Figs. 2 and 4)."""
    right = ax.twinx()
    right.set_ylim(0, 1.02)
    right.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    right.spines["right"].set_visible(is_last)
    right.tick_params(labelright=is_last, right=is_last)
    if is_last:
        right.set_ylabel(SHARES)
    for meaning, colour, marker, values in (
        (SATURATION, SATURATION_COLOUR, "s", [point.saturation for point in figure.points]),
        (PROBE, PROBE_COLOUR, "D", [point.probe for point in figure.points]),
    ):
        there = [(at, value) for at, value in enumerate(values) if value is not None]
        right.plot(
            [at for at, _ in there],
            [value for _, value in there],
            color=colour,
            marker=marker,
            markersize=2.5,
            linewidth=1.1,
            label=meaning,
        )


def _handles(figures: Sequence[Figure]) -> list[Any]:
    """The entries of the legend; none where nothing is shown."""
    points = [point for figure in figures for point in figure.points]
    if not points:
        return []
    handles: list[Any] = []
    dot: dict[str, Any] = {"marker": "o", "markersize": 5}
    if any(not figure.has_branches and figure.points for figure in figures):
        handles.append(Line2D([], [], color=GOOD, label=ONLY, **dot))
    if any(figure.has_branches for figure in figures):
        handles.append(Line2D([], [], color=GOOD, label=SHORTEST, **dot))
        handles.append(Line2D([], [], color=OTHER, linestyle="--", label=LONGEST, **dot))
    handles.append(Line2D([], [], color=INK, linestyle=":", label=INPUT))
    if any(figure.border is not None for figure in figures):
        handles.append(Line2D([], [], color="black", linewidth=3.2, label=BORDER))
        handles.append(Patch(facecolor=SHADE, edgecolor=CARD, label=UNPRODUCTIVE))
    for meaning, colour, values in (
        (SATURATION, SATURATION_COLOUR, [point.saturation for point in points]),
        (PROBE, PROBE_COLOUR, [point.probe for point in points]),
    ):
        if any(value is not None for value in values):
            handles.append(Line2D([], [], color=colour, label=meaning))
    if any(not point.is_judged for point in points):
        hollow = {"markerfacecolor": "white", "linestyle": "none", **dot}
        handles.append(Line2D([], [], color=GOOD, label=UNJUDGED, **hollow))
    if any(figure.has_unbounded for figure in figures):
        handles.append(Line2D([], [], color=GREY, linestyle="none", marker="^", label=UNBOUNDED))
    return handles
