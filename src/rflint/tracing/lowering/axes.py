"""The spatial axes of a model: the dimensions of its inputs that convolutions slide over.

Most models take (batch, channels, *spatial), and their first convolution shows it. For all others,
every dimension of every input is followed as if it were an axis, through views, permutes and
whatever else stands in front, to the layers that slide or sum. What a convolution slides over is an
axis; what it sums over are channels; what neither happens to (frames, a batch) is carried along.

An axis may also be made inside of the model: the frequencies of a spectrogram, or the filters of a
filter bank whose outputs are then laid side by side for a convolution of one more dimension. So may
all of them: pixels that come in one row (784) and are folded into a map (28x28).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from math import prod
from typing import TypeAlias

from torch import fx

from rflint.graph.layer import Kind
from rflint.graph.windows import Extent
from rflint.inputs.layouts import lettered, places_of
from rflint.operators.call import Call
from rflint.operators.dimensions import (
    Dimension,
    Factor,
    Layout,
    at_lengths,
    axes_of,
    placed,
    tangled,
)
from rflint.operators.effect import Effect, pointwise
from rflint.operators.rows.convolution import slid_dimensions
from rflint.operators.shapes import show
from rflint.operators.values import Value
from rflint.tracing.lowering.parameters import Parameters
from rflint.tracing.lowering.values import Values
from rflint.tracing.recording.recording import Recording, Step

_MAKERS = frozenset({Kind.CONV, Kind.LINEAR, Kind.ATTENTION, Kind.EMBEDDING})
"""Kinds of layers whose features may become an axis."""

_SPECTRA = ("stft", "fft_")
"""Operators whose coefficients may become an axis."""


@dataclass(frozen=True)
class Axes:
    """Which dimension of which input carries which axis of the model."""

    resolution: tuple[int, ...]
    """Of every axis, its size: in the first input that has it, or where it is made."""
    shapes: tuple[tuple[int, ...], ...]
    inputs: tuple[tuple[int | None, ...], ...]
    """Per input and dimension, the axis that lies there."""
    layouts: tuple[str, ...]
    """The same in letters."""
    begun: Mapping[fx.Node, Mapping[int, tuple[int, int]]] = field(default_factory=dict)
    """By operator that makes axes, and by dimension of its result: which, and of what size."""
    declared: tuple[str, ...] = ()
    """What the user said of the inputs; empty texts where nothing."""
    unplaced: str = ""
    """Why no convolution slides over any axis, if that contradicts what the user said."""

    @property
    def first(self) -> int:
        """The input that is `INPUT` to an architecture: the first with the most axes."""
        return _first(self.inputs)

    @property
    def carried(self) -> tuple[int, ...]:
        """The axes that the first input has; others begin inside, or with other inputs."""
        return tuple(sorted(self._sizes(self.first))) if self.inputs else ()

    @property
    def batch(self) -> int:
        """How many samples the first input holds."""
        if not self.inputs:
            return 1
        at = self.layouts[self.first].find("B")
        return max(1, self.shapes[self.first][at]) if at >= 0 else 1

    def is_like_the_first(self, index: int) -> bool:
        """Whether an input has the axes of the first one, at the same sizes."""
        return self._sizes(index) == self._sizes(self.first)

    def _sizes(self, index: int) -> dict[int, int]:
        return {
            axis: size
            for axis, size in zip(self.inputs[index], self.shapes[index], strict=True)
            if axis is not None
        }


def find_axes(
    recording: Recording,
    parameters: Parameters,
    shapes: Sequence[tuple[int, ...]],
    declared: Sequence[str] = (),
) -> Axes:
    """The axes of a recorded model, for inputs of these shapes, as far as the user left it open."""
    shapes = tuple(shapes)
    said = tuple(declared[i] if i < len(declared) else "" for i in range(len(shapes)))
    ranks = {
        step.result.dim()
        for step in recording.steps.values()
        if step.row is not None and step.row.kind.is_convolution
    }
    if not ranks and not any(said):
        return _usual(shapes)
    # features become an axis only where convolutions have more dimensions than what they are given
    uniform = len(ranks | {len(shape) for shape in shapes}) == 1 and not any(said)
    sighting = _Sighting(recording, parameters, shapes, labels=not uniform)
    for _ in sighting.follow():
        if uniform and sighting.is_usual():
            return _usual(shapes)
    folded = set() if any(said) else sighting.only_folded()
    if folded:
        sighting = _Sighting(recording, parameters, shapes, labels=True, folded=folded)
        deque(sighting.follow(), maxlen=0)
    return _settled(sighting, shapes, said)


def beginning(effect: Effect, begun: Mapping[int, tuple[int, int]]) -> Effect:
    """The effect of an operator that makes axes, along these dimensions of its result."""
    layout = list(effect.layout)
    made = {axis for axis, _ in begun.values()}
    for dim, (axis, _) in begun.items():
        layout[dim] = (Factor(prod(f.size for f in layout[dim]), (axis,)),)
    reaches = tuple(
        tuple(Extent.GLOBAL if axis in made else reach for axis, reach in enumerate(of_one_input))
        for of_one_input in effect.reaches
    )
    return replace(effect, layout=tuple(layout), reaches=reaches)


def _usual(shapes: tuple[tuple[int, ...], ...]) -> Axes:
    """(batch, channels, *spatial), for every input with as many dimensions as the first image."""
    rank = next((len(shape) for shape in shapes if len(shape) > 2), 0)
    rank = rank or (len(shapes[0]) if shapes else 0)
    inputs = tuple(
        (None, None, *range(rank - 2)) if len(shape) == rank > 2 else (None,) * len(shape)
        for shape in shapes
    )
    resolution = next((shape[2:] for shape in shapes if len(shape) == rank), ())
    return Axes(resolution, shapes, inputs, tuple(lettered(axes) for axes in inputs))


# -- following every dimension


Slide: TypeAlias = tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]
"""What lies along each dimension that a convolution slides over, and how long each is."""


@dataclass(frozen=True)
class _Made:
    """A dimension of a result that may become an axis."""

    node: fx.Node
    dim: int
    size: int
    is_spectrum: bool = False
    is_fold: bool = False
    """Whether it is a part of a dimension of an input, which a view has folded."""


class _Sighting(Values):
    """Every dimension of every input as an axis, and what convolutions do to them.

    Axes are counted through: `inputs[i][d]` is dimension d of input i; further ones are those that
    the model makes (`made`).
    """

    def __init__(
        self,
        recording: Recording,
        parameters: Parameters,
        shapes: Sequence[tuple[int, ...]],
        *,
        labels: bool,
        folded: Set[int] = frozenset(),
    ) -> None:
        self.shapes = tuple(shapes)
        starts = [sum(map(len, shapes[:i])) for i in range(len(shapes))]
        self.inputs = [
            range(start, start + len(shape)) for start, shape in zip(starts, shapes, strict=True)
        ]
        super().__init__(recording, parameters, sum(map(len, shapes)))
        self.given = self.axes
        """So many are dimensions of inputs."""
        self.labels = labels
        self.folded = folded
        """Dimensions of inputs whose parts are axes, from the view on that folds them."""
        self._found_folded: set[int] = set()
        self._found_whole: set[int] = set()
        self.slides: dict[tuple[tuple[int, ...], ...], tuple[int, ...]] = {}
        """What lies along the dimensions that convolutions slide over, and how long those are."""
        self.slid: set[int] = set()
        self.summed: set[int] = set()
        """What convolutions and linear layers sum over."""
        self.made: dict[int, _Made] = {}
        self.consumed: set[int] = set()
        """Of what was made, what a convolution sums over before any has slid over it."""
        self._slid_as: dict[int, int] = {}
        self._placed = 0

    def is_usual(self) -> bool:
        """Whether convolutions slide over all dimensions of every input but the first two."""
        return all(
            len(dims) > 2 and self.slid.intersection(dims) == set(dims[2:]) for dims in self.inputs
        )

    def only_folded(self) -> set[int]:
        """The dimensions of inputs of which convolutions are given parts, and never the whole."""
        return self._found_folded - self._found_whole

    def placed(self, node: fx.Node, shape: tuple[int, ...]) -> Value:
        """All dimensions are followed; but those of one position only where images have axes."""
        dims = self.inputs[self._placed]
        self._placed += 1
        axes = [
            axis if size > 1 or dim > 1 else None
            for dim, (axis, size) in enumerate(zip(dims, shape, strict=True))
        ]
        return Value(shape, placed(shape, axes), 0)

    def effect(self, node: fx.Node, step: Step, call: Call) -> Effect:
        """As the table says; what is in no table may have moved anything anywhere."""
        if step.row is None or step.row.kind is Kind.TAUGHT:
            return self._unknown(call)
        effect = step.row.effect(call)
        kind = step.row.kind
        if kind.is_convolution:
            effect = self._convolved(call, effect)
        elif kind is Kind.LINEAR:
            self.summed.update(axes_of(call.input.layout[-1]))
        is_spectrum = step.row.name.startswith(_SPECTRA)
        if self.folded and kind is Kind.RESHAPE and not effect.parts:
            return self._unfolded(node, effect)
        if self.labels and (kind in _MAKERS or is_spectrum) and not effect.parts:
            effect = self._labelled(node, call, effect, is_spectrum=is_spectrum)
        return effect

    def emitted(self, step: Step, call: Call, effect: Effect, shape: tuple[int, ...]) -> Value:
        """Nothing is built."""
        return Value(shape, effect.layout, 0, zeros=effect.zeros)

    def on_constants(self, step: Step, call: Call) -> None:
        """Nothing is counted."""

    def _unknown(self, call: Call) -> Effect:
        results = call.result if isinstance(call.result, (tuple, list)) else [call.result]
        first = call.data[0].layout
        parts = [
            pointwise(
                call,
                at_lengths(first, x.shape)
                if len(x.shape) == len(first)
                else tangled(first, x.shape),
            )
            for x in results
            if hasattr(x, "shape")
        ]
        several = isinstance(call.result, (tuple, list))
        return replace(parts[0], parts=tuple(parts)) if several and parts else parts[0]

    def _convolved(self, call: Call, effect: Effect) -> Effect:
        value = call.input
        if value.source is None:
            return effect  # a constant map, under weights that are computed
        dims = slid_dimensions(call)
        there = tuple(self._along(axes_of(value.layout[dim])) for dim in dims)
        self.slides.setdefault(there, tuple(value.shape[dim] for dim in dims))
        self.slid.update(axis for at in there for axis in at)
        channels = axes_of(value.layout[dims[0] - 1])
        for axis in range(self.given):
            if any(axis in at for at in there):
                folded = _is_folded(value.layout, dims, axis)
                (self._found_folded if folded else self._found_whole).add(axis)
        self.summed.update(channels)
        self.consumed.update(channels & self.made.keys())
        return replace(effect, layout=tuple(map(self._as_slid, effect.layout)))

    def _along(self, carried: Collection[int]) -> tuple[int, ...]:
        """What lies along a dimension that is slid over.

        Where channels were moved between positions (a pixel shuffle), the positions count.
        """
        front = {axis for dims in self.inputs for axis in dims[:2] if set(dims[2:]) & {*carried}}
        return tuple(sorted(set(carried) - front))

    def _as_slid(self, carried: Dimension) -> Dimension:
        """Made axes, and folded ones, under another number, once they have been slid over."""
        return tuple(
            replace(factor, axes=tuple(self._number_once_slid(axis) for axis in factor.axes))
            if any(axis in self.made or axis in self._found_folded for axis in factor.axes)
            else factor
            for factor in carried
        )

    def _number_once_slid(self, axis: int) -> int:
        if axis not in self.made and axis not in self._found_folded:
            return axis
        if axis not in self._slid_as:
            self._slid_as[axis] = self._new_number()
        return self._slid_as[axis]

    def _labelled(self, node: fx.Node, call: Call, effect: Effect, *, is_spectrum: bool) -> Effect:
        """Features that an operator makes, each dimension of them under a number of its own."""
        rank = len(effect.layout)
        layout = list(effect.layout)
        for dim in _features(call, self.recording.steps[node], rank):
            size = prod(factor.size for factor in layout[dim])
            if size > 1 and not axes_of(layout[dim]):
                number = self._new_number()
                self.made[number] = _Made(node, dim, size, is_spectrum=is_spectrum)
                layout[dim] = (Factor(size, (number,)),)
        return replace(effect, layout=tuple(layout))

    def _unfolded(self, node: fx.Node, effect: Effect) -> Effect:
        """Every part of a dimension that a view has folded, under a number of its own."""
        layout = list(effect.layout)
        for axis in self.folded:
            dims = [d for d, carried in enumerate(layout) if axes_of(carried) == {axis}]
            for dim in dims if len(dims) > 1 else ():
                size = prod(factor.size for factor in layout[dim])
                number = self._new_number()
                self.made[number] = _Made(node, dim, size, is_fold=True)
                layout[dim] = (Factor(size, (number,)),)
        return replace(effect, layout=tuple(layout))

    def _new_number(self) -> int:
        self.axes += 1
        return self.axes - 1

    # -- what follows from it

    def lists(self) -> list[Slide]:
        """What convolutions slide over, those of most dimensions first, and how long that is.

        Each is what lies along one dimension. Features count where nothing but features lies there,
        beside as many dimensions of inputs as any convolution slides over: a convolution over the
        channels of a map that others slide over, as in attention, makes no axis of them.
        """
        back = {later: first for first, later in self._slid_as.items()}
        found: dict[tuple[tuple[int, ...], ...], tuple[int, ...]] = {}
        for slide, sizes in self.slides.items():
            found.setdefault(
                tuple(tuple(dict.fromkeys(back.get(a, a) for a in at)) for at in slide), sizes
            )
        most = max(
            (sum(self._is_given(at) for at in slide) for slide in found if self._all_given(slide)),
            default=1,
        )
        usable = {
            axis
            for slide in found
            if sum(self._is_given(at) for at in slide) >= max(most, 1)
            for at in slide
            if at and not any(axis < self.given for axis in at)
            for axis in at
            if axis not in self.consumed or self.made[axis].is_spectrum or self.made[axis].is_fold
        }
        result: list[Slide] = []
        for slide, sizes in sorted(found.items(), key=lambda one: -len(one[0])):
            kept = [
                (tuple(axis for axis in at if axis < self.given or axis in usable), size)
                for at, size in zip(slide, sizes, strict=True)
            ]
            kept = [(at, size) for at, size in kept if at]
            if kept:
                result.append((tuple(at for at, _ in kept), tuple(size for _, size in kept)))
        return sorted(result, key=lambda one: -len(one[0]))

    def axes_made(self) -> set[int]:
        """Of all that the model makes, what is an axis."""
        return {a for slide, _ in self.lists() for at in slide for a in at if a in self.made}

    def _is_given(self, at: Sequence[int]) -> bool:
        """Whether positions of an input lie there, folded or not."""
        return any(axis < self.given or self.made[axis].is_fold for axis in at)

    def _all_given(self, slide: Iterable[Sequence[int]]) -> bool:
        return all(self._is_given((axis,)) for at in slide for axis in at)


def _is_folded(layout: Layout, dims: Sequence[int], axis: int) -> bool:
    """Whether several dimensions that are slid over, or the channels too, are parts of an axis.

    Blocks of neighbours in the channels are no such parts: those were laid there (space-to-depth).
    """
    parts = [factor for dim in dims for factor in layout[dim] if factor.axes == (axis,)]
    inner = prod(factor.size for factor in parts)
    over = [f for f in layout[dims[0] - 1] if f.axes == (axis,) and f.step >= max(inner, 2)]
    return sum(factor.size > 1 for factor in (*parts, *over)) > 1


def _features(call: Call, step: Step, rank: int) -> Sequence[int]:
    """The dimensions of a result along which an operator's features lie."""
    assert step.row is not None
    if step.row.kind is Kind.CONV:
        return (slid_dimensions(call)[0] - 1,)
    if step.row.kind in (Kind.LINEAR, Kind.EMBEDDING):
        return (rank - 1,)
    if step.spelling == "stft":
        return (len(call.input.layout) - 1,)
    if step.row.name.startswith(_SPECTRA):
        return range(rank)
    # a product with a constant: a filter bank
    return range(max(rank - 2, 1), rank) if len(call.data) == 1 else ()


