"""Every dimension of every input, followed to the layers that slide or sum over it."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, replace
from math import prod

from torch import fx

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.operators.call import Call
from rflint.operators.dimensions import Dimension, Dimensions, Factor, axes_of, input_dimensions
from rflint.operators.effect import Effect, pointwise
from rflint.operators.regrouping import at_lengths, tangled
from rflint.operators.rows.convolution import slid_dimensions
from rflint.operators.values import Value
from rflint.tracing.lowering.interpreter import GraphInterpreter
from rflint.tracing.lowering.parameters import Parameters
from rflint.tracing.recording.recording import Recording, Step

_MAKERS = frozenset({Kind.CONV, Kind.LINEAR, Kind.ATTENTION, Kind.EMBEDDING})
"""Kinds of layers whose features may become an axis."""


@dataclass(frozen=True)
class NewDimension:
    """A dimension of a result that may become an axis."""

    node: fx.Node
    dim: int
    size: int
    is_spectrum: bool = False
    is_fold: bool = False
    """Whether it is a part of a dimension of an input, which a view has folded."""


class DimensionTracker(GraphInterpreter):
    """Follows every dimension of every input as if it were an axis, and notes what layers do to it.

    Axes are counted through: `inputs[i][d]` is dimension d of input i; further ones are those that
    the model makes (`new`).
    """

    def __init__(
        self,
        recording: Recording,
        parameters: Parameters,
        shapes: Sequence[tuple[int, ...]],
        *,
        labels_features: bool,
        folded: Set[int] = frozenset(),
    ) -> None:
        self.shapes = tuple(shapes)
        starts = [sum(map(len, shapes[:i])) for i in range(len(shapes))]
        self.inputs = [
            range(start, start + len(shape)) for start, shape in zip(starts, shapes, strict=True)
        ]
        super().__init__(recording, parameters, sum(map(len, shapes)))
        self.input_dimensions = self.axes
        """So many are dimensions of inputs."""
        self.labels_features = labels_features
        self.folded = folded
        """Dimensions of inputs whose parts are axes, from the view on that folds them."""
        self._slid_in_parts: set[int] = set()
        self._slid_as_whole: set[int] = set()
        self.slides: dict[tuple[tuple[int, ...], ...], tuple[int, ...]] = {}
        """What lies along the dimensions that convolutions slide over, and how long those are."""
        self.slid: set[int] = set()
        self.summed: set[int] = set()
        """What convolutions and linear layers sum over."""
        self.new: dict[int, NewDimension] = {}
        self.consumed: set[int] = set()
        """Of what was made, what a convolution sums over before any has slid over it."""
        self.number_once_slid: dict[int, int] = {}
        """By a new axis or a folded one, the number under which it goes on behind a convolution."""
        self._inputs_seen = 0

    def is_usual(self) -> bool:
        """Whether convolutions slide over all dimensions of every input but the first two."""
        return all(
            len(dims) > 2 and self.slid.intersection(dims) == set(dims[2:]) for dims in self.inputs
        )

    def only_folded(self) -> set[int]:
        """The dimensions of inputs of which convolutions are given parts, and never the whole."""
        return self._slid_in_parts - self._slid_as_whole

    def input_value(self, node: fx.Node, shape: tuple[int, ...]) -> Value:
        """An input, all dimensions tracked; of one position, only those where images have axes."""
        dims = self.inputs[self._inputs_seen]
        self._inputs_seen += 1
        axes = [
            axis if size > 1 or dim > 1 else None
            for dim, (axis, size) in enumerate(zip(dims, shape, strict=True))
        ]
        return Value(shape, input_dimensions(shape, axes), 0)

    def effect(self, node: fx.Node, step: Step, call: Call) -> Effect:
        """What the table says; an operator in no table may have moved anything anywhere."""
        if step.row is None or step.row.kind is Kind.TAUGHT:
            return self._unknown(call)
        effect = step.row.effect(call)
        kind = step.row.kind
        if kind.is_convolution:
            effect = self._convolved(call, effect)
        elif kind is Kind.LINEAR:
            self.summed.update(axes_of(call.input.dimensions[-1]))
        is_spectrum = Trait.SPECTRAL in step.row.traits
        if self.folded and kind is Kind.RESHAPE and not effect.parts:
            return self._unfolded(node, effect)
        if self.labels_features and (kind in _MAKERS or is_spectrum) and not effect.parts:
            effect = self._labelled(node, call, effect, is_spectrum=is_spectrum)
        return effect

    def output_value(
        self, node: fx.Node, step: Step, call: Call, effect: Effect, shape: tuple[int, ...]
    ) -> Value:
        """The value behind an operator; nothing is made of the call."""
        return Value(shape, effect.dimensions, 0, zeros=effect.zeros)

    def on_constant_call(self, node: fx.Node, step: Step, call: Call) -> None:
        """Nothing is to be noted."""

    def _unknown(self, call: Call) -> Effect:
        results = call.result if isinstance(call.result, (tuple, list)) else [call.result]
        first = call.data[0].dimensions
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
        there = tuple(self._along(axes_of(value.dimensions[dim])) for dim in dims)
        self.slides.setdefault(there, tuple(value.shape[dim] for dim in dims))
        self.slid.update(axis for at in there for axis in at)
        channels = axes_of(value.dimensions[dims[0] - 1])
        for axis in range(self.input_dimensions):
            if any(axis in at for at in there):
                folded = _is_folded(value.dimensions, dims, axis)
                (self._slid_in_parts if folded else self._slid_as_whole).add(axis)
        self.summed.update(channels)
        self.consumed.update(channels & self.new.keys())
        return replace(effect, dimensions=tuple(map(self._as_slid, effect.dimensions)))

    def _along(self, carried: Collection[int]) -> tuple[int, ...]:
        """The tracked axes along a dimension that is slid over.

        Where channels were moved between positions (a pixel shuffle), the positions count.
        """
        front = {axis for dims in self.inputs for axis in dims[:2] if set(dims[2:]) & {*carried}}
        return tuple(sorted(set(carried) - front))

    def _as_slid(self, carried: Dimension) -> Dimension:
        """A dimension with its new and folded axes renumbered, since they have been slid over."""
        return tuple(
            replace(factor, axes=tuple(self._as_slid_number(axis) for axis in factor.axes))
            if any(axis in self.new or axis in self._slid_in_parts for axis in factor.axes)
            else factor
            for factor in carried
        )

    def _as_slid_number(self, axis: int) -> int:
        if axis not in self.new and axis not in self._slid_in_parts:
            return axis
        if axis not in self.number_once_slid:
            self.number_once_slid[axis] = self._new_number()
        return self.number_once_slid[axis]

    def _labelled(self, node: fx.Node, call: Call, effect: Effect, *, is_spectrum: bool) -> Effect:
        """An effect with a number for every dimension of features that the operator makes."""
        rank = len(effect.dimensions)
        dimensions = list(effect.dimensions)
        for dim in _features(call, self.recording.steps[node], rank):
            size = prod(factor.size for factor in dimensions[dim])
            if size > 1 and not axes_of(dimensions[dim]):
                number = self._new_number()
                self.new[number] = NewDimension(node, dim, size, is_spectrum=is_spectrum)
                dimensions[dim] = (Factor(size, (number,)),)
        return replace(effect, dimensions=tuple(dimensions))

    def _unfolded(self, node: fx.Node, effect: Effect) -> Effect:
        """An effect with a number for every part of a dimension that the view has folded."""
        dimensions = list(effect.dimensions)
        for axis in self.folded:
            dims = [d for d, carried in enumerate(dimensions) if axes_of(carried) == {axis}]
            for dim in dims if len(dims) > 1 else ():
                size = prod(factor.size for factor in dimensions[dim])
                number = self._new_number()
                self.new[number] = NewDimension(node, dim, size, is_fold=True)
                dimensions[dim] = (Factor(size, (number,)),)
        return replace(effect, dimensions=tuple(dimensions))

    def _new_number(self) -> int:
        self.axes += 1
        return self.axes - 1


def _is_folded(dimensions: Dimensions, dims: Sequence[int], axis: int) -> bool:
    """Whether several dimensions that are slid over, or the channels too, are parts of an axis.

    Blocks of neighbours in the channels are no such parts: those were laid there (space-to-depth).
    """
    parts = [factor for dim in dims for factor in dimensions[dim] if factor.axes == (axis,)]
    inner = prod(factor.size for factor in parts)
    over = [f for f in dimensions[dims[0] - 1] if f.axes == (axis,) and f.step >= max(inner, 2)]
    return sum(factor.size > 1 for factor in (*parts, *over)) > 1


def _features(call: Call, step: Step, rank: int) -> Sequence[int]:
    """The dimensions of a result along which an operator's features lie."""
    assert step.row is not None
    if step.row.kind is Kind.CONV:
        return (slid_dimensions(call)[0] - 1,)
    if step.row.kind in (Kind.LINEAR, Kind.EMBEDDING):
        return (rank - 1,)
    if step.spelling == "stft":
        return (len(call.input.dimensions) - 1,)
    if Trait.SPECTRAL in step.row.traits:
        return range(rank)
    # a product with a constant: a filter bank
    return range(max(rank - 2, 1), rank) if len(call.data) == 1 else ()
