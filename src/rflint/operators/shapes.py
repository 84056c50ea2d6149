"""Shapes of tensors as plain integers: how they broadcast, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

Shape: TypeAlias = tuple[int, ...]

Shapes: TypeAlias = "Shape | list[Any]"
"""Of one result, or of several, nested as the operator nests them; None where it returns None."""


class ShapeError(ValueError):
    """An operator cannot run on tensors of these shapes."""


def shape_of(tensor: Any) -> Shape:
    """A tensor's or value's shape, as plain integers."""
    return tuple(tensor.shape)


def checked_dim(dim: int, rank: int) -> int:
    """A dimension counted from the front; raises ShapeError where there is none."""
    if not -max(rank, 1) <= dim < max(rank, 1):
        raise ShapeError(f"there is no dimension {dim} in a tensor of {rank}")
    return dim % max(rank, 1)


def broadcast(*shapes: Sequence[int]) -> Shape:
    """The shape that PyTorch's broadcasting gives; raises ShapeError where there is none."""
    rank = max((len(shape) for shape in shapes), default=0)
    result = [1] * rank
    for shape in shapes:
        for position, size in enumerate(shape, start=rank - len(shape)):
            if size == 1 or size == result[position]:
                continue
            if result[position] != 1:
                rendered = " and ".join(shape_text(shape) for shape in shapes)
                raise ShapeError(f"shapes {rendered} do not fit together")
            result[position] = size
    return tuple(result)


def shape_text(shape: Sequence[int]) -> str:
    """A shape in print: 1x3x32x32."""
    return "x".join(map(str, shape)) or "scalar"


def check_padding_mode(mode: str, size: int, before: int, after: int) -> None:
    """A map can be reflected by less than its size and wound round once, not more."""
    limit = {"reflect": size - 1, "circular": size}.get(mode)
    if limit is not None and max(before, after) > limit:
        raise ShapeError(f"cannot pad {size} positions by {max(before, after)} ({mode})")


def per_axis(value: Any, count: int) -> tuple[int, ...]:
    """An int-or-tuple hyper-parameter, once per axis."""
    if hasattr(value, "__index__"):  # an integer, also NumPy's
        return (int(value),) * count
    values = tuple(int(item) for item in value)
    if len(values) not in (1, count):
        raise ShapeError(f"got {len(values)} values for {count} spatial dimensions")
    return values * count if len(values) == 1 else values
