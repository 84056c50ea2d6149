"""Which sizes to take in place of one: those nearby that waste nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rflint.analysis.sizes.at_size import AtSize, Outcome
from rflint.analysis.sizes.facts import Size

Around: TypeAlias = "tuple[AtSize | None, AtSize | None]"
"""The next smaller size and the next larger one; None where there is none."""


@dataclass(frozen=True, slots=True)
class Advice:
    """The sizes around the one that was asked for; None where the range has none."""

    asked: AtSize | None
    """What becomes of the model at that size, where it runs there."""
    running: Around
    """Where it does not run there: the next smaller and the next larger size at which it does."""
    tidy: Around
    """Those that leave no border unread and pad evenly, too."""


def advice(outcomes: Sequence[Outcome], asked: Outcome) -> Advice:
    """What to take in place of a size; `outcomes` ascend along every axis."""
    runs = [x for x in outcomes if isinstance(x, AtSize)]
    tidy = _around([x for x in runs if x.is_tidy], asked.size)
    if isinstance(asked, AtSize):
        return Advice(asked, (None, None), tidy)
    return Advice(None, _around(runs, asked.size), tidy)


def _around(found: Sequence[AtSize], asked: Size) -> Around:
    """The largest of the smaller ones, and the smallest of the larger ones."""
    smaller = [x for x in found if x.size != asked and _fits(x.size, asked)]
    larger = [x for x in found if x.size != asked and _fits(asked, x.size)]
    return (smaller[-1] if smaller else None, larger[0] if larger else None)


def _fits(size: Size, other: Size) -> bool:
    """Whether a size is not larger than another along any axis."""
    return all(a <= b for a, b in zip(size, other, strict=True))
