"""What an architecture would be with a change, computed on the graph, without tracing anew.

Sizes and receptive fields are followed along each axis (axis.py); multiply-accumulates and
parameters follow from the sizes. Hundreds of changes are weighed that way. The few that are offered
are then applied to a real model and analysed again, and must come out the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

from rflint.analysis.analysis import Analysis
from rflint.graph.global_heads import global_head_layers
from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.graph.windows import Extent
from rflint.repair.candidate import Candidate
from rflint.repair.change import Change, layer_key
from rflint.repair.forecast.axis import AxisForecast, AxisForecaster
from rflint.repair.forecast.cuts import classes_of, layers_behind
from rflint.repair.metrics import Metrics
from rflint.repair.transformation import Transformation, Unpredictable

_BY_POSITIONS = frozenset({Kind.CONV, Kind.LINEAR})
"""Kinds whose work is in proportion to their output's positions."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A whole architecture under a change, layer by layer, wherever it is to end.

    What becomes of the layers from `end` on is unknown; `reason` says why.
    """

    change: Change
    exceeds: tuple[bool, ...]
    """Per layer, whether it is judged and unproductive."""
    macs: tuple[int, ...]
    positions: tuple[tuple[int, ...], ...]
    added: Mapping[int, int]
    """By layer with new weights, how many parameters it has more than before."""
    dilation: tuple[tuple[str, tuple[int, ...]], ...]
    """By layer, by how much its dilation is multiplied along each axis."""
    sized_head: int | None
    """The layer in front of which the map gets its old size, or that is made anew."""
    head_inputs: int
    """Features that reach a head that is made anew."""
    end: int
    reason: str

    @property
    def border(self) -> int | None:
        """The first unproductive layer."""
        return next((i for i, exceeds in enumerate(self.exceeds) if exceeds), None)


class Forecaster:
    """Weighs changes to one analysed architecture."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.architecture = analysis.architecture
        self.layers = self.architecture.layers
        self.judged = [x.is_judged for x in analysis.layers]
        # square networks on square inputs: one axis tells all
        self.axes = [AxisForecaster(analysis, axis) for axis in self._distinct_axes()]
        self.indices: dict[str, list[int]] = {}
        for index, layer in enumerate(self.layers):
            self.indices.setdefault(layer_key(layer), []).append(index)

    def forecast(self, change: Change) -> Forecast:
        """The whole architecture under a change; where it ends does not count."""
        changed = {
            index: transformation
            for transformation in change.transformations
            for key in transformation.layers
            for index in self.indices[key]
        }
        scales = {
            index: changed[index].weights_kept(self.layers[index])
            for key in change.retrained
            for index in self.indices[key]
        }
        distinct = [axis.forecast(changed) for axis in self.axes]
        axes = distinct * (self.architecture.axes // len(distinct))
        end = min(len(axis.positions) for axis in axes)
        reason = next((x.reason for x in axes if len(x.positions) == end and x.reason), "")
        head, head_inputs = self._sized_head(axes, end), 0
        if head is not None:
            try:
                growth = self._growth(change, axes)
            except Unpredictable as error:
                end, reason, head = head, str(error), None
            else:
                if growth is not None:
                    scales[head] = growth
                    head_inputs = int(self.layers[head].in_shape[-1] * growth)
        positions = [tuple(axis.positions[index] for axis in axes) for index in range(end)]
        macs: list[int] = []
        try:
            for index in range(end):
                macs.append(self._macs(index, positions, scales.get(index)))
        except Unpredictable as error:
            end, reason = len(macs), str(error)
        return Forecast(
            change,
            tuple(
                self.judged[index] and all(axis.exceeds[index] for axis in axes)
                for index in range(end)
            ),
            tuple(macs),
            tuple(positions[:end]),
            {index: self._added(self.layers[index], scale) for index, scale in scales.items()},
            self._dilation(axes),
            head,
            head_inputs,
            end,
            reason,
        )

    def complete(self, forecast: Forecast) -> Candidate:
        """The changed architecture to its end. Raises Unpredictable where that is not known."""
        if forecast.end < len(self.layers):
            raise Unpredictable(forecast.reason)
        for output in self.architecture.outputs:
            if forecast.positions[output] != self.layers[output].positions:
                raise Unpredictable("the model's output would have another size")
        self._check_heads(forecast, len(self.layers))
        metrics = Metrics(
            self.architecture.params + sum(forecast.added.values()),
            sum(forecast.macs),
            sum(forecast.exceeds),
        )
        return Candidate(
            forecast.change,
            metrics,
            self._productive(forecast, range(len(self.layers))),
            forecast.sized_head,
            forecast.head_inputs,
            forecast.dilation,
        )

    def truncated(self, forecast: Forecast, ending: Transformation) -> Candidate:
        """The changed architecture up to its new end, and a new head. Raises Unpredictable."""
        cut = ending.cut
        assert cut is not None
        gone = layers_behind(self.analysis, cut)
        kept = [index for index in range(len(self.layers)) if index not in gone]
        if forecast.end <= kept[-1]:
            raise Unpredictable(forecast.reason)
        self._check_heads(forecast, cut + 1)
        channels = self.layers[cut].out_shape[1]
        classes = classes_of(self.analysis)
        head = channels * classes
        modules = self.architecture.relations.modules_within(gone)
        weights = {name: size for i in kept for name, size in self.layers[i].parameters}
        weights |= {
            unused.name: unused.size
            for unused in self.architecture.unused_parameters
            if not any(unused.name.startswith(f"{path}.") for path in modules)
        }
        added = sum(forecast.added.get(index, 0) for index in kept)
        metrics = Metrics(
            sum(weights.values()) + added + head + classes,
            sum(forecast.macs[index] for index in kept) + head,
            sum(forecast.exceeds[index] for index in kept),
        )
        change = forecast.change.within({layer_key(self.layers[index]) for index in kept})
        return Candidate(change.then(ending), metrics, self._productive(forecast, kept))

    def _check_heads(self, forecast: Forecast, end: int) -> None:
        """Raise Unpredictable where a window would count as global pooling (global_heads.py)."""
        if not any(layer.covers_map for layer in self.layers[:end]):
            return
        left_out = forecast.change.left_out
        left = [
            replace(layer, inputs=tuple(Edge(e.source, ()) for e in layer.inputs))
            if layer_key(layer) in left_out
            else layer
            for layer in self.layers[:end]
        ]
        for index in global_head_layers(left):
            layer = self.layers[index]
            is_one = all(Extent.GLOBAL in edge.reach for edge in layer.inputs)
            if not is_one and forecast.positions[index] == layer.positions:
                raise Unpredictable(
                    f"{layer.label} would count as the global pooling of what is left"
                )

    def _distinct_axes(self) -> list[int]:
        """One axis, where all are alike; else all of them."""
        axes = range(self.architecture.axes)

        def described(axis: int) -> tuple[object, ...]:
            return (
                self.architecture.resolution[axis],
                self.architecture.input_has(axis),
                [x.input_sizes[axis] for x in self.analysis.layers],
                *(
                    (layer.sizing[axis : axis + 1], *(edge.reach[axis] for edge in layer.inputs))
                    for layer in self.layers
                ),
            )

        first = described(0)
        alike = all(described(axis) == first for axis in axes)
        return [0] if alike else list(axes)

    # -- heads that are made for one size

    def _sized_head(self, axes: Sequence[AxisForecast], end: int) -> int | None:
        """The first layer that would get an input of another size than it is made for."""
        first = min((index for axis in axes for index in axis.sized), default=end)
        return first if first < end else None

    def _growth(self, change: Change, axes: Sequence[AxisForecast]) -> Fraction | None:
        """By how much a head grows that is made anew; None where the map is pooled instead."""
        heads = sorted({index for axis in axes for index in axis.sized})
        first = self.layers[heads[0]]
        if any(size != 1 for size in first.positions):
            raise Unpredictable(f"{first.label} mixes positions, as many as there are now")
        if len(heads) > 1:
            raise Unpredictable("several heads depend on the size of the map")
        if not change.resized_head:
            return None
        if first.kind is not Kind.LINEAR or not first.is_module:
            raise Unpredictable(f"{first.label} is no linear layer that could be made anew")
        # a linear layer behind a flattening has one input
        old = self.layers[first.inputs[0].source].positions
        now = [axis.sized.get(heads[0], n) for axis, n in zip(axes, old, strict=True)]
        return Fraction(prod(now), prod(old))

    # -- work, weights, dilation

    def _macs(
        self, index: int, positions: Sequence[tuple[int, ...]], scale: Fraction | None
    ) -> int:
        """The work of a layer; `scale`: how many times as much it is at each position."""
        layer = self.layers[index]
        if not layer.macs:
            return 0
        macs = layer.macs if scale is None else int(layer.macs * scale)
        if layer.kind in _BY_POSITIONS:
            return macs * prod(positions[index]) // prod(layer.positions)
        source = layer.inputs[0].source if layer.inputs else INPUT
        if source == INPUT:
            return macs
        contracts = all(size == 1 for size in layer.positions)
        if layer.kind is Kind.CONV_TRANSPOSE or (layer.kind is Kind.ATTENTION and contracts):
            # every input position is worked on once
            return macs * prod(positions[source]) // prod(self.layers[source].positions)
        moved = positions[index] != layer.positions or any(
            positions[edge.source] != self.layers[edge.source].positions
            for edge in layer.inputs
            if edge.source != INPUT
        )
        if moved:
            raise Unpredictable(f"it is not known what {layer.label} costs on maps of another size")
        return macs

    def _added(self, layer: Layer, scale: Fraction) -> int:
        """By how many parameters a layer grows; the weight is its largest parameter."""
        if layer.call:
            return 0  # it has the weights of its first call
        weight = max((size for _, size in layer.parameters), default=0)
        return int(weight * scale) - weight

    def _dilation(self, axes: Sequence[AxisForecast]) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """By layer, by how much its dilation is multiplied along each axis."""
        dilated = sorted({index for axis in axes for index in axis.dilation})
        return tuple(
            {
                layer_key(self.layers[index]): tuple(axis.dilation.get(index, 1) for axis in axes)
                for index in dilated
            }.items()
        )

    def _productive(self, forecast: Forecast, indices: Iterable[int]) -> int:
        """Convolutions among these layers that can contribute, with the weights that they have."""
        retrained = forecast.change.retrained
        return sum(
            self.judged[index]
            and not forecast.exceeds[index]
            and layer_key(self.layers[index]) not in retrained
            for index in indices
        )
