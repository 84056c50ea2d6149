"""The layers of an architecture while it is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rflint.graph.layer import INPUT, Edge, Kind, Layer


class Layers:
    """Layers in order of execution; an edge's source is an index here."""

    def __init__(self, resolution: tuple[int, ...]) -> None:
        self.resolution = resolution
        self._layers: list[Layer] = []
        self._calls: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    def __getitem__(self, index: int) -> Layer:
        return self._layers[index]

    def add(self, layer: Layer) -> int:
        """Append a layer; its index."""
        self._layers.append(layer)
        return len(self._layers) - 1

    def put(self, index: int, layer: Layer) -> None:
        """Put a layer in the place of another."""
        self._layers[index] = layer

    def calls_of(self, name: str) -> int:
        """How often a layer of that name has been called so far."""
        return self._calls[name]

    def next_call(self, name: str) -> int:
        """Count a call of a layer of that name; how many there were before."""
        self._calls[name] += 1
        return self._calls[name] - 1

    def positions_of(self, source: int) -> tuple[int, ...]:
        """How many positions a value has along every axis."""
        return self.resolution if source == INPUT else self._layers[source].positions

    def read_a_pad(self, edges: tuple[Edge, ...]) -> bool:
        """Whether one of the edges comes from a layer that pads."""
        return any(e.source != INPUT and self[e.source].kind is Kind.PAD for e in edges)
