"""Receptive fields over every path of an architecture, exactly and in linear time.

For one path, per axis (paper, Eq. 1, with kernels after dilation K and strides s):

    r_l = r_{l-1} + (K_l - 1) * j_{l-1},    j_l = j_{l-1} * s_l,    r_0 = j_0 = 1

Behind an upsampling that is a mean over the positions of a block. Units where two blocks meet see
up to a whole coarse position more: the receptive field of the widest unit is kept beside r_max (see
widest_unit.py).

Over several paths the paper asks for the smallest and the largest r (section II-D). Eq. 1 is
monotone in r for a fixed jump j, so the smallest and the largest r for each distinct jump at a node
say all that any later layer can need: that is exact, however many paths there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from rflint.analysis.widest_unit import WidestUnit
from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number
from rflint.graph.layer import INPUT
from rflint.graph.windows import POINTWISE, Extent, Reach, Window


@dataclass(frozen=True, slots=True)
class Span:
    """The paths of one jump that reach a node, in input pixels.

    `first` and `last` are the outermost input positions, over all these paths, that output
    position 0 can see (negative inside the padding). For paths with a common centre,
    last - first + 1 = r_max; it is larger where branches are misaligned. Both are nominal: rounding
    to whole positions may move either by up to `slack`.
    """

    r_min: Number
    r_max: Number
    first: Number
    last: Number
    slack: Number = field(default=0, compare=False)
    shifted: bool = field(default=False, compare=False)
    """Whether some path copies positions from elsewhere (a roll, a slice). Together with other
    paths that is a kernel, and r_max is the distance between the outermost positions."""
    widest: WidestUnit | None = field(default=None, compare=False)
    """Where units see different amounts, the receptive field of the widest."""

    @property
    def r_widest(self) -> Number:
        """The largest receptive field of any unit."""
        return self.r_max if self.widest is None else max(self.r_max, self.widest.extent)


@dataclass(frozen=True, slots=True)
class AxisField:
    """The receptive field of a value along one axis.

    `spans` holds the bounded paths by jump; `unbounded` says that some path sees the whole axis,
    `unknown` that some path goes through an unknown operator. A value that only unbounded paths
    lead to has no spans.
    """

    spans: Mapping[Number, Span] = field(default_factory=dict)
    unbounded: bool = False
    unknown: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is seen along the axis: it begins elsewhere."""
        return not (self.spans or self.unbounded or self.unknown)

    @property
    def r_min(self) -> Number | None:
        """The smallest receptive field over all paths; None: unbounded."""
        return min((span.r_min for span in self.spans.values()), default=None)

    @property
    def r_max(self) -> Number | None:
        """The largest receptive field over all paths; None: unbounded."""
        if self.unbounded:
            return None
        return max((span.r_max for span in self.spans.values()), default=None)

    @property
    def r_widest(self) -> Number | None:
        """The largest receptive field of any unit; None: unbounded.

        It is r_max, but where maps were resized: there r_max is the mean over the phases.
        """
        if self.unbounded:
            return None
        return max((span.r_widest for span in self.spans.values()), default=None)

    @property
    def jump(self) -> Number | None:
        """Input pixels between neighbouring positions; None: unbounded. The largest, if several."""
        return max(self.spans, default=None)


ReceptiveField: TypeAlias = tuple[AxisField, ...]
"""One `AxisField` per spatial axis."""

PIXEL = AxisField({1: Span(1, 1, 0, 0)})
NO_FIELD = AxisField()


def behind_window(r: Number, jump: Number, window: Window) -> tuple[Number, Number]:
    """The receptive field and the jump behind a window, for one path (paper, Eq. 1)."""
    return r + (window.size - 1) * jump, jump * window.stride


