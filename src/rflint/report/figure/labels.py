"""The names of layers below a figure: shortened, and as many as there is room for."""

from __future__ import annotations

from collections.abc import Collection

from rflint.text.cut import cut_middle
from rflint.text.escape import one_line

_LONGEST = 30
"""Names are cut to so many letters."""


def label(name: str) -> str:
    """A name in one line of printable letters, with its middle left out where it is long."""
    return cut_middle(one_line(name), _LONGEST)


def labelled_places(count: int, spacing: float, least: float, always: Collection[int]) -> list[int]:
    """Which of `count` places get a label, `spacing` apart, so that labels are `least` apart.

    Those of `always` get one in any case, the first of them first; what is too close to them gets
    none.
    """
    kept: list[int] = []
    for place in always:
        if all(abs(place - other) * spacing >= least for other in kept):
            kept.append(place)
    every = max(1, -int(-least // spacing))
    regular = [
        place
        for place in range(0, count, every)
        if all(abs(place - other) * spacing >= least for other in kept)
    ]
    return sorted({*kept, *regular})
