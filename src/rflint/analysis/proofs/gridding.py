"""Which positions of the map in front of a stack of convolutions a unit sees, and which it skips.

A dilated convolution skips positions by design, and the next one is there to fill them in. If the
dilations of a stack share a factor it never does: units see a grid, neighbouring units different
grids (Wang et al., "Understanding Convolution for Semantic Segmentation", WACV 2018, section 3.2).

A stack of convolutions is a part of the network that keeps its resolution: windows of stride one,
with anything pointwise and skip connections between them. Per axis, the positions that a unit sees
of the map in front of the stack are followed exactly, as a set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.taps import Taps, shifted
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Window


@dataclass(frozen=True, slots=True)
class Stack:
    """What one unit sees of the map in front of a stack of convolutions, along one axis."""

    front: int
    """The value in front of the stack: a layer's index, or INPUT."""
    seen: int = 1
    """The positions that the unit sees, as a set that begins at position `first`."""
    first: int = 0
    """Relative to the unit's own position."""
    dilated: tuple[int, ...] = ()
    """Layers with a dilation of more than one, in order."""
    dilations: tuple[int, ...] = ()
    """The dilations of these layers."""
    depth: int = 0
    """How many of them follow each other, on the path that has most of them."""

    @property
    def span(self) -> int:
        """From the first to the last position that is seen."""
        return self.seen.bit_length()

    @property
    def count(self) -> int:
        """How many are seen."""
        return self.seen.bit_count()

    @property
    def holes(self) -> int:
        """How many between the first and the last are not."""
        return self.span - self.count

    @property
    def factor(self) -> int:
        """The greatest common divisor of the dilations; 1 where no two follow each other."""
        return gcd(*self.dilations) if self.depth > 1 else 1

    def behind(self, index: int, taps: Taps) -> Stack:
        """With one more convolution in the stack.

        Taps that only ever meet padding see nothing: a kernel that is left with one tap is not
        dilated.
        """
        seen = 0
        live = taps.live or (0,)
        for tap in live:
            seen |= shifted(self.seen, (tap - live[0]) * taps.dilation)
        stack = replace(self, seen=seen, first=self.first - taps.before + live[0] * taps.dilation)
        if taps.dilation == 1 or len(live) == 1:
            return stack
        return replace(
            stack,
            dilated=(*self.dilated, index),
            dilations=(*self.dilations, taps.dilation),
            depth=self.depth + 1,
        )


@dataclass(frozen=True, slots=True)
class Gridding:
    """A stack of dilated convolutions that leaves holes, along one axis."""

    axis: int
    stack: Stack


def griddings(architecture: Architecture) -> tuple[Gridding, ...]:
    """The stacks whose dilations share a factor and that leave holes, the longest only."""
    return tuple(
        Gridding(axis, stack)
        for axis in range(architecture.axes)
        for stack in _longest(_ends(architecture, stacks(architecture, axis)))
    )


def stacks(architecture: Architecture, axis: int) -> tuple[Stack, ...]:
    """For every layer, the stack that its output belongs to."""
    values: dict[int, Stack] = {INPUT: Stack(INPUT)}
    for index, layer in enumerate(architecture.layers):
        sources = [edge.source for edge in layer.feature_edges]
        values[index] = _stack(index, layer, [values[source] for source in sources], axis)
    return tuple(values[index] for index in range(len(architecture.layers)))


def _stack(index: int, layer: Layer, before: Sequence[Stack], axis: int) -> Stack:
    reaches = [edge.reach[axis] for edge in layer.inputs]
    if not reaches:
        return Stack(index)  # work on weights alone
    if before and all(reach == POINTWISE for reach in reaches):
        # a roll leaves sizes alone, but no unit where it was
        return Stack(index) if Trait.WRAPS_AROUND in layer.traits else _merged(index, before)
    taps = layer.taps_along(axis)
    slides = layer.kind in (Kind.CONV, Kind.POOL) and isinstance(reaches[0], Window)
    if len(before) == 1 and slides and taps is not None and taps.stride == 1:
        return before[0].behind(index, taps)
    shifts = layer.kind in (Kind.PAD, Kind.SLICE) and isinstance(reaches[0], Window)
    if len(before) == 1 and shifts and taps is not None and taps.stride == 1:
        # a convolution that pads for itself, or crops what it padded, in two steps
        return replace(before[0], first=before[0].first - taps.before)
    return Stack(index)


def _merged(index: int, before: Sequence[Stack]) -> Stack:
    """Branches of one stack, put together: a unit sees what it sees in any of them."""
    distinct = list({id(stack): stack for stack in before}.values())
    if len(distinct) == 1:
        return distinct[0]
    if len({stack.front for stack in distinct}) > 1:
        return Stack(index)
    first = min(stack.first for stack in distinct)
    seen = 0
    members: dict[int, int] = {}
    for stack in distinct:
        seen |= shifted(stack.seen, stack.first - first)
        members |= dict(zip(stack.dilated, stack.dilations, strict=True))
    order = sorted(members)
    return Stack(
        distinct[0].front,
        seen,
        first,
        tuple(order),
        tuple(members[index] for index in order),
        max(stack.depth for stack in distinct),
    )


def _ends(architecture: Architecture, found: Sequence[Stack]) -> list[Stack]:
    """The stacks of values that no reader continues: nothing that follows fills their holes."""
    continued = {
        edge.source
        for index, layer in enumerate(architecture.layers)
        for edge in layer.feature_edges
        if edge.source != INPUT and found[index].front == found[edge.source].front
    }
    return [stack for index, stack in enumerate(found) if index not in continued]


def _longest(ends: Sequence[Stack]) -> list[Stack]:
    """Of stacks that leave holes, those that no longer one contains; each once, with most holes."""
    longest: dict[tuple[int, tuple[int, ...]], Stack] = {}
    for stack in ends:
        if stack.factor > 1 and stack.holes:
            key = stack.front, stack.dilated
            longest[key] = max(longest.get(key, stack), stack, key=lambda stack: stack.holes)
    return [
        stack
        for stack in longest.values()
        if not any(
            other.front == stack.front and set(stack.dilated) < set(other.dilated)
            for other in longest.values()
        )
    ]
