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
from rflint.graph.heads import head_windows
from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.graph.windows import Extent
from rflint.repair.candidate import Candidate
from rflint.repair.change import Change, layer_key
from rflint.repair.forecast.axis import AxisFlow, AxisForecast
from rflint.repair.forecast.cuts import behind, classes_of
from rflint.repair.metrics import Metrics
from rflint.repair.transformation import Transformation, Unpredictable

_BY_POSITIONS = frozenset({Kind.CONV, Kind.LINEAR})
"""Kinds whose work is in proportion to their output's positions."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A whole architecture under a change without a cut, layer by layer.

    Everything from layer `end` on is unknown; `reason` says why.
    """

    change: Change
    exceeds: tuple[bool, ...]
    """Per layer, whether it is judged and unproductive."""
    macs: tuple[int, ...]
    positions: tuple[tuple[int, ...], ...]
    pooled_before: int | None
    head_inputs: int
    params_added: int
    """By layers with new weights: fewer with a smaller kernel, more for a head of another size."""
    dilation: tuple[tuple[str, tuple[int, ...]], ...]
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
        self.flows = [AxisFlow(analysis, axis) for axis in self._distinct_axes()]
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
        kept = {
            index: changed[index].weights_kept(self.layers[index])
            for key in change.retrained
            for index in self.indices[key]
        }
        distinct = [flow.under(changed) for flow in self.flows]
        axes = distinct * (self.architecture.axes // len(distinct))
        end = min(len(axis.positions) for axis in axes)
        reason = next((x.reason for x in axes if len(x.positions) == end and x.reason), "")
        positions = tuple(tuple(axis.positions[index] for axis in axes) for index in range(end))
        added = head_inputs = 0
        sensitive = sorted({index for axis in axes for index in axis.sensitive})
        pooled_before = sensitive[0] if sensitive and sensitive[0] < end else None
        grown: dict[int, Fraction] = {}
        if pooled_before is not None:
            try:
                grown = self._heads(change, axes, sensitive)
            except Unpredictable as error:
                end, reason, pooled_before = pooled_before, str(error), None
            for index, ratio in grown.items():
                head = self.layers[index]
                head_inputs = int(head.in_shape[-1] * ratio)
                added += int((ratio - 1) * self._weight(head))
        macs: list[int] = []
        for index in range(end):
            try:
                macs.append(self._macs(index, positions, kept, grown))
            except Unpredictable as error:
                end, reason = index, str(error)
                break
        for index, share in kept.items():
            weight = self._weight(self.layers[index])
            added += int(weight * share) - weight
        dilation = {
            layer_key(self.layers[index]): tuple(axis.dilation.get(index, 1) for axis in axes)
            for index in sorted({index for axis in axes for index in axis.dilation})
        }
        return Forecast(
            change,
            tuple(
                self.judged[index] and all(axis.exceeds[index] for axis in axes)
                for index in range(end)
            ),
            tuple(macs),
            positions[:end],
            pooled_before,
            head_inputs,
            added,
            tuple(dilation.items()),
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
            self.architecture.params + forecast.params_added,
            sum(forecast.macs),
            sum(forecast.exceeds),
        )
        return Candidate(
            forecast.change,
            metrics,
            self._productive(forecast, range(len(self.layers))),
            forecast.pooled_before,
            forecast.head_inputs,
            forecast.dilation,
        )

    def truncated(self, forecast: Forecast, ending: Transformation) -> Candidate:
        """The changed architecture up to its new end, and a new head. Raises Unpredictable."""
        cut = ending.cut
        assert cut is not None
        gone = behind(self.analysis, cut)
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
        small = 0 if forecast.change.resized_head else forecast.params_added
        metrics = Metrics(
            sum(weights.values()) + small + head + classes,
            sum(forecast.macs[index] for index in kept) + head,
            sum(forecast.exceeds[index] for index in kept),
        )
        change = forecast.change.within({layer_key(self.layers[index]) for index in kept})
        return Candidate(change.then(ending), metrics, self._productive(forecast, kept))

    def _check_heads(self, forecast: Forecast, end: int) -> None:
        """Raises Unpredictable where a window would now count as global pooling (see heads.py)."""
        if not any(layer.covers_map for layer in self.layers[:end]):
            return
        left_out = forecast.change.left_out
        left = [
            replace(layer, inputs=tuple(Edge(e.source, ()) for e in layer.inputs))
            if layer_key(layer) in left_out
            else layer
            for layer in self.layers[:end]
        ]
        for index in head_windows(left):
            layer = self.layers[index]
            is_one = all(Extent.GLOBAL in edge.reach for edge in layer.inputs)
            if not is_one and forecast.positions[index] == layer.positions:
                raise Unpredictable(
                    f"{layer.label} would count as the global pooling of what is left"
                )

    def _distinct_axes(self) -> list[int]:
        axes = range(self.architecture.axes)

        def described(axis: int) -> tuple[object, ...]:
            return (
                self.architecture.resolution[axis],
                self.architecture.input_axes is None or axis in self.architecture.input_axes,
                [x.input_sizes[axis] for x in self.analysis.layers],
                *(
                    (layer.sizing[axis : axis + 1], *(edge.reach[axis] for edge in layer.inputs))
                    for layer in self.layers
                ),
            )

        first = described(0)
        alike = all(described(axis) == first for axis in axes)
        return [0] if alike else list(axes)

    # -- heads, work, weights

    def _heads(
        self, change: Change, axes: Sequence[AxisForecast], sensitive: Sequence[int]
    ) -> dict[int, Fraction]:
        """By how much linear layers grow that are made anew; nothing where the map is pooled."""
        first = self.layers[sensitive[0]]
        if any(size != 1 for size in first.positions):
            raise Unpredictable(f"{first.label} mixes positions, as many as there are now")
        if len(sensitive) > 1:
            raise Unpredictable("several heads depend on the size of the map")
        if not change.resized_head:
            return {}
        if first.kind is not Kind.LINEAR or not first.is_module:
            raise Unpredictable(f"{first.label} is no linear layer that could be made anew")
        # a linear layer behind a flattening has one input
        old = self.layers[first.inputs[0].source].positions
        now = [axis.sensitive.get(sensitive[0], n) for axis, n in zip(axes, old, strict=True)]
        return {sensitive[0]: Fraction(prod(now), prod(old))}

    def _macs(
        self,
        index: int,
        positions: Sequence[tuple[int, ...]],
        kept: Mapping[int, Fraction],
        grown: Mapping[int, Fraction],
    ) -> int:
        layer = self.layers[index]
        if not layer.macs:
            return 0
        if index in grown:
            return int(layer.macs * grown[index])
        macs = int(layer.macs * kept[index]) if index in kept else layer.macs
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

    def _weight(self, layer: Layer) -> int:
        """The size of a layer's weight: its largest parameter."""
        return max((size for _, size in layer.parameters), default=0)

    def _productive(self, forecast: Forecast, indices: Iterable[int]) -> int:
        retrained = forecast.change.retrained
        return sum(
            self.judged[index]
            and not forecast.exceeds[index]
            and layer_key(self.layers[index]) not in retrained
            for index in indices
        )
