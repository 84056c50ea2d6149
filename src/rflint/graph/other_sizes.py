"""How many positions the layers of an architecture would have on inputs of another size."""

from __future__ import annotations

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT
from rflint.graph.sizing import FixedSize


def positions_as_traced(architecture: Architecture, axis: int) -> dict[int, int]:
    """How many positions the input and every layer have along an axis."""
    traced = {index: layer.positions[axis] for index, layer in enumerate(architecture.layers)}
    return {INPUT: architecture.resolution[axis], **traced}


def positions_at_size(architecture: Architecture, axis: int, size: int) -> dict[int, int]:
    """The same on an input of another size; layers are missing of which that is not known."""
    sizes = {INPUT: size}
    for index, layer in enumerate(architecture.layers):
        sizing = layer.sizing[axis] if layer.sizing else None
        given = [sizes[edge.source] for edge in layer.inputs if edge.source in sizes]
        known = isinstance(sizing, FixedSize) or len(given) == len(layer.inputs)
        if sizing is not None and known and (out := sizing(max(given, default=1))) > 0:
            sizes[index] = out
    return sizes
