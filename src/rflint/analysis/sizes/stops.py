"""The sizes to look at: those of the shape that the input has, smaller and larger."""

from __future__ import annotations

from collections.abc import Sequence

from rflint.analysis.sizes.facts import Size

_MOST = 600
"""So many sizes are looked at."""
_AT_LEAST, _AT_MOST = 256, 1024
"""The range goes as far as this at least, and no further unless the input itself is large."""
_LANDMARK = 32
"""Multiples of this are always among them, where there is room."""


def stops(resolution: Size, feasible_max: Sequence[int | None] | None) -> tuple[Size, ...]:
    """Sizes in ascending order, the linted one among them: squares stay square.

    They reach from one position to about twice the linted size, or to where no unit sees the whole
    input any more, if that is further.
    """
    longest = max(resolution)
    seen = max((size for size in feasible_max or () if size is not None), default=0)
    wanted = max(2 * longest, _AT_LEAST, min(seen * 3 // 2, _AT_MOST))
    step = 1
    while wanted // step > _MOST:
        step *= 2
    sides = set(range(step, wanted + 1, step)) | {longest}
    if wanted // _LANDMARK <= _MOST:
        sides |= set(range(_LANDMARK, wanted + 1, _LANDMARK))
    scaled = (
        tuple(
            side if length == longest else max(1, round(length * side / longest))
            for length in resolution
        )
        for side in sorted(sides)
    )
    return tuple(dict.fromkeys(scaled))
