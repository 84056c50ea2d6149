"""The sizes that a resolution gives to the dimensions of an input."""

from __future__ import annotations

from collections.abc import Sequence

from rflint.errors import UsageError
from rflint.inputs.layouts import axis_dimensions, resizable_dimensions
from rflint.operators.shapes import shape_text


def size_per_axis(resolution: Sequence[int], axes: int) -> tuple[int, ...]:
    """A resolution once per axis; one number holds for all of them."""
    if len(resolution) == 1:
        return tuple(resolution) * axes
    if len(resolution) != axes:
        raise UsageError(
            f"--res {shape_text(resolution)} has {len(resolution)} axes, "
            f"but the model's input has {axes}"
        )
    return tuple(resolution)


def named_sizes(letters: str, resolution: Sequence[int]) -> dict[int, int]:
    """The sizes that a resolution gives, by dimension.

    It names D, H and W, and T where that is the only axis, or where it has a size for all of them.
    """
    places = resizable_dimensions(letters)
    if len(resolution) != len(places):
        places = axis_dimensions(letters)
    return dict(zip(places, size_per_axis(resolution, len(places)), strict=True))
