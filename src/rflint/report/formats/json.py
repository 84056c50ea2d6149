"""The report as one JSON object, schema version 1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TextIO

from rflint.linting.rule import Rule
from rflint.report.report import Report


def write(report: Report, rules: Sequence[Rule], stream: TextIO, verbose: bool) -> None:
    """Write `report.to_dict()`; two runs on the same model write the same bytes."""
    json.dump(report.to_dict(), stream, indent=2, allow_nan=False)
    stream.write("\n")
