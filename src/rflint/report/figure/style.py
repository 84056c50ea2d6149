"""How figures look that matplotlib draws, and how they are written.

Nothing of matplotlib is changed: no current figure, no backend, no setting of the user's, and none
of these has a say in how a figure looks.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.figure import FigureBase

from rflint.report.figure.looks import GREY, INK, OTHER

_ACROSS = 3
"""So many panels stand side by side; more make further rows."""

_STYLE: dict[str, Any] = {
    "font.family": ["sans-serif"],
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": OTHER,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "text.parse_math": False,  # names are the user's: a dollar is a dollar
    "svg.hashsalt": "rflint",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}
_OF_THE_PROCESS = ("backend", "interactive", "toolbar", "webagg")
"""Settings that are no matter of looks."""
_NO_DATE: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
    ".png": {},
}
"""Two runs write the same bytes."""


class PlottedFigure(MatplotlibFigure):
    """A figure that notebooks show without any further import."""

    told = ""
    """What it shows, for those who cannot see it."""

    def _repr_png_(self) -> bytes:
        stream = BytesIO()
        with styled():
            self.savefig(stream, format="png", dpi=100)
        return stream.getvalue()


def across(count: int) -> int:
    """How many panels stand in a row: as many as there are, or rows of the same length."""
    if count <= _ACROSS:
        return max(1, count)
    return next((x for x in (_ACROSS, 2) if count % x == 0), _ACROSS)


def legend(plotted: FigureBase, handles: Sequence[Any], rows: int) -> None:
    """One for all panels, beside the data."""
    plotted.legend(
        handles=list(handles),
        loc="outside lower center",
        ncols=-(-len(handles) // rows),
        frameon=False,
        fontsize=8.5,
    )


def save(plotted: MatplotlibFigure, file: Path, suffix: str, dpi: int) -> None:
    """Write a figure in the format of a suffix, whatever the file's name; the same for each run."""
    told = plotted.told if isinstance(plotted, PlottedFigure) else ""
    metadata = _NO_DATE[suffix] | ({"Title": told} if told else {})
    with styled(), warnings.catch_warnings():
        # names may have letters that the font has not: they are drawn as boxes
        warnings.filterwarnings("ignore", message="Glyph")
        plotted.savefig(file, format=suffix[1:], dpi=dpi, metadata=metadata)


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib's own defaults and what is said here, whatever the user has set."""
    looks: Any = {
        name: value
        for name, value in mpl.rcParamsDefault.items()
        if not name.startswith(_OF_THE_PROCESS)
    }
    with warnings.catch_warnings(), mpl.rc_context():
        warnings.simplefilter("ignore", mpl.MatplotlibDeprecationWarning)
        mpl.rcParams.update(looks | _STYLE)
        yield
