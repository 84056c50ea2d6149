"""By how much layers shift the centre of receptive fields, along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number
from rflint.graph.layer import Edge, Kind, Layer
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Extent, Window

_WINDOWS = frozenset({Kind.CONV, Kind.POOL, Kind.SLICE, Kind.PAD, Kind.MEASURED, Kind.TAUGHT})
"""Kinds whose windows say where they start."""


def concatenates_along(layer: Layer, axis: int, sizes: Sequence[int]) -> bool:
    """Whether a layer puts maps of these sizes one behind the other along an axis."""
    puts = Trait.CONCATENATES in layer.traits
    return puts and layer.positions[axis] > max(sizes, default=layer.positions[axis])


def merged_edges(architecture: Architecture, axis: int, index: int) -> list[tuple[Edge, int]]:
    """The feature edges of a layer, each with the positions of what it reads along an axis.

    Of maps that are put one behind the other along the axis, only the longest.
    """
    layer = architecture.layers[index]
    edges = [(edge, architecture.positions_of(edge.source)[axis]) for edge in layer.feature_edges]
    sizes = [size for _, size in edges]
    if concatenates_along(layer, axis, sizes):
        edges = [(edge, size) for edge, size in edges if size == max(sizes)]
    return edges


def centre_shift(
    layer: Layer, edge: Edge, axis: int, size: int, out: int
) -> tuple[Number, Number] | None:
    """By how much a layer shifts centres, in positions of its input, and its stride; None: unknown.

    Where output phases differ, it is their mean that counts.
    """
    reach = edge.reach[axis]
    taps = layer.taps_along(axis)
    if reach is POINTWISE or reach == POINTWISE:
        return None if Trait.WRAPS_AROUND in layer.traits else (0, 1)
    if isinstance(reach, Extent):
        return None
    if layer.kind is Kind.CONV_TRANSPOSE:
        if taps is None:
            return None
        # the mean over output phases: output q is reached from (q + before - t * d) / stride
        return Fraction(2 * taps.before - taps.extent + 1, 2 * taps.stride), reach.stride
    if layer.kind is Kind.UPSAMPLE and reach.size == 1:
        # the nearest position: the mean over all output phases of floor(p * stride) + start
        phases = Fraction(reach.stride).denominator
        return Fraction(1 - phases, 2 * phases) + Fraction(reach.start), reach.stride
    if layer.kind is Kind.UPSAMPLE or Fraction(reach.stride).denominator > 1:
        # resizing leaves the middle of the map where it is
        return Fraction(size - out, 2 * out), reach.stride
    if Trait.CONCATENATES in layer.traits:
        return (reach.start, 1) if reach.size == reach.stride == 1 else None
    if Trait.WRAPS_AROUND in layer.traits or layer.kind not in _WINDOWS:
        return _blocks(reach)
    return reach.start + half(reach.size - 1), reach.stride


def half(length: Number) -> Number:
    """Half of it, exactly; an integer where it is one, since those are faster."""
    whole = isinstance(length, int) and length % 2 == 0
    return length // 2 if whole else Fraction(length) / 2


def _blocks(reach: Window) -> tuple[Number, Number] | None:
    """The shift of blocks side by side (patches); of other windows the start is not known."""
    if reach.size == reach.stride and reach.start == 0:
        return half(reach.size - 1), reach.stride
    return None
