"""Suggest known names for a name that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def similar(
    name: str,
    known: Iterable[str],
    most: int = 1,
    *,
    cutoff: float = 0.6,
    ignore_case: bool = False,
) -> list[str]:
    """Known names that are spelt almost like this one, the most similar first."""
    if not ignore_case:
        return difflib.get_close_matches(name, list(known), most, cutoff)
    by_lower: dict[str, list[str]] = {}
    for other in known:
        by_lower.setdefault(other.lower(), []).append(other)
    found = difflib.get_close_matches(name.lower(), by_lower, most, cutoff)
    return [other for lower in found for other in by_lower[lower]][:most]


def did_you_mean(names: Sequence[str]) -> str:
    """'Did you mean a or b?', or nothing if there are no names."""
    return f"Did you mean {' or '.join(names)}?" if names else ""


def did_you_mean_aside(names: Sequence[str]) -> str:
    """' (did you mean a or b?)', or nothing if there are no names."""
    return f" (did you mean {' or '.join(names)}?)" if names else ""
