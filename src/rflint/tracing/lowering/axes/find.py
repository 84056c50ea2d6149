"""The axes of a recorded model: the usual ones, or what following every dimension shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from rflint.graph.windows import Extent
from rflint.operators.dimensions import Factor
from rflint.operators.effect import Effect
from rflint.tracing.lowering.axes.axes import Axes, usual_axes
from rflint.tracing.lowering.axes.dimension_tracker import DimensionTracker
from rflint.tracing.lowering.axes.selection import selected_axes
from rflint.tracing.lowering.parameters import Parameters
from rflint.tracing.recording.recording import Recording


def find_axes(
    recording: Recording,
    parameters: Parameters,
    shapes: Sequence[tuple[int, ...]],
    declared: Sequence[str] = (),
) -> Axes:
    """The axes of a recorded model, for inputs of these shapes, as far as the user left it open."""
    shapes = tuple(shapes)
    stated = tuple(declared[i] if i < len(declared) else "" for i in range(len(shapes)))
    ranks = {
        step.result.dim()
        for step in recording.steps.values()
        if step.row is not None and step.row.kind.is_convolution
    }
    if not ranks and not any(stated):
        return usual_axes(shapes)
    # features become an axis only where convolutions have more dimensions than what they are given
    uniform = len(ranks | {len(shape) for shape in shapes}) == 1 and not any(stated)
    tracker = DimensionTracker(recording, parameters, shapes, labels_features=not uniform)
    for _ in tracker.interpret():
        if uniform and tracker.is_usual():
            return usual_axes(shapes)
    folded = set() if any(stated) else tracker.only_folded()
    if folded:
        tracker = DimensionTracker(
            recording, parameters, shapes, labels_features=True, folded=folded
        )
        deque(tracker.interpret(), maxlen=0)
    return selected_axes(tracker, stated)


def with_new_axes(effect: Effect, new: Mapping[int, tuple[int, int]]) -> Effect:
    """The effect of an operator that makes new axes: by dimension of its result, axis and size."""
    dimensions = list(effect.dimensions)
    made = {axis for axis, _ in new.values()}
    for dim, (axis, _) in new.items():
        dimensions[dim] = (Factor(prod(f.size for f in dimensions[dim]), (axis,)),)
    reaches = tuple(
        tuple(Extent.GLOBAL if axis in made else reach for axis, reach in enumerate(of_one_input))
        for of_one_input in effect.reaches
    )
    return replace(effect, dimensions=tuple(dimensions), reaches=reaches)
