"""The sizes as one JSON object, schema version 1."""

from __future__ import annotations

from typing import TextIO

from rflint.report.sizes.report import SizesReport
from rflint.text.json_document import write_json


def write(report: SizesReport, stream: TextIO) -> None:
    """Write `report.to_dict()`."""
    write_json(report.to_dict(), stream)
