"""The formats of differences, and what writes them: one module of formats/ each."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, TextIO, TypeAlias

if TYPE_CHECKING:
    from rflint.report.difference.difference import Difference

Writer: TypeAlias = Callable[["Difference", TextIO, bool], None]
"""Writes a difference to a stream; the flag asks for all details."""

DIFFERENCE_FORMATS = ("text", "json", "markdown", "html")
"""What `rflint diff --format` takes; the first is the default."""


def difference_writer(name: str) -> Writer:
    """What writes a format."""
    found: Writer = import_module(f"rflint.report.difference.formats.{name}").write
    return found
