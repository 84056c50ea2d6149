"""Whether a model does on a tile what it does on an image: two traces, held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.behaviours import is_like
from rflint.analysis.tiling.ends import Ends
from rflint.analysis.tiling.follow import Course, follow
from rflint.analysis.tiling.obstacles import Obstacle
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Layer
from rflint.graph.taps import Taps
from rflint.graph.windows import Window
from rflint.text.numbers import size


def difference(base: Analysis, there: Analysis, courses: Sequence[Course]) -> Obstacle | str | None:
    """What is different at another size, so that tiles of it are no parts of the whole.

    A layer that does something else there, or why the two cannot be compared; None where every
    position of a tile is one of the image.
    """
    one, other = base.architecture, there.architecture
    if not is_like(base, there):
        return f"the model does something else on inputs of {size(other.resolution)}"
    for index in sorted(one.relations.live_layers):
        for axis, course in enumerate(courses):
            ends = course.ends[index]
            if not isinstance(ends, Ends):
                continue
            layer = one.layers[index]
            counts = layer.positions[axis], other.layers[index].positions[axis]
            shorter = one.resolution[axis] - other.resolution[axis]
            if counts[0] - counts[1] != Fraction(shorter) / ends.jump:
                return Obstacle(layer, _grows_otherwise(counts, one, other, axis))
            if _reads(layer, axis) != _reads(other.layers[index], axis):
                return Obstacle(
                    layer,
                    "reads positions in another way where the input has another size",
                    is_certain=False,
                )
    again = [follow(other, axis) for axis in range(other.axes)]
    if any(a.ends != b.ends or b.obstacles for a, b in zip(courses, again, strict=True)):
        return (
            f"what is read at the ends of maps is different on inputs of {size(other.resolution)}"
        )
    return None


def _grows_otherwise(
    counts: tuple[int, int], one: Architecture, other: Architecture, axis: int
) -> str:
    if counts[0] == counts[1]:
        return f"makes {counts[0]} positions of inputs of any size"
    return (
        f"makes {counts[0]} positions of inputs of {one.resolution[axis]}, and {counts[1]} of "
        f"inputs of {other.resolution[axis]}: as if not by one step"
    )


def _reads(layer: Layer, axis: int) -> tuple[object, ...]:
    """What a layer reads along an axis, but for how many positions there are."""
    taps = layer.taps_along(axis)
    window = _apart_from_sizes(taps) if taps is not None else None
    resampling = layer.resampling_along(axis)
    reaches = [edge.reach[axis] for edge in layer.inputs]
    if resampling is not None:  # windows have the step of the sizes, which need not be the one
        sizes = [reach.size if isinstance(reach, Window) else reach for reach in reaches]
        return (sizes, resampling.step, resampling.start)
    return (reaches, window)


def _apart_from_sizes(taps: Taps) -> Taps:
    return replace(taps, positions=0, windows=0, zeros=0)
