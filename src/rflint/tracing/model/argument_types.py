"""What the annotation of a parameter asks for: a likely value, and tables as configuration objects.

A configuration object is a dataclass, a pydantic model, a namespace or an OmegaConf one.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from rflint.errors import BuildFailed, error_text
from rflint.text.suggest import did_you_mean, similar

_UNKNOWN = "VALUE"
_FROM_FILE = "@FILE.yaml"
_USUAL = (
    (("class",), 10),
    (("in_ch", "in_chan", "in_plane", "input_ch", "channels_in"), 3),
    (("kernel",), 3),
    (("size", "resolution"), 32),
    (("depth", "layers", "blocks", "stages", "heads"), 2),
    (("channel", "width", "dim", "hidden", "feature", "planes", "filters", "embed"), 64),
)
"""Usual whole numbers, by what the name of a parameter contains."""
_NAMESPACES = (argparse.Namespace, types.SimpleNamespace)
_NUMBERS = {"int": int, "float": float, "bool": bool, "str": str}
"""Annotations that are texts: `from __future__ import annotations` makes all of them so."""


def likely_value(name: str, annotation: Any) -> str | None:
    """A value for a parameter, as --arg takes it; None for an object that no option can give."""
    if isinstance(annotation, str):
        annotation = _NUMBERS.get(annotation, inspect.Parameter.empty)
    for kind in alternatives(annotation):
        if isinstance(kind, type) and issubclass(kind, nn.Module):
            return None
        if (value := _of_kind(name, kind)) != _UNKNOWN:
            return value
    return _UNKNOWN


def _of_kind(name: str, kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return str(typing.get_args(kind)[0])
    if kind is bool:
        return "True"
    if kind is int:
        return str(_whole_number(name))
    if kind is float:
        return "0.1"
    if _is_configuration(kind):
        return "{}" if _has_all_defaults(kind) else _FROM_FILE
    if kind is dict or typing.get_origin(kind) in (dict, Mapping):
        return _FROM_FILE
    if typing.get_origin(kind) in (list, tuple, Sequence):
        return _several(name, typing.get_args(kind), typing.get_origin(kind) is tuple)
    return _UNKNOWN


def _several(name: str, inside: tuple[Any, ...], is_tuple: bool) -> str:
    """`[64,64]` or `(3,3)`; without spaces, so that a shell takes it for one word."""
    kinds = inside if is_tuple and Ellipsis not in inside else inside[:1] * 2
    values = [_of_kind(name, kind) for kind in kinds]
    if not values or not all(kind in (int, float, bool) for kind in kinds):
        return _UNKNOWN
    return f"({','.join(values)},)" if is_tuple else f"[{','.join(values)}]"


def _whole_number(name: str) -> int:
    return next((n for parts, n in _USUAL if any(part in name.lower() for part in parts)), 1)


def as_annotated(value: Any, annotation: Any, described: str) -> Any:
    """A table as the configuration object that an annotation asks for; all else as it is."""
    if isinstance(value, Mapping):
        for kind in alternatives(annotation):
            if _is_configuration(kind):
                return _made(kind, value, described)
    if isinstance(value, str):
        kinds = list(alternatives(annotation))
        enums = [x for x in kinds if isinstance(x, type) and issubclass(x, enum.Enum)]
        if enums and not any(issubclass(x, str) for x in kinds if isinstance(x, type)):
            return _member(enums, value, described)
        return next((_members(x)[value] for x in enums if value in _members(x)), value)
    return value


def alternatives(annotation: Any) -> Iterator[Any]:
    """A type, or those of a union."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for inner in typing.get_args(annotation):
            yield from alternatives(inner)
    elif typing.get_origin(annotation) is typing.Annotated:
        yield from alternatives(typing.get_args(annotation)[0])
    else:
        yield annotation


def _is_configuration(kind: Any) -> bool:
    if not isinstance(kind, type):
        return False
    is_omega = kind.__module__.startswith("omegaconf.") and kind.__name__ == "DictConfig"
    is_pydantic = hasattr(kind, "model_validate")
    return is_omega or is_pydantic or dataclasses.is_dataclass(kind) or kind in _NAMESPACES


def _has_all_defaults(kind: type) -> bool:
    if not dataclasses.is_dataclass(kind):
        return False
    missing = dataclasses.MISSING
    return all(
        field.default is not missing or field.default_factory is not missing
        for field in dataclasses.fields(kind)
        if field.init
    )


def _made(kind: Any, table: Mapping[str, Any], described: str) -> Any:
    try:
        if kind in _NAMESPACES:
            return kind(**table)
        if hasattr(kind, "model_validate"):
            return kind.model_validate(dict(table))
        if dataclasses.is_dataclass(kind):
            table = _fields(kind, table, described)
            return kind(**table)  # type: ignore[operator]
        return kind(dict(table))  # omegaconf.DictConfig
    except BuildFailed:
        raise
    except Exception as error:
        name = getattr(kind, "__name__", kind)
        raise BuildFailed(f"{described} as {name} raised {error_text(error)}") from error


def _fields(kind: Any, table: Mapping[str, Any], described: str) -> dict[str, Any]:
    """The fields of a dataclass. Raises BuildFailed for a key that it does not have."""
    names = [field.name for field in dataclasses.fields(kind) if field.init]
    for key in table:
        if key not in names:
            did = did_you_mean(similar(str(key), names)) or f"It has: {', '.join(names)}."
            raise BuildFailed(f"{described}: {kind.__name__} has no field {key!r}", hint=did)
    try:
        hints = typing.get_type_hints(kind)
    except Exception:  # a name that is imported for type checkers only, say
        hints = {}
    return {
        key: as_annotated(value, hints.get(key), f"{described}.{key}")
        for key, value in table.items()
    }


def _member(kinds: Sequence[type[enum.Enum]], value: str, described: str) -> Any:
    """A member of an enumeration, by its name or its value; BuildFailed where there is none."""
    for kind in kinds:
        if value in (members := _members(kind)):
            return members[value]
    of = " or ".join(kind.__name__ for kind in kinds)
    names = [name for kind in kinds for name in kind.__members__]
    did = did_you_mean(similar(value, names, ignore_case=True))
    raise BuildFailed(
        f"{described}: {of} has no member {value!r}; it has: {', '.join(names)}", hint=did
    )


def _members(kind: type[enum.Enum]) -> dict[str, enum.Enum]:
    """By their names, and by their values where these are texts."""
    return {x.value: x for x in kind if isinstance(x.value, str)} | dict(kind.__members__)
