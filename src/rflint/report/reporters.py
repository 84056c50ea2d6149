"""The formats of reports, and what writes them: one module of rflint.report.formats each.

A new format is a module there that has a function `write`, and its name in FORMATS.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, TextIO, TypeAlias

if TYPE_CHECKING:
    from rflint.report.report import Report

Reporter: TypeAlias = Callable[["Report", TextIO, bool], None]
"""Writes a report to a stream; the flag asks for all details."""

FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab", "junit", "markdown", "html")
"""What --format takes, in the order of the help; the first is the default."""

TELL_OF_SIZES = frozenset({"html"})
"""The formats that tell of other input sizes, at which the model has to be traced for them."""

TELL_OF_REPAIRS = frozenset({"text", "json", "markdown", "html"})
"""The formats that tell what can be done about unproductive layers, which has to be found first."""


def reporter(name: str) -> Reporter:
    """What writes a format; only its module is imported, since a terminal needs no XML."""
    found: Reporter = import_module(f"rflint.report.formats.{name}").write
    return found
