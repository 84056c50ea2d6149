"""What an architecture would be with a change, computed on the graph, without tracing anew.

Sizes follow from what every layer says of itself (sizing.py), receptive fields from Eq. 1 of the
paper, multiply-accumulates from the sizes. Hundreds of changes are weighed that way; the few that
are offered are then applied to a real model and analysed again, and must come out the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod

from rflint.analysis import Analysis
from rflint.architecture import (
    INPUT,
    POINTWISE,
    Extent,
    Kind,
    Layer,
    Number,
    Reach,
    Window,
    adaptive_window,
)
from rflint.heads import head_windows
from rflint.repair.change import Candidate, Change, Figures
from rflint.repair.cuts import modules_within
from rflint.sizing import KEPT, Fixed, Sizing, Sliding

SMALL_STEM = 3
"""The kernel that a stem shrinks to."""

_BY_POSITIONS = frozenset({Kind.CONV, Kind.LINEAR})
"""Kinds whose work is in proportion to their output's positions."""


class Unforeseen(Exception):
    """The architecture alone does not tell what a change would do; the message says where."""


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
    """By a smaller stem (negative), or a head made anew."""
    dilation: tuple[tuple[str, tuple[int, ...]], ...]
    end: int
    reason: str

    @property
    def border(self) -> int | None:
        """The first unproductive layer."""
        return next((i for i, exceeds in enumerate(self.exceeds) if exceeds), None)


@dataclass(slots=True)
class _Axis:
    """One axis of a forecast."""

    positions: list[int]
    exceeds: list[bool]
    sensitive: list[tuple[int, int]] = field(default_factory=list)
    """Layers that want their input at its old size, and the size that it has."""
    dilation: dict[int, int] = field(default_factory=dict)
    reason: str = ""


