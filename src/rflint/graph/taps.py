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
    zeros: int = 0
    """Positions of the map that are zero whatever the data: padded in front, say. A set."""
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
        """How many positions are not zero whatever the data."""
        return self.positions - self.zeros.bit_count()

    @property
    def live(self) -> tuple[int, ...]:
        """The taps that meet data in some window; all others multiply zeros only."""
        return taps_alive(self, everything(self.windows))

    def live_in(self, windows: int) -> tuple[int, ...]:
        """The taps that meet data in these windows (a set)."""
        if not self.pads_zeros and self._leave(windows):
            return tuple(range(self.kernel))
        data = everything(self.positions) & ~self.zeros
        moving, target = (data, windows) if self.transposed else (windows, data)
        steps = spread(moving, self.stride)
        shifts = (tap * self.dilation - self.before for tap in range(self.kernel))
        return tuple(tap for tap, shift in enumerate(shifts) if shifted(steps, shift) & target)

    def windows_over(self, places: int) -> int:
        """The windows that meet any of these positions (a set)."""
        found = 0
        for tap in range(self.kernel):
            shift = tap * self.dilation - self.before
            if self.transposed:
                found |= shifted(spread(places, self.stride), shift)
            else:
                found |= thinned(shifted(places, -shift), self.stride)
        return found & everything(self.windows)

    def positions_met(self, windows: int) -> int:
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
    def is_identity(self) -> bool:
        """Whether every window is the one position that it writes."""
        return self == replace(self, kernel=1, stride=1, before=0, windows=self.positions)

    def with_sizes(self, positions: int, windows: int) -> Taps:
        """The same window over a map of another size."""
        return replace(self, positions=positions, windows=windows)


@lru_cache(maxsize=4096)
def positions_read(taps: Taps, windows: int) -> int:
    """`taps.positions_met(windows)`; networks ask the same again and again."""
    return taps.positions_met(windows)


@lru_cache(maxsize=4096)
def taps_alive(taps: Taps, windows: int) -> tuple[int, ...]:
    """`taps.live_in(windows)`; networks ask the same again and again."""
    return taps.live_in(windows)


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
