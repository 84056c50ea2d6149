"""What grows with the size: multiply-accumulates, and the numbers that layers make.

Both are sums over layers of what each takes for a position, times its positions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.at_size import batch_size, makes_numbers, numbers_made
from rflint.analysis.sizes.positions import Positions
from rflint.graph.layer import Kind, Layer
from rflint.graph.windows import POINTWISE

PositionsByAxis = Sequence[Mapping[int, int | None]]
"""Per axis, how many positions values have; None where that is the same at all sizes in question.
"""


class GrowingSum:
    """A sum over layers, at all sizes at which a model behaves as it was traced."""

    def __init__(self, axes: Sequence[Positions], traced: PositionsByAxis) -> None:
        self._axes = axes
        self._traced = traced
        self._constant = 0
        self._by_positions: dict[tuple[int | None, ...], int] = {}
        """What a position takes, by the values whose numbers of positions are multiplied."""
        self._known = True

    def at(self, positions: PositionsByAxis) -> int | None:
        """All of it, where the values have so many positions; None where that is not known."""
        if not self._known:
            return None
        total = self._constant
        for values, each in self._by_positions.items():
            for axis, value in enumerate(values):
                if value is not None:
                    each *= positions[axis][value] or 0
            total += each
        return total

    def add(self, amount: int, index: int, counted: int, grows: Sequence[bool]) -> None:
        """Add what a layer takes or makes, which grows with the positions of a `counted` value.

        `grows` says along which axes it is known to be the same at every position.
        """
        values: list[int | None] = []
        each = amount
        for axis, positions in enumerate(self._axes):
            origin = positions.origin(counted)
            number = self._traced[axis][origin]
            if number is None or positions.is_exact(index):
                values.append(None)  # as many at every size at which it behaves so
                continue
            if not grows[axis] or each % number:
                self._known = False
                return
            each //= number
            values.append(origin)
        key = tuple(values)
        self._by_positions[key] = self._by_positions.get(key, 0) + each


def work_of(analysis: Analysis, axes: Sequence[Positions], traced: PositionsByAxis) -> GrowingSum:
    """The multiply-accumulates of a model."""
    found = GrowingSum(axes, traced)
    for index, layer in enumerate(analysis.architecture.layers):
        if layer.macs:
            counted = layer.inputs[0].source if _works_on_what_it_reads(layer) else index
            grows = [_is_the_same_everywhere(layer, axis) for axis in range(len(axes))]
            found.add(layer.macs, index, counted, grows)
    return found


def activations_of(
    analysis: Analysis, axes: Sequence[Positions], traced: PositionsByAxis
) -> GrowingSum:
    """The numbers that all layers make, for one sample."""
    found = GrowingSum(axes, traced)
    batch = batch_size(analysis.architecture)
    for index, layer in enumerate(analysis.architecture.layers):
        if makes_numbers(layer):
            made = numbers_made(layer, batch)
            found.add(made, index, index, [layer.kind is not Kind.UNKNOWN] * len(axes))
    return found


def _works_on_what_it_reads(layer: Layer) -> bool:
    """A transposed convolution multiplies each position that it reads by its whole kernel."""
    return layer.kind is Kind.CONV_TRANSPOSE and bool(layer.inputs)


def _is_the_same_everywhere(layer: Layer, axis: int) -> bool:
    """Whether its work is the same at every position, and as much at every size."""
    if layer.kind in (Kind.CONV, Kind.CONV_TRANSPOSE):
        return True
    return all(edge.reach[axis] == POINTWISE for edge in layer.inputs)
