"""One axis of an architecture under a change: how large maps are, and what layers see.

How many positions a layer makes follows from its sizing (graph/sizing.py), receptive fields from
Eq. 1 of the paper: the smallest r for each distinct jump at a node says all that a later layer can
need (analysis/receptive_field.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from rflint.analysis.analysis import Analysis
from rflint.analysis.receptive_field import behind_window
from rflint.graph.exact import Number
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.sizing import KEPT, FixedSize, Sizing, Sliding
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Extent, Reach, Window, adaptive_window
from rflint.repair.transformation import LayerAxis, Transformation, Unpredictable


@dataclass(slots=True)
class AxisForecast:
    """What becomes of every layer along one axis, up to where that is known."""

    positions: list[int] = field(default_factory=list)
    """Of the outputs; shorter than the architecture where the rest is unknown."""
    exceeds: list[bool] = field(default_factory=list)
    """Whether r_{l-1,min} is larger than the input."""
    sized: dict[int, int] = field(default_factory=dict)
    """Layers that are made for the size that their input had, and the size that it would have."""
    dilation: dict[int, int] = field(default_factory=dict)
    """By how much the dilation of layers is multiplied."""
    reason: str = ""
    """Why the rest is unknown."""


class AxisForecaster:
    """Forecasts of many changes along one axis of an analysed architecture."""

    def __init__(self, analysis: Analysis, axis: int) -> None:
        self.number = axis
        self.layers = analysis.architecture.layers
        self.input_size = analysis.architecture.resolution[axis]
        self.seen_sizes = [x.input_sizes[axis] for x in analysis.layers]
        self.begins_with_input = analysis.architecture.input_has(axis)
        judged = [x.is_judged for x in analysis.layers]
        self.plain = [self._is_plain(x) and not j for x, j in zip(self.layers, judged, strict=True)]
        self.collapsed = self._collapsed()

    def forecast(self, changed: Mapping[int, Transformation]) -> AxisForecast:
        """The axis under a change: what is done to layers, by their indices."""
        return _AxisPass(self, changed).result()

    def old_size(self, source: int) -> int:
        """How many positions a layer's output, or the model's input, has without the change."""
        return self.input_size if source == INPUT else self.layers[source].positions[self.number]

    def _is_plain(self, layer: Layer) -> bool:
        """Whether a layer reads one position for each that it makes."""
        one_to_one = len(layer.inputs) == 1 and layer.inputs[0].reach[self.number] == POINTWISE
        return one_to_one and layer.sizing[self.number] == KEPT

    def _collapsed(self) -> list[bool]:
        """Per layer, whether the axis is gone from its output, whatever the size of the input."""
        gone: list[bool] = []
        for layer in self.layers:
            sources = [edge.source for edge in layer.inputs]
            inherited = bool(sources) and all(s != INPUT and gone[s] for s in sources)
            gone.append(inherited or layer.sizing[self.number] == FixedSize(1))
        return gone


class _AxisPass:
    """One pass over the layers. The last entry of each list is the model's input, index -1."""

    def __init__(self, axis: AxisForecaster, changed: Mapping[int, Transformation]) -> None:
        self.axis = axis
        self.changed = changed
        count = len(axis.layers)
        self.positions = [0] * count + [axis.old_size(INPUT)]
        pixel: dict[Number, Number] = {1: 1} if axis.begins_with_input else {}
        self.spans: list[dict[Number, Number]] = [{} for _ in range(count)] + [pixel]
        """The smallest receptive field for each jump."""
        self.density = [1] * (count + 1)
        """How many positions there are for each one that there was, where dilation follows."""
        self.forecast = AxisForecast()

    def result(self) -> AxisForecast:
        """Every layer in turn, up to one of which nobody knows what becomes of it."""
        for index, layer in enumerate(self.axis.layers):
            if self.axis.plain[index] and index not in self.changed:
                source = layer.inputs[0].source
                self.positions[index] = self.positions[source]
                self.spans[index] = self.spans[source]
                self.density[index] = self.density[source]
                exceeds = False  # it is not judged
            else:
                try:
                    exceeds = self._step(index, layer)
                except Unpredictable as error:
                    self.forecast.reason = str(error)
                    break
            self.forecast.positions.append(self.positions[index])
            self.forecast.exceeds.append(exceeds)
        return self.forecast

    def _step(self, index: int, layer: Layer) -> bool:
        """One layer: its size, what it sees, and whether it lies past the border."""
        density = max((self.density[edge.source] for edge in layer.inputs), default=1)
        self.density[index] = density
        sizing = layer.sizing[self.axis.number]
        reaches = tuple(edge.reach[self.axis.number] for edge in layer.inputs)
        if index in self.changed:
            now = self.changed[index].along_axis(layer, LayerAxis(sizing, reaches))
            sizing, reaches = now.sizing, now.reaches
            self.density[index] *= now.density
        if density > 1 and any(isinstance(r, Window) and r.size > 1 for r in reaches):
            sizing = _dilatable(layer, sizing).dilated(density)
            reaches = tuple(_dilated(reach, density) for reach in reaches)
            self.forecast.dilation[index] = density
        return self._sees(index, layer, self._resized(index, layer, sizing, reaches))

    def _resized(
        self, index: int, layer: Layer, sizing: Sizing | None, reaches: Sequence[Reach]
    ) -> Sequence[Reach]:
        """Find out how many positions a layer makes; what it then reads of its inputs."""
        given = self._common_size(layer)
        old = max((self.axis.old_size(edge.source) for edge in layer.inputs), default=1)
        if given == old and index not in self.changed and index not in self.forecast.dilation:
            self.positions[index] = self.axis.old_size(index)
            return reaches
        if given != old and _is_sized(layer, self.axis.number):
            self.forecast.sized[index] = given
            self.positions[index] = self.axis.old_size(index)
            return reaches
        if sizing is None:
            raise Unpredictable(f"it is not known what {layer.label} does on maps of another size")
        self.positions[index] = sizing(given)
        if self.positions[index] < 1:
            raise Unpredictable(f"nothing would be left of the map behind {layer.label}")
        if isinstance(sizing, FixedSize) and given != old:
            return [_refitted(layer, reach, given, sizing) for reach in reaches]
        return reaches

    def _common_size(self, layer: Layer) -> int:
        """How many positions a layer's inputs have, all but those that are broadcast."""
        sources: Sequence[int] = [edge.source for edge in layer.inputs]
        if layer.kind is not Kind.MERGE:
            sources = [s for s in sources if s == INPUT or not self.axis.collapsed[s]] or sources
        sizes = {self.positions[source] for source in sources}
        # what was broadcast before may be so now
        if len(sizes) > 1 and len({self.axis.old_size(source) for source in sources}) > 1:
            sizes -= {1}
        if len(sizes) > 1:
            raise Unpredictable(f"branches of different sizes would meet in {layer.label}")
        return max(sizes, default=1)

    def _sees(self, index: int, layer: Layer, reaches: Sequence[Reach]) -> bool:
        """Follow Eq. 1 along the shortest path of each jump; whether it exceeds the input."""
        seen: dict[Number, Number] = {}
        out: dict[Number, Number] = {}
        for edge, reach in zip(layer.inputs, reaches, strict=True):
            if edge.is_gate:
                continue
            for jump, r in self.spans[edge.source].items():
                seen[jump] = min(r, seen.get(jump, r))
                if isinstance(reach, Window):
                    grown, after = behind_window(r, jump, reach)
                    out[after] = min(grown, out.get(after, grown))
        begins = any(axis == self.axis.number for axis, _ in layer.new_axes)
        self.spans[index] = {1: 1} if begins else out
        return not seen or min(seen.values()) > self.axis.seen_sizes[index]


