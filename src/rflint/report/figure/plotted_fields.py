"""Measured effective receptive fields through matplotlib: small maps below the panels."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import FuncNorm
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from rflint.report.figure.fields import Box, FieldMap
from rflint.report.figure.looks import (
    COLOURING,
    FIELDS,
    INK,
    LIFT,
    OTHER,
    R_BOTH,
    R_MAX,
    R_MIN,
)
from rflint.text.cut import cut_middle
from rflint.text.escape import one_line

COLOURS = "magma_r"
"""Perceptually uniform, and pale where little is contributed: lines can be seen on it."""
_EDGE = 0.3
"""Inches that are free on the left of maps, and on their right."""
_SIDE, _CELL = 1.22, 1.49
"""Inches that the longer side of a map takes, and that stand between the left sides of two."""
_ABOVE, _NUMBERS = 0.3, 0.14
"""Inches for the name of a layer, and for each line of numbers below its map."""
_FLATTEST = 0.25
"""The height of a map that would be thinner."""
_KEY_HEIGHT = 1.2
_LINE = 0.19
"""The height of a line of the heading."""
_LETTER = 0.08
_NAME_LETTER = 0.075
_DASHED = (0, (3, 2))
_TICKS = (0.0, 0.1, 0.5, 1.0)


class FieldsLayout:
    """Where the maps of one model stand in a figure of so many inches."""

    def __init__(self, maps: Sequence[FieldMap], heading: str, inches: float) -> None:
        self.maps = maps
        self.inches = inches
        self.across = max(1, int((inches - _EDGE) / _CELL))
        told = f"{heading}: {FIELDS}" if heading else FIELDS
        self.heading = textwrap.wrap(one_line(told), int((inches - 2 * _EDGE) / _LETTER))
        below = max(_size(one)[1] + _NUMBERS * len(one.told) for one in maps) + 0.1
        self.row = _ABOVE + below
        # the key is as high as it is, beside maps that are flat and where it stands alone
        self.last_row = _ABOVE + _KEY_HEIGHT
        if len(maps) % self.across:
            self.last_row = max(self.row, self.last_row)

    @property
    def height(self) -> float:
        """Inches that all of it takes; the key stands behind the last map."""
        rows_before = len(self.maps) // self.across
        return _LINE * len(self.heading) + rows_before * self.row + self.last_row + 0.1

    def draw(self, figure: FigureBase) -> None:
        """Draw the maps, their numbers, and what colours and lines mean."""
        height = self.height
        figure.text(
            _EDGE / self.inches,
            1 - 0.02 / height,
            "\n".join(self.heading),
            ha="left",
            va="top",
            fontsize=9.5,
            fontweight="bold",
        )
        for place, one in enumerate(self.maps):
            width, tall = _size(one)
            ax = self._axes(figure, place, width, tall)
            _draw_map(ax, one)
        self._key(figure, len(self.maps))

    def _axes(self, figure: FigureBase, place: int, width: float, tall: float) -> Axes:
        """Axes of a size in inches at the upper left of a place."""
        row, column = divmod(place, self.across)
        left = _EDGE + column * _CELL
        top = _LINE * len(self.heading) + row * self.row + _ABOVE
        bottom = self.height - top - tall
        return figure.add_axes(
            (left / self.inches, bottom / self.height, width / self.inches, tall / self.height)
        )

    def _key(self, figure: FigureBase, place: int) -> None:
        """The colours as a bar, and which line is which receptive field."""
        ax = self._axes(figure, place, 0.12, 0.8)
        bar = figure.colorbar(ScalarMappable(_norm(), COLOURS), cax=ax, ticks=_TICKS)
        bar.ax.set_yticklabels([f"{tick:g}" for tick in _TICKS], fontsize=7.5)
        bar.outline.set_edgecolor(OTHER)
        ax.text(
            *(4.4, 0.5, COLOURING),
            transform=ax.transAxes,
            fontsize=7.5,
            va="center",
            linespacing=1.25,
        )
        is_one = all(one.smallest == one.largest for one in self.maps)
        handles = [Line2D([], [], color=INK, linewidth=1.1, label=R_BOTH if is_one else R_MIN)]
        if not is_one:
            handles.append(Line2D([], [], color=INK, linewidth=1.1, linestyle=_DASHED, label=R_MAX))
        ax.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(0, -0.1),
            borderaxespad=0,
            frameon=False,
            fontsize=7.5,
            handlelength=2.2,
        )


def _size(one: FieldMap) -> tuple[float, float]:
    """Width and height of a map in inches."""
    scale = _SIDE / max(one.width, one.height)
    return max(_FLATTEST, scale * one.width), max(_FLATTEST, scale * one.height)


def _draw_map(ax: Axes, one: FieldMap) -> None:
    rows = np.asarray(one.map.rows)
    across, down = one.map.block[-1], one.map.block[0] if len(one.map.block) > 1 else 1
    ax.imshow(
        rows,
        cmap=COLOURS,
        norm=_norm(),
        extent=(0, rows.shape[1] * across, rows.shape[0] * down, 0),
        aspect="auto",
        interpolation="nearest",
    )
    # the last blocks may reach beyond the input
    ax.set_xlim(0, one.width)
    ax.set_ylim(one.height, 0)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(True)
    _outline(ax, one.largest, R_MAX, _DASHED)
    _outline(ax, one.smallest, R_MIN, "-")
    letters = int((_CELL - 0.1) / _NAME_LETTER)
    name = cut_middle(one_line(one.name), letters)
    ax.set_title(name, fontsize=8.5, fontweight="bold", loc="left", pad=4)
    ax.text(
        *(0, -0.05 / _size(one)[1], "\n".join(one.told)),
        transform=ax.transAxes,
        fontsize=7.5,
        va="top",
        linespacing=1.3,
    )


def _outline(ax: Axes, box: Box, meaning: str, look: Any) -> None:
    """The line around a part of the input, with a pale rim so that it is seen on any colour."""
    ax.add_patch(
        Rectangle(
            (box.left, box.top),
            box.right - box.left,
            box.bottom - box.top,
            fill=False,
            edgecolor=INK,
            linewidth=1.1,
            linestyle=look,
            label=meaning,
            clip_on=False,
            zorder=4,
            path_effects=[withStroke(linewidth=2.4, foreground="white", alpha=0.75)],
        )
    )


def _norm() -> FuncNorm:
    """How contributions become colours: log10(1 + 9 x), which leaves 0 and 1 as they are."""

    def lifted(x: Any) -> Any:
        return np.log10(1 + LIFT * np.asarray(x)) / np.log10(1 + LIFT)

    def plain(x: Any) -> Any:
        return ((1 + LIFT) ** np.asarray(x) - 1) / LIFT

    return FuncNorm((lifted, plain), vmin=0, vmax=1)
