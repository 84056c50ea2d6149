"""Reports in the formats that people and programs read: one module each, named after its format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, TextIO, TypeAlias

if TYPE_CHECKING:
    from rflint.linting.rule import Rule
    from rflint.report.report import Report

Reporter: TypeAlias = Callable[["Report", "Sequence[Rule]", TextIO, bool], None]
"""Writes a report, given the rules that ran, to a stream; the flag asks for all details."""

FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab", "junit", "markdown")
"""What --format takes."""


def writer(name: str) -> Reporter:
    """The reporter of a format; only this one is imported, since a terminal needs no XML."""
    found: Reporter = getattr(import_module(f"rflint.report.formats.{name}"), f"write_{name}")
    return found