# -- which axes there are


def _settled(
    sighting: _Sighting, shapes: tuple[tuple[int, ...], ...], said: tuple[str, ...]
) -> Axes:
    """The axes, from what convolutions slide over and what the user said."""
    slid = [{d for d, axis in enumerate(dims) if axis in sighting.slid} for dims in sighting.inputs]
    summed = [
        {d for d, axis in enumerate(dims) if axis in sighting.summed} for dims in sighting.inputs
    ]
    chosen = [
        set(places_of(letters, slid=slides)) if letters else _filled_up(slides, sums, len(shape))
        for letters, slides, sums, shape in zip(said, slid, summed, shapes, strict=True)
    ]
    folds = any(sighting.made[a].is_fold for a in sighting.axes_made())
    if not any(chosen) and not any(said) and not folds:
        return _usual(shapes)
    usable = {sighting.inputs[i][d] for i, dims in enumerate(chosen) for d in dims}
    numbers = _numbered(sighting, usable, chosen)
    inputs = [
        tuple(numbers.get(axis) if axis in usable else None for axis in dims)
        for dims in sighting.inputs
    ]
    for i, shape in enumerate(shapes):
        # an input that meets another before any convolution lies as that one does
        like = [j for j, other in enumerate(shapes) if len(other) == len(shape) and chosen[j]]
        if not chosen[i] and not said[i] and like:
            inputs[i] = inputs[like[0]]
        elif not chosen[i] and not said[i]:
            inputs[i] = _like_masks(shape, shapes, inputs) or inputs[i]
    lengths = _lengths(sighting)
    begun: dict[fx.Node, dict[int, tuple[int, int]]] = {}
    for axis, made in sighting.made.items():
        if axis in numbers:
            begun.setdefault(made.node, {})[made.dim] = numbers[axis], lengths[axis]
    first_made = {numbers[a]: n for a, n in reversed(lengths.items()) if a in numbers}
    layouts = tuple(
        letters or lettered(axes, sums)
        for letters, axes, sums in zip(said, inputs, summed, strict=True)
    )
    sizes = _sizes(shapes, inputs, first_made)
    return Axes(
        sizes,
        shapes,
        tuple(inputs),
        layouts,
        begun,
        said if any(said) else (),
        _contradicted(shapes, said, chosen, slid, summed),
    )


