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

from rflint.analysis.proofs.reads import taps_along
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.taps import Taps, shifted
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Window


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
        """What all dilations share; 1 where no two follow each other (parallel branches)."""
        return gcd(*self.dilations) if self.depth > 1 else 1

    def behind(self, index: int, taps: Taps) -> Row:
        """With one more convolution in the row.

        Taps that only ever meet padding see nothing: a kernel that is left with one is none.
        """
        seen = 0
        live = taps.live or (0,)
        for tap in live:
            seen |= shifted(self.seen, (tap - live[0]) * taps.dilation)
        row = replace(self, seen=seen, first=self.first - taps.before + live[0] * taps.dilation)
        if taps.dilation == 1 or len(live) == 1:
            return row
        return replace(
            row,
            dilated=(*self.dilated, index),
            dilations=(*self.dilations, taps.dilation),
            depth=self.depth + 1,
        )


@dataclass(frozen=True, slots=True)
class Gridding:
    """A row of dilated convolutions that leaves holes, along one axis."""

    axis: int
    row: Row


def griddings(architecture: Architecture) -> tuple[Gridding, ...]:
    """The rows whose dilations share a factor and whose ends leave holes, longest only."""
    return tuple(
        Gridding(axis, row)
        for axis in range(architecture.axes)
        for row in _longest(_ends(architecture, rows(architecture, axis)))
    )


def rows(architecture: Architecture, axis: int) -> tuple[Row, ...]:
    """For every layer, the row that its output belongs to."""
    values: dict[int, Row] = {INPUT: Row(INPUT)}
    for index, layer in enumerate(architecture.layers):
        sources = [edge.source for edge in layer.feature_edges]
        values[index] = _row(index, layer, [values[source] for source in sources], axis)
    return tuple(values[index] for index in range(len(architecture.layers)))


def _row(index: int, layer: Layer, before: Sequence[Row], axis: int) -> Row:
    reaches = [edge.reach[axis] for edge in layer.inputs]
    if not reaches:
        return Row(index)  # work on weights alone
    if before and all(reach == POINTWISE for reach in reaches):
        # a roll leaves sizes alone, but no unit where it was
        return Row(index) if Trait.WRAPS_AROUND in layer.traits else _merged(index, before)
    taps = taps_along(layer, axis)
    slides = layer.kind in (Kind.CONV, Kind.POOL) and isinstance(reaches[0], Window)
    if len(before) == 1 and slides and taps is not None and taps.stride == 1:
        return before[0].behind(index, taps)
    moves = layer.kind in (Kind.PAD, Kind.SLICE) and isinstance(reaches[0], Window)
    if len(before) == 1 and moves and taps is not None and taps.stride == 1:
        # a convolution that pads for itself, or crops what it padded, in two steps
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
        distinct[0].front,
        seen,
        first,
        tuple(order),
        tuple(members[index] for index in order),
        max(row.depth for row in distinct),
    )


def _ends(architecture: Architecture, found: Sequence[Row]) -> list[Row]:
    """The rows of values that no reader continues: what follows may fill no more holes."""
    continued = {
        edge.source
        for index, layer in enumerate(architecture.layers)
        for edge in layer.feature_edges
        if edge.source != INPUT and found[index].front == found[edge.source].front
    }
    return [row for index, row in enumerate(found) if index not in continued]


def _longest(ends: Sequence[Row]) -> list[Row]:
    """Of rows that leave holes, those that no longer one contains; each once, with most holes."""
    longest: dict[tuple[int, tuple[int, ...]], Row] = {}
    for row in ends:
        if row.factor > 1 and row.holes:
            key = row.front, row.dilated
            longest[key] = max(longest.get(key, row), row, key=lambda row: row.holes)
    return [
        row
        for row in longest.values()
        if not any(
            other.front == row.front and set(row.dilated) < set(other.dilated)
            for other in longest.values()
        )
    ]
