"""The receptive field of the widest unit of a map, where units see different amounts.

That is so behind an upsampling. Neighbours of a map that was made larger come in blocks that read
the same coarse position. A window of extent K behind an upsampling by u covers, where it crosses a
border between blocks, ceil((K - 1) / u) + 1 coarse positions, while Eq. 1 says (K - 1) / u + 1,
which is the mean over the positions of a block. So what receptive fields grow by behind an
upsampling is rounded up to whole coarse positions.

Too little may be said of two things: of transposed convolutions that are dilated and strided, whose
neighbours read here and there in turn, and of resizing by a fraction, which makes blocks of
different sizes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rflint.graph.exact import Number

_MOST = 8
"""More nested roundings than these are replaced by one that is as large as the largest."""


@dataclass(frozen=True, slots=True)
class WidestUnit:
    """The receptive field of the widest unit: `base`, and growth in steps of whole blocks.

    Each of `steps` is the size of a block, in input pixels, and what was added behind it up to the
    next. Its growth, with what the later ones round theirs to, is rounded up to whole blocks.
    """

    base: Number
    steps: tuple[tuple[Number, Number], ...] = ()

    @property
    def extent(self) -> Number:
        """The receptive field."""
        total: Number = 0
        for block, growth in reversed(self.steps):
            total = block * -(-(growth + total) // block)
        return self.base + total

    def grown(self, by: Number, block: Number = 0) -> WidestUnit:
        """Behind a window that adds so much, and makes blocks of this size, if it makes any."""
        widest = self
        if not self.steps:
            widest = WidestUnit(self.base + by)
        elif by:
            last, growth = self.steps[-1]
            widest = replace(self, steps=(*self.steps[:-1], (last, growth + by)))
        return widest._in_blocks_of(block) if block else widest

    def at_least(self, extent: Number) -> WidestUnit:
        """The same, if it is so large; else one that is, rounded up to whole blocks."""
        if self.extent >= extent:
            return self
        block = max(block for block, _ in self.steps)
        return WidestUnit(self.base, ((block, extent - self.base),))

    def __or__(self, other: WidestUnit) -> WidestUnit:
        """One that is at least as large as either, whatever both grow by."""
        if self._covers(other):
            return self
        if other._covers(self):
            return other
        block = max(block for block, _ in (*self.steps, *other.steps))
        return WidestUnit(max(self.extent, other.extent), ((block, 0),))

    def _in_blocks_of(self, block: Number) -> WidestUnit:
        if self.steps:
            last, growth = self.steps[-1]
            if last % block == growth % block == 0:
                return self  # rounded up to whole blocks, and those to whole larger ones
            if len(self.steps) == _MOST:
                return WidestUnit(self.extent, ((max(block, *(b for b, _ in self.steps)), 0),))
        return replace(self, steps=(*self.steps, (block, 0)))

    def _covers(self, other: WidestUnit) -> bool:
        if self._nominal >= other._nominal + sum(block for block, _ in other.steps):
            return True
        if len(self.steps) != 1 or [b for b, _ in self.steps] != [b for b, _ in other.steps]:
            return False
        ((block, _),) = self.steps
        return self._nominal >= other._nominal and (self.base - other.base) % block == 0

    @property
    def _nominal(self) -> Number:
        return self.base + sum(growth for _, growth in self.steps)