def _filled_up(slid: set[int], summed: set[int], rank: int) -> set[int]:
    """The axes of an input: what is slid over, and all behind the channels if nothing contradicts.

    Of a clip (batch, channels, frames, height, width) frames are an axis, also where convolutions
    slide over single ones: other operators may read along them.
    """
    usual = set(range(2, rank))
    return usual if slid and slid <= usual and not (usual - slid) & summed else slid


def _numbered(sighting: _Sighting, usable: set[int], chosen: Sequence[set[int]]) -> dict[int, int]:
    """An axis of the model for everything that was followed and is one.

    They are counted in the order in which the convolutions of most dimensions carry them; what
    lies in the same place of others is the same axis.
    """
    lists: list[list[tuple[int, ...]]] = [
        [
            group
            for at in slide
            for group in (
                [(axis,) for axis in at if axis in usable]
                if any(axis < sighting.given for axis in at)
                else [at]
            )
        ]
        for slide, _ in sighting.lists()
    ]
    lists.sort(key=lambda groups: -len(groups))
    said: list[list[tuple[int, ...]]] = [
        [(dims[d],) for d in sorted(places)]
        for dims, places in zip(sighting.inputs, chosen, strict=True)
    ]
    owner = {axis: i for i, dims in enumerate(sighting.inputs) for axis in dims}
    numbers: dict[int, int] = {}
    for groups in lists + said:
        count = len(set(numbers.values()))
        here = {numbers[axis] for group in groups for axis in group if axis in numbers}
        offset = 0 if (len(groups), count) == (1, 3) else max(0, count - len(groups))
        for place, group in enumerate(groups, start=offset):
            if group[0] in numbers:
                continue
            taken = here | {
                number
                for axis, number in numbers.items()
                if group[0] in owner and owner.get(axis) == owner[group[0]]
            }
            number = place if place not in taken else max([count - 1, *numbers.values()]) + 1
            numbers |= dict.fromkeys(group, number)
            here.add(number)
    return _in_order(sighting, numbers, lists)


