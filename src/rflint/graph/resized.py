"""An architecture as it would be traced on an input of another size, at which it behaves alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rflint.graph.architecture import Architecture
from rflint.graph.layer import Layer
from rflint.graph.taps import Taps, everything

Positions = Sequence[Mapping[int, int]]
"""Per axis, how many positions every value has: the layers by their indices, and INPUT."""


def resized(
    architecture: Architecture, resolution: Sequence[int], positions: Positions
) -> Architecture | None:
    """The same layers with other numbers of positions; None where windows do not tell theirs.

    Shapes, and the multiply-accumulates that follow from them, stay as they were traced.
    """
    layers = []
    for index, layer in enumerate(architecture.layers):
        taps = _resized_taps(architecture, index, layer, positions)
        if taps is None:
            return None
        lengths = tuple(along[index] for along in positions)
        layers.append(replace(layer, taps=taps, positions=lengths))
    return replace(architecture, resolution=tuple(resolution), layers=tuple(layers))


def _resized_taps(
    architecture: Architecture, index: int, layer: Layer, positions: Positions
) -> tuple[Taps, ...] | None:
    found = []
    for taps in layer.taps:
        if taps.axis is None:
            found.append(taps)
            continue
        source = layer.inputs[0].source
        given, made = architecture.positions_of(source)[taps.axis], layer.positions[taps.axis]
        along = positions[taps.axis]
        if (given, made) == (along[source], along[index]):
            found.append(taps)
            continue
        if (taps.positions, taps.windows) != (given, made):
            return None
        zeros = _moved_zeros(taps, along[source])
        if zeros is None:
            return None
        found.append(replace(taps.with_sizes(along[source], along[index]), zeros=zeros))
    return tuple(found)


def _moved_zeros(taps: Taps, positions: int) -> int | None:
    """The zeros at both ends of a map, at another size of it; None where there are others."""
    if not taps.zeros:
        return 0
    data = everything(taps.positions) & ~taps.zeros
    front = (data & -data).bit_length() - 1
    behind = taps.positions - data.bit_length()
    if data != everything(taps.positions - behind) & ~everything(front):
        return None
    return everything(positions) & ~(everything(positions - behind) & ~everything(front))
