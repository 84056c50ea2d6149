"""The difference as one JSON object, schema version 1."""

from __future__ import annotations

from typing import TextIO

from rflint.report.difference.difference import Difference
from rflint.text.json_document import write_json


def write(difference: Difference, stream: TextIO, verbose: bool) -> None:
    """Write `difference.to_dict()`."""
    write_json(difference.to_dict(), stream)
