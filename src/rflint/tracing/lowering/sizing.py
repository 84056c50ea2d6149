"""How many positions a layer's result has, whatever the size of its input."""

from __future__ import annotations

from dataclasses import replace

from rflint.graph.layer import INPUT, Edge, Kind
from rflint.graph.sizing import KEPT, FixedSize, Sizing, Sliding
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Extent, Window
from rflint.tracing.lowering.layers import Layers
from rflint.tracing.lowering.lowered_call import LoweredCall

_JOINS = frozenset({Trait.CONCATENATES, Trait.STACKS})
"""What rows of the table do that put whole maps together."""


def sizing_of(
    lowered: LoweredCall, edges: tuple[Edge, ...], layers: Layers
) -> tuple[Sizing | None, ...]:
    """Per axis, how many positions the output has, whatever the input has."""
    if lowered.kind in (Kind.CONV, Kind.POOL) and lowered.is_function:
        same = _same_padded(lowered, edges, layers)
        if same:
            return same
    effect, axes, out_positions = lowered.effect, lowered.call.axes, lowered.positions
    if lowered.kind is Kind.MERGE and lowered.step.traits.isdisjoint(_JOINS):
        return (None,) * axes  # where something is written into depends on the size
    normalises = lowered.kind in (Kind.ACTIVATION, Kind.NORM) and len(edges) == 1
    sources = [layers.positions_of(edge.source) for edge in edges]

    def along(axis: int) -> Sizing | None:
        if axis in effect.sizing:
            sizing = effect.sizing[axis]
            fixed = isinstance(sizing, FixedSize) and sizing.size not in (
                1,
                layers.resolution[axis],
            )
            # the size in a function call may be that of another map, or depend on this one
            return None if fixed and lowered.is_function else sizing
        reaches = [edge.reach[axis] for edge in edges]
        widest = max((sizes[axis] for sizes in sources if sizes), default=0)
        if normalises or all(reach == POINTWISE for reach in reaches):
            return KEPT if widest == out_positions[axis] else None
        gone = Extent.GLOBAL in reaches and out_positions[axis] == 1
        return FixedSize() if gone else None

    return tuple(map(along, range(axes)))


def _same_padded(
    lowered: LoweredCall, edges: tuple[Edge, ...], layers: Layers
) -> tuple[Sizing | None, ...]:
    """The sizing of a class that first pads by what its map's size asks for; else nothing.

    That is TensorFlow's SAME: ceil(n / stride) positions, and padding that is no constant.
    """
    scope, axes = lowered.step.scope, lowered.call.axes
    source = edges[0].source if len(edges) == 1 else INPUT
    pad = layers[source] if source != INPUT else None
    in_one_class = pad is not None and pad.scope == scope != "" and not pad.is_module
    if pad is None or pad.kind is not Kind.PAD or not in_one_class or len(pad.inputs) != 1:
        return ()
    inside = layers.positions_of(pad.inputs[0].source)
    sizing = []
    for axis, n in enumerate(inside):
        reach = edges[0].reach[axis]
        stride = reach.stride if isinstance(reach, Window) else 0
        if not isinstance(stride, int) or stride < 1:
            return ()
        if lowered.positions[axis] != -(-n // stride):
            return ()
        sizing.append(Sliding(1, stride))
    # the padding counts as part of the convolution
    layers.put(source, replace(pad, sizing=(KEPT,) * axes, positions=inside))
    return tuple(sizing)
