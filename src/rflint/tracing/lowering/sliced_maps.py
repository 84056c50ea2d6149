"""Strided slices of one map that meet again in the channels: space-to-depth, or a window."""

from __future__ import annotations

from collections.abc import Sequence

from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.graph.windows import POINTWISE, Reach, Window
from rflint.operators.dimensions import position_count
from rflint.operators.reaches import composed_reach, mixing_geometry
from rflint.tracing.lowering.layers import Layers
from rflint.tracing.lowering.lowered_call import LoweredCall


def joined_slices(
    lowered: LoweredCall, edges: tuple[Edge, ...], layers: Layers
) -> tuple[Edge, ...]:
    """The edges of a call, those from slices of one map as one edge from that map.

    Each slice reads one position of a block; whatever reads all channels reads the block.
    """
    call, axes = lowered.call, range(lowered.call.axes)
    chains = [_sliced_from(edge, layers) for edge in edges]
    common = [s for s in chains[0] if all(s in chain for chain in chains)] if chains else []
    if len(edges) < 2 or not common:
        return edges
    source = common[0]
    if len({chain[source] for chain in chains}) == 1:
        return edges  # one and the same slice, several times
    blocks = tuple(_block([chain[source][axis] for chain in chains]) for axis in axes)
    side_by_side = all(
        position_count(value.dimensions, axis) == position_count(lowered.effect.dimensions, axis)
        for value in call.data
        for axis in axes
    )
    pointwise = all(reach is POINTWISE for edge in edges for reach in edge.reach)
    # single positions that were picked are no slices of a block
    slices = [layers[edge.source] for edge in edges]
    picked = any(taps.windows < 2 < taps.positions for layer in slices for taps in layer.taps)
    if pointwise and side_by_side and not picked and None not in blocks:
        return (Edge(source, tuple(block for block in blocks if block)),)
    return edges


def _sliced_from(edge: Edge, layers: Layers) -> dict[int, tuple[Reach, ...]]:
    """The maps that an edge's value was sliced from, nearest first, and what it reads of each."""
    found: dict[int, tuple[Reach, ...]] = {}
    source = edge.source
    reach: tuple[Reach, ...] = (POINTWISE,) * len(layers.resolution)
    while source != INPUT:
        layer = layers[source]
        if layer.kind is not Kind.SLICE or len(layer.inputs) != 1:
            break
        (read,) = layer.inputs
        reach = tuple(map(composed_reach, read.reach, reach))
        source = read.source
        found[source] = reach
    return found


def _block(slices: Sequence[Reach]) -> Window | None:
    """The window over slices that differ in where they start; None if they differ otherwise."""
    windows = [reach for reach in slices if isinstance(reach, Window) and reach.size == 1]
    strides = {window.stride for window in windows}
    if len(windows) < len(slices) or len(strides) > 1:
        return None
    starts = [window.start for window in windows]
    (stride,) = strides
    size = max(starts) - min(starts) + 1
    # neighbouring blocks must not overlap: else these are shifts, not blocks
    return Window(size, stride, min(starts)) if size <= stride else None


def gathering_layer(lowered: LoweredCall, edge: Edge, layers: Layers) -> Layer:
    """A layer for what views did in front of another: blocks of positions, in the channels."""
    step, call, gathered = lowered.step, lowered.call, lowered.effect.gathered
    shape = call.data[0].shape
    return Layer(
        name=f"{step.layer}.gathered",
        call=layers.calls_of(step.layer),
        kind=Kind.RESHAPE,
        op="view",
        operation="view",
        inputs=(Edge(edge.source, gathered),),
        geometry=mixing_geometry(call.axes, dict(enumerate(gathered))),
        in_shape=shape,
        out_shape=shape,
        scope=step.scope,
        positions=layers.positions_of(edge.source),
        sizing=(None,) * call.axes,
        called=step.called,
    )
