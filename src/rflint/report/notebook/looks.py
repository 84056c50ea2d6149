"""How outputs of a notebook's cells look, and how text becomes HTML there.

All looks are attributes, since whoever shows a notebook to others (GitHub, nbconvert, a mail) takes
style sheets away.
"""

from __future__ import annotations

from html import escape

from rflint.linting.finding import Severity
from rflint.text.escape import escaped_lines, one_line

COLOURS = {Severity.ERROR: "#c62828", Severity.WARNING: "#b45309", Severity.INFO: "#0072b2"}
PAGE = "font-family:system-ui,sans-serif;font-size:13px;line-height:1.5;max-width:960px"
HEADING = "font-size:15px;font-weight:bold;margin:10px 0 0"
TABLE = "margin:8px 0;border-collapse:collapse;font-size:13px"
LIST, LESS = "margin:2px 0 2px 22px;padding:0", "opacity:.75"
BADGE = "color:#ffffff;background:{};border-radius:3px;padding:1px 6px;font-weight:bold"


def block(text: str, look: str = "margin:2px 0") -> str:
    """A paragraph of text."""
    return f'<div style="{look}">{text_of(text, lines=True)}</div>'


def text_of(text: str, *, lines: bool = False) -> str:
    """Text that is no markup, whatever it says."""
    if not lines:
        return escape(one_line(text))
    return escape(escaped_lines(text)).replace("\n", "<br>")
