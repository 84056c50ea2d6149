"""The tail pattern: a sequence of layers whose saturation is low (paper, section II-B)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

SHARE = Fraction(1, 2)
"""Of the average saturation of all other layers; below it, saturation is low."""


def tail(saturations: Sequence[float]) -> range:
    """The longest run of layers whose saturation is below half of the average of all others.

    `saturations` are in execution order. The others are those outside of the run. A run has two
    layers at least; of equally long ones the last is taken; without any, the range is empty.
    """
    exact = [Fraction(saturation) for saturation in saturations]  # differences must not round
    number, total = len(exact), sum(exact)
    best = range(0)
    for begin in range(number):
        inside = largest = Fraction(0)
        for end in range(begin + 1, number + (begin > 0)):
            inside += exact[end - 1]
            largest = max(largest, exact[end - 1])
            others = (total - inside) / (number - (end - begin))
            if largest < SHARE * others and end - begin >= max(2, len(best)):
                best = range(begin, end)
    return best
