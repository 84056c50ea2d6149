"""One statement of those that change a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """One statement about the model `m`, and what it is for."""

    code: str
    why: str
    defines: bool = False
    """Whether it defines a class that a later statement uses."""
