"""Which dimension of which input carries which spatial axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import fx

from rflint.inputs.layouts import layout_letters


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
    new: Mapping[fx.Node, Mapping[int, tuple[int, int]]] = field(default_factory=dict)
    """By operator that makes axes, and by dimension of its result: which, and of what size."""
    declared: tuple[str, ...] = ()
    """What the user said of the inputs; empty texts where nothing."""
    unplaced: str = ""
    """Why no convolution slides over any axis, if that contradicts what the user said."""

    @property
    def first(self) -> int:
        """The input that is `INPUT` to an architecture: the first with the most axes."""
        return main_input(self.inputs)

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


def usual_axes(shapes: tuple[tuple[int, ...], ...]) -> Axes:
    """(batch, channels, *spatial), for every input with as many dimensions as the first image."""
    rank = next((len(shape) for shape in shapes if len(shape) > 2), 0)
    rank = rank or (len(shapes[0]) if shapes else 0)
    inputs = tuple(
        (None, None, *range(rank - 2)) if len(shape) == rank > 2 else (None,) * len(shape)
        for shape in shapes
    )
    resolution = next((shape[2:] for shape in shapes if len(shape) == rank), ())
    return Axes(resolution, shapes, inputs, tuple(layout_letters(axes) for axes in inputs))


def batch_axis(shapes: tuple[tuple[int, ...], ...], places: Sequence[int | None]) -> Axes:
    """The batch as the one axis; `places` say which dimension of each input it is."""
    inputs = tuple(
        tuple(0 if dim == place else None for dim in range(len(shape)))
        for shape, place in zip(shapes, places, strict=True)
    )
    size = next((s[at] for s, at in zip(shapes, places, strict=True) if at is not None), 1)
    return Axes((size,), shapes, inputs, tuple("" for _ in shapes))


def main_input(inputs: Sequence[Sequence[int | None]]) -> int:
    """The input that is `INPUT` to an architecture: the first with the most axes."""
    counts = [sum(axis is not None for axis in axes) for axes in inputs]
    return counts.index(max(counts)) if counts else 0
