"""What the convolutions of a model slide over, and what of it may be an axis."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass

from rflint.tracing.lowering.axes.dimension_tracker import DimensionTracker


@dataclass(frozen=True)
class Slide:
    """The dimensions that a convolution slides over."""

    axes: tuple[tuple[int, ...], ...]
    """Per dimension, which of the tracked axes lie there."""
    sizes: tuple[int, ...]
    """Per dimension, how long it is."""


def slides_over_axes(tracker: DimensionTracker) -> list[Slide]:
    """What convolutions slide over, those of most dimensions first, without what is no axis.

    Features count where nothing but features lies along a dimension, beside as many dimensions of
    inputs as any convolution slides over: a convolution over the channels of a map that others
    slide over, as in attention, makes no axis of them.
    """
    slides = _slides_as_made(tracker)
    features = _features_that_are_axes(tracker, slides)
    result: list[Slide] = []
    for slide in sorted(slides, key=lambda slide: -len(slide.axes)):
        dimensions = [
            (tuple(a for a in there if a < tracker.input_dimensions or a in features), size)
            for there, size in zip(slide.axes, slide.sizes, strict=True)
        ]
        dimensions = [(there, size) for there, size in dimensions if there]
        if dimensions:
            axes, sizes = zip(*dimensions, strict=True)
            result.append(Slide(axes, sizes))
    return sorted(result, key=lambda slide: -len(slide.axes))


def new_axes(tracker: DimensionTracker) -> set[int]:
    """The dimensions that the model makes and that are axes."""
    slides = slides_over_axes(tracker)
    return {a for slide in slides for there in slide.axes for a in there if a in tracker.new}


def _slides_as_made(tracker: DimensionTracker) -> list[Slide]:
    """All slides, with every new dimension under the number that it had when it was made."""
    as_made = {later: first for first, later in tracker.number_once_slid.items()}
    sizes_by_axes: dict[tuple[tuple[int, ...], ...], tuple[int, ...]] = {}
    for slide, sizes in tracker.slides.items():
        axes = tuple(tuple(dict.fromkeys(as_made.get(a, a) for a in there)) for there in slide)
        sizes_by_axes.setdefault(axes, sizes)
    return [Slide(axes, sizes) for axes, sizes in sizes_by_axes.items()]


def _features_that_are_axes(tracker: DimensionTracker, slides: Sequence[Slide]) -> Set[int]:
    counts = {slide: sum(_is_of_inputs(tracker, there) for there in slide.axes) for slide in slides}
    most = max(
        (
            counts[slide]
            for slide in slides
            if all(_is_of_inputs(tracker, (axis,)) for there in slide.axes for axis in there)
        ),
        default=1,
    )
    return {
        axis
        for slide in slides
        if counts[slide] >= max(most, 1)
        for there in slide.axes
        if there and not any(axis < tracker.input_dimensions for axis in there)
        for axis in there
        if axis not in tracker.consumed
        or tracker.new[axis].is_spectrum
        or tracker.new[axis].is_fold
    }


def _is_of_inputs(tracker: DimensionTracker, axes: Collection[int]) -> bool:
    """Whether positions of an input lie there, folded or not."""
    return any(axis < tracker.input_dimensions or tracker.new[axis].is_fold for axis in axes)
