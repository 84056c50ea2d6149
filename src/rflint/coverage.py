"""What a unit sees of the map in front of a row of convolutions: which rows, and which it skips.

A dilated convolution skips positions by design, and the next one is there to fill them in. If the
dilations of a row share a factor it never does: units see a grid, neighbouring units different
grids (Wang et al., "Understanding Convolution for Semantic Segmentation", WACV 2018, section 3.2).

A row of convolutions is a stretch of the network that keeps its resolution: windows of stride one,
with anything pointwise and skip connections between them. Per axis, the positions that a unit sees
of the map in front of the row are followed exactly, as a set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd

from rflint.architecture import INPUT, POINTWISE, Architecture, Kind, Layer, Window
from rflint.reads import taps_along
from rflint.taps import Taps, shifted


@dataclass(frozen=True, slots=True)
class Row:
    """What one unit sees of the map in front of a row of convolutions, along one axis."""

    front: int
    """The value in front of the row: a layer's index, or INPUT."""
    seen: int = 1
    """The positions that the unit sees, as a set that begins at position `first`."""
    first: int = 0
    """Relative to the unit's own position."""
    dilated: tuple[int, ...] = ()
    """Layers with a dilation of more than one, in order."""
    dilations: tuple[int, ...] = ()
    """Theirs."""

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
        """What all dilations share; 1 where there are fewer than two."""
        return gcd(*self.dilations) if len(self.dilations) > 1 else 1

    def behind(self, index: int, taps: Taps) -> Row:
        """With one more convolution in the row."""
        seen = 0
        for tap in range(taps.kernel):
            seen |= shifted(self.seen, tap * taps.dilation)
        row = replace(self, seen=seen, first=self.first - taps.before)
        if taps.dilation == 1 or taps.kernel == 1:
            return row
        return replace(
            row,
            dilated=(*self.dilated, index),
            dilations=(*self.dilations, taps.dilation),
        )


@dataclass(frozen=True, slots=True)
class Gridding:
    """A row of dilated convolutions that leaves holes, along one axis."""

    axis: int
    row: Row


def griddings(
    architecture: Architecture, gates: frozenset[tuple[int, int]] = frozenset()
) -> tuple[Gridding, ...]:
    """The rows whose dilations share a factor and whose last unit leaves holes, longest only.

    `gates` are edges that are no feature paths (see `attention_gates`).
    """
    return tuple(
        Gridding(axis, row)
        for axis in range(architecture.axes)
        for row in _longest(rows(architecture, axis, gates))
    )


def rows(
    architecture: Architecture, axis: int, gates: frozenset[tuple[int, int]] = frozenset()
) -> tuple[Row, ...]:
    """For every layer, the row that its output belongs to."""
    values: dict[int, Row] = {INPUT: Row(INPUT)}
    for index, layer in enumerate(architecture.layers):
        sources = [edge.source for i, edge in enumerate(layer.inputs) if (index, i) not in gates]
        values[index] = _row(index, layer, [values[source] for source in sources], axis)
    return tuple(values[index] for index in range(len(architecture.layers)))


def _row(index: int, layer: Layer, before: Sequence[Row], axis: int) -> Row:
    reaches = [edge.reach[axis] for edge in layer.inputs]
    if before and all(reach == POINTWISE for reach in reaches):
        return _merged(index, before)
    taps = taps_along(layer, axis)
    slides = layer.kind in (Kind.CONV, Kind.POOL) and isinstance(reaches[0], Window)
    if len(before) == 1 and slides and taps is not None and taps.stride == 1:
        return before[0].behind(index, taps)
    if layer.kind is Kind.PAD and len(before) == 1 and taps is not None:
        # a convolution that pads for itself, in two steps
        return replace(before[0], first=before[0].first - taps.before)
    return Row(index)


def _merged(index: int, before: Sequence[Row]) -> Row:
    """Branches of one row, put together: a unit sees what it sees in any of them."""
    distinct = list({id(row): row for row in before}.values())
    if len(distinct) == 1:
        return distinct[0]
    if len({row.front for row in distinct}) > 1:
        return Row(index)
    first = min(row.first for row in distinct)
    seen = 0
    members: dict[int, int] = {}
    for row in distinct:
        seen |= shifted(row.seen, row.first - first)
        members |= dict(zip(row.dilated, row.dilations, strict=True))
    order = sorted(members)
    return Row(
        distinct[0].front, seen, first, tuple(order), tuple(members[index] for index in order)
    )


def _longest(found: Sequence[Row]) -> list[Row]:
    """Of rows that leave holes, those that no longer one contains; each once."""
    longest: dict[tuple[int, tuple[int, ...]], Row] = {}
    for row in found:
        longest[row.front, row.dilated] = row  # the last one, behind whatever fills holes
    kept = []
    for row in longest.values():
        if row.factor == 1 or not row.holes:
            continue
        members = set(row.dilated)
        goes_on = any(
            other.front == row.front and members < set(other.dilated) for other in longest.values()
        )
        if not goes_on:
            kept.append(row)
    return kept
