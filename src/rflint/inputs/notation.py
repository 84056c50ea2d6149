"""Read sizes, shapes and layouts as users write them, in options and in configurations.

Every function raises ValueError with a message that can follow "OPTION: ".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from rflint.inputs.layouts import read_layout
from rflint.text.suggest import did_you_mean, similar

Sizes: TypeAlias = tuple[int, ...]

DTYPES = (
    *("int64", "float32", "float16", "bfloat16", "float64", "int32", "int16", "int8", "uint8"),
    *("bool", "complex64", "complex128", "long", "int", "float", "double", "half"),
)
"""Types of torch's that an input may have."""

Value: TypeAlias = bool | int | float | None
"""What a scalar may be."""

_NAME = re.compile(r"[^\W\d]\w*(\.[\w-]+)*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII)
_WORDS = {"true": True, "false": False, "none": None}
_NOTHING = object()


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


def read_resolution(value: Any) -> Sizes:
    """`32` or `"32x64"`, one size alone."""
    found = read_resolutions(value)
    if len(found) != 1:
        raise ValueError(f"{value!r}: one size is wanted, like 224 or 224x320")
    return found[0]


class InputShape(tuple[int, ...]):
    """The shape of an input, with its name, data type, layout and value as far as they are given.

    What has a value has no dimensions: a scalar, or a number that is no tensor.
    """

    dtype: str
    """The name of a type of torch's; empty: as the model's weights."""
    layout: str
    """In letters (layouts.py); empty: to be found out."""
    name: str
    """Of an argument of forward, with keys behind it: `batch.image`; empty: by position."""
    value: Value
    """The value of a scalar."""

    def __new__(
        cls,
        sizes: Iterable[int],
        dtype: str = "",
        layout: str = "",
        name: str = "",
        value: Value = None,
    ) -> InputShape:
        """A shape of these sizes."""
        made = super().__new__(cls, sizes)
        made.dtype, made.layout, made.name, made.value = dtype, layout, name, value
        return made

    @property
    def is_scalar(self) -> bool:
        """Whether it has a value and no sizes."""
        return not self

    @property
    def is_tensor(self) -> bool:
        """Whether it is a tensor, and not a number, a flag or None as Python has them."""
        return bool(self) or bool(self.dtype)

    def __repr__(self) -> str:
        """As it is written on the command line."""
        what = _text_of(self.value) if self.is_scalar else "x".join(map(str, self))
        name = f"{self.name}=" if self.name else ""
        return name + ":".join(x for x in (what, self.dtype, self.layout) if x)


def read_shape(value: Any) -> InputShape:
    """`"1x3x32x32"`: batch, channels, spatial axes; with `:int64` and `:BTCHW` behind it.

    In front of it may stand a name, as in `"image=1x3x32x32"`. One number is a value, and not a
    shape: a tensor without dimensions where its type is said, as in `"t=500:int64"`, else a plain
    number, which has to have a name. With a layout it is a shape again: `"t=1:int64:B"`.
    """
    if not isinstance(value, str):
        raise _no_shape(value)
    name, equals, described = value.rpartition("=")
    if equals and not _NAME.fullmatch(name):
        raise ValueError(
            f"{value!r}: {name!r} is no name of an argument, like image or, of a part of one, "
            "batch.image"
        )
    text, *rest = described.split(":")
    dtype = layout = ""
    for part in rest:
        if part in DTYPES and not dtype:
            dtype = part
        elif not layout:
            layout = _layout_behind(part)
        else:
            raise ValueError(f"{value!r}: behind a shape come a type and a layout, once each")
    sizes = _sizes(text)
    if not layout and (dtype or name) and (found := _value(text)) is not _NOTHING:
        return InputShape((), dtype, "", name, found)
    if sizes is None or (len(sizes) < 2 and not layout):
        raise _no_shape(value)
    if layout and len(layout) != len(sizes):
        raise ValueError(
            f"{value!r}: the layout {layout} has {len(layout)} letters, and the shape "
            f"{len(sizes)} dimensions"
        )
    return InputShape(sizes, dtype, layout, name)


def _no_shape(value: Any) -> ValueError:
    return ValueError(f"{value!r}: a shape is batch, channels, sizes: 1x3x32x32")


def _value(text: str) -> Any:
    """A number, or what is written as true, false or none; _NOTHING for all else."""
    word = text.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    if not _NUMBER.fullmatch(word):
        return _NOTHING
    return float(word) if set(word) & set(".e") else int(word)


def _text_of(value: Value) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else repr(value)


def _layout_behind(part: str) -> str:
    try:
        return read_layout(part)
    except ValueError as error:
        if did := did_you_mean(similar(part, DTYPES, ignore_case=True)):
            raise ValueError(f"{part!r} is neither a type nor a layout. {did}") from None
        raise ValueError(f"{error}; nor is it a type, like {', '.join(DTYPES[:3])}") from None


def read_shapes(value: Any) -> tuple[InputShape, ...]:
    """One shape, or a list with one for each input of the model, or a table of them by name.

    A table may hold tables, lists, numbers and flags: what is in them is a part of the argument.
    """
    if value in ([], {}):
        raise ValueError(f"{value!r}: a model has at least one input, like 1x3x32x32")
    if isinstance(value, dict):
        return tuple(x for name, item in value.items() for x in _named(str(name), item))
    return tuple(read_shape(item) for item in (value if isinstance(value, list) else [value]))


def _named(name: str, value: Any) -> Iterator[InputShape]:
    """What a table has at a name, with the names of all its parts."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _named(f"{name}.{key}", item)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _named(f"{name}.{index}", item)
    elif isinstance(value, bool | int | float):
        yield InputShape((), name=_checked_name(name), value=value)
    elif isinstance(value, str) and "=" not in value:
        yield read_shape(f"{name}={value}")
    else:
        raise ValueError(f"{name}: {value!r} is no shape, like 1x3x32x32, and no number")


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an argument")
    return name


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
