"""A report as a page of its own: in the browser, or in a notebook that has none at hand."""

from __future__ import annotations

import tempfile
import webbrowser
from collections.abc import Callable
from html import escape
from importlib import import_module
from pathlib import Path

from rflint.report.formats.html import write
from rflint.report.report import Report
from rflint.usercode.notebook import running_shell

_HEIGHT = 720


def show(report: Report) -> Path:
    """Write the page to a temporary file, open it, and return where it is.

    The file stays when the program ends: the browser may read it later.
    """
    handle, name = tempfile.mkstemp(prefix="rflint-", suffix=".html")
    with open(handle, "w", encoding="utf-8") as stream:
        write(report, stream, False)
    file = Path(name)
    notebook = _notebook()
    browser = _browser()
    if browser is not None and not (notebook and type(browser) is webbrowser.GenericBrowser):
        # a generic one in a notebook is a text browser, or one that is not where the kernel runs
        browser.open(file.as_uri())
    elif notebook is not None:
        notebook(file.read_text(encoding="utf-8"))
    return file


def _browser() -> webbrowser.BaseBrowser | None:
    try:
        return webbrowser.get()
    except webbrowser.Error:
        return None


def _notebook() -> Callable[[str], None] | None:
    """What shows a page in the output of the running cell; None outside of notebooks."""
    if not hasattr(running_shell(), "kernel"):
        return None

    def display(page: str) -> None:
        shown = import_module("IPython.display")
        # the page comes with the frame: the notebook's server may not know of the file
        frame = f'<iframe srcdoc="{escape(page)}" width="100%" height="{_HEIGHT}"'
        page_there = f'{frame} style="border:0" sandbox="allow-scripts"></iframe>'
        # as data: what IPython.display.IFrame shows has to lie where the browser finds it
        shown.display({"text/html": page_there, "text/plain": "<the page of the report>"}, raw=True)

    return display
