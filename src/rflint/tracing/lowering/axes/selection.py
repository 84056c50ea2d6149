"""Which of the tracked dimensions are the axes of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import fx

from rflint.inputs.layouts import axis_dimensions, layout_letters
from rflint.operators.shapes import shape_text
from rflint.tracing.lowering.axes.axes import Axes, main_input, usual_axes
from rflint.tracing.lowering.axes.dimension_tracker import DimensionTracker
from rflint.tracing.lowering.axes.numbering import numbered_axes
from rflint.tracing.lowering.axes.slides import new_axes, slides_over_axes


def selected_axes(tracker: DimensionTracker, layouts: Sequence[str]) -> Axes:
    """The axes, from what convolutions slide over and the layouts that the user gave.

    A layout is an empty text where the user said nothing of the input.
    """
    uses = [_use(tracker, i, layout) for i, layout in enumerate(layouts)]
    folds = any(tracker.new[axis].is_fold for axis in new_axes(tracker))
    if not any(use.axes or use.layout for use in uses) and not folds:
        return usual_axes(tracker.shapes)
    numbers = numbered_axes(tracker, [use.axes for use in uses])
    inputs = _axes_of_inputs(tracker, uses, numbers)
    lengths = _lengths_of_new(tracker)
    sizes_of_new = {numbers[a]: n for a, n in reversed(lengths.items()) if a in numbers}
    return Axes(
        _sizes(tracker.shapes, inputs, sizes_of_new),
        tracker.shapes,
        tuple(inputs),
        tuple(
            use.layout or layout_letters(axes, use.summed)
            for use, axes in zip(uses, inputs, strict=True)
        ),
        _new_by_node(tracker, numbers, lengths),
        tuple(layouts) if any(layouts) else (),
        _contradiction(uses),
    )


@dataclass(frozen=True)
class _InputUse:
    """An input, and what layers do to its dimensions."""

    shape: tuple[int, ...]
    layout: str
    """What the user said, if anything."""
    slid: set[int]
    """The dimensions that convolutions slide over."""
    summed: set[int]
    """Those that layers sum over."""

    @cached_property
    def axes(self) -> set[int]:
        """The dimensions that are axes: all behind the channels, if nothing contradicts.

        Of a clip (batch, channels, frames, height, width) frames are an axis, also where
        convolutions slide over single ones: other operators may read along them.
        """
        if self.layout:
            return set(axis_dimensions(self.layout, slid=self.slid))
        usual = set(range(2, len(self.shape)))
        is_usual = self.slid and self.slid <= usual and not (usual - self.slid) & self.summed
        return usual if is_usual else self.slid


def _use(tracker: DimensionTracker, index: int, layout: str) -> _InputUse:
    tracked = tracker.inputs[index]
    slid = {dim for dim, axis in enumerate(tracked) if axis in tracker.slid}
    summed = {dim for dim, axis in enumerate(tracked) if axis in tracker.summed}
    return _InputUse(tracker.shapes[index], layout, slid, summed)


def _axes_of_inputs(
    tracker: DimensionTracker, uses: Sequence[_InputUse], numbers: Mapping[int, int]
) -> list[tuple[int | None, ...]]:
    """Per input and dimension, the axis that lies there."""
    inputs = [
        tuple(numbers.get(axis) if dim in use.axes else None for dim, axis in enumerate(tracked))
        for tracked, use in zip(tracker.inputs, uses, strict=True)
    ]
    for i, use in enumerate(uses):
        if use.axes or use.layout:
            continue
        # an input that meets another before any convolution lies as that one does
        rank = len(use.shape)
        like = [j for j, other in enumerate(uses) if len(other.shape) == rank and other.axes]
        if like:
            inputs[i] = inputs[like[0]]
        else:
            inputs[i] = _axes_of_mask(use.shape, tracker.shapes, inputs) or inputs[i]
    return inputs


def _axes_of_mask(
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


def _lengths_of_new(tracker: DimensionTracker) -> dict[int, int]:
    """The length of every new dimension; of parts slid over together, that of the whole."""
    lengths = {axis: new.size for axis, new in tracker.new.items()}
    for slide in slides_over_axes(tracker):
        for there, size in zip(slide.axes, slide.sizes, strict=True):
            if len(there) > 1 and there[0] in tracker.new:
                lengths |= dict.fromkeys(there, size)
    return lengths


def _new_by_node(
    tracker: DimensionTracker, numbers: Mapping[int, int], lengths: Mapping[int, int]
) -> dict[fx.Node, dict[int, tuple[int, int]]]:
    """By operator that makes axes, and by dimension of its result: which, and of what size."""
    found: dict[fx.Node, dict[int, tuple[int, int]]] = {}
    for axis, new in tracker.new.items():
        if axis in numbers:
            found.setdefault(new.node, {})[new.dim] = numbers[axis], lengths[axis]
    return found


def _sizes(
    shapes: Sequence[tuple[int, ...]],
    inputs: Sequence[tuple[int | None, ...]],
    sizes_of_new: Mapping[int, int],
) -> tuple[int, ...]:
    """The size of every axis: in the first input that has it, or where it is made."""
    sizes: dict[int, int] = {}
    for i in (main_input(inputs), *range(len(inputs))):
        for axis, size in zip(inputs[i], shapes[i], strict=True):
            if axis is not None:
                sizes.setdefault(axis, size)
    sizes = {**sizes_of_new, **sizes}
    return tuple(sizes[axis] for axis in range(len(sizes)))


def _contradiction(uses: Sequence[_InputUse]) -> str:
    """What convolutions slide over instead, if it is no axis that the user has named."""
    if any(use.axes & use.slid for use in uses):
        return ""
    for use in uses:
        if use.layout and use.slid:
            slid, shape, layout = sorted(use.slid), use.shape, use.layout
            axes = [slid.index(d) if d in slid else None for d in range(len(shape))]
            dims = " and ".join(f"{d} ({shape[d]})" for d in slid)
            which = "dimensions" if len(slid) > 1 else "dimension"
            return (
                f"they slide over {which} {dims} of the input {shape_text(shape)}, which the "
                f"layout {layout} takes for {' and '.join(layout[d] for d in slid)}; "
                f"say --layout {layout_letters(axes, use.summed)}, or nothing"
            )
    return ""
