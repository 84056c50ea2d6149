"""How the inputs and the outputs of a model lie along the axes of the image."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rflint.analysis.analysis import Analysis
from rflint.analysis.tiling.ends import Ends
from rflint.analysis.tiling.follow import Course
from rflint.analysis.tiling.obstacles import NotTileable
from rflint.analysis.tiling.tiling import AlongAxis, InputTensor, OutputMap
from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number


def input_tensors(architecture: Architecture) -> tuple[InputTensor, ...]:
    """The dimensions along which the axes lie, by input."""
    axes = range(architecture.axes)
    found = []
    for number, shape in enumerate(architecture.inputs):
        rank = len(shape)
        if architecture.axes_of_dimensions:
            carried = architecture.axes_of_dimensions[number]
            dimensions = tuple(carried.index(axis) for axis in axes if axis in carried)
        else:
            dimensions = tuple(range(rank - len(axes), rank))
        found.append(InputTensor(dimensions, rank))
    return tuple(found)


def output_maps(
    base: Analysis, there: Analysis, courses: Sequence[Course]
) -> tuple[OutputMap, ...] | NotTileable:
    """The outputs, from traces at two sizes that differ along every axis; or why that fails."""
    found = []
    for number, value in enumerate(base.architecture.outputs):
        ends = [course.ends[value] for course in courses]
        dimensions = _dimensions(base.architecture, there.architecture, number)
        if dimensions is None or not all(isinstance(x, Ends) for x in ends):
            return NotTileable(why=f"output {number + 1} is no map with the axes of the image")
        along = tuple(
            _along(base, axis, value, x) for axis, x in enumerate(ends) if isinstance(x, Ends)
        )
        rank = len(base.architecture.output_shapes[number])
        found.append(OutputMap(along, dimensions, rank))
    return tuple(found)


def _dimensions(one: Architecture, other: Architecture, number: int) -> tuple[int, ...] | None:
    """By axis, the dimension of an output along which it lies: the one that is as long in both."""
    value = one.outputs[number]
    shapes = one.output_shapes[number], other.output_shapes[number]
    if len(shapes[0]) != len(shapes[1]):
        return None
    lengths = list(zip(*shapes, strict=True))
    wanted = list(zip(one.positions_of(value), other.positions_of(value), strict=True))
    found: list[int] = []
    for pair in wanted:
        fitting = [d for d, both in enumerate(lengths) if both == pair and d not in found]
        if not fitting:
            return None
        found.append(fitting[0])
    others = [both for d, both in enumerate(lengths) if d not in found]
    return tuple(found) if all(a == b for a, b in others) else None


def _along(base: Analysis, axis: int, value: int, ends: Ends) -> AlongAxis:
    architecture = base.architecture
    jump = Fraction(ends.jump)
    extra = architecture.positions_of(value)[axis] - architecture.resolution[axis] / jump
    spans = base.layers[value].output_field[axis].spans.values()
    first = min((span.first for span in spans), default=0)
    last = max((span.last for span in spans), default=0)
    lost = -extra * jump
    begins = round(Fraction(first + last) / 2 - (jump - 1) / 2)
    least, most = sorted((0, int(lost)))
    begins = max(least, min(most, begins))
    return AlongAxis(ends.jump, _number(extra), ends.before, ends.after, begins)


def _number(value: Fraction) -> Number:
    return int(value) if value.denominator == 1 else value
