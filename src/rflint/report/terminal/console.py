"""What the report on a terminal is drawn with: the console, its character set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import StringIO
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from rflint.linting.finding import Severity
from rflint.text.escape import without_ci_commands
from rflint.text.wrapping import bound, loosened

_PIPE_WIDTH = 100

SEVERITY_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a report is drawn with, unless a console is for ASCII only."""

    cross: str = "×"
    dot: str = "·"
    border: str = "│"
    full: str = "█"
    past: str = "▓"
    more: str = "▶"
    ellipsis: str = "…"
    bad: str = "✗"
    warn: str = "!"
    unbounded: str = "∞"
    plus_minus: str = "±"


UNICODE = Glyphs()
ASCII = Glyphs("x", "-", "|", "#", "%", ">", "...", "x", "!", "all", "+-")


def console_for(stream: TextIO) -> Console:
    """A console that takes everything literally."""
    console = _literal(file=stream)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPE_WIDTH
    return console


def plain_console() -> Console:
    """The same into a text, without colours, and as wide as a pipe."""
    return _literal(file=StringIO(), width=_PIPE_WIDTH, force_terminal=False, color_system=None)


class _BindingConsole(Console):
    """Breaks no line between a number and its unit, wherever a text stands: in tables, too."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """What is drawn, in pieces."""
        if isinstance(renderable, Text):
            renderable = renderable.copy()
            renderable.plain = bound(renderable.plain)  # of the same length: styles stay in place
        for segment in super().render(renderable, options):
            yield segment._replace(text=loosened(segment.text))


def _literal(**options: Any) -> Console:
    # as for Jupyter, it would show what is captured below the cell, too
    return _BindingConsole(
        markup=False, highlight=False, emoji=False, force_jupyter=False, **options
    )


def captured(console: Console, draw: Callable[[], None]) -> str:
    """What is drawn on a console that is no terminal, as lines of plain text.

    Tables fill their cells with spaces, which nobody wants in a file.
    """
    with console.capture() as drawn:
        draw()
    lines = drawn.get().splitlines()
    return "".join(f"{without_ci_commands(line.rstrip())}\n" for line in lines)


def glyphs_of(console: Console) -> Glyphs:
    """The characters that a console can show."""
    return ASCII if console.options.ascii_only else UNICODE
