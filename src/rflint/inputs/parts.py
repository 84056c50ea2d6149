"""Arguments that are made of parts: dataclasses, named tuples, and mappings of other classes."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MadeOfParts:
    """An object that is made anew of its parts for every call."""

    make: Callable[[dict[str, Any]], Any]
    parts: tuple[tuple[str, Any], ...]


class PartOf(str):
    """The name of a part of an object that a user gives as an example."""

    whole: Any

    def __new__(cls, name: str, whole: Any) -> PartOf:
        """The part of this name."""
        made = super().__new__(cls, name)
        made.whole = whole
        return made


def is_named_tuple(value: Any) -> bool:
    """Whether something is a named tuple, or a class of those."""
    kind = value if isinstance(value, type) else type(value)
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


def is_object_of_parts(value: Any) -> bool:
    """Whether something is an object whose parts have names: a dataclass, or a named tuple."""
    if isinstance(value, type):
        return False
    return dataclasses.is_dataclass(value) or is_named_tuple(value)


def parts_of(whole: Any) -> list[tuple[str, Any]]:
    """The parts of an object that may be others."""
    if dataclasses.is_dataclass(whole):
        return [(x.name, getattr(whole, x.name)) for x in dataclasses.fields(whole) if x.init]
    if is_named_tuple(whole):
        return list(zip(whole._fields, whole, strict=True))
    return list(whole.items())


def with_parts(whole: Any, parts: Mapping[str, Any]) -> Any:
    """An object like another, with these for its parts."""
    if dataclasses.is_dataclass(whole) and not isinstance(whole, type):
        return dataclasses.replace(whole, **parts)
    if is_named_tuple(whole):
        return whole._replace(**parts)
    made = copy.copy(whole)
    for name, part in parts.items():
        made[name] = part
    return made


def is_mapping_of_its_own(value: Any) -> bool:
    """Whether something is a mapping, and no plain dictionary: a BatchEncoding, say."""
    return isinstance(value, MutableMapping) and type(value) is not dict