def _dilatable(layer: Layer, sizing: Sizing | None) -> Sliding:
    """The sizing of a layer whose taps can be set further apart."""
    dilatable = layer.is_module and Trait.DILATABLE in layer.traits
    if not dilatable or not isinstance(sizing, Sliding):
        raise Unpredictable(f"{layer.label} cannot be dilated")
    if layer.kind is Kind.POOL and sizing.before:
        raise Unpredictable(
            f"{layer.label} cannot be dilated: PyTorch pads by half a kernel at most"
        )
    if sizing.extent == 1:
        raise Unpredictable(f"{layer.label} pads by itself, and is not dilated here")
    return sizing


def _dilated(reach: Reach, times: int) -> Reach:
    if not isinstance(reach, Window):
        return reach
    return Window((reach.size - 1) * times + 1, reach.stride, reach.start * times)


def _is_sized(layer: Layer, axis: int) -> bool:
    """Whether a layer has weights for every position, or a window as large as the map."""
    if not any(edge.reach[axis] is Extent.GLOBAL for edge in layer.inputs):
        return False
    windowed = isinstance(layer.sizing[axis], Sliding)
    return layer.kind is Kind.LINEAR or layer.kind.is_convolution or windowed


def _refitted(layer: Layer, reach: Reach, given: int, sizing: FixedSize) -> Reach:
    """What an operator with a fixed number of outputs reads of a map of another size."""
    if not isinstance(reach, Window):
        return reach
    if layer.kind is Kind.POOL:
        return adaptive_window(given, sizing.size)
    if reach.size == 1 and reach.stride == 1:
        raise Unpredictable(f"it is not known what {layer.label} reads of maps of another size")
    return Window(1 if given == sizing.size else reach.size, Fraction(given, sizing.size))
