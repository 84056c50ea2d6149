"""What decides how a model behaves at another size: positions along one axis.

Receptive fields do not depend on the size of the input, but some of what an architecture says
does: adaptive pooling to several positions, a linear layer behind a flatten, a window over a whole
map, a merge of maps that have to be alike. The `key` of a size holds how many positions reach each
of these, or on which side of a threshold they lie: at two sizes of one key, the architecture is the
same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.sizing import KEPT, FixedSize, Scaled, Sizing, Sliding
from rflint.graph.traits import Trait
from rflint.graph.windows import POINTWISE, Extent, Window

_AS_MEASURED = frozenset({Kind.MEASURED, Kind.TAUGHT, Kind.UNKNOWN})
"""Kinds that are known at one size only."""
_AVERAGES = frozenset({Kind.POOL, Kind.REDUCE, Kind.NORM, Kind.ACTIVATION})
"""Kinds that may read all positions, however many there are."""
_PER_CHANNEL = frozenset({Kind.CONV, Kind.CONV_TRANSPOSE, Kind.LINEAR, Kind.EMBEDDING})
"""Kinds whose parameters know nothing of positions, unless the layer reads all of them."""
_SLIDES = frozenset({Kind.CONV, Kind.CONV_TRANSPOSE, Kind.POOL})
"""Kinds that raise where nothing is left."""


def why_unpredictable(architecture: Architecture) -> str:
    """Why one trace may not speak for other sizes; empty where it may."""
    reasons = {
        "the model's code asks how large its maps are": architecture.reads_sizes,
        "the model had to be followed by torch.export": architecture.tracer != "symbolic",
        "the model draws numbers": architecture.is_random,
        "the model changes from pass to pass": architecture.changes_state,
        "a part of the model was left out": architecture.left_out is not None,
        "the model has inputs of several sizes": any(
            layer.kind is Kind.INPUT for layer in architecture.layers
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


@dataclass(frozen=True, slots=True)
class _Step:
    """A layer at which the number of positions changes, or matters."""

    layer: int
    sources: tuple[int, ...]
    """The values that it reads, each once, by the value that positions were last changed by."""
    sizing: Sizing | None
    exact: bool
    """Whether it behaves differently for every number of positions."""
    raises: bool
    """Whether the model fails where it leaves no positions."""
    constant: int | None = None
    """Of a layer without inputs: its positions."""


@dataclass(frozen=True, slots=True)
class AxisAtSize:
    """An axis at one size."""

    key: tuple[object, ...]
    fails: int | None
    """The layer that has no positions left there; None: none is known."""
    positions: dict[int, int | None]
    """By value that changes positions; None where the key decides how many there are."""


class Positions:
    """The positions of all layers along one axis, at any size."""

    def __init__(self, architecture: Architecture, axis: int) -> None:
        self._axis = axis
        self._same_as: dict[int, int] = {INPUT: INPUT}
        self._steps: list[_Step] = []
        self._exact: set[int] = set()
        self._thresholds: dict[int, set[int]] = {INPUT: {2}}
        for index, layer in enumerate(architecture.layers):
            self._add(index, layer)
        self._sorted = {value: sorted(found) for value, found in self._thresholds.items()}
        self._known: dict[int, AxisAtSize] = {}

    @property
    def description(self) -> tuple[object, ...]:
        """Equal for axes that behave alike."""
        return (self._steps, self._sorted, self._same_as)

    def at(self, size: int) -> AxisAtSize:
        """Key and positions at a size of the input."""
        if size not in self._known:
            self._known[size] = self._found(size)
        return self._known[size]

    def origin(self, value: int) -> int:
        """The value that has the same positions, and at which they last changed."""
        return self._same_as[value]

    def is_exact(self, index: int) -> bool:
        """Whether the key holds how many positions a layer reads."""
        return index in self._exact

    def _add(self, index: int, layer: Layer) -> None:
        axis = self._axis
        sources = tuple(dict.fromkeys(self._same_as[edge.source] for edge in layer.inputs))
        sizing = layer.sizing[axis] if layer.sizing else None
        exact = _is_exact(layer, axis, sizing)
        for source in sources:
            self._thresholds[source] |= _thresholds(layer, axis, sizing)
        if len(sources) == 1 and not exact and _keeps(sizing):
            self._same_as[index] = sources[0]
            return
        if exact:
            self._exact.add(index)
        self._same_as[index] = index
        self._thresholds[index] = {2}
        constant = None if sources else layer.positions[axis]
        self._steps.append(_Step(index, sources, sizing, exact, layer.kind in _SLIDES, constant))

    def _found(self, size: int) -> AxisAtSize:
        key: list[object] = [bisect_right(self._sorted[INPUT], size)]
        positions: dict[int, int | None] = {INPUT: size}
        for step in self._steps:
            given = [positions[source] for source in step.sources]
            known = [n for n in given if n is not None]
            if step.exact or len(known) < len(given):
                key.append(tuple(given))
            elif len(given) > 1:
                most = max(known)
                key.append(tuple((n == most, n == 1) for n in known))
            out = _positions_behind(step, given, known)
            if out is not None and out < 1:
                if step.raises:
                    return AxisAtSize(("fails", step.layer), step.layer, positions)
                key.append("empty")
                out = None
            positions[step.layer] = out
            if out is not None:
                key.append(bisect_right(self._sorted[step.layer], out))
        return AxisAtSize(tuple(key), None, positions)


@dataclass(frozen=True, slots=True)
class NothingLeft:
    """The key of sizes at which a layer has no positions left."""

    layer: int


def common_key(axes: Iterable[AxisAtSize]) -> object:
    """Equal at sizes at which a model behaves alike; NothingLeft where it cannot run."""
    found = list(axes)
    failing = [x.fails for x in found if x.fails is not None]
    return NothingLeft(min(failing)) if failing else tuple(x.key for x in found)


def positions_along_axes(architecture: Architecture) -> list[Positions]:
    """The positions along every axis; axes that behave alike have one in common."""
    found = [Positions(architecture, axis) for axis in range(architecture.axes)]
    return [found[0] if along.description == found[0].description else along for along in found]


def _positions_behind(step: _Step, given: Sequence[int | None], known: Sequence[int]) -> int | None:
    if step.constant is not None:
        return step.constant
    if isinstance(step.sizing, FixedSize):
        return step.sizing.size
    if step.sizing is None or len(known) < len(given):
        return None
    return step.sizing(max(known))


def _keeps(sizing: Sizing | None) -> bool:
    """Whether it leaves as many positions as it is given, however many these are."""
    if isinstance(sizing, Sliding):
        return sizing.stride == 1 and sizing.before + sizing.after == sizing.extent - 1
    return sizing == KEPT


def _is_exact(layer: Layer, axis: int, sizing: Sizing | None) -> bool:
    """Whether what a layer does follows only from the very number of positions."""
    if not layer.inputs:
        return False
    reaches = [edge.reach[axis] for edge in layer.inputs]
    if sizing is None or layer.kind in _AS_MEASURED or Extent.UNKNOWN in reaches:
        return True
    if Extent.GLOBAL in reaches:
        return layer.kind not in _AVERAGES or sizing not in (FixedSize(1), KEPT)
    if isinstance(sizing, FixedSize):
        return True
    if layer.kind is Kind.UPSAMPLE and any(reach != POINTWISE for reach in reaches):
        factor = sizing.factor if isinstance(sizing, Scaled) else Fraction(1, 2)
        return Fraction(factor).denominator > 1
    return _is_made_for_its_size(layer, axis)


def _is_made_for_its_size(layer: Layer, axis: int) -> bool:
    """Whether it is told how many positions there are, or may have a parameter for each."""
    if layer.kind in _PER_CHANNEL:
        return False
    if Trait.TOLD_LENGTHS in layer.traits and axis in layer.statistics:
        return True
    return any(size not in (1, *layer.in_shape) for _, size in layer.parameters)


def _thresholds(layer: Layer, axis: int, sizing: Sizing | None) -> set[int]:
    """Numbers of positions from which on a layer behaves in another way than below."""
    found: set[int] = set()
    if isinstance(sizing, Scaled) and sizing.offset:
        found.add(abs(sizing.offset) + 1)
    if layer.kind is Kind.UPSAMPLE:
        found |= {3, 4}
    for edge in layer.inputs:
        window = edge.reach[axis]
        if isinstance(window, Window) and layer.kind is Kind.PAD and isinstance(sizing, Scaled):
            before = -floor(window.start)  # mirrored padding has to find what it mirrors
            after = sizing.offset - before
            found |= {before, before + 1, after, after + 1}
        if not isinstance(window, Window) or layer.kind not in _SLIDES:
            continue
        if isinstance(sizing, Sliding):
            found |= {sizing.before + 1, sizing.after + 1}
        if window.start == 0 and window.size > 1:
            covered = int(window.size)
            found |= {covered, covered + 1}
    return {n for n in found if n > 1}
