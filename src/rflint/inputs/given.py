"""What a user gives as inputs, in whatever form, as a list of places and what is there.

A place is a path: the position or the name of an argument of forward, and behind it the keys of
dictionaries and the positions in lists and tuples that lead to the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from rflint.errors import UsageError
from rflint.inputs.notation import InputShape
from rflint.inputs.parts import (
    MadeOfParts,
    PartOf,
    is_mapping_of_its_own,
    is_named_tuple,
    is_object_of_parts,
    parts_of,
    with_parts,
)


class TupleIndex(int):
    """A position in a tuple, and not in a list."""


Key: TypeAlias = "int | str"
Path: TypeAlias = tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class GivenInput:
    """One of the things that a user hands to forward."""

    path: Path
    value: Any
    """An InputShape, a tensor, or any other object, which forward gets as it is."""

    @property
    def name(self) -> str:
        """The path as it is written on the command line."""
        return ".".join(map(str, self.path))


def given_inputs(given: Any) -> list[GivenInput]:
    """Shapes and tensors in lists, tuples and dictionaries, each with its place.

    A list holds the arguments of forward in their order (those with a name excepted), a dictionary
    holds them by name, and a shape is the first of them.
    """
    if is_object_of_parts(given):
        return [*_leaves((0,), given)]
    if isinstance(given, Mapping):
        own = is_mapping_of_its_own(given)
        names = {key: PartOf(_key(key), given) if own else _key(key) for key in given}
        return _checked([x for key, value in given.items() for x in _leaves((names[key],), value)])
    if is_shape(given):
        return [*_leaves(_path_of(given, 0), given)]
    found: list[GivenInput] = []
    unnamed = 0
    for value in given:
        path = _path_of(value, unnamed)
        unnamed += isinstance(path[0], int)
        found += _leaves(path, value)
    return _checked(found)


def is_shape(value: Any) -> bool:
    """Whether something is a shape: sizes in a tuple or a list."""
    if isinstance(value, InputShape):
        return True
    if not isinstance(value, (tuple, list)) or not value or is_named_tuple(value):
        return False
    return all(isinstance(size, int) and not isinstance(size, bool) for size in value)


def _path_of(value: Any, position: int) -> Path:
    name = value.name if isinstance(value, InputShape) else ""
    if not name:
        return (position,)
    head, *rest = name.split(".")
    return (head, *(int(part) if part.isdigit() else part for part in rest))


def _leaves(path: Path, value: Any) -> Iterator[GivenInput]:
    if isinstance(value, InputShape):
        yield GivenInput(path, value if value.is_tensor else value.value)
    elif is_shape(value):
        yield GivenInput(path, InputShape(value))
    elif is_object_of_parts(value):
        for name, part in parts_of(value):
            yield from _parts((*path, PartOf(name, value)), part)
    elif isinstance(value, Mapping) and value:
        own = is_mapping_of_its_own(value)
        for key, item in value.items():
            name = PartOf(_key(key), value) if own else _key(key)
            yield from _leaves((*path, name), item)
    elif isinstance(value, (tuple, list)) and value:
        index = TupleIndex if isinstance(value, tuple) else int
        for i, item in enumerate(value):
            yield from _leaves((*path, index(i)), item)
    else:
        yield GivenInput(path, value)


def _parts(path: Path, part: Any) -> Iterator[GivenInput]:
    """What is in a part of an object: shapes are none, but whatever the object has there."""
    if isinstance(part, (tuple, list, Mapping)) and is_shape_or_empty(part):
        yield GivenInput(path, part)
    else:
        yield from _leaves(path, part)


def is_shape_or_empty(value: Any) -> bool:
    """Whether a container has nothing in it that could be an input."""
    return not value or is_shape(value)


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise UsageError(f"input= has a dictionary with the key {key!r}; keys are names")
    return key


def _checked(given: list[GivenInput]) -> list[GivenInput]:
    """Raises UsageError where two are at the same place, or one where another has its parts."""
    paths = {x.path for x in given}
    for i, one in enumerate(given):
        if any(one.path == other.path for other in given[:i]):
            raise UsageError(f"the input {one.name} is given twice")
        if any(one.path[:n] in paths for n in range(1, len(one.path))):
            around = next(one.path[:n] for n in range(1, len(one.path)) if one.path[:n] in paths)
            whole = ".".join(map(str, around))
            raise UsageError(f"the input {whole} is given as a whole, and as {one.name} in part")
    _check_lists(given)
    return given


def _check_lists(given: Sequence[GivenInput]) -> None:
    """Raises UsageError where the items of a list are not numbered in turn, from 0 on."""
    items: dict[Path, set[Key]] = {}
    for one in given:
        for at in range(1, len(one.path)):
            items.setdefault(one.path[:at], set()).add(one.path[at])
    for path, keys in items.items():
        positions = [key for key in keys if isinstance(key, int)]
        missing = next((i for i in range(len(positions)) if i not in keys), None)
        if missing is None or len(positions) < len(keys):
            continue
        name = ".".join(map(str, path))
        following = min(position for position in positions if position > missing)
        raise UsageError(
            f"the input {name}.{missing} is missing: there is {name}.{following}, and the items of "
            "a list are counted from 0",
            hint=f"Give {name}.{missing} too, or number the others in turn.",
        )


def nested(items: Sequence[tuple[Path, Any]]) -> Any:
    """The dictionaries, lists and tuples that paths describe, with these items in them."""
    if len(items) == 1 and not items[0][0]:
        return items[0][1]
    groups: dict[Key, list[tuple[Path, Any]]] = {}
    for path, item in items:
        groups.setdefault(path[0], []).append((path[1:], item))
    if not all(isinstance(key, int) for key in groups):
        found = {key: nested(inside) for key, inside in groups.items()}
        whole = next((key.whole for key in groups if isinstance(key, PartOf)), None)
        if whole is None:
            return found
        return MadeOfParts(partial(with_parts, whole), tuple((str(k), x) for k, x in found.items()))
    ordered = [nested(groups[key]) for key in sorted(groups, key=int)]
    return tuple(ordered) if any(isinstance(key, TupleIndex) for key in groups) else ordered
