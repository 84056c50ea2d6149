"""Amounts of memory, as people write them."""

from __future__ import annotations

import re

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


def read_memory(text: str) -> int:
    """`4G`, `512M` or `1.5GiB` in bytes. Raises ValueError for anything else, and for nothing."""
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if not size:
        raise ValueError(f"{text!r} is no amount of memory: 512M, 4G")
    return size


def memory_text(size: int) -> str:
    """Bytes as one would give them: 4G, 1.5G, 300M."""
    for unit in ("T", "G", "M", "K"):
        if size >= _UNITS[unit]:
            return f"{size / _UNITS[unit]:.4g}{unit}"
    return str(size)
