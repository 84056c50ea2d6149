"""Read the sizes, inputs and layouts that are given to functions of the Python interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rflint.errors import UsageError
from rflint.inputs.layouts import layout_of_shape, layouts_of_inputs
from rflint.inputs.notation import read_layouts, read_shape
from rflint.tracing.example_inputs.validation import check_input_argument


def resolutions_from(res: Any) -> list[tuple[int, ...] | None]:
    """`res` as a list of resolutions; None stands for the size of the given inputs."""
    items = res if isinstance(res, list) else [res]
    found: list[tuple[int, ...] | None] = []
    for item in items:
        if item is None:
            found.append(None)
            continue
        sizes = tuple(item) if isinstance(item, (tuple, list)) else (item,)
        if not sizes or not all(type(size) is int and size > 0 for size in sizes):
            raise UsageError(f"a resolution is one or more positive sizes, not {item!r}")
        found.append(sizes)
    return found


def inputs_from(given: Any) -> Any:
    """Shapes or example tensors; shapes may be texts. Raises UsageError for anything else."""
    check_input_argument(given)
    items = [given] if isinstance(given, str) else given
    if not isinstance(items, list | tuple) or not any(isinstance(x, str) for x in items):
        return given
    try:
        return [read_shape(x) if isinstance(x, str) else x for x in items]
    except ValueError as error:
        raise UsageError(str(error)) from error


def layouts_from(layout: str | Sequence[str], given: Any) -> tuple[str, ...]:
    """The layouts of all inputs, from `layout=` and from layouts behind shapes."""
    shapes = given if isinstance(given, list | tuple) else ()
    try:
        said = read_layouts(layout) if layout else ()
    except ValueError as error:
        raise UsageError(str(error)) from error
    return layouts_of_inputs(said, shapes if any(map(layout_of_shape, shapes)) else ())