class Forecaster:
    """Weighs changes to one analysed architecture."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.architecture = analysis.architecture
        self.layers = self.architecture.layers
        self.judged = [x.is_judged for x in analysis.layers]
        # square networks on square inputs: one axis tells all
        self.distinct_axes = self._distinct_axes()
        self.plain = [
            [self._is_plain(i, axis) for i in range(len(self.layers))]
            for axis in range(self.architecture.axes)
        ]
        self.collapsed = [self._collapsed(axis) for axis in range(self.architecture.axes)]
        self.indices: dict[str, list[int]] = {}
        for index, layer in enumerate(self.layers):
            self.indices.setdefault(layer.name, []).append(index)

    def forecast(self, change: Change) -> Forecast:
        """The whole architecture under a change; its `cut` does not count."""
        distinct = [self._along(axis, change) for axis in self.distinct_axes]
        axes = distinct * (self.architecture.axes // len(distinct))
        end = min(len(axis.positions) for axis in axes)
        reason = next((x.reason for x in axes if len(x.positions) == end and x.reason), "")
        positions = tuple(tuple(axis.positions[index] for axis in axes) for index in range(end))
        added = head_inputs = 0
        sensitive = sorted({index for axis in axes for index, _ in axis.sensitive})
        pooled_before = sensitive[0] if sensitive and sensitive[0] < end else None
        grown: dict[int, Fraction] = {}
        if pooled_before is not None:
            try:
                grown = self._heads(change, axes, sensitive)
            except Unforeseen as error:
                end, reason, pooled_before = pooled_before, str(error), None
            for index, ratio in grown.items():
                head = self.layers[index]
                head_inputs = int(head.in_shape[-1] * ratio)
                added += int((ratio - 1) * self._weight(head))
        macs: list[int] = []
        for index in range(end):
            try:
                macs.append(self._macs(index, positions, change, grown))
            except Unforeseen as error:
                end, reason = index, str(error)
                break
        if change.small_stem:
            stem = self.layers[self.indices[change.small_stem][0]]
            added += self._small(stem, self._weight(stem)) - self._weight(stem)
        dilation = {
            self.layers[index].name: tuple(axis.dilation.get(index, 1) for axis in axes)
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

    def whole(self, forecast: Forecast) -> Candidate:
        """The changed architecture to its end. Raises Unforeseen where that is not known."""
        if forecast.end < len(self.layers):
            raise Unforeseen(forecast.reason)
        for output in self.architecture.outputs:
            if forecast.positions[output] != self.layers[output].positions:
                raise Unforeseen("the model's output would have another size")
        figures = Figures(
            self.architecture.params + forecast.params_added,
            sum(forecast.macs),
            sum(forecast.exceeds),
        )
        return Candidate(
            forecast.change,
            figures,
            self._productive(forecast, len(self.layers)),
            forecast.pooled_before,
            forecast.head_inputs,
            forecast.dilation,
        )

    def truncated(self, forecast: Forecast, cut: int) -> Candidate:
        """The changed architecture up to a layer, and a new head. Raises Unforeseen."""
        if forecast.end <= cut:
            raise Unforeseen(forecast.reason)
        for index in head_windows(self.layers[: cut + 1]):
            if forecast.positions[index] == self.layers[index].positions:
                title = self.layers[index].label
                raise Unforeseen(f"{title} would count as the global pooling of what is left")
        channels = self.layers[cut].out_shape[1]
        classes = self.architecture.output_shapes[0][1]
        head = channels * classes
        gone = modules_within(self.layers, range(cut + 1, len(self.layers)))
        kept = {name: size for layer in self.layers[: cut + 1] for name, size in layer.parameters}
        kept |= {
            name: size
            for name, size in self.architecture.unused
            if not any(name.startswith(f"{path}.") for path in gone)
        }
        small = 0 if forecast.change.resized_head else forecast.params_added
        figures = Figures(
            sum(kept.values()) + small + head + classes,
            sum(forecast.macs[: cut + 1]) + head,
            sum(forecast.exceeds[: cut + 1]),
        )
        change = forecast.change.within({layer.name for layer in self.layers[: cut + 1]})
        productive = self._productive(forecast, cut + 1)
        return Candidate(replace(change, cut=cut), figures, productive)

    # -- along one axis

    def _distinct_axes(self) -> list[int]:
        axes = range(self.architecture.axes)

        def described(axis: int) -> tuple[object, ...]:
            return (
                self.architecture.resolution[axis],
                *(
                    (layer.sizing[axis : axis + 1], *(edge.reach[axis] for edge in layer.inputs))
                    for layer in self.layers
                ),
            )

        first = described(0)
        alike = all(described(axis) == first for axis in axes)
        return [0] if alike else list(axes)

    def _collapsed(self, axis: int) -> list[bool]:
        """Per layer, whether an axis is gone from its output, whatever the size of the input."""
        gone: list[bool] = []
        for layer in self.layers:
            sources = [edge.source for edge in layer.inputs]
            inherited = bool(sources) and all(s != INPUT and gone[s] for s in sources)
            gone.append(inherited or layer.sizing[axis] == Fixed(1))
        return gone

    def _is_plain(self, index: int, axis: int) -> bool:
        """Whether a layer hands on what it gets, and is not judged."""
        layer = self.layers[index]
        return (
            len(layer.inputs) == 1
            and not self.judged[index]
            and layer.inputs[0].reach[axis] == POINTWISE
            and layer.sizing[axis] == KEPT
        )

    def _along(self, axis: int, change: Change) -> _Axis:
        architecture, layers = self.architecture, self.layers
        size = architecture.resolution[axis]
        plain = self.plain[axis]
        changed = {i for name in change.without_downsampling for i in self.indices[name]}
        if change.small_stem:
            changed.update(self.indices[change.small_stem])
        # the last entry is the model's input, whose index is -1
        now = [0] * len(layers) + [size]
        spans: list[dict[Number, Number]] = [{} for _ in layers] + [{1: 1}]
        times = [1] * (len(layers) + 1)
        found = _Axis([], [])
        for index, layer in enumerate(layers):
            if plain[index] and index not in changed:
                source = layer.inputs[0].source
                now[index], spans[index], times[index] = now[source], spans[source], times[source]
                found.positions.append(now[index])
                found.exceeds.append(False)
                continue
            try:
                self._step(index, axis, change, changed, now, spans, times, found)
            except Unforeseen as error:
                found.reason = str(error)
                break
        return found

    def _step(
        self,
        index: int,
        axis: int,
        change: Change,
        changed: set[int],
        now: list[int],
        spans: list[dict[Number, Number]],
        times: list[int],
        found: _Axis,
    ) -> None:
        """One layer along one axis: its size, what its input sees, what its output sees."""
        layer = self.layers[index]
        sources = [edge.source for edge in layer.inputs]
        given = self._meeting(layer, sources, now, axis)
        spread = times[index] = max((times[source] for source in sources), default=1)
        old = max((self._old(source, axis) for source in sources), default=1)
        sizing: Sizing | None = layer.sizing[axis]
        reach_of = {edge: edge.reach[axis] for edge in layer.inputs}
        if index in changed:
            sizing, edit = self._edited(layer, axis, sizing, change, times, index)
            reach_of = {edge: edit(reach) for edge, reach in reach_of.items()}
        if spread > 1 and any(isinstance(r, Window) and r.size > 1 for r in reach_of.values()):
            sizing = _dilatable(layer, sizing).dilated(spread)
            found.dilation[index] = spread
            reach_of = {edge: _dilated(reach, spread) for edge, reach in reach_of.items()}
        if given == old and index not in changed and index not in found.dilation:
            now[index] = self._old(index, axis)
        elif given != old and _wants_its_size(layer, axis):
            found.sensitive.append((index, given))
            now[index] = self._old(index, axis)
        elif sizing is None:
            raise Unforeseen(f"it is not known what {layer.label} does on maps of another size")
        else:
            now[index] = sizing(given)
            if now[index] < 1:
                raise Unforeseen(f"nothing would be left of the map behind {layer.label}")
            if isinstance(sizing, Fixed) and given != old:
                reach_of = {e: _refitted(layer, r, given, sizing) for e, r in reach_of.items()}
        seen: dict[Number, Number] = {}
        out: dict[Number, Number] = {}
        for position, edge in enumerate(layer.inputs):
            if (index, position) in self.analysis.gates:
                continue
            reach = reach_of[edge]
            for jump, r in spans[edge.source].items():
                seen[jump] = min(r, seen.get(jump, r))
                if isinstance(reach, Window):
                    after, grown = jump * reach.stride, r + (reach.size - 1) * jump
                    out[after] = min(grown, out.get(after, grown))
        spans[index] = out
        limit = self.architecture.resolution[axis]
        found.exceeds.append(not seen or min(seen.values()) > limit)
        found.positions.append(now[index])

    def _meeting(self, layer: Layer, sources: Sequence[int], now: Sequence[int], axis: int) -> int:
        """The common size of what meets in a layer; what has lost the axis is broadcast."""
        meets = sources
        if layer.kind is not Kind.MERGE:
            meets = [s for s in sources if s == INPUT or not self.collapsed[axis][s]] or sources
        sizes = {now[source] for source in meets}
        # what was broadcast before may be so now
        if len(sizes) > 1 and len({self._old(source, axis) for source in meets}) > 1:
            sizes -= {1}
        if len(sizes) > 1:
            raise Unforeseen(f"branches of different sizes would meet in {layer.label}")
        return max(sizes, default=1)

    def _old(self, source: int, axis: int) -> int:
        if source == INPUT:
            return self.architecture.resolution[axis]
        return self.layers[source].positions[axis]

    def _edited(
        self,
        layer: Layer,
        axis: int,
        sizing: Sizing | None,
        change: Change,
        times: list[int],
        index: int,
    ) -> tuple[Sizing, _ReachEdit]:
        """What a change makes of one layer."""
        name = layer.name
        if name in change.removed:
            return KEPT, _ReachEdit(removed=True)
        if name == change.small_stem:
            return Sliding(SMALL_STEM, 1, 1, 1), _ReachEdit(kernel=SMALL_STEM)
        if not isinstance(sizing, Sliding):
            raise Unforeseen(f"it is not known what {layer.label} does on maps of another size")
        if name in change.dilated:
            times[index] *= sizing.stride
        return sizing.with_stride(1), _ReachEdit()

    # -- heads, work, weights

    def _heads(
        self, change: Change, axes: Sequence[_Axis], sensitive: Sequence[int]
    ) -> dict[int, Fraction]:
        """By how much linear layers grow that are made anew; nothing where the map is pooled."""
        first = self.layers[sensitive[0]]
        if any(size != 1 for size in first.positions):
            raise Unforeseen(f"{first.label} mixes positions, as many as there are now")
        if len(sensitive) > 1:
            raise Unforeseen("several heads depend on the size of the map")
        if not change.resized_head:
            return {}
        if first.kind is not Kind.LINEAR or not first.is_module:
            raise Unforeseen(f"{first.label} is no linear layer that could be made anew")
        ratio = Fraction(1)
        for number, axis in enumerate(axes):
            for index, given in axis.sensitive:
                if index == sensitive[0]:
                    ratio *= Fraction(given, self._old(first.inputs[0].source, number))
        return {sensitive[0]: ratio}

    def _macs(
        self,
        index: int,
        positions: Sequence[tuple[int, ...]],
        change: Change,
        grown: Mapping[int, Fraction],
    ) -> int:
        layer = self.layers[index]
        if not layer.macs:
            return 0
        if index in grown:
            return int(layer.macs * grown[index])
        macs = layer.macs
        if layer.name == change.small_stem:
            macs = self._small(layer, macs)
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
            raise Unforeseen(f"it is not known what {layer.label} costs on maps of another size")
        return macs

    def _weight(self, layer: Layer) -> int:
        """The size of a layer's weight: its largest parameter."""
        return max((size for _, size in layer.parameters), default=0)

    def _small(self, stem: Layer, amount: int) -> int:
        """Weights or work of a stem, once its kernel is small."""
        kernel = [k for k in stem.geometry.kernel if k is not None]
        return int(Fraction(amount * SMALL_STEM ** len(kernel)) / prod(kernel))

    def _productive(self, forecast: Forecast, end: int) -> int:
        return sum(
            self.judged[index]
            and not forecast.exceeds[index]
            and self.layers[index].name != forecast.change.small_stem
            for index in range(end)
        )


