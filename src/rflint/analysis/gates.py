"""Attention gates: branches that weight what the trunk carries, and are no feature paths.

See the paper, section IV-D. An edge of the graph that a gate ends in is marked (`Edge.is_gate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.traits import Trait
from rflint.graph.windows import Extent

_TRANSPARENT = frozenset({Kind.ARITHMETIC, Kind.RESHAPE, Kind.SLICE, Kind.UPSAMPLE, Kind.PAD})
"""Kinds that may stand between the bounded function and the product, if they have one input."""

_IN_PLACE = frozenset({Kind.ACTIVATION, Kind.NORM, Kind.RESHAPE, Kind.ARITHMETIC})
"""Kinds that leave every feature where it is, if they have one input beside gates."""


_WORKING = frozenset({Kind.CONV, Kind.CONV_TRANSPOSE, Kind.LINEAR, Kind.ATTENTION, Kind.RECURRENT})
"""Kinds of layers that a network is made of."""


def with_gates(architecture: Architecture) -> Architecture:
    """The same architecture, the edges that attention gates end in marked."""
    gates = attention_gates(architecture)
    if not gates:
        return architecture
    layers = list(architecture.layers)
    for index, position in gates:
        inputs = list(layers[index].inputs)
        inputs[position] = replace(inputs[position], is_gate=True)
        layers[index] = replace(layers[index], inputs=tuple(inputs))
    return replace(architecture, layers=tuple(layers))


def attention_gates(architecture: Architecture) -> frozenset[tuple[int, int]]:
    """The edges that attention gates end in, as (layer index, position among its inputs).

    A gate is a factor of a product that comes out of a bounded function (a sigmoid), and was
    computed from the other factor, or from the whole map by global pooling. So SE, spatial
    attention, CBAM, ECA and split attention are gates. The two halves of a gated convolution (GLU,
    WaveNet) are not, since neither was computed from the other. Nor is a mask whose branch is most
    of the network: one that separates sources, say, and weights what one convolution made of them.
    """
    layers = architecture.layers
    pooled = _pooled(layers)
    work = _Work.of(layers)
    gates: set[tuple[int, int]] = set()
    for index, layer in enumerate(layers):
        if Trait.PRODUCT not in layer.traits or len(layer.inputs) != 2:
            continue
        for position, edge in enumerate(layer.inputs):
            trunk = layer.inputs[1 - position].source
            bounded = _bounded_layer(layers, edge.source)
            if bounded is None or (index, 1 - position) in gates:
                continue
            branch = _gate_branch(layers, bounded, trunk, gates)
            pools = pooled[bounded] and not (trunk != INPUT and pooled[trunk])
            if (branch or pools) and not _Work.of(layers[i] for i in branch).is_most_of(work):
                gates.add((index, position))
    return frozenset(gates)


def _pooled(layers: Sequence[Layer]) -> list[bool]:
    """Whether every path from the input to a layer's output goes through global pooling."""
    pooled: list[bool] = []
    for layer in layers:
        pooled.append(
            layer.kind is not Kind.INPUT
            and all(
                all(reach is Extent.GLOBAL for reach in edge.reach)
                or (edge.source != INPUT and pooled[edge.source])
                for edge in layer.inputs
            )
        )
    return pooled


def _bounded_layer(layers: Sequence[Layer], source: int) -> int | None:
    """The bounded function that a value comes from, through reshaping and scaling only."""
    while source != INPUT:
        layer = layers[source]
        if Trait.BOUNDED in layer.traits:
            return source
        if layer.kind not in _TRANSPARENT or len(layer.inputs) != 1:
            return None
        source = layer.inputs[0].source
    return None


@dataclass(frozen=True, slots=True)
class _Work:
    """How many layers have weights or attend, and their multiply-accumulates."""

    layers: int
    macs: int

    @classmethod
    def of(cls, layers: Iterable[Layer]) -> _Work:
        """The work of these layers."""
        working = [layer.macs for layer in layers if layer.kind in _WORKING]
        return cls(len(working), sum(working))

    def is_most_of(self, whole: _Work) -> bool:
        """Whether the rest does less, in no more layers. One layer alone is no network."""
        most = 2 * self.layers >= whole.layers and 2 * self.macs > whole.macs
        return most and self.layers > 1


def _gate_branch(
    layers: Sequence[Layer], gate: int, trunk: int, gates: Set[tuple[int, int]]
) -> frozenset[int]:
    """The layers between the trunk and a gate that was computed from the trunk; else none.

    Activations, normalisations, scalings and other gates leave features where they are: a gate that
    was computed in front of them counts, too.
    """
    origins = {trunk}
    while trunk != INPUT and layers[trunk].kind in _IN_PLACE:
        features = [edge for i, edge in enumerate(layers[trunk].inputs) if (trunk, i) not in gates]
        if len(features) != 1:
            break
        trunk = features[0].source
        origins.add(trunk)
    seen = {gate}
    pending = [gate]
    depends = False
    while pending:
        index = pending.pop()
        for edge in layers[index].inputs:
            depends |= edge.source in origins
            if edge.source > trunk and edge.source not in seen and edge.source not in origins:
                seen.add(edge.source)
                pending.append(edge.source)
    return frozenset(seen) if depends else frozenset()
