"""Which convolutions decode: they make positions, where others in front of them integrated context.

The theory asks whether a layer still has context to integrate, and was tried on classifiers. Behind
an upsampling that question has no answer. Receptive fields only ever grow, so at sizes below its
receptive field every decoder without skip connections lies past the border, and the convolutions
that make the picture would be called unproductive. Along one axis a convolution decodes

- where on every path to it the map has become finer than it was at its coarsest, behind a
  downsampling. A later downsampling to where it was ends that. Upsampling in front of the first
  downsampling (a small image that is resized for a large network) does not begin it;
- where every path to it makes the input itself finer, and nothing on the way or behind it makes
  maps smaller again: super-resolution, vocoders;
- where a pixel shuffle makes positions of its channels, and nothing else reads them: the two are a
  transposed convolution.

At the coarsest map an encoder ends and its decoder begins, and nothing tells where. So convolutions
that work on a map through which every path to some output passes, and behind which others decode,
may belong to either. So may those of a decoder that is joined by skip connections (a U-Net's),
where some path to them has become finer, and nothing behind them makes maps smaller again: they
integrate what the encoder brings, and decode. Both are judged as long as there is something to
integrate, and not once their receptive fields are larger than the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number
from rflint.graph.layer import INPUT, Edge
from rflint.graph.traits import Trait
from rflint.graph.windows import Extent, Window

_Coarsest: TypeAlias = Mapping[Number, tuple[Number, Number]]
"""By jump: of all paths of that jump, the least and the most of their largest jumps behind a
downsampling."""

_PIXEL: _Coarsest = {1: (0, 0)}


@dataclass(frozen=True, slots=True)
class Decoders:
    """The convolutions that decode along some axis, as indices of layers."""

    certain: frozenset[int] = frozenset()
    possible: frozenset[int] = frozenset()
    """Those at the coarsest map, between an encoder and its decoder, and where both are joined."""


def find_decoders(architecture: Architecture) -> Decoders:
    """Which convolutions decode, and which may."""
    if not any(layer.upsamples for layer in architecture.layers):
        return Decoders()
    axes = [_Axis(architecture, axis) for axis in range(architecture.axes)]
    certain = frozenset(index for axis in axes for index in axis.certain())
    possible = frozenset(index for axis in axes for index in axis.possible())
    return Decoders(certain, possible - certain)


class _Axis:
    """The paths along one axis, gates left out."""

    def __init__(self, architecture: Architecture, axis: int) -> None:
        self.architecture = architecture
        self.layers = architecture.layers
        self.axis = axis
        self.edges = [layer.feature_edges for layer in self.layers]
        self.read: list[_Coarsest] = []
        """Of what every layer reads; `written`, of what it writes."""
        self.written: list[_Coarsest] = []
        pixel = _PIXEL if architecture.input_has(axis) else {}
        for layer, edges in zip(self.layers, self.edges, strict=True):
            inputs = [(self.written[e.source] if e.source != INPUT else pixel, e) for e in edges]
            begins = any(axis == begun for begun, _ in layer.new_axes)
            self.read.append(_union(coarsest for coarsest, _ in inputs))
            behind = _union(_behind(coarsest, e.reach[axis]) for coarsest, e in inputs)
            self.written.append(_PIXEL if begins else behind)
        self.shrinks_later = self._shrinks_later()

    def certain(self) -> Iterator[int]:
        """The convolutions that decode."""
        shuffled = self._only_shuffled()
        for index, layer in enumerate(self.layers):
            if layer.kind.is_convolution and (self._is_finer(index) or index in shuffled):
                yield index

    def possible(self) -> Iterator[int]:
        """The convolutions that may: at the coarsest map, and where decoders are joined."""
        decoded_from = self._decoded_from()
        for index, layer in enumerate(self.layers):
            read = self.read[index]
            stays = not self.shrinks_later[index] and not self._shrinks(index)
            if not (layer.kind.is_convolution and stays and read):
                continue
            at_coarsest = all(jump == least for jump, (least, _) in read.items())
            joined = any(jump < most for jump, (_, most) in read.items())
            if joined or (at_coarsest and decoded_from[index] >= max(read)):
                yield index

    def _is_finer(self, index: int) -> bool:
        read = self.read[index]
        finer = bool(read) and max(read) < 1 and not any(most for _, most in read.values())
        resolves = finer and not self.shrinks_later[index] and not self._shrinks(index)
        return _is_decoded(read) or resolves

    def _makes(self, index: int) -> bool:
        """Whether a convolution, ordinary or transposed, works on a map that is decoded already."""
        return self.layers[index].kind.is_convolution and self._is_finer(index)

    def _only_shuffled(self) -> set[int]:
        """The layers whose output pixel shuffles read, and nobody else."""
        return {
            value
            for value, readers in self.architecture.relations.readers.items()
            if readers
            and all(Trait.CHANNELS_TO_POSITIONS in self.layers[i].traits for i in readers)
        }

    def _shrinks(self, index: int) -> bool:
        """Whether a layer makes maps smaller, or reads all of one at once."""
        return any(self._reduces(index, edge) for edge in self.edges[index])

    def _reduces(self, index: int, edge: Edge) -> bool:
        reach = edge.reach[self.axis]
        if isinstance(reach, Window):
            return reach.stride > 1
        left = self.layers[index].positions[self.axis]
        return reach is Extent.GLOBAL and left == 1 < self._positions(edge.source)

    def _positions(self, source: int) -> int:
        return self.architecture.positions_of(source)[self.axis]

    def _shrinks_later(self) -> list[bool]:
        """Per layer, whether something that depends on it shrinks."""
        later = [False] * len(self.layers)
        for index in reversed(range(len(self.layers))):
            for edge in self.edges[index]:
                if edge.source != INPUT and (later[index] or self._reduces(index, edge)):
                    later[edge.source] = True
        return later

    def _decoded_from(self) -> list[Number]:
        """Per layer, how coarse a map every path passes to some output that is decoded behind it.

        Zero where nothing that depends on the layer is decoded by a convolution.
        """
        count = len(self.layers)
        of_outputs: list[Number] = [0] * count
        found: list[Number] = [0] * count
        for index in self.architecture.outputs:
            if _is_decoded(self.written[index]):
                of_outputs[index] = min(least for least, _ in self.written[index].values())
        for index in reversed(range(count)):
            for edge in self.edges[index]:
                if edge.source == INPUT:
                    continue
                source = edge.source
                of_outputs[source] = max(of_outputs[source], of_outputs[index])
                behind = of_outputs[index] if self._makes(index) else found[index]
                found[source] = max(found[source], behind)
        return found


def _is_decoded(coarsest: _Coarsest) -> bool:
    return bool(coarsest) and all(jump < least for jump, (least, _) in coarsest.items())


def _behind(coarsest: _Coarsest, reach: object) -> _Coarsest:
    """Behind an operator; paths that see everything do not count."""
    if not isinstance(reach, Window):
        return {}
    if reach.stride == 1:
        return coarsest
    if reach.stride < 1:
        return {jump * reach.stride: peaks for jump, peaks in coarsest.items()}
    behind: dict[Number, tuple[Number, Number]] = {}
    for jump, (least, most) in coarsest.items():
        coarser = jump * reach.stride
        behind[coarser] = (max(least, coarser), max(most, coarser))
    return behind


def _union(values: Iterable[_Coarsest]) -> _Coarsest:
    distinct = list({id(value): value for value in values}.values())
    if len(distinct) == 1:
        return distinct[0]
    union: dict[Number, tuple[Number, Number]] = {}
    for value in distinct:
        for jump, (least, most) in value.items():
            low, high = union.get(jump, (least, most))
            union[jump] = (min(least, low), max(most, high))
    return union