def _in_order(
    sighting: _Sighting, numbers: dict[int, int], lists: Sequence[Sequence[tuple[int, ...]]]
) -> dict[int, int]:
    """The same axes counted anew: without gaps, and as an input has them where it has them all.

    The order is that of a convolution that slides over all of them, unless that is an image of the
    usual layout, whose own order counts.
    """
    found = sorted(set(numbers.values()))
    order = found
    for dims in sighting.inputs:
        own = [axis for axis in dims if axis in numbers]
        if {numbers[axis] for axis in own} != set(found):
            continue
        whole = any(
            {numbers[a] for g in groups for a in g if a in numbers} == set(found)
            for groups in lists
            if len(groups) == len(found)
        )
        if list(own) == list(dims[2:]) or not whole:
            order = [numbers[axis] for axis in own]
        break
    places = {number: place for place, number in enumerate(order)}
    return {axis: places[number] for axis, number in numbers.items()}


def _like_masks(
    shape: Sequence[int],
    shapes: Sequence[tuple[int, ...]],
    inputs: Sequence[tuple[int | None, ...]],
) -> tuple[int | None, ...]:
    """The axes of an input that has all positions of another one, and no channels: a mask."""
    for other, axes in zip(shapes, inputs, strict=True):
        positions = [(n, axis) for n, axis in zip(other, axes, strict=True) if axis is not None]
        if positions and tuple(shape[1:]) == tuple(n for n, _ in positions):
            return (None, *(axis for _, axis in positions))
    return ()


