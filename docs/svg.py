"""Drawings as SVG: boxes, grids, lines and labels, in the style of the rules' pages."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.sax.saxutils import escape

WIDTH = 640
MARGIN = 24
LETTER = 8.5
"""No letter of the usual sans-serif fonts is wider than this on average, at the size used."""

# A background of its own, since the page behind may be white or black. Blue and orange are Okabe
# and Ito's, which nobody confuses; what is orange is hatched too, so that grey does as well.
_STYLE = """\
text { font: 14px sans-serif; fill: #1f2328 }
.title { font-weight: bold }
.note { fill: #59636e }
.middle { text-anchor: middle }
.white { fill: #ffffff }
.paper { fill: #ffffff; stroke: #d1d9e0 }
.good { fill: #0072b2; stroke: #ffffff }
.bad { fill: url(#hatch); stroke: #ffffff }
.map { fill: #cfe3f1; stroke: #ffffff }
.some { fill: #56b4e9; stroke: #ffffff }
.outside { fill: #ffffff; stroke: #b6bec7; stroke-dasharray: 2 2 }
.frame { fill: none; stroke: #1f2328; stroke-width: 3 }
.missed { fill: none; stroke: #1f2328; stroke-width: 3; stroke-dasharray: 6 4 }"""

_HATCH = (
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" fill="#fbe6d6"/>'
    '<path d="M-1 1L1 -1M0 6L6 0M5 7L7 5" stroke="#d55e00" stroke-width="1.5"/></pattern>'
)


Cells: TypeAlias = Callable[[int, int], str]
"""What the cell in a row and a column looks like, or says."""


def within(places: Container[int], there: str, elsewhere: str) -> Cells:
    """One thing where both row and column are among these, another one everywhere else."""
    return lambda row, column: there if row in places and column in places else elsewhere


@dataclass
class Drawing:
    """Parts of a picture, and how far down they reach."""

    parts: list[str] = field(default_factory=list)
    bottom: float = 0

    def box(
        self, look: str, x: float, y: float, width: float, height: float, text: str = ""
    ) -> None:
        """A rectangle with something written in its middle."""
        size = f'width="{width:g}" height="{height:g}"'
        self.parts.append(f'<rect class="{look}" x="{x:g}" y="{y:g}" {size}/>')
        self.bottom = max(self.bottom, y + height)
        if text:
            white = " white" if look == "good" else ""
            self.label(x + width / 2, y + height / 2 + 5, text, f"middle{white}")

    def grid(
        self,
        x: float,
        y: float,
        cell: float,
        size: int,
        look: Cells,
        text: Cells = lambda row, column: "",
    ) -> None:
        """As many rows as columns of cells, each with its look and its text."""
        for row in range(size):
            for column in range(size):
                at = x + column * cell, y + row * cell
                self.box(look(row, column), *at, cell, cell, text(row, column))

    def label(self, x: float, y: float, text: str, look: str = "") -> None:
        """A line of text: x is where it starts, or its middle, and y its base line."""
        kind = f' class="{look}"' if look else ""
        self.parts.append(f'<text{kind} x="{x:g}" y="{y:g}">{escape(text)}</text>')
        self.bottom = max(self.bottom, y + 4)

    def line(self, look: str, x: float, y: float, to_x: float, to_y: float) -> None:
        """A straight line."""
        self.parts.append(f'<path class="{look}" d="M{x:g} {y:g}L{to_x:g} {to_y:g}"/>')
        self.bottom = max(self.bottom, y, to_y)

    def key(self, *meanings: tuple[str, str]) -> None:
        """What looks mean, in a row below everything else."""
        x, y = float(MARGIN), self.bottom + 16
        for look, meaning in meanings:
            self.box(look, x, y, 16, 16)
            self.label(x + 24, y + 13, meaning)
            x += 24 + LETTER * len(meaning) + 20

    def svg(self, title: str) -> str:
        """The whole picture."""
        size = f'width="{WIDTH}" height="{self.bottom + MARGIN:g}"'
        view = f'viewBox="0 0 {WIDTH} {self.bottom + MARGIN:g}"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{_STYLE}\n</style>",
            _HATCH,
            '<rect class="paper" x="0.5" y="0.5" rx="6" '
            f'width="{WIDTH - 1}" height="{self.bottom + MARGIN - 1:g}"/>',
            *self.parts,
            "</svg>",
        ]
        return "\n".join(lines) + "\n"