def field_behind(before: AxisField, reach: Reach) -> AxisField:
    """The field behind an operator that reads `reach` of a value with the field `before`."""
    if reach is POINTWISE or reach == POINTWISE:
        return before
    if reach is Extent.UNKNOWN:
        # whatever reads nothing but unbounded values is unbounded itself
        return AxisField(unknown=True) if before.spans or before.unknown else before
    if before.is_empty:
        return before
    if reach is Extent.GLOBAL:
        return AxisField(unbounded=True, unknown=before.unknown)
    assert isinstance(reach, Window)
    spans: dict[Number, Span] = {}
    for jump, span in before.spans.items():
        r_min, jump_behind = behind_window(span.r_min, jump, reach)
        growth = r_min - span.r_min
        first = span.first + reach.start * jump
        last = span.last + (reach.start + reach.size - 1) * jump
        slack = span.slack + reach.rounding * jump
        shifted, r_max, widest = span.shifted or reach.is_shift, span.r_max + growth, span.widest
        if widest or reach.blocks:
            widest = (widest or WidestUnit(span.r_max)).grown(growth, reach.blocks * jump)
        spans[jump_behind] = Span(r_min, r_max, first, last, slack, shifted, widest)
    return AxisField(spans, before.unbounded, before.unknown)


def union(fields: Iterable[AxisField]) -> AxisField:
    """All paths of several values at once."""
    distinct = {id(one): one for one in fields}
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    spans: dict[Number, Span] = {}
    for one in distinct.values():
        for jump, span in one.spans.items():
            other = spans.get(jump)
            spans[jump] = span if other is None else _together(span, other)
    return AxisField(
        spans,
        any(one.unbounded for one in distinct.values()),
        any(one.unknown for one in distinct.values()),
    )


def _together(one: Span, other: Span) -> Span:
    """The paths of both."""
    first, last = min(one.first, other.first), max(one.last, other.last)
    shifted = one.shifted or other.shifted
    r_max = max(one.r_max, other.r_max)
    if shifted:
        r_max = max(r_max, last - first + 1)
    widest = one.widest
    if one.widest or other.widest:
        widest = (one.widest or WidestUnit(one.r_max)) | (other.widest or WidestUnit(other.r_max))
        widest = widest.at_least(r_max)
    slack = max(one.slack, other.slack)
    return Span(min(one.r_min, other.r_min), r_max, first, last, slack, shifted, widest)


@dataclass(frozen=True, slots=True)
class LayerField:
    """The receptive fields of what a layer reads and of what it writes."""

    input_field: ReceptiveField
    """r_{l-1}, per axis."""
    output_field: ReceptiveField
    """r_l, per axis."""


def propagate(
    architecture: Architecture,
    sources: Collection[int] | None = None,
    *,
    through_gates: bool = False,
) -> tuple[LayerField, ...]:
    """Receptive fields of every layer, in the order of `architecture.layers`.

    `sources` are the values that axes begin with (`Architecture.axis_origins`) whose positions
    count; None: all. Attention gates are no feature paths (paper, section IV-D), and count only
    with `through_gates`.
    """
    axes = range(architecture.axes)
    counts = sources is None or INPUT in sources
    pixels: ReceptiveField = tuple(
        PIXEL if counts and architecture.input_has(axis) else NO_FIELD for axis in axes
    )
    fields: list[LayerField] = []

    def value(source: int) -> ReceptiveField:
        return pixels if source == INPUT else fields[source].output_field

    for index, layer in enumerate(architecture.layers):
        edges = layer.inputs if through_gates else layer.feature_edges
        read = tuple(union(value(edge.source)[axis] for edge in edges) for axis in axes)
        written = tuple(
            union(field_behind(value(edge.source)[axis], edge.reach[axis]) for edge in edges)
            for axis in axes
        )
        if layer.new_axes:
            begun = PIXEL if sources is None or index in sources else NO_FIELD
            made = {axis for axis, _ in layer.new_axes}
            written = tuple(begun if axis in made else written[axis] for axis in axes)
        fields.append(LayerField(read, written))
    return tuple(fields)
