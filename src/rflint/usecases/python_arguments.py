"""Read the sizes, inputs and layouts that are given to functions of the Python interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rflint.errors import UsageError
from rflint.inputs.given import given_inputs
from rflint.inputs.layouts import layout_of_shape, layouts_of_inputs
from rflint.inputs.notation import InputShape, read_layouts, read_shape
from rflint.inputs.parts import is_mapping_of_its_own, is_object_of_parts, with_parts
from rflint.tracing.example_inputs.validation import check_input_argument

_NESTING = (str, Mapping, list, tuple)


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


def resolution_from(res: Any) -> tuple[int, ...] | None:
    """One resolution, or None."""
    if isinstance(res, list):
        raise UsageError(f"one resolution is wanted, not {res!r}")
    return resolutions_from(res)[0]


def inputs_from(given: Any) -> Any:
    """Shapes and example tensors, nested as forward takes them; shapes may be texts.

    Raises UsageError for anything else.
    """
    check_input_argument(given)
    try:
        return [read_shape(given)] if isinstance(given, str) else _read(given)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _read(given: Any) -> Any:
    """The same with texts read as shapes."""
    if isinstance(given, str):
        return read_shape(given)
    if is_object_of_parts(given):
        return given
    if isinstance(given, Mapping):
        items = {name: _read_named(name, item) for name, item in given.items()}
        return with_parts(given, items) if is_mapping_of_its_own(given) else items
    if isinstance(given, (list, tuple)) and any(isinstance(x, _NESTING) for x in given):
        read = [_read(item) for item in given]
        return read if isinstance(given, list) else tuple(read)
    return given


def _read_named(name: Any, item: Any) -> Any:
    """A text at a name of a dictionary may be a value alone, as behind a name elsewhere."""
    if not isinstance(item, str):
        return _read(item)
    found = read_shape(f"value={item}")
    return InputShape(found, found.dtype, found.layout, "", found.value)


def layouts_from(layout: str | Sequence[str], given: Any) -> tuple[str, ...]:
    """The layouts of all inputs, from `layout=` and from layouts behind shapes."""
    shapes = [x.value for x in given_inputs(given)] if given else []
    try:
        said = read_layouts(layout) if layout else ()
    except ValueError as error:
        raise UsageError(str(error)) from error
    return layouts_of_inputs(said, shapes if any(map(layout_of_shape, shapes)) else ())
