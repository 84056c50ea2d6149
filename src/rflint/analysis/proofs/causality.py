"""Whether the branches of a causal network, where they are merged, end at the same position.

Causal networks pad in front only, so that no output sees the future. There the branches of a merge
have to agree on the last position that they see, and not on the centre. Branches that do so are
aligned, as long as they see nothing later than their own position of the map where they part, or
never look beyond its end (networks without padding crop the front of what they merge). What happens
in front of the place where they part is the same for all of them. A position behind a stride s
stands for s positions, and the last of these counts.

Where frames that were remembered are concatenated in front of a map, the last part tells what is
seen last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from rflint.analysis.proofs.shifts import centre_shift, concatenates_along, half
from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number
from rflint.graph.layer import Edge, Kind, Layer
from rflint.graph.windows import Window


@dataclass(frozen=True, slots=True)
class Causality:
    """Which branches agree on the last position that they see, along one axis."""

    architecture: Architecture
    axis: int
    originals: Mapping[int, int]
    """By value, the map that it is a shifted copy of."""

    def agree(self, index: int, sources: Sequence[int]) -> bool:
        """Whether branches into a layer agree on the last position that they see, and none later.

        That is compared in positions of the map where they part. It cannot be where a stride is
        undone by making maps finer again, nor where neighbours are mixed to do so.
        """
        layers = self.architecture.layers
        parting = self.architecture.relations.common_dominator(sources)
        if parting is None:
            return False
        lasts: dict[int, Mapping[Number, Number]] = {parting: {1: 0}}
        for later in range(parting + 1, index):
            if any(edge.source in lasts for edge in layers[later].inputs):
                jumps = {
                    jump for edge in layers[later].inputs for jump in lasts.get(edge.source, {})
                }
                if not self._has_last_position(layers[later], jumps):
                    return False
                lasts[later] = _latest(self._stepped(later, lasts))
        seen = [
            last
            for edge, last in zip(self._edges(index), self._stepped(index, lasts), strict=True)
            if edge.source in sources
        ]
        agreed = {both for last in seen for both in last.items()}
        if not all(seen) or len(agreed) != 1:
            return False
        ((jump, last),) = agreed
        end = self.architecture.positions_of(parting)[self.axis] - 1
        reaches = (layers[index].positions[self.axis] - 1) * jump + last
        return last <= jump - 1 or floor(reaches) <= end

    def _has_last_position(self, layer: Layer, jumps: Collection[Number]) -> bool:
        """Whether there is one last position behind a layer that reads maps with these jumps."""
        reaches = [edge.reach[self.axis] for edge in layer.inputs]
        for reach in reaches:
            if isinstance(reach, Window) and reach.stride < 1:
                mixes = layer.kind is Kind.UPSAMPLE and reach.size > 1
                if mixes or max(jumps, default=1) > 1:
                    return False
        return True

    def _edges(self, index: int) -> list[Edge]:
        """The branches into a layer; of what is concatenated along the axis, the last part."""
        layer = self.architecture.layers[index]
        edges = list(layer.feature_edges)
        sizes = [self.architecture.positions_of(edge.source)[self.axis] for edge in edges]
        if not concatenates_along(layer, self.axis, sizes):
            return edges
        longest = edges[sizes.index(max(sizes))]
        copies = self.originals[edges[-1].source] == self.originals[longest.source]
        return [longest if copies else edges[-1]]

    def _stepped(
        self, index: int, lasts: Mapping[int, Mapping[Number, Number]]
    ) -> list[Mapping[Number, Number]]:
        """By jump, the last position that position 0 of a layer sees through each of its edges."""
        layer = self.architecture.layers[index]
        out = layer.positions[self.axis]
        stepped: list[Mapping[Number, Number]] = []
        for edge in self._edges(index):
            size = self.architecture.positions_of(edge.source)[self.axis]
            shift = centre_shift(layer, edge, self.axis, size, out)
            seen = lasts.get(edge.source, {})
            if shift is None:
                stepped.append({})
                continue
            by, stride = self._to_last(layer, edge, *shift), shift[1]
            stepped.append({jump * stride: last + by * jump for jump, last in seen.items()})
        return stepped

    def _to_last(self, layer: Layer, edge: Edge, by: Number, stride: Number) -> Number:
        """How far behind its own place a position looks: the furthest, if output phases differ."""
        reach, taps = edge.reach[self.axis], layer.taps_along(self.axis)
        if not isinstance(reach, Window):
            return by
        if layer.kind is Kind.CONV_TRANSPOSE and taps is not None:
            return Fraction(taps.before, taps.stride)
        if layer.kind is Kind.UPSAMPLE:
            return reach.start  # rounded down
        return by + half(reach.size - 1)


def _latest(branches: Iterable[Mapping[Number, Number]]) -> Mapping[Number, Number]:
    found: dict[Number, Number] = {}
    for lasts in branches:
        for jump, last in lasts.items():
            found[jump] = max(last, found.get(jump, last))
    return found
