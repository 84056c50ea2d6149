"""The figure as a static SVG, which notebooks, GitHub and browsers show as it is.

No script, no style sheet, no font of its own: all looks are attributes, since notebooks that are
shown by others lose everything else. It lies on a white card, whatever is around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from xml.sax.saxutils import escape, quoteattr

from rflint.graph.exact import Number
from rflint.report.figure.figure import Figure, Point, input_levels, unproductive_runs
from rflint.report.figure.labels import label, labelled_places
from rflint.report.figure.looks import (
    BAD,
    BORDER,
    BORDER_BEFORE,
    CARD,
    GOOD,
    GREY,
    INK,
    INPUT,
    INPUT_BEFORE,
    LAYERS,
    LONGEST,
    NOTHING,
    ONLY,
    OTHER,
    PALE,
    SHADE,
    SHORTEST,
    UNJUDGED,
    UNPRODUCTIVE,
    lengths_label,
)
from rflint.report.figure.scale import Scale, scale_for
from rflint.report.units import PIXELS
from rflint.text.cut import cut_middle
from rflint.text.escape import escaped_lines, one_line

_NARROWEST, _WIDEST = 560, 960
_PLOT_HEIGHT = 260
_LEFT, _RIGHT, _COLUMN = 68, 84, 30
_LETTER = 0.56
"""The mean width of a letter of the usual sans-serif fonts, as a multiple of their size."""
_SMALL, _TEXT, _TITLE = 11, 12, 15
_ANGLE = 60
"""Degrees by which the names below are turned: so they stay readable, and lie close."""
_APART = 15
"""Names turned so are at least so far from each other."""
_BAND = 26
"""The room above the axis for receptive fields without a size."""


@dataclass(frozen=True, slots=True)
class _Curve:
    """Receptive fields by column, as a line with dots."""

    meaning: str
    colour: str
    dash: str
    size: float
    """Of its dots, as a share of the usual one."""
    points: Sequence[Point | None]
    """By column; None where the model has no such layer."""
    length: Callable[[Point], Number | None]


def svg(
    figure: Figure, before: Figure | None = None, called: Mapping[str, str] | None = None
) -> str:
    """The figure of a model; or of a model that was changed, with what it was `before` in grey.

    `called` has what layers before are called now; those that are not in it are gone. Without it,
    all are called as before.
    """
    return _Drawing(figure, before, called).svg()


class _Drawing:
    """One picture: its columns, its curves, and where they lie."""

    def __init__(
        self, figure: Figure, before: Figure | None, called: Mapping[str, str] | None
    ) -> None:
        self.figure = figure
        self.before = before
        self.columns: list[Point | None] = list(figure.points)
        """The layer that stands in each column; None where only the model before has one."""
        self.curves: list[_Curve] = []
        olds: list[Point | None] = []
        if before is not None:
            olds, self.columns = _side_by_side(before.points, figure.points, called)
            self.curves.append(_Curve("before", OTHER, "5 3", 0.8, olds, _shortest))
            self.curves.append(_Curve("after", GOOD, "", 1, self.columns, _shortest))
        elif figure.has_branches:
            self.curves.append(_Curve(LONGEST, OTHER, "5 3", 0.8, self.columns, _longest))
            self.curves.append(_Curve(SHORTEST, GOOD, "", 1, self.columns, _shortest))
        else:
            self.curves.append(_Curve(ONLY, GOOD, "", 1, self.columns, _shortest))
        self.olds = olds
        figures = [figure] if before is None else [before, figure]
        self.scale: Scale = scale_for(figures)
        self.names = [
            label((point or old or figure.points[0]).name)
            for point, old in zip(self.columns, olds or self.columns, strict=True)
        ]
        self.has_unbounded = any(one.has_unbounded for one in figures)
        self.parts: list[str] = []
        self._lay_out()

    # -- where things lie

    def _lay_out(self) -> None:
        count = max(1, len(self.columns))
        self.width = min(_WIDEST, max(_NARROWEST, _LEFT + _RIGHT + count * _COLUMN))
        self.left = float(_LEFT)
        turned = math.radians(_ANGLE)
        # the first names reach to the left of their columns: the plot begins where they have room
        for _ in range(2):
            self.step = (self.width - self.left - _RIGHT) / count
            self.labelled = labelled_places(len(self.columns), self.step, _APART, self._marked)
            beyond = [
                _width(self.names[i], _SMALL) * math.cos(turned) + 8 - (i + 0.5) * self.step
                for i in self.labelled
            ]
            self.left = max([float(_LEFT), *beyond])
        longest = max((_width(self.names[i], _SMALL) for i in self.labelled), default=0)
        self.legend_rows = self._legend_rows()
        self.top = 58 + 20 * len(self.legend_rows) + (_BAND if self.has_unbounded else 0) + 14
        self.bottom = self.top + _PLOT_HEIGHT
        self.height = self.bottom + 14 + longest * math.sin(turned) + 36
        self.right = self.width - _RIGHT

    @property
    def _marked(self) -> list[int]:
        """The columns whose names are shown in any case: the border layer's, the first and last."""
        border = self._border
        first = [] if border is None else [border]
        return [*first, 0, len(self.columns) - 1] if self.columns else []

    @property
    def _border(self) -> int | None:
        """The column of the border layer."""
        if self.figure.border is None:
            return None
        layer = self.figure.points[self.figure.border]
        return next(i for i, point in enumerate(self.columns) if point is layer)

    @property
    def _border_before(self) -> int | None:
        """The column of the border layer of the model before."""
        if self.before is None or self.before.border is None:
            return None
        layer = self.before.points[self.before.border]
        return next(i for i, point in enumerate(self.olds) if point is layer)

    @property
    def _input_before(self) -> int | None:
        """The size of the input before, where it was another one."""
        if self.before is None or self.before.input_size == self.figure.input_size:
            return None
        return self.before.input_size

    def _x(self, column: float) -> float:
        return self.left + (column + 0.5) * self.step

    def _y(self, length: Number | None) -> float:
        if length is None:
            return self.top - _BAND / 2 - 2
        return self.bottom - self.scale.fraction(length) * _PLOT_HEIGHT

    # -- what is drawn

    def svg(self) -> str:
        """The whole picture."""
        self._title()
        self._legend()
        self._shading()
        self._axes()
        self._input_size()
        self._bar()
        for curve in self.curves:
            self._line(curve)
        for curve in self.curves:
            self._dots(curve)
        self._names()
        size = f'width="{self.width:g}" height="{self.height:.0f}"'
        view = f'viewBox="0 0 {self.width:g} {self.height:.0f}"'
        told = quoteattr(f"{self.figure.heading(200)}: {one_line(self.figure.summary)}")
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img" '
                f'aria-label={told} font-family="system-ui, sans-serif" font-size="{_TEXT}" '
                f'fill="{INK}" style="max-width:100%;height:auto">',
                f'<rect x="0.5" y="0.5" width="{self.width - 1:g}" height="{self.height - 1:.0f}" '
                f'rx="6" fill="#ffffff" stroke="{CARD}"/>',
                *self.parts,
                "</svg>",
            ]
        )

    def _title(self) -> None:
        room = self.width - 40
        heading = self.figure.heading(int(room / (1.1 * _LETTER * _TITLE)))  # bold is wider
        self._text(20, 28, heading, f'font-size="{_TITLE}" font-weight="bold"')
        summary = cut_middle(one_line(self.figure.summary), int(room / (_LETTER * _TEXT)))
        self._text(20, 47, summary, f'fill="{GREY}"')

    def _legend_rows(self) -> list[list[tuple[str, str]]]:
        """What is explained: meanings and looks, in as many rows as that needs."""
        if not self.columns:
            return []
        looks = [(curve.meaning, f"curve {i}") for i, curve in enumerate(self.curves)]
        looks = [*reversed(looks), (INPUT, "input")]
        if self._border is not None:
            looks += [(BORDER, "border"), (UNPRODUCTIVE, "unproductive")]
        if self._input_before is not None:
            looks.append((INPUT_BEFORE, "input before"))
        if self._border_before is not None:
            looks.append((BORDER_BEFORE, "border before"))
        if any(not point.is_judged for point in self.figure.points):
            looks.append((UNJUDGED, "hollow"))
        rows: list[list[tuple[str, str]]] = [[]]
        room = self.width - 40.0
        for meaning, look in looks:
            needed = _key_width(meaning)
            if needed > room and rows[-1]:
                rows.append([])
                room = self.width - 40.0
            rows[-1].append((meaning, look))
            room -= needed
        return rows

    def _legend(self) -> None:
        for row, looks in enumerate(self.legend_rows):
            x, y = 20.0, 68.0 + 20 * row
            for meaning, look in looks:
                self._key(look, x, y - 4)
                self._text(x + 30, y, meaning)
                x += _key_width(meaning)

    def _key(self, look: str, x: float, y: float) -> None:
        middle = x + 12
        if look.startswith("curve"):
            curve = self.curves[int(look.split()[1])]
            self._path(f"M{x:g} {y:g}h24", curve.colour, 1.6, curve.dash)
            self._circle(middle, y, 3.6 * curve.size, curve.colour)
        elif look == "input":
            self._path(f"M{x:g} {y:g}h24", INK, 1.4, "2 3")
        elif look == "input before":
            self._path(f"M{x:g} {y:g}h24", OTHER, 1.4, "2 3")
        elif look == "border":
            self._path(f"M{middle:g} {y - 7:g}v14", INK, 4)
        elif look == "border before":
            self._path(f"M{middle:g} {y - 7:g}v14", OTHER, 4)
        elif look == "unproductive":
            self._rect(x, y - 7, 24, 14, SHADE)
            self._circle(middle, y, 3.6, BAD)
        else:
            self._circle(middle, y, 3.6, GOOD, hollow=True)

    def _shading(self) -> None:
        for run in unproductive_runs(self.columns):
            x, width = self._x(run.start - 0.5), len(run) * self.step
            self._rect(x, self.top, width, self.bottom - self.top, SHADE)

    def _axes(self) -> None:
        for tick in self.scale.ticks:
            y = self._y(tick)
            self._path(f"M{self.left:.1f} {y:.2f}H{self.right:.1f}", PALE, 1)
            self._text(self.left - 8, y + 4, f"{tick:,}", f'text-anchor="end" fill="{GREY}"')
        if self.has_unbounded:
            y = self._y(None)
            self._path(f"M{self.left:.1f} {y:.1f}H{self.right:.1f}", PALE, 1, "1 4")
            self._text(self.left - 8, y + 4, "∞", f'text-anchor="end" fill="{GREY}"')
        corner = f"M{self.left:.1f} {self.top:.1f}V{self.bottom:.1f}H{self.right:.1f}"
        self._path(corner, OTHER, 1)
        middle = (self.top + self.bottom) / 2
        turned = f'text-anchor="middle" transform="rotate(-90 20 {middle:.1f})"'
        self._text(20, middle, lengths_label(self.figure.axis_name, [self.figure.unit]), turned)
        if not self.columns:
            self._text((self.left + self.right) / 2, middle, NOTHING, 'text-anchor="middle"')
        centre = f'text-anchor="middle" fill="{INK}"'
        x = (self.left + self.right) / 2
        self._text(x, self.height - 14, LAYERS, centre)

    def _input_size(self) -> None:
        size = self.figure.input_size
        sizes = [point.input_size if point else size for point in self.columns]
        for run, size in input_levels(sizes):
            x, end, y = self._x(run.start - 0.5), self._x(run.stop - 0.5), self._y(size)
            self._path(f"M{x:.1f} {y:.1f}H{end:.1f}", INK, 1.4, "2 3")
        if sizes:
            unit = f" {PIXELS}" if self.figure.unit == PIXELS else ""
            told = f"{sizes[-1]:,}{unit}"
            self._text(self.right + 8, self._y(sizes[-1]) + 4, told, 'font-weight="bold"')
        if self._input_before is not None:
            y = self._y(self._input_before)
            self._path(f"M{self.left:.1f} {y:.1f}H{self.right:.1f}", OTHER, 1.4, "2 3")
            if not sizes or abs(y - self._y(sizes[-1])) > _TEXT:
                self._text(self.right + 8, y + 4, f"{self._input_before:,} px", f'fill="{GREY}"')

    def _bar(self) -> None:
        if self._border_before is not None:
            beside = 5 if self._border_before == self._border else 0
            x = self._x(self._border_before - 0.5) - beside
            self._path(f"M{x:.1f} {self.top:.1f}V{self.bottom:.1f}", OTHER, 4)
        if self._border is not None:
            x = self._x(self._border - 0.5)
            self._path(f"M{x:.1f} {self.top:.1f}V{self.bottom:.1f}", INK, 4)

    def _line(self, curve: _Curve) -> None:
        """Through all layers that have a length; it is interrupted at those that have none."""
        path, pen = [], "M"
        for column, point in enumerate(curve.points):
            if point is None:
                continue
            length = curve.length(point)
            if length is None:
                pen = "M"
                continue
            path.append(f"{pen}{self._x(column):.1f} {self._y(length):.2f}")
            pen = "L"
        if path:
            self._path("".join(path), curve.colour, 1.6, curve.dash)

    def _dots(self, curve: _Curve) -> None:
        radius = min(4.0, max(1.2, 0.32 * self.step)) * curve.size
        for column, point in enumerate(curve.points):
            if point is None:
                continue
            x, y = self._x(column), self._y(curve.length(point))
            is_bad = point.is_unproductive and curve.colour == GOOD
            colour = BAD if is_bad else curve.colour
            self._circle(x, y, radius, colour, hollow=not point.is_judged, told=point.description)

    def _names(self) -> None:
        for column in self.labelled:
            x, y = self._x(column) + 3, self.bottom + 13
            turned = f'text-anchor="end" transform="rotate(-{_ANGLE} {x:.1f} {y:.1f})"'
            bold = ' font-weight="bold"' if column == self._border else ""
            self._text(x, y, self.names[column], f'font-size="{_SMALL}"{bold} {turned}')

    # -- how it is written

    def _text(self, x: float, y: float, text: str, looks: str = "") -> None:
        looks = f" {looks}" if looks else ""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.2f}"{looks}>{escape(text)}</text>')

    def _path(self, path: str, colour: str, width: float, dash: str = "") -> None:
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        look = f'fill="none" stroke="{colour}" stroke-width="{width:g}"{dashed}'
        self.parts.append(f'<path d="{path}" {look}/>')

    def _rect(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        size = f'width="{width:.1f}" height="{height:.1f}"'
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{colour}"/>')

    def _circle(
        self, x: float, y: float, r: float, colour: str, *, hollow: bool = False, told: str = ""
    ) -> None:
        fill = "#ffffff" if hollow else colour
        look = f'fill="{fill}" stroke="{colour}" stroke-width="{min(1.4, r / 2):.1f}"'
        circle = f'<circle cx="{x:.1f}" cy="{y:.2f}" r="{r:.1f}" {look}'
        title = f"><title>{escape(escaped_lines(told))}</title></circle>" if told else "/>"
        self.parts.append(circle + title)


def _shortest(point: Point) -> Number | None:
    return point.r_min


def _longest(point: Point) -> Number | None:
    return point.r_max


def _key_width(meaning: str) -> float:
    """The room of a look and its meaning in the legend, whose words have no wide letters."""
    return 46 + 0.5 * _TEXT * len(meaning)


def _width(text: str, size: int) -> float:
    return _LETTER * size * len(text)


def _side_by_side(
    before: Sequence[Point], after: Sequence[Point], called: Mapping[str, str] | None
) -> tuple[list[Point | None], list[Point | None]]:
    """Columns in which what is one layer stands above itself, in the order of both."""
    olds: list[Point | None] = []
    news: list[Point | None] = []
    old_names = [point.name if called is None else called.get(point.name) for point in before]
    matcher = SequenceMatcher(a=old_names, b=[point.name for point in after], autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        old, new = before[i:j], after[k:m]
        if tag == "equal":
            olds += old
            news += new
        else:
            olds += [*old, *[None] * len(new)]
            news += [*[None] * len(old), *new]
    return olds, news
