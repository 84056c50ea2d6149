"""Exact numbers: receptive fields, jumps and strides are computed without rounding."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

Number: TypeAlias = int | Fraction
"""An integer where it is one, as nearly all are: those are faster."""
