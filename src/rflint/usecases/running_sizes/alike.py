"""What a trace at one size says of others: which behave alike, and at which the model fails."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TypeAlias

from rflint.analysis.sizes.facts import Size
from rflint.analysis.sizes.positions import (
    AxisAtSize,
    common_key,
    positions_along_axes,
    why_unpredictable,
)
from rflint.analysis.sizes.search import axes_begin_with_inputs
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.sizing import FixedSize
from rflint.graph.windows import Extent

Expand: TypeAlias = "Callable[[Architecture, Size], Size | None]"
"""The length of every axis of an architecture at a size; None where that is not known."""


class Alike:
    """Sizes that behave alike, by an architecture of which that can be said."""

    def __init__(
        self,
        architecture: Architecture,
        expand: Callable[[Size], Size | None],
        *,
        weights_are_made: bool,
    ) -> None:
        self._expand = expand
        self._axes = positions_along_axes(architecture)
        here = [x.at(n) for x, n in zip(self._axes, architecture.resolution, strict=True)]
        self._linear = [
            (wanted, needed)
            for wanted in ([] if weights_are_made else _flattened(architecture))
            if (needed := self._positions(*wanted, here)) is not None
        ]
        """Values and axes whose positions a linear layer has weights for, and their number."""
        self.independent = not _ties_axes(architecture)
        """Whether the model runs at a size if each of its lengths is right by itself."""

    def key(self, size: Size) -> object:
        """Equal for sizes at which the model does the same, or fails at the same layer."""
        return common_key(self._at(size))

    def fails(self, size: Size) -> bool:
        """Whether a linear layer behind a flatten has too few or too many weights there."""
        return any(given != needed for given, needed in self._given_and_needed(size))

    def fails_from(self, size: Size) -> bool:
        """Whether it has too few there and at all larger sizes: maps grow with the input."""
        return any(given > needed for given, needed in self._given_and_needed(size))

    def _given_and_needed(self, size: Size) -> list[tuple[int, int]]:
        found = self._at(size)
        pairs = [
            (self._positions(value, axes, found), needed) for (value, axes), needed in self._linear
        ]
        return [(given, needed) for given, needed in pairs if given is not None]

    def _at(self, size: Size) -> list[AxisAtSize]:
        lengths = self._expand(size)
        assert lengths is not None  # it was known at the size of the trace
        return [along.at(n) for along, n in zip(self._axes, lengths, strict=True)]

    def _positions(self, value: int, axes: tuple[int, ...], found: list[AxisAtSize]) -> int | None:
        """How many positions a value has over some axes, as far as the model comes."""
        counts = [found[axis].positions.get(self._axes[axis].origin(value)) for axis in axes]
        known = [n for n in counts if n is not None]
        return prod(known) if len(known) == len(counts) else None


def alike_to(
    architecture: Architecture, size: Size, expand: Expand, *, weights_are_made: bool
) -> Alike | None:
    """What is known of other sizes from the trace at one; None where nothing is.

    Layers whose weights are only made in the first pass (LazyLinear) have enough at any size.
    """
    if why_unpredictable(architecture) or not axes_begin_with_inputs(architecture):
        return None
    if expand(architecture, size) != architecture.resolution:
        return None
    return Alike(
        architecture,
        lambda other: expand(architecture, other),
        weights_are_made=weights_are_made,
    )


def _flattened(architecture: Architecture) -> list[tuple[int, tuple[int, ...]]]:
    """The values of which linear layers read all positions, and along which axes."""
    found = []
    for layer in architecture.layers:
        if layer.kind is not Kind.LINEAR or len(layer.inputs) != 1:
            continue
        edge = layer.inputs[0]
        axes = [axis for axis, reach in enumerate(edge.reach) if reach is Extent.GLOBAL]
        if axes:
            found.append((edge.source, tuple(axes)))
    return found


def _ties_axes(architecture: Architecture) -> bool:
    """Whether a layer may need positions of several axes together, as one behind a flatten does."""
    along = positions_along_axes(architecture)

    def needs(index: int, axis: int) -> bool:
        layer = architecture.layers[index]
        origins = {along[axis].origin(edge.source) for edge in layer.inputs}
        return along[axis].is_exact(index) and not all(
            origin != INPUT and _is_fixed(architecture.layers[origin], axis) for origin in origins
        )

    return any(
        sum(needs(index, axis) for axis in range(architecture.axes)) > 1
        for index, layer in enumerate(architecture.layers)
        if layer.kind not in (Kind.POOL, Kind.UPSAMPLE)
    )


def _is_fixed(layer: Layer, axis: int) -> bool:
    """Whether it leaves as many positions whatever the size of the input is."""
    return bool(layer.sizing) and isinstance(layer.sizing[axis], FixedSize)
