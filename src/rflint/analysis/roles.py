"""What a layer is for: it belongs to the trunk, to an attention gate, or to a head.

A head works on values that only global paths lead to: pooling over the map, flatten + linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from rflint.analysis.receptive_field import LayerField
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.windows import Extent


class Role(str, Enum):
    """What a layer is for."""

    TRUNK = "trunk"
    ATTENTION = "attention"
    HEAD = "head"


def roles(architecture: Architecture, fields: Sequence[LayerField]) -> tuple[Role, ...]:
    """The role of every layer, in order."""
    reached = reaching_outputs(architecture)
    reached_without_gates = reaching_outputs(architecture, without_gates=True)
    return tuple(
        Role.ATTENTION
        if index in reached and index not in reached_without_gates
        else Role.HEAD
        if _is_head(layer, field)
        else Role.TRUNK
        for index, (layer, field) in enumerate(zip(architecture.layers, fields, strict=True))
    )


def reaching_outputs(architecture: Architecture, *, without_gates: bool = False) -> frozenset[int]:
    """The layers that some output depends on, attention gates counted or not."""
    reached = set(architecture.outputs)
    for index in reversed(range(len(architecture.layers))):
        if index in reached:
            for edge in architecture.layers[index].inputs:
                if edge.source != INPUT and not (without_gates and edge.is_gate):
                    reached.add(edge.source)
    return frozenset(reached)


def _is_head(layer: Layer, field: LayerField) -> bool:
    unbounded = all(not axis.spans and not axis.unknown for axis in field.input_field)
    # flatten + linear, also as a convolution that covers its whole map
    connects = layer.kind is Kind.LINEAR or layer.kind.is_convolution
    flattens = all(reach is Extent.GLOBAL for edge in layer.inputs for reach in edge.reach)
    return unbounded or (connects and flattens)
