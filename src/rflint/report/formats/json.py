"""The report as one JSON object, schema version 1."""

from __future__ import annotations

import json
from typing import TextIO

from rflint.report.report import Report


def write(report: Report, stream: TextIO, verbose: bool) -> None:
    """Write `report.to_dict()`; two runs on the same model write the same bytes."""
    json.dump(report.to_dict(), stream, indent=2, allow_nan=False)
    stream.write("\n")
