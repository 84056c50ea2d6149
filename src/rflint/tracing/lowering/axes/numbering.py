"""Numbers for the axes of a model: dimensions that lie in the same place are the same axis."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TypeAlias

from rflint.tracing.lowering.axes.dimension_tracker import DimensionTracker
from rflint.tracing.lowering.axes.slides import Slide, slides_over_axes

_Group: TypeAlias = tuple[int, ...]
"""Tracked axes that lie along one dimension, as parts of one axis."""


def numbered_axes(tracker: DimensionTracker, axes_of_inputs: Sequence[Set[int]]) -> dict[int, int]:
    """The model's axes, counted from 0, for those of the tracked axes that are one.

    `axes_of_inputs` are, per input, the dimensions that are axes. Axes are counted in the order in
    which the convolutions of most dimensions carry them; what lies in the same place of others is
    the same axis.
    """
    usable = {tracker.inputs[i][d] for i, dims in enumerate(axes_of_inputs) for d in dims}
    slides = [_groups(tracker, slide, usable) for slide in slides_over_axes(tracker)]
    slides.sort(key=lambda groups: -len(groups))
    inputs: list[list[_Group]] = [
        [(tracked[d],) for d in sorted(dims)]
        for tracked, dims in zip(tracker.inputs, axes_of_inputs, strict=True)
    ]
    input_of = {axis: i for i, tracked in enumerate(tracker.inputs) for axis in tracked}
    numbers: dict[int, int] = {}
    for groups in slides + inputs:
        count = len(set(numbers.values()))
        here = {numbers[axis] for group in groups for axis in group if axis in numbers}
        offset = 0 if (len(groups), count) == (1, 3) else max(0, count - len(groups))
        for place, group in enumerate(groups, start=offset):
            if group[0] in numbers:
                continue
            taken = here | {
                number
                for axis, number in numbers.items()
                if group[0] in input_of and input_of.get(axis) == input_of[group[0]]
            }
            number = place if place not in taken else max([count - 1, *numbers.values()]) + 1
            numbers |= dict.fromkeys(group, number)
            here.add(number)
    return _in_order(tracker, numbers, slides)


def _groups(tracker: DimensionTracker, slide: Slide, usable: Set[int]) -> list[_Group]:
    """What a convolution slides over: axes of inputs one by one, new ones as they lie together."""
    found: list[_Group] = []
    for there in slide.axes:
        if any(axis < tracker.input_dimensions for axis in there):
            found += [(axis,) for axis in there if axis in usable]
        else:
            found.append(there)
    return found


def _in_order(
    tracker: DimensionTracker, numbers: dict[int, int], slides: Sequence[Sequence[_Group]]
) -> dict[int, int]:
    """The same axes counted without gaps, and in the order of an input that has them all.

    The order is that of a convolution that slides over all of them, unless that is an image of the
    usual layout, whose own order counts.
    """
    found = sorted(set(numbers.values()))
    order = found
    for tracked in tracker.inputs:
        own = [axis for axis in tracked if axis in numbers]
        if {numbers[axis] for axis in own} != set(found):
            continue
        whole = any(
            {numbers[axis] for group in groups for axis in group if axis in numbers} == set(found)
            for groups in slides
            if len(groups) == len(found)
        )
        if list(own) == list(tracked[2:]) or not whole:
            order = [numbers[axis] for axis in own]
        break
    places = {number: place for place, number in enumerate(order)}
    return {axis: places[number] for axis, number in numbers.items()}
