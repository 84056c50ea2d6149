"""Which positions a sliding window meets: exactly, tap by tap and position by position.

Eq. 1 of the paper needs a window's extent only. What never meets anything but padding (dead taps),
and what nobody reads (unread positions), needs every tap. Positions along one dimension are sets,
held as the bits of an integer: bit p is position p.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Taps:
    """A window along one dimension: tap t of window o meets position o * stride - before + t * d.

    Of a transposed convolution input and output swap places: position i, through tap t, goes to
    output i * stride - before + t * d.
    """

    kernel: int
    positions: int
    """Of the map that is read, explicit padding counted in."""
    windows: int
    """Of the output."""
    stride: int = 1
    dilation: int = 1
    before: int = 0
    """Padding in front of the first position."""
    axis: int | None = None
    """The spatial axis that lies along this dimension, if it is exactly one."""
    zeros: tuple[int, int] = (0, 0)
    """Positions at either end that were padded with zeros by an operator in front."""
    pads_zeros: bool = True
    """Whether what lies outside is zero, or is nothing: not a copy of what lies inside."""
    transposed: bool = False

    @property
    def extent(self) -> int:
        """K = d * (k - 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def behind(self) -> int:
        """How far the last window reaches over the end of the map; below zero, it ends before."""
        return (self.windows - 1) * self.stride - self.before + self.extent - self.positions

    @property
    def data(self) -> int:
        """How many positions are not padding."""
        return max(0, self.positions - sum(self.zeros))

    @property
    def live(self) -> tuple[int, ...]:
        """The taps that meet data in some window; all others multiply zeros only."""
        if not self.pads_zeros and self._reaches_outside:
            return tuple(range(self.kernel))
        return tuple(tap for tap in range(self.kernel) if self._meets_data(tap))

    @property
    def _reaches_outside(self) -> bool:
        last = (self.windows - 1) * self.stride - self.before + self.extent
        return self.before > 0 or last > self.positions

    def _meets_data(self, tap: int) -> bool:
        shift = tap * self.dilation - self.before
        read = range(self.zeros[0], self.positions - self.zeros[1])
        written = range(self.windows)
        moving, target = (read, written) if self.transposed else (written, read)
        # the first step of the moving side that reaches the other one from below
        first = max(moving.start, -((shift - target.start) // self.stride))
        return first < moving.stop and first * self.stride + shift < target.stop

    def met(self, windows: int) -> int:
        """The positions that these windows (a set) read."""
        if not self.pads_zeros and self._leave(windows):
            return everything(self.positions)  # a copy of some position; not worth telling which
        found = 0
        for tap in range(self.kernel):
            shift = tap * self.dilation - self.before
            if self.transposed:
                found |= thinned(shifted(windows, -shift), self.stride)
            else:
                found |= shifted(spread(windows, self.stride), shift)
        return found & everything(self.positions)

    def _leave(self, windows: int) -> bool:
        """Whether any of these windows reaches over an end of the map."""
        if not windows:
            return False
        first = (windows & -windows).bit_length() - 1
        last = windows.bit_length() - 1
        end = last * self.stride - self.before + self.extent
        return first * self.stride < self.before or end > self.positions

    @property
    def stays(self) -> bool:
        """Whether every window is the one position that it writes."""
        return self == replace(self, kernel=1, stride=1, before=0, windows=self.positions)

    def on(self, positions: int, windows: int) -> Taps:
        """The same window over a map of another size."""
        return replace(self, positions=positions, windows=windows)


@lru_cache(maxsize=4096)
def positions_read(taps: Taps, windows: int) -> int:
    """`taps.met(windows)`; networks ask the same again and again."""
    return taps.met(windows)


def everything(size: int) -> int:
    """All of so many positions."""
    return (1 << size) - 1


def shifted(places: int, by: int) -> int:
    """Every position moved up; those that fall below zero are gone."""
    return places << by if by >= 0 else places >> -by


def spread(places: int, stride: int) -> int:
    """Every position p moved to p * stride."""
    if stride == 1 or places < 2:
        return places
    # as text: int(..., 2) is linear in the number of digits, and loops over bits are slow
    return int(("0" * (stride - 1)).join(f"{places:b}"), 2)


def thinned(places: int, stride: int) -> int:
    """Every position p * stride moved to p; those between are gone."""
    if stride == 1:
        return places
    return int(f"{places:b}"[::-1][::stride][::-1] or "0", 2)


def members(places: int) -> tuple[int, ...]:
    """The positions of a set, in order."""
    return tuple(place for place, bit in enumerate(f"{places:b}"[::-1]) if bit == "1")
