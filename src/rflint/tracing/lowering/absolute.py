"""Layers that do something else at every position of a map, whatever the data there."""

from __future__ import annotations

from collections.abc import Iterator

from rflint.graph.layer import Kind
from rflint.operators.dimensions import all_axes, axes_of
from rflint.operators.values import Value
from rflint.operators.zeros import all_zero
from rflint.tracing.lowering.lowered_call import LoweredCall

_BY_POSITION = frozenset({Kind.ARITHMETIC, Kind.MERGE})
"""Kinds that meet each position of one operand with that of another."""


def absolute_axes(lowered: LoweredCall) -> frozenset[int]:
    """The axes along which what a call does depends on where in the map a position lies.

    Some rows say so. So does a constant operand that varies along an axis: a table of positions
    that is added, coordinates that are put beside the channels.
    """
    found = set(lowered.effect.absolute)
    if lowered.kind in _BY_POSITION and lowered.call.data:
        for value in lowered.call.tensors:
            if value.source is None and (not value.zeros or value.zeros != all_zero(value.shape)):
                found.update(_varies_along(value, lowered))
    return frozenset(found)


def _varies_along(constant: Value, lowered: LoweredCall) -> Iterator[int]:
    """The axes that lie along the dimensions of the result in which a constant has several."""
    dimensions = lowered.effect.dimensions
    if len(constant.shape) > len(dimensions):
        yield from all_axes(dimensions)
        return
    for back, size in enumerate(reversed(constant.shape), start=1):
        if size > 1:
            yield from axes_of(dimensions[-back])
