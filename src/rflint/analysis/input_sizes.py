"""The size of the input that the receptive field of each layer is compared with, per axis.

With one input that is the input's size. With several of different sizes, and with axes that begin
inside of the model, it depends on the layer: receptive fields are computed for each input on its
own, and a layer exceeds the input along an axis once its receptive field is larger than every input
that it sees at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rflint.analysis.receptive_field import NO_FIELD, AxisField, LayerField, propagate
from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number


@dataclass(frozen=True, slots=True)
class Comparison:
    """A receptive field along one axis, compared with the size of the input.

    Where inputs of different sizes meet, it is the input of which the smallest part is seen.
    """

    axis: int
    r_min: Number | None
    """The smallest receptive field over all paths; None: unbounded."""
    input_size: int
    has_axis: bool = True
    """Whether the value has the axis at all; it may begin later, as that of a spectrum does."""

    @property
    def exceeds_input(self) -> bool:
        """Whether the receptive field is larger than the input: r > i."""
        return self.has_axis and (self.r_min is None or self.r_min > self.input_size)

    @property
    def ratio(self) -> float:
        """The receptive field as a multiple of the input size."""
        return float("inf") if self.r_min is None else float(self.r_min / self.input_size)


class InputSizes:
    """The receptive field of every layer in each input, where inputs differ in size."""

    def __init__(self, architecture: Architecture, fields: Sequence[LayerField]) -> None:
        self.resolution = architecture.resolution
        self._given = {axis for axes in architecture.axes_of_dimensions for axis in axes}
        if not architecture.axes_of_dimensions:
            self._given.update(range(architecture.axes))
        begun = architecture.axis_origins
        sources_by_sizes: dict[tuple[tuple[int, int], ...], list[int]] = {}
        for source, sizes in begun.items():
            sources_by_sizes.setdefault(tuple(sorted(sizes.items())), []).append(source)
        known: dict[int, int] = dict(enumerate(self.resolution))
        if all(known[axis] == size for sizes in sources_by_sizes for axis, size in sizes):
            self._followed = [(known, fields)]
        else:
            self._followed = [
                (dict(sizes), propagate(architecture, sources))
                for sizes, sources in sources_by_sizes.items()
            ]

    def comparisons(self, index: int, *, behind: bool = False) -> tuple[Comparison, ...]:
        """Per axis, what a layer reads (or writes, `behind` it) against the size of the input."""
        return tuple(
            self._compared(index, axis, size, behind) for axis, size in enumerate(self.resolution)
        )

    def field_of_first(self, index: int, axis: int, *, behind: bool = False) -> AxisField:
        """A layer's receptive field in the first input that has an axis, or where that begins."""
        for sizes, fields in self._followed:
            if sizes.get(axis) == self.resolution[axis]:
                return _side(fields[index], behind)[axis]
        return NO_FIELD

    def required_size(self, index: int, axis: int) -> Number | None:
        """The smallest size of that input that a layer's receptive field does not exceed.

        None where no size is large enough.
        """
        r = self.field_of_first(index, axis).r_min
        fixed = axis not in self._given
        return None if fixed and r is not None and r > self.resolution[axis] else r

    def _compared(self, index: int, axis: int, size: int, behind: bool) -> Comparison:
        if len(self._followed) == 1:
            return compared_with(axis, _side(self._followed[0][1][index], behind)[axis], size)
        found = [
            Comparison(axis, field.r_min, sizes[axis])
            for sizes, fields in self._followed
            if not (field := _side(fields[index], behind)[axis]).is_empty and axis in sizes
        ]
        nothing = Comparison(axis, None, size, has_axis=False)
        return min(found, key=lambda one: one.ratio, default=nothing)


def compared_with(axis: int, field: AxisField, size: int) -> Comparison:
    """A receptive field against a size along one axis, where all axes begin with one input."""
    return Comparison(axis, field.r_min, size, has_axis=not field.is_empty)


def _side(field: LayerField, behind: bool) -> tuple[AxisField, ...]:
    return field.output_field if behind else field.input_field
