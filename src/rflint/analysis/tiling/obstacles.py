"""What keeps an image from being cut into tiles: the layers that look at all of it, and others."""

from __future__ import annotations

from dataclasses import dataclass

from rflint.graph.layer import Kind, Layer
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Extent, Window


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A layer because of which tiles put together are not the whole, or may not be."""

    layer: Layer
    what: str
    """What it does, as the rest of a sentence that begins with its name."""
    is_certain: bool = True
    """Whether that makes tiles impossible; else it is not known exactly what the layer does."""


@dataclass(frozen=True, slots=True, repr=False)
class NotTileable:
    """Why no tiles are proposed."""

    obstacles: tuple[Obstacle, ...] = ()
    """In execution order."""
    why: str = ""
    """Where it is no layer's doing."""

    def __repr__(self) -> str:
        """Short, with the first of the layers."""
        first = (
            f"{self.obstacles[0].layer.title} {self.obstacles[0].what}" if self.obstacles else ""
        )
        more = f" (and {len(self.obstacles) - 1} more)" if len(self.obstacles) > 1 else ""
        return f"<NotTileable: {self.why or first}{more}>"

    @property
    def is_certain(self) -> bool:
        """Whether it is impossible, and not just unknown."""
        return any(obstacle.is_certain for obstacle in self.obstacles)


def obstacle_of(
    layer: Layer, axis: int, reads: Extent | None, *, training: bool
) -> Obstacle | None:
    """What a layer itself does that stands against tiles along an axis.

    `reads` is all or unknown, where it reads that of a map that has positions.
    """
    said = _what_is_certain(layer, axis, training)
    if said:
        return Obstacle(layer, said)
    said = _what_may_be(layer, axis)
    if said:
        return Obstacle(layer, said, is_certain=False)
    if reads is Extent.GLOBAL:
        return Obstacle(layer, _what_reads_all(layer))
    if reads is Extent.UNKNOWN:
        return Obstacle(layer, "reads nobody knows which positions", is_certain=False)
    return None


def _what_is_certain(layer: Layer, axis: int, training: bool) -> str:
    if axis in layer.statistics and Trait.TOLD_LENGTHS not in layer.traits:
        return "normalises by statistics of all positions"
    if axis in layer.absolute and layer.kind in (Kind.PAD, Kind.CONV):
        return "pads each end with what is at the other end"
    if Trait.WRAPS_AROUND in layer.traits and _moves(layer, axis):
        return "moves what leaves at one end to the other end"
    if Trait.READS_EVERYTHING in layer.traits and _moves(layer, axis):
        return _what_reads_all(layer)
    resampling = layer.resampling_along(axis)
    if resampling is not None and resampling.aligns_corners and _moves(layer, axis):
        return "resizes with align_corners=True, whose step depends on the size of the map"
    if training and Trait.DROPS in layer.traits:
        return "leaves out numbers by chance, as the model is in training mode"
    return ""


def _what_may_be(layer: Layer, axis: int) -> str:
    if layer.kind is Kind.UNKNOWN:
        return "is an operator that rflint does not know"
    if axis in layer.absolute:
        return "may do something else at every position (a table of positions, say)"
    if axis in layer.statistics:
        return "normalises over as many positions as it was told"
    if layer.reorders_positions:
        return "may move positions elsewhere"
    if any(taps.axis is None and not taps.is_identity for taps in layer.taps):
        return "has windows that run over positions put in one row"
    if Trait.CONCATENATES in layer.traits and any(
        isinstance(reach := edge.reach[axis], Window) and reach.stride == 1 and reach.start
        for edge in layer.inputs
    ):
        return "puts maps one behind the other"
    return ""


def _moves(layer: Layer, axis: int) -> bool:
    return layer.reorders_positions or any(edge.reach[axis] != POINTWISE for edge in layer.inputs)


def _what_reads_all(layer: Layer) -> str:
    if layer.kind is Kind.ATTENTION:
        return "attends to all positions"
    if Trait.SPECTRAL in layer.traits:
        return "makes frequencies of all positions, or the other way round"
    if layer.kind is Kind.LINEAR:
        return "has a weight for every position"
    if layer.kind is Kind.RECURRENT:
        return "carries a state along all positions"
    if layer.kind is Kind.POOL and any(count > 1 for count in layer.positions):
        return "pools to so many positions, however large the map is"
    if layer.kind in (Kind.POOL, Kind.REDUCE):
        return "brings all positions together"
    return "reads all positions"
