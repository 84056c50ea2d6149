"""The difference as one JSON object, schema version 1."""

from __future__ import annotations

import json
from typing import TextIO

from rflint.report.difference.difference import Difference


def write(difference: Difference, stream: TextIO, verbose: bool) -> None:
    """Write `difference.to_dict()`."""
    json.dump(difference.to_dict(), stream, indent=2, allow_nan=False)
    stream.write("\n")
