"""Dilation in place of strides, as DeepLab does: the same receptive fields on larger maps.

It leaves receptive fields as they are (Eq. 1), and so mends nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import ClassVar

from rflint.analysis.analysis import Analysis
from rflint.graph.layer import Layer
from rflint.repair.forecast.downsampling import named_places, removable_groups
from rflint.repair.transformation import LayerAxis, Transformation


@dataclass(frozen=True, slots=True)
class Dilation(Transformation):
    """Layers that take stride 1, while what follows is dilated by the stride that they had."""

    kind: ClassVar[str] = "dilate"
    edits: ClassVar[str] = "rflint.repair.edits.dilate"
    words: ClassVar[str] = "keeps every layer and what it sees"
    on_request: ClassVar[bool] = True

    strided: frozenset[str]
    """Convolutions and poolings whose stride goes."""

    @classmethod
    def proposals(cls, analysis: Analysis) -> Iterator[tuple[Dilation]]:
        """From each of the downsamplings on."""
        groups = removable_groups(analysis)
        for start in range(len(groups)):
            yield (cls(frozenset(name for group in groups[start:] for name in group.layers)),)

    @property
    def layers(self) -> frozenset[str]:
        """The layers whose stride goes; what is dilated follows from the graph."""
        return self.strided

    def along_axis(self, layer: Layer, axis: LayerAxis) -> LayerAxis:
        """The same window at stride 1."""
        return axis.at_unit_stride(layer, dilates=True)

    def within(self, keys: Set[str]) -> Dilation | None:
        """What of it concerns these layers."""
        left = self.strided & keys
        return Dilation(left) if left else None

    def title(self, analysis: Analysis) -> str:
        """What no longer downsamples."""
        return f"dilate instead of the strides of {named_places(analysis, self.strided)}"
