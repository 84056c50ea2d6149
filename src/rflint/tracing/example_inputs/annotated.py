"""Arguments as forward's annotations have them: a dataclass made of a dictionary, and the like."""

from __future__ import annotations

import builtins
import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeGuard, Union, get_args, get_origin

from torch import nn

from rflint.errors import InputMismatch, UsageError
from rflint.inputs.forward_call import Slot
from rflint.inputs.parts import MadeOfParts, is_named_tuple
from rflint.text.suggest import did_you_mean, similar


class PartsWanted(InputMismatch):
    """An argument is made of parts, and a tensor was given in its place."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


def argument_types(model: nn.Module) -> dict[str, Any]:
    """The types of forward's arguments, as far as its annotations say."""
    function = inspect.unwrap(getattr(model.forward, "__func__", model.forward))
    if not inspect.isfunction(function):
        return {}
    return _types(inspect.get_annotations(function), function.__globals__)


def hints_of(kind: type) -> dict[str, Any]:
    """The types of a class's parts, as far as its annotations say."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        names = vars(sys.modules.get(base.__module__, builtins))
        found |= _types(inspect.get_annotations(base), names)
    return found


def _types(annotations: Mapping[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Annotations as types; those are left out that name what only type checkers import."""
    found: dict[str, Any] = {}
    for name, annotation in annotations.items():
        alone = types.SimpleNamespace(__annotations__={name: annotation})
        with suppress(NameError, AttributeError, TypeError, SyntaxError):
            found |= typing.get_type_hints(alone, names)
    return found


def is_made_of_parts(kind: Any) -> TypeGuard[type]:
    """Whether a type is a dataclass or a named tuple."""
    return isinstance(kind, type) and (dataclasses.is_dataclass(kind) or is_named_tuple(kind))


def only_type(kind: Any) -> Any:
    """Of `X | None` and `Annotated[X, ...]`, X."""
    while True:
        origin, inside = get_origin(kind), [x for x in get_args(kind) if x is not type(None)]
        if origin is typing.Annotated or (origin in (Union, types.UnionType) and len(inside) == 1):
            kind = inside[0]
        else:
            return kind


def fields_of(kind: type) -> dict[str, bool]:
    """The names of a type's parts, and whether one has to be given."""
    if dataclasses.is_dataclass(kind):
        missing = dataclasses.MISSING
        return {
            x.name: x.default is missing and x.default_factory is missing
            for x in dataclasses.fields(kind)
            if x.init
        }
    optional = getattr(kind, "_field_defaults", {})
    return {name: name not in optional for name in getattr(kind, "_fields", ())}


def as_annotated(value: Any, kind: Any, name: str) -> Any:
    """What is given for an argument, or for a part of one, as its type has it.

    Raises UsageError for parts that the type does not have, InputMismatch where some are missing,
    and PartsWanted where a tensor stands for all of them.
    """
    kind = only_type(kind)
    if is_made_of_parts(kind):
        return _made(value, kind, name)
    origin, inside = get_origin(kind), get_args(kind)
    if isinstance(value, list):
        items = [
            as_annotated(x, _item_type(origin, inside, i), f"{name}.{i}")
            for i, x in enumerate(value)
        ]
        return tuple(items) if origin is tuple or kind is tuple else items
    if isinstance(value, dict):
        hints = hints_of(kind) if typing.is_typeddict(kind) else {}
        of_all = inside[1] if len(inside) == 2 and origin not in (tuple, None) else None
        return {
            key: as_annotated(x, hints.get(key, of_all), f"{name}.{key}")
            for key, x in value.items()
        }
    return value


def _item_type(origin: Any, inside: tuple[Any, ...], index: int) -> Any:
    if origin is tuple and Ellipsis not in inside:
        return inside[index] if index < len(inside) else None
    return inside[0] if inside else None


def _made(value: Any, kind: type, name: str) -> Any:
    fields = fields_of(kind)
    if isinstance(value, Slot):
        raise PartsWanted(
            f"{name} is a {kind.__name__}, and not one tensor: it has {', '.join(fields)}", name
        )
    if isinstance(value, list) and is_named_tuple(kind) and len(value) <= len(fields):
        value = dict(zip(fields, value, strict=False))
    if not isinstance(value, dict):
        return value
    for part in value:
        if part not in fields:
            also = f"A {kind.__name__} has {', '.join(fields)}."
            raise UsageError(
                f"{name} is a {kind.__name__}, which has no {part!r}",
                hint=f"{did_you_mean(similar(part, list(fields)))} {also}".strip(),
            )
    missing = [part for part, required in fields.items() if required and part not in value]
    if missing:
        raise InputMismatch(
            f"{name} is a {kind.__name__}, which needs {', '.join(missing)} too",
            hint=f"Give an --input for {' and '.join(f'{name}.{part}' for part in missing)} too.",
        )
    hints = hints_of(kind)
    parts = tuple(
        (part, as_annotated(x, hints.get(part), f"{name}.{part}")) for part, x in value.items()
    )
    return MadeOfParts(_maker(kind), parts)


def _maker(kind: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda parts: kind(**parts)
