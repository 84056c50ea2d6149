"""One page for a browser: the JSON report and what the page needs beside it, in a built page.

The page (html_page/page.html, made from web/) holds two empty elements for them, asks for nothing
from anywhere, and writes whatever it shows as text.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TextIO

from rflint.report.page.page import page
from rflint.report.report import Report
from rflint.report.schema import JsonObject

_ISLAND = '<script type="application/json" id="{}">{}</script>'
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029\x7f"}
"""What could begin markup, or ends a line in JavaScript."""


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write the page; it is the same with all details and without."""
    text = files("rflint.report.formats").joinpath("html_page/page.html").read_text("utf-8")
    contents = {"rflint-report": report.to_dict(), "rflint-page": page(report)}
    for name, content in contents.items():
        before, empty, after = text.partition(_ISLAND.format(name, ""))
        if not empty:
            raise ValueError(f"the built page has no empty element {name}")
        stream.write(before + _ISLAND.format(name, _json(content)))
        text = after
    stream.write(text)


def _json(content: JsonObject) -> str:
    """JSON that stands in a page, whatever the names in it are."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)
