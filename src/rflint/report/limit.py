"""A limit as users write it: how much of something a model may have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a model may have of something: an amount, or a share of a whole."""

    text: str
    """As it was written."""
    amount: Fraction
    """Where `is_share`, between 0 and 1."""
    is_share: bool = False

    def allows(self, value: int, whole: int) -> bool:
        """Whether `value` (out of `whole`) keeps within it."""
        return value <= (self.amount * whole if self.is_share else self.amount)


def read_limit(value: Any, *, share: bool = False) -> Limit:
    """`12_000`, `"12M"`, `"1.2G"` and, where `share` allows it, `"5%"`; else ValueError."""
    text = str(value).strip()
    match = re.fullmatch(r"(\d[\d_]*(?:\.\d+)?)\s*(%|[kKMGT]?)", text)
    if match is None or isinstance(value, bool | float | list):
        example = "5% or 1200" if share else "12M, 1.2G or 12000000"
        raise ValueError(f"{value!r}: a limit is a number like {example}")
    number, unit = Fraction(match[1].replace("_", "")), match[2]
    if unit == "%":
        if not share:
            raise ValueError(f"{value!r}: this limit is an amount, not a share")
        return Limit(text, number / 100, is_share=True)
    return Limit(text, number * _UNITS[unit.replace("K", "k")])
