"""The formats of `rflint sizes`, and what writes them: one module of formats/ each."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, TextIO, TypeAlias

if TYPE_CHECKING:
    from rflint.report.sizes.report import SizesReport

Writer: TypeAlias = Callable[["SizesReport", TextIO], None]
"""Writes a report to a stream."""

SIZES_FORMATS = ("text", "json")
"""What `rflint sizes --format` takes; the first is the default."""


def sizes_writer(name: str) -> Writer:
    """What writes a format."""
    found: Writer = import_module(f"rflint.report.sizes.formats.{name}").write
    return found
