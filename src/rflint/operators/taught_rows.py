"""Rows for the operators that users teach (rflint.operator)."""

from __future__ import annotations

from functools import partial
from typing import Any

from rflint.errors import UsageError, error_text
from rflint.graph.layer import Kind
from rflint.graph.windows import Extent, Reach, Window
from rflint.operators.call import Call, tensors_in
from rflint.operators.dimensions import axes_of, length, plain_dimensions
from rflint.operators.effect import Effect, reach_per_axis
from rflint.operators.reaches import mixing_geometry, mixing_reaches, sliding_along
from rflint.operators.regrouping import at_lengths, tangled
from rflint.operators.shapes import shape_of
from rflint.operators.table import Row
from rflint.operators.taught import checked_reaches, taught_function
from rflint.usercode.source_lines import innermost_user_line_of


def taught_row(name: str) -> Row | None:
    """The row that a user has taught under a name."""
    if taught_function(name) is None:
        return None
    return Row(name, Kind.TAUGHT, partial(_effect, name), None)


def _effect(name: str, call: Call) -> Effect:
    reads = taught_function(name)
    assert reads is not None
    args = call.args if call.module is None else (call.module, *call.args)
    try:
        said_so = reads(*args, **call.kwargs)
    except Exception as error:
        raise UsageError(
            f"what rflint.operator was told about {name} fails: {error_text(error)}",
            hint="The function gets what the operator gets; for a module, the module comes first.",
            source=innermost_user_line_of(error),
        ) from error
    reaches = checked_reaches(said_so, call.axes, name)
    shapes = [shape_of(tensor) for tensor in tensors_in(call.result)]
    effects = [_of_result(call, reaches, shape) for shape in shapes]
    if len(effects) == 1:
        return effects[0]
    return Effect(
        effects[0].dimensions, effects[0].reaches, effects[0].geometry, parts=tuple(effects)
    )


def _of_result(call: Call, reaches: tuple[Reach, ...], shape: tuple[int, ...]) -> Effect:
    first = call.data[0]
    read: list[dict[int, Reach]] = []
    for value in call.data:
        axes: dict[int, Reach] = {}
        for dim, carried in enumerate(value.dimensions):
            for axis in axes_of(carried):
                axes |= _along(value.dimensions, dim, reaches[axis], shape, len(value.shape))
        read.append(axes)
    if len(shape) == len(first.shape):
        dimensions = tuple(
            carried if axes_of(carried) else other
            for carried, other in zip(
                at_lengths(first.dimensions, shape), plain_dimensions(shape), strict=True
            )
        )
    else:
        dimensions = tangled(first.dimensions, shape)
    everything: dict[int, Reach] = {axis: reach for axes in read for axis, reach in axes.items()}
    return Effect(
        dimensions,
        tuple(reach_per_axis(call.axes, axes) for axes in read),
        mixing_geometry(call.axes, everything),
    )


def _along(
    dimensions: Any, dim: int, reach: Reach, shape: tuple[int, ...], rank: int
) -> dict[int, Reach]:
    if reach is Extent.UNKNOWN:
        return dict.fromkeys(axes_of(dimensions[dim]), reach)
    if not isinstance(reach, Window):
        return mixing_reaches(dimensions, (dim,), dimensions)
    size = shape[dim] if len(shape) == rank else length(dimensions[dim])
    return sliding_along(dimensions, dim, reach, size)[0]
