"""What an operator reads along one axis: a window, all of the axis, or nobody knows what."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from math import gcd
from typing import TypeAlias

from rflint.graph.exact import Number


@dataclass(frozen=True, slots=True)
class Window:
    """What an operator reads along one axis: output p reads `size` inputs from p*stride + start.

    `size` is the extent with dilation counted in, K = d * (k - 1) + 1 (paper, Eq. 1). `start` is
    minus the padding. A stride below one is an upsampling. A window behind an upsampling, taken
    together with it, may have a fractional size.
    """

    size: Number = 1
    stride: Number = 1
    start: Number = 0
    slack: Number = field(default=0, compare=False)
    """By how much what is read may begin earlier or end later, where `start` is nominal.

    Position p of a map that was resized reads what lies at p * stride, rounded to whole positions;
    all positions of a window of a partition read the whole window.
    """
    is_shift: bool = field(default=False, compare=False)
    """Whether it copies positions from elsewhere as they are: a roll, a slice.

    By itself that is a receptive field of one position. Together with a copy that was not shifted,
    it is a kernel with a tap for each copy.
    """

    @property
    def rounding(self) -> Number:
        """The slack; at least one where output positions lie between those of the input."""
        between = isinstance(self.stride, Fraction) and self.stride.denominator > 1
        return self.slack or (1 if between else 0)

    @property
    def blocks(self) -> Number:
        """How many positions of the input a block of outputs has that read the same; 0: no blocks.

        Outputs between two positions of the input make a block, and those in one window of a
        partition.
        """
        between = isinstance(self.stride, Fraction) and self.stride.denominator > 1
        return 1 if between else self.size if self.slack else 0


class Extent(Enum):
    """What an operator reads along one axis where no window describes it."""

    GLOBAL = "global"
    """The whole axis: global pooling, flatten + linear, attention over positions."""
    UNKNOWN = "unknown"
    """Nobody knows: the operator is in no table."""


@dataclass(frozen=True, slots=True)
class Resampling:
    """Where the positions of a resized map lie in the map that was resized, along one axis.

    Position p looks around start + p * step there, or at the end of the map where that lies
    beyond it. A window says which positions are read at most, and its stride is that of the sizes;
    where corners are aligned, or a factor is given that does not fit the sizes, the step is not.
    """

    step: Number
    start: Number
    aligns_corners: bool = False
    otherwise: Resampling | None = None
    """The same with `align_corners` the other way round; None where the mode has no such thing."""


Reach: TypeAlias = Window | Extent

POINTWISE = Window()


def adaptive_window(n: int, m: int) -> Window:
    """What adaptive pooling from n to m positions reads.

    Output p reads inputs floor(p * n / m) to ceil((p + 1) * n / m) - 1: the widest such window.
    """
    phases = range(m // gcd(n, m))
    size = max(-((-(p + 1) * n) // m) - p * n // m for p in phases)
    stride = Fraction(n, m)
    return Window(size, int(stride) if stride.denominator == 1 else stride)
