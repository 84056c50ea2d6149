"""How many positions an operator leaves along one axis, as a function of how many it is given.

A trace knows one size. Repairs ask what would happen at others, once a stride is gone, without
tracing anew: every layer of an architecture says so for each axis, where that is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor
from typing import TypeAlias

from rflint.graph.exact import Number


@dataclass(frozen=True, slots=True)
class Sliding:
    """A window of `extent` (dilation counted in) over a map that is padded at both ends."""

    extent: int
    stride: int = 1
    before: int = 0
    after: int = 0
    ceil: bool = False
    """Whether the last window may reach over the padded end, as in pooling with ceil_mode."""

    def __call__(self, n: int) -> int:
        """floor((n + padding - extent) / stride) + 1; zero or less where nothing fits."""
        rounding = self.stride - 1 if self.ceil else 0
        out = (n + self.before + self.after - self.extent + rounding) // self.stride + 1
        if self.ceil and (out - 1) * self.stride >= n + self.before:
            out -= 1  # windows may start in the map only
        return out

    def with_stride(self, stride: int) -> Sliding:
        """The same window at another stride."""
        return replace(self, stride=stride)

    def dilated(self, times: int) -> Sliding:
        """The same kernel with its taps, and its padding, that much further apart."""
        return replace(
            self,
            extent=(self.extent - 1) * times + 1,
            before=self.before * times,
            after=self.after * times,
        )


@dataclass(frozen=True, slots=True)
class Scaled:
    """floor(n * factor) + offset: upsampling, padding, transposed convolutions, or nothing."""

    factor: Number = 1
    offset: int = 0

    def __call__(self, n: int) -> int:
        """The number of positions."""
        return floor(n * self.factor) + self.offset


@dataclass(frozen=True, slots=True)
class FixedSize:
    """As many whatever comes in: adaptive pooling, global pooling, resizing to a given size."""

    size: int = 1

    def __call__(self, n: int) -> int:
        """The number of positions."""
        return self.size


Sizing: TypeAlias = Sliding | Scaled | FixedSize

KEPT = Scaled()
"""As many as before."""
