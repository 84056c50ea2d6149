"""Read sizes, shapes and layouts as users write them, in options and in configurations.

Every function raises ValueError with a message that can follow "OPTION: ".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from rflint.inputs.layouts import read_layout

Sizes: TypeAlias = tuple[int, ...]

DTYPES = (
    *("int64", "float32", "float16", "bfloat16", "float64", "int32", "int16", "int8", "uint8"),
    *("bool", "complex64", "complex128", "long", "int", "float", "double", "half"),
)
"""Types of torch's that an input may have."""


def read_resolutions(value: Any) -> tuple[Sizes, ...]:
    """`32`, `"32x64"` or `"32,64,128"`, or a list of those, as one tuple of sizes for each."""
    items = value if isinstance(value, list) else [value]
    texts = [text for item in items for text in str(item).split(",")]
    found = [_sizes(text) for text in texts]
    if not found or not all(found) or any(isinstance(item, bool | float | list) for item in items):
        raise ValueError(
            f"{value!r}: sizes are positive whole numbers, like 32, 32x64 or 32,64,128"
        )
    return tuple(sizes for sizes in found if sizes)


class InputShape(tuple[int, ...]):
    """The shape of an input, with its data type and layout if they are given."""

    dtype: str
    """The name of a type of torch's; empty: as the model's weights."""
    layout: str
    """In letters (layouts.py); empty: to be found out."""

    def __new__(cls, sizes: Iterable[int], dtype: str = "", layout: str = "") -> InputShape:
        """A shape of these sizes."""
        made = super().__new__(cls, sizes)
        made.dtype, made.layout = dtype, layout
        return made

    def __repr__(self) -> str:
        """As it is written on the command line."""
        return ":".join(x for x in ("x".join(map(str, self)), self.dtype, self.layout) if x)


def read_shape(value: Any) -> InputShape:
    """`"1x3x32x32"`: batch, channels, spatial axes; with `:int64` and `:BTCHW` behind it."""
    text, *rest = value.split(":") if isinstance(value, str) else ("",)
    sizes = _sizes(text)
    if sizes is None or len(sizes) < 2:
        raise ValueError(f"{value!r}: a shape is batch, channels, sizes: 1x3x32x32")
    dtype = layout = ""
    for part in rest:
        if part in DTYPES and not dtype:
            dtype = part
        elif not layout:
            layout = _layout_behind(part)
        else:
            raise ValueError(f"{value!r}: behind a shape come a type and a layout, once each")
    if layout and len(layout) != len(sizes):
        raise ValueError(
            f"{value!r}: the layout {layout} has {len(layout)} letters, and the shape "
            f"{len(sizes)} dimensions"
        )
    return InputShape(sizes, dtype, layout)


def _layout_behind(part: str) -> str:
    try:
        return read_layout(part)
    except ValueError as error:
        raise ValueError(f"{error}; nor is it a type, like {', '.join(DTYPES[:3])}") from None


def read_shapes(value: Any) -> tuple[InputShape, ...]:
    """One shape, or a list with one for each input of the model."""
    if value == []:
        raise ValueError("[]: a model has at least one input, like 1x3x32x32")
    return tuple(read_shape(item) for item in (value if isinstance(value, list) else [value]))


def read_layouts(value: Any) -> tuple[str, ...]:
    """`"BTCHW"`, or a list with one for each input of the model."""
    items = value if isinstance(value, list | tuple) else [value]
    if not items or not all(isinstance(item, str) for item in items):
        raise ValueError(f"{value!r}: a layout is a text like BTCHW, or a list of those")
    return tuple(map(read_layout, items))


def _sizes(value: Any) -> Sizes | None:
    parts = str(value).lower().replace("×", "x").split("x")
    if not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        return None
    sizes = tuple(int(part) for part in parts)
    return sizes if all(sizes) else None


def read_names(value: Any) -> tuple[str, ...]:
    """`"RF101,RF2"` or a list of texts, without blanks around them."""
    items: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(item, str) for item in items):
        raise ValueError(f"{value!r}: a list of texts is wanted")
    return tuple(name.strip() for item in items for name in item.split(",") if name.strip())