def _lengths(sighting: _Sighting) -> dict[int, int]:
    """How long all that the model makes is: as convolutions slide over it, parts together."""
    lengths = {axis: made.size for axis, made in sighting.made.items()}
    for slide, sizes in sighting.lists():
        for at, size in zip(slide, sizes, strict=True):
            if len(at) > 1 and at[0] in sighting.made:
                lengths |= dict.fromkeys(at, size)
    return lengths


def _sizes(
    shapes: Sequence[tuple[int, ...]],
    inputs: Sequence[tuple[int | None, ...]],
    made: Mapping[int, int],
) -> tuple[int, ...]:
    """Of every axis, the size: in the input that comes first, or where it is made."""
    sizes: dict[int, int] = {}
    for i in (_first(inputs), *range(len(inputs))):
        for axis, size in zip(inputs[i], shapes[i], strict=True):
            if axis is not None:
                sizes.setdefault(axis, size)
    sizes = {**made, **sizes}
    return tuple(sizes[axis] for axis in range(len(sizes)))


def _first(inputs: Sequence[Sequence[int | None]]) -> int:
    """The input that is `INPUT` to an architecture: the first with the most axes."""
    counts = [sum(axis is not None for axis in axes) for axes in inputs]
    return counts.index(max(counts)) if counts else 0


def _contradicted(
    shapes: Sequence[tuple[int, ...]],
    said: Sequence[str],
    chosen: Sequence[set[int]],
    slid: Sequence[set[int]],
    summed: Sequence[set[int]],
) -> str:
    """What convolutions slide over, if that is none of what the user calls axes."""
    if any(places & slides for places, slides in zip(chosen, slid, strict=True)):
        return ""
    for shape, letters, slides, sums in zip(shapes, said, slid, summed, strict=True):
        if letters and slides:
            axes = [sorted(slides).index(d) if d in slides else None for d in range(len(shape))]
            dims = " and ".join(f"{d} ({shape[d]})" for d in sorted(slides))
            which = "dimensions" if len(slides) > 1 else "dimension"
            return (
                f"they slide over {which} {dims} of the input {show(shape)}, which the layout "
                f"{letters} takes for {' and '.join(letters[d] for d in sorted(slides))}; "
                f"say --layout {lettered(axes, sums)}, or nothing"
            )
    return ""
