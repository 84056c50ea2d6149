"""How JSON documents are written: for people to read, too, and so that any parser reads them."""

from __future__ import annotations

import json
from typing import Any, TextIO


def write_json(document: Any, stream: TextIO) -> None:
    """Write a document and end its last line; raises ValueError for NaN, which is no JSON."""
    json.dump(document, stream, indent=2, allow_nan=False)
    stream.write("\n")
