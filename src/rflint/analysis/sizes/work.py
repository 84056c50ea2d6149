"""Multiply-accumulates at another size: they grow with the positions that layers make, or read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.positions import Positions
from rflint.graph.layer import Kind, Layer
from rflint.graph.windows import POINTWISE


class Work:
    """The multiply-accumulates of a model, at all sizes at which it behaves as it was traced."""

    def __init__(
        self,
        analysis: Analysis,
        axes: Sequence[Positions],
        traced: Sequence[Mapping[int, int | None]],
    ) -> None:
        self._constant = 0
        self._by_positions: dict[tuple[int | None, ...], int] = {}
        """What a position takes, by the values whose numbers of positions are multiplied."""
        self._known = True
        for index, layer in enumerate(analysis.architecture.layers):
            if layer.macs:
                self._add(index, layer, axes, traced)

    def at(self, positions: Sequence[Mapping[int, int | None]]) -> int | None:
        """All of them, where the values have so many positions; None where that is not known."""
        if not self._known:
            return None
        total = self._constant
        for values, each in self._by_positions.items():
            for axis, value in enumerate(values):
                if value is not None:
                    each *= positions[axis][value] or 0
            total += each
        return total

    def _add(
        self,
        index: int,
        layer: Layer,
        axes: Sequence[Positions],
        traced: Sequence[Mapping[int, int | None]],
    ) -> None:
        counted = layer.inputs[0].source if _works_on_what_it_reads(layer) else index
        values: list[int | None] = []
        each = layer.macs
        for axis, positions in enumerate(axes):
            origin = positions.origin(counted)
            number = traced[axis][origin]
            if number is None or positions.is_exact(index):
                values.append(None)  # as many at every size at which it behaves so
                continue
            if not _grows_with_positions(layer, axis) or each % number:
                self._known = False
                return
            each //= number
            values.append(origin)
        key = tuple(values)
        self._by_positions[key] = self._by_positions.get(key, 0) + each


def _works_on_what_it_reads(layer: Layer) -> bool:
    """A transposed convolution multiplies each position that it reads by its whole kernel."""
    return layer.kind is Kind.CONV_TRANSPOSE and bool(layer.inputs)


def _grows_with_positions(layer: Layer, axis: int) -> bool:
    """Whether its work is the same at every position, and as much at every size."""
    if layer.kind in (Kind.CONV, Kind.CONV_TRANSPOSE):
        return True
    return all(edge.reach[axis] == POINTWISE for edge in layer.inputs)
