"""Sort texts as people count: `net2` before `net10`."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(\d+)")


def natural_order(text: str) -> tuple[object, ...]:
    """A key to sort texts by, in which runs of digits are numbers, however long."""
    parts = _NUMBER.split(text)
    found = [(len(x.lstrip("0")), x.lstrip("0")) if n % 2 else x for n, x in enumerate(parts)]
    return tuple(found), text
