"""How many more layers would let the one position that is read see the whole input.

The network is continued as it is built: dilations that grow from level to level go on growing, and
stacks of them are repeated. What the longer network sees is followed tap by tap through the layers
that are added, and from there to the input as it is (read_positions.py), and not by a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby, islice

from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.picked_position import (
    PickedPosition,
    without_batch_statistics,
)
from rflint.analysis.proofs.read_positions import read_positions
from rflint.analysis.proofs.regions import runs
from rflint.analysis.receptive_field import PIXEL, Span
from rflint.graph.exact import Number
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.taps import everything, shifted
from rflint.graph.windows import Window

_MOST_LEVELS = 16
"""Nobody is advised to add more than so many,"""
_MOST_PLAIN = 4
"""or so many convolutions that are like the last one."""


class Side(Enum):
    """Which way a convolution looks from its position."""

    BACK = "back"
    AHEAD = "ahead"
    BOTH = "both"


class Growth(Enum):
    """How the network goes on."""

    LEVELS = "levels"
    """Dilations grow from level to level."""
    STACKS = "stacks"
    """Levels of growing dilations are repeated."""
    PLAIN = "plain"
    """All convolutions are dilated alike: more of them."""
    DOUBLING = "doubling"
    """The same, with dilations that double from here on."""


@dataclass(frozen=True, slots=True)
class Longer:
    """More convolutions in front of the position that is read."""

    growth: Growth
    kernel: int
    levels: tuple[tuple[int, ...], ...]
    """The dilations of the convolutions of each level that is added."""
    seen: int
    """How many positions of the input are seen then, along the first of the axes."""
    sees_all: bool


def beyond_the_end(analysis: Analysis, picked: PickedPosition) -> Number:
    """How much of the receptive field of the position that is read lies outside of the input."""
    span = _only_span(analysis, picked)
    return sum(_overhangs(analysis, picked, *span)) if span else 0


def receptive_field(analysis: Analysis, picked: PickedPosition) -> Number:
    """The receptive field of the position that is read, what lies in the padding counted in."""
    span = _only_span(analysis, picked)
    return span[1].last - span[1].first + 1 if span else 0


def longer_networks(analysis: Analysis, along: Sequence[PickedPosition]) -> tuple[Longer, ...]:
    """The network with one more level, and with as many as see all; nothing where it is not plain.

    `along` are the axes along which the one position is read.
    """
    patterns = [x for picked in along if (x := _pattern(analysis, picked))]
    alike = {(x.kernel, x.dilations) for x in patterns}
    if len(patterns) < len(along) or len(alike) != 1 or not _is_one_map(along):
        return ()
    ((kernel, dilations),) = alike
    towards = [x.side for x in patterns]
    for growth, levels in _continued(dilations):
        tried: list[Longer] = []
        most = _MOST_PLAIN if growth is Growth.PLAIN else _MOST_LEVELS
        for number in range(1, most + 1):
            added = tuple(islice(levels(), number))
            if not all(
                _pads(analysis, picked) or _fits(picked, kernel, added, side)
                for picked, side in zip(along, towards, strict=True)
            ):
                break
            tried.append(_with_levels(analysis, along, towards, growth, kernel, *added))
            if tried[-1].sees_all:
                return (tried[0], tried[-1]) if number > 1 else (tried[0],)
    return ()


def sufficient_kernel(analysis: Analysis, picked: PickedPosition) -> tuple[int, int] | None:
    """The kernel of all convolutions, and a larger one with which all would be seen.

    Where the receptive field comes from convolutions of one kernel and of stride 1 alone, it is
    1 + (k - 1) * the sum of their dilations on the widest path. A larger k leaves that the widest.
    """
    pattern = _pattern(analysis, picked)
    if pattern is None or picked.place not in (0, picked.size - 1):
        return None
    kernel = pattern.kernel
    per_tap, sides = sum(pattern.dilations), 2 if pattern.side is Side.BOTH else 1
    back = (kernel - 1) * per_tap
    if receptive_field(analysis, picked) != back + 1 or len(runs(picked.seen)) != 1:
        return None
    if back != sides * (picked.seen.bit_count() - 1) or not _only_strides_of_one(analysis, picked):
        return None
    larger = -(-sides * (picked.offered.bit_count() - 1) // per_tap) + 1
    if pattern.side is Side.BOTH and larger % 2 == 0:
        larger += 1
    too_large = (larger - 1) * per_tap >= analysis.architecture.resolution[picked.axis]
    return None if too_large and not _pads(analysis, picked) else (kernel, larger)


def _only_strides_of_one(analysis: Analysis, picked: PickedPosition) -> bool:
    """Whether nothing in front strides, and convolutions of one kernel see more than a position."""
    architecture, axis = analysis.architecture, picked.axis
    kernels: set[int] = set()
    for index in architecture.relations.ancestors(picked.source):
        layer = architecture.layers[index]
        for edge in layer.inputs:
            reach = edge.reach[axis]
            if not isinstance(reach, Window) or reach.stride != 1:
                return False
            if reach.size > 1:
                found = _sliding(layer, axis)
                kernels.add(found[0] if found else 0)
    return len(kernels) == 1 and 0 not in kernels


def _only_span(analysis: Analysis, picked: PickedPosition) -> tuple[Number, Span] | None:
    return None if picked.source == INPUT else _span_of(analysis, picked.source, picked.axis)


def _span_of(analysis: Analysis, value: int, axis: int) -> tuple[Number, Span] | None:
    """The jump and the span of all paths to a value, where they have one; of the input its own."""
    field = PIXEL if value == INPUT else analysis.layers[value].output_field[axis]
    if field.unbounded or field.unknown or len(field.spans) != 1:
        return None
    ((jump, span),) = field.spans.items()
    return None if span.slack else (jump, span)


def _overhangs(
    analysis: Analysis, picked: PickedPosition, jump: Number, span: Span
) -> tuple[Number, Number]:
    """How far the window of the position that is read reaches over both ends of the input."""
    end = analysis.architecture.resolution[picked.axis] - 1
    before = -(picked.place * jump + span.first)
    behind = picked.place * jump + span.last - end
    return max(before, 0), max(behind, 0)


def _side(analysis: Analysis, picked: PickedPosition, begins: int) -> Side | None:
    """Which way more layers would look that are like those behind the value `begins`.

    At the end of a map positions are counted from the end, where maps shrink.
    """
    before, behind = (_span_of(analysis, x, picked.axis) for x in (begins, picked.source))
    if before is None or behind is None or before[0] != behind[0]:
        return None
    jump, span = behind
    back, ahead = before[1].first - span.first, span.last - before[1].last
    sizes = (analysis.architecture.positions_of(x)[picked.axis] for x in (begins, picked.source))
    shrunk = next(sizes) - next(sizes)
    if picked.place == picked.size - 1:
        back, ahead = back + shrunk * jump, ahead - shrunk * jump
        one_way = Side.BACK if ahead == 0 < back else None
    else:
        one_way = Side.AHEAD if picked.place == back == 0 < ahead else None
    both = Side.BOTH if back == ahead > 0 == shrunk else None
    return one_way or both


def _pads(analysis: Analysis, picked: PickedPosition) -> bool:
    """Whether the network pads, so that its maps do not shrink with every convolution."""
    found = _only_span(analysis, picked)
    if found is None:
        return False
    jump, span = found
    end = (picked.size - 1) * jump + span.last
    return span.first < 0 or end >= analysis.architecture.resolution[picked.axis]


def _fits(picked: PickedPosition, kernel: int, levels: Sequence[Sequence[int]], side: Side) -> bool:
    """Whether the map is large enough for more convolutions that do not pad."""
    extent = (kernel - 1) * sum(x for level in levels for x in level)
    room = {
        Side.BACK: picked.place,
        Side.AHEAD: picked.size - 1 - picked.place,
        Side.BOTH: 2 * min(picked.place, picked.size - 1 - picked.place),
    }
    return extent <= room[side]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """The last convolutions on the widest path, with nothing between them that strides."""

    kernel: int
    dilations: tuple[int, ...]
    """In order."""
    side: Side


def _pattern(analysis: Analysis, picked: PickedPosition) -> _Pattern | None:
    """Those in front of a position, as far back as they have one kernel; None where none has."""
    found: list[tuple[int, int]] = []
    layers, axis, value = analysis.architecture.layers, picked.axis, picked.source
    while value != INPUT:
        layer = layers[value]
        taps = _sliding(layer, axis)
        if taps and found and taps[0] != found[0][0]:
            break
        edges = [x for x in layer.feature_edges if isinstance(x.reach[axis], Window)]
        widest = max(edges, key=lambda x: _extent(analysis, x.source, axis), default=None)
        reach = widest.reach[axis] if widest else None
        if widest is None or not isinstance(reach, Window) or reach.stride != 1:
            break
        found += [taps] if taps else []
        value = widest.source
    side = _side(analysis, picked, value) if found else None
    if side is None:
        return None
    return _Pattern(found[0][0], tuple(dilation for _, dilation in reversed(found)), side)


def _sliding(layer: Layer, axis: int) -> tuple[int, int] | None:
    taps = layer.taps_along(axis)
    if layer.kind is not Kind.CONV or taps is None or taps.kernel == 1:
        return None
    return taps.kernel, taps.dilation


def _extent(analysis: Analysis, value: int, axis: int) -> Number:
    field = None if value == INPUT else analysis.layers[value].output_field[axis]
    return (field.r_max if field else 1) or 0


def _continued(
    dilations: Sequence[int],
) -> Iterator[tuple[Growth, Callable[[], Iterator[tuple[int, ...]]]]]:
    """How a network with convolutions of these dilations may go on, most natural first."""
    levels = [(dilation, len(list(alike))) for dilation, alike in groupby(dilations)]
    period = _period(dilations)
    if period:
        yield Growth.STACKS, lambda: _repeated(period)
    last, count = levels[-1]
    ratio, rest = divmod(last, levels[-2][0]) if len(levels) > 1 else (1, 0)
    if ratio > 1 and not rest:
        yield Growth.LEVELS, lambda: _growing(last, ratio, count)
    elif not period:
        if len(levels) == 1:
            yield Growth.PLAIN, lambda: _repeated(dilations[-1:])
        yield Growth.DOUBLING, lambda: _growing(last, 2, 1)


def _period(dilations: Sequence[int]) -> tuple[int, ...]:
    """The stack of growing dilations that is repeated, if there are two at least."""
    for length in range(2, len(dilations) // 2 + 1):
        stack = tuple(dilations[:length])
        repeats, rest = divmod(len(dilations), length)
        if not rest and stack * repeats == tuple(dilations) and len(set(stack)) > 1:
            return stack
    return ()


def _repeated(level: Sequence[int]) -> Iterator[tuple[int, ...]]:
    while True:
        yield tuple(level)


def _growing(last: int, ratio: int, count: int) -> Iterator[tuple[int, ...]]:
    while True:
        last *= ratio
        yield (last,) * count


def _is_one_map(along: Sequence[PickedPosition]) -> bool:
    """Whether the one position is picked of one map, along all axes."""
    first, *others = sorted(along, key=lambda picked: picked.source)
    return first.source != INPUT and all(
        picked.alone and picked.source in (first.source, first.reader)
        for picked in (first, *others)
    )


def _with_levels(
    analysis: Analysis,
    along: Sequence[PickedPosition],
    sides: Sequence[Side],
    growth: Growth,
    kernel: int,
    *levels: tuple[int, ...],
) -> Longer:
    architecture = without_batch_statistics(analysis.architecture)
    source = min(picked.source for picked in along)
    box = list(map(everything, architecture.layers[source].positions))
    for picked, side in zip(along, sides, strict=True):
        places = 1 << picked.place
        for dilation in reversed([x for level in levels for x in level]):
            places = _met(places, kernel, dilation, side) & everything(picked.size)
        box[picked.axis] = places
    seen = read_positions(architecture, wanted={source: tuple(box)}).by_outputs[INPUT]
    missing = [picked.offered & ~seen.along(picked.axis) for picked in along]
    return Longer(
        *(growth, kernel, levels), seen.along(along[0].axis).bit_count(), not any(missing)
    )


def _met(places: int, kernel: int, dilation: int, side: Side) -> int:
    """What a convolution reads for these positions of its output."""
    first = {
        Side.BACK: -(kernel - 1) * dilation,
        Side.AHEAD: 0,
        Side.BOTH: -((kernel - 1) * dilation // 2),
    }[side]
    found = 0
    for tap in range(kernel):
        found |= shifted(places, first + tap * dilation)
    return found
