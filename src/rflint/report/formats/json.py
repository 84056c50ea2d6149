"""The report as one JSON object, schema version 1."""

from __future__ import annotations

from typing import TextIO

from rflint.report.report import Report
from rflint.text.json_document import write_json


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write `report.to_dict()`; two runs on the same model write the same bytes."""
    write_json(report.to_dict(), stream)
