"""A change to an architecture, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rflint.graph.layer import Layer

if TYPE_CHECKING:
    pass


KINDS = ("truncate", "remove-downsampling", "dilate")


def layer_key(layer: Layer) -> str:
    """What a change calls a layer: a module by its name, a pooling one call at a time.

    A convolution that is called twice has one stride, but a pooling has nothing that calls share.
    """
    return layer.name if layer.kind.is_convolution else layer.title


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of an architecture's layers, by their handles, and where it ends.

    A downsampling layer is in one of four sets, or keeps its stride. Layers that a dilation reaches
    follow from the graph, and so does where the map is brought back to its old size in front of a
    head that depends on it.
    """

    unit_stride: frozenset[str] = frozenset()
    """Convolutions that take stride 1."""
    removed: frozenset[str] = frozenset()
    """Poolings that pass their input on."""
    slowed: frozenset[str] = frozenset()
    """Poolings that keep their window and take stride 1."""
    dilated: frozenset[str] = frozenset()
    """Convolutions and poolings that take stride 1, while what follows is dilated by as much."""
    small_stem: str = ""
    """The first convolution, if its kernel shrinks to 3, with padding 1."""
    cut: int | None = None
    """Index of the last layer before global average pooling and a linear layer end the model."""
    resized_head: bool = False
    """A head that depends on the map's size is made anew; else the map is pooled to that size."""

    @property
    def without_downsampling(self) -> frozenset[str]:
        """All layers that no longer downsample."""
        return self.unit_stride | self.removed | self.slowed | self.dilated

    def within(self, layers: Iterable[Layer]) -> Change:
        """What of it concerns these layers."""
        names = {layer_key(layer) for layer in layers}
        return replace(
            self,
            unit_stride=self.unit_stride & names,
            removed=self.removed & names,
            slowed=self.slowed & names,
            dilated=self.dilated & names,
        )

    @property
    def kind(self) -> str:
        """As the report says it: a network that is cut is truncated, whatever else changes."""
        if self.cut is not None:
            return "truncate"
        return "dilate" if self.dilated else "remove-downsampling"
