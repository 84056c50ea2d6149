"""Reports in the formats that people and programs read. A format is a function; see FORMATS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO, TypeAlias

from rflint.reporters.json import write_json
from rflint.reporters.text import write_text

if TYPE_CHECKING:
    from rflint.report import Report
    from rflint.rule import Rule

Reporter: TypeAlias = Callable[["Report", "Sequence[Rule]", TextIO, bool], None]
"""Writes a report, given the rules that ran, to a stream; the flag asks for all details."""

FORMATS: Mapping[str, Reporter] = {"text": write_text, "json": write_json}