@dataclass(frozen=True, slots=True)
class _ReachEdit:
    """What becomes of a downsampling layer's window."""

    removed: bool = False
    kernel: int | None = None

    def __call__(self, reach: Reach) -> Reach:
        if not isinstance(reach, Window):
            return reach
        if self.removed:
            return POINTWISE
        if self.kernel is not None:
            return Window(self.kernel, 1, -(self.kernel // 2))
        return Window(reach.size, 1, reach.start)


def _dilatable(layer: Layer, sizing: Sizing | None) -> Sliding:
    """The sizing of a layer whose taps can be set further apart."""
    has_taps = layer.kind is Kind.CONV or layer.op.startswith("MaxPool")
    if not has_taps or not layer.is_module or not isinstance(sizing, Sliding):
        raise Unforeseen(f"{layer.label} cannot be dilated")
    if layer.kind is Kind.POOL and sizing.before:
        raise Unforeseen(f"{layer.label} cannot be dilated: PyTorch pads by half a kernel at most")
    if sizing.extent == 1:
        raise Unforeseen(f"{layer.label} pads by itself, and is not dilated here")
    return sizing


def _dilated(reach: Reach, times: int) -> Reach:
    if not isinstance(reach, Window):
        return reach
    return Window((reach.size - 1) * times + 1, reach.stride, reach.start * times)


def _wants_its_size(layer: Layer, axis: int) -> bool:
    """Whether a layer has weights for every position, or a window as large as the map."""
    if not any(edge.reach[axis] is Extent.GLOBAL for edge in layer.inputs):
        return False
    windowed = isinstance(layer.sizing[axis], Sliding)
    return layer.kind is Kind.LINEAR or layer.kind.is_convolution or windowed


def _refitted(layer: Layer, reach: Reach, given: int, sizing: Fixed) -> Reach:
    """The window of an operator with a fixed number of outputs, on another map."""
    if not isinstance(reach, Window):
        return reach
    if layer.kind is Kind.POOL:
        return adaptive_window(given, sizing.size)
    if reach.size == 1 and reach.stride == 1:
        raise Unforeseen(f"it is not known what {layer.label} reads of maps of another size")
    return Window(1 if given == sizing.size else reach.size, Fraction(given, sizing.size))
