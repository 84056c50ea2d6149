"""A change to an architecture, as data: one transformation, or several together."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace

from rflint.graph.layer import Layer
from rflint.repair.transformation import Transformation


def layer_key(layer: Layer) -> str:
    """By what a change refers to a layer: a module by its name, a pooling one call at a time.

    A convolution that is called twice has one stride, but a pooling has nothing that calls share.
    """
    return layer.name if layer.kind.is_convolution else layer.title


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to an architecture.

    Where a head depends on the size of the map, and the map gets another one, the map is pooled to
    its old size in front of it: that follows from the graph.
    """

    transformations: tuple[Transformation, ...] = ()
    """In the order in which a title names them; one that ends the network is the last."""
    resized_head: bool = False
    """Whether a head that depends on the map's size is made anew for another size instead."""

    @property
    def kind(self) -> str:
        """As the report says it: a network that is cut is truncated, whatever else changes."""
        return self.transformations[-1].kind

    @property
    def layers(self) -> frozenset[str]:
        """All layers that are changed, by their keys."""
        return frozenset[str]().union(*(x.layers for x in self.transformations))

    @property
    def left_out(self) -> frozenset[str]:
        """The layers that pass their input on."""
        return frozenset[str]().union(*(x.left_out for x in self.transformations))

    @property
    def retrained(self) -> frozenset[str]:
        """The layers that get new weights."""
        return frozenset[str]().union(*(x.retrained for x in self.transformations))

    @property
    def cut(self) -> int | None:
        """The index of the last layer, where the network ends earlier than it did."""
        return next((x.cut for x in self.transformations if x.cut is not None), None)

    def within(self, keys: Set[str]) -> Change:
        """What of it concerns these layers."""
        concerned = (x.within(keys) for x in self.transformations)
        return replace(self, transformations=tuple(x for x in concerned if x is not None))

    def then(self, other: Transformation) -> Change:
        """The change with a further transformation."""
        return replace(self, transformations=(*self.transformations, other))
