"""What a layer is for: it belongs to the trunk, to an attention gate, or to a head.

A head works on values that only global paths lead to: pooling over the map, flatten + linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from rflint.analysis.receptive_field import LayerField
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind, Layer
from rflint.graph.windows import Extent


class Role(str, Enum):
    """What a layer is for."""

    TRUNK = "trunk"
    ATTENTION = "attention"
    HEAD = "head"


def roles(architecture: Architecture, fields: Sequence[LayerField]) -> tuple[Role, ...]:
    """The role of every layer, in order."""
    relations = architecture.relations
    only_through_gates = relations.live_layers - relations.live_without_gates
    return tuple(
        Role.ATTENTION
        if index in only_through_gates
        else Role.HEAD
        if _is_head(layer, field)
        else Role.TRUNK
        for index, (layer, field) in enumerate(zip(architecture.layers, fields, strict=True))
    )


def _is_head(layer: Layer, field: LayerField) -> bool:
    unbounded = all(not axis.spans and not axis.unknown for axis in field.input_field)
    # flatten + linear, also as a convolution that covers its whole map
    connects = layer.kind is Kind.LINEAR or layer.kind.is_convolution
    flattens = all(reach is Extent.GLOBAL for edge in layer.inputs for reach in edge.reach)
    return unbounded or (connects and flattens)
