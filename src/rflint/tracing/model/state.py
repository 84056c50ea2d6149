"""What a model keeps from one forward pass to the next: counters, caches, layers built late.

Two passes that start from the same state do the same, unless they draw numbers. So a pass that
leaves the state as it was tells of all that follow.
"""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any

import torch
from torch import nn

from rflint.tracing.model.tree import modules

_SMALL = 64
"""Tensors of more elements hold weights or tables, and no counters."""

_MANY = 10_000
"""Longer containers are compared by their lengths."""

_DEEP = 5
"""What lies behind more attributes and containers than that is not looked at."""

_PLAIN = frozenset({int, float, complex, str, bytes, bool, type(None)})


@dataclass(frozen=True)
class State:
    """A model's state; `values` are those of its small tensors, which matter to who reads them."""

    structure: tuple[Any, ...]
    values: tuple[Any, ...]
    held: tuple[Any, ...] = field(default=(), compare=False, repr=False)
    """What was compared by identity, which must not become that of something else."""


def state_of(model: nn.Module) -> State:
    """The state of a model: attributes, buffers, and variables of the code around it.

    Nothing of what is looked at gets to run code of its own: objects of other people's classes may
    answer the simplest questions (`len`, `hasattr`, `isinstance`) as they like, or refuse to. And
    everything is looked at once, what is nearest first.
    """
    reader = _Reader()
    structure = [reader.module(module) for module in modules(model)]
    around = [reader.code(cls) for cls in reader.classes]
    rest = [*reader.contents()]
    return State((*structure, *around, *rest), tuple(reader.values), tuple(reader.held))


def random_state() -> tuple[Any, ...]:
    """The state of the generators that all code shares, Python's and numpy's."""
    numpy = sys.modules.get("numpy.random")
    theirs = None
    if numpy is not None:
        state = numpy.get_state(legacy=False)["state"]
        theirs = (state["key"].tobytes(), state["pos"])
    return (random.getstate(), theirs)


class _Reader:
    def __init__(self) -> None:
        self.values: list[Any] = []
        self.classes: dict[type, None] = {}
        self.held: list[Any] = []
        self._numbers: dict[int, int] = {}
        """By identity, in which order things were met."""
        self._waiting: deque[tuple[Any, int]] = deque()
        self._globals: set[int] = set()

    def module(self, module: nn.Module) -> tuple[Any, ...]:
        """Of torch's own layers, only what others may do to them."""
        kind = type(module)
        own = _attributes_of(module)
        held, parameters = (
            tuple(map(self._same, _items_of(own, name).values()))
            for name in ("_modules", "_parameters")
        )
        if _module_of(kind).startswith("torch."):
            return (own.get("training"), held, parameters)
        self.classes.update(dict.fromkeys(x for x in _mro(kind) if not _is_torchs(x)))
        buffers = _items_of(own, "_buffers").items()
        attributes = (
            (name, value)
            for name, value in own.items()
            if name not in _OF_TORCH and not name.startswith("_rflint_")  # the tracers' notes
        )
        return (
            held,
            parameters,
            tuple((name, self._token(value)) for name, value in buffers),
            tuple((name, self._token(value)) for name, value in attributes),
        )

    def code(self, cls: type) -> tuple[Any, ...]:
        """Class attributes, and the variables that the functions of a class can reach."""
        found: list[Any] = []
        for name, value in _own_attributes(cls).items():
            function = value.__func__ if type(value) in (staticmethod, classmethod) else value
            if type(function) is FunctionType:
                found += self._reached(function)
            elif not name.startswith("__") and not callable(value):
                found.append((name, self._token(value)))
        return tuple(found)

    def contents(self) -> Iterator[Any]:
        """What is in everything that was met so far, and in what is met there."""
        while self._waiting:
            value, depth = self._waiting.popleft()
            yield self._contents(value, depth + 1)

    def _reached(self, function: FunctionType) -> Iterator[Any]:
        for cell in function.__closure__ or ():
            try:
                yield self._token(cell.cell_contents)
            except ValueError:  # not yet assigned
                continue
        names = function.__globals__
        if id(names) not in self._globals:
            self._globals.add(id(names))
            for name, value in list(names.items()):
                if not name.startswith("__") and _may_count(value):
                    yield name, self._token(value)

    def _same(self, value: Any) -> int:
        self.held.append(value)
        return id(value)

    def _token(self, value: Any, depth: int = 0) -> Any:
        """Something that is equal as long as the value is; what is in it is looked at later."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        number = _as_number_or_text(value, kind)
        if number is not None:
            return number
        if issubclass(kind, torch.Tensor):
            return self._tensor(value, kind)
        if issubclass(kind, nn.Module | type | ModuleType | Enum) or (
            callable(value) and not _is_iterator(kind)
        ):
            return self._same(value)
        if id(value) in self._numbers:
            return "again", self._numbers[id(value)]
        if depth > _DEEP:
            return self._same(value)
        self._numbers[id(value)] = len(self._numbers)
        self.held.append(value)
        self._waiting.append((value, depth))
        return "new"

    def _tensor(self, value: torch.Tensor, kind: type) -> Any:
        if not _module_of(kind).startswith("torch"):
            return self._same(value)
        if value.device.type == "cpu" and value.numel() <= _SMALL and not value.is_quantized:
            self.values.append(value.detach().tolist())
        return tuple(value.shape), value.dtype

    def _contents(self, value: Any, depth: int) -> Any:
        kind = type(value)
        for base in (list, tuple, deque, set, frozenset):
            if issubclass(kind, base):
                return self._all_of(base.__len__(value), base.__iter__(value), depth)
        if issubclass(kind, dict):
            size = dict.__len__(value)
            keys = self._all_of(size, dict.keys(value), depth)
            return keys, self._all_of(size, dict.values(value), depth)
        if issubclass(kind, random.Random):
            return _RANDOM.getstate(value)
        if kind is torch.Generator:
            return value.get_state().numpy().tobytes()
        if _module_of(kind).partition(".")[0] == "numpy":
            return _numpys_state(value, kind)
        if _is_iterator(kind):
            return object()  # whatever comes next is something else
        attributes = _attributes_of(value)
        slots = [*_slots_of(value, kind)]
        inside = (*attributes.values(), *slots)
        return id(value), tuple(attributes), self._all_of(len(inside), inside, depth)

    def _all_of(self, size: int, items: Iterable[Any], depth: int) -> Any:
        return size if size > _MANY else tuple([self._token(item, depth) for item in items])


_OF_TORCH = frozenset(vars(nn.Module())) - {"training"}
"""What torch keeps in every module."""

_RANDOM: Any = random.Random.__base__
"""The generator itself, whatever classes of Python are around it."""


# of objects of other people's classes only the type is looked at, and of the type no more than what
# Python itself keeps: asking for an attribute runs code


def _mro(kind: type) -> tuple[type, ...]:
    found: tuple[type, ...] = type.__getattribute__(kind, "__mro__")
    return found


def _own_attributes(kind: type) -> dict[str, Any]:
    return dict(type.__getattribute__(kind, "__dict__"))


def _module_of(kind: type) -> str:
    found = type.__getattribute__(kind, "__module__")
    return found if type(found) is str else ""


def _has(kind: type, name: str) -> bool:
    return any(name in type.__getattribute__(base, "__dict__") for base in _mro(kind))


def _is_torchs(cls: type) -> bool:
    return cls is object or _module_of(cls).startswith("torch.")


def _is_iterator(kind: type) -> bool:
    return _has(kind, "__next__")


def _is_numpys_generator(kind: type) -> bool:
    return _module_of(kind).startswith("numpy.random") and _has(kind, "random")


def _numpys_state(value: Any, kind: type) -> Any:
    if _is_numpys_generator(kind):
        return repr(value.get_state() if _has(kind, "get_state") else value.bit_generator.state)
    return value.tobytes() if getattr(value, "size", _MANY) <= _SMALL else id(value)


def _as_number_or_text(value: Any, kind: type) -> Any:
    """The value of a number or text of a derived class, as Python's own; None for all else."""
    if issubclass(kind, int):
        return int.__add__(value, 0)
    if issubclass(kind, float):
        return float.__add__(value, 0.0)
    return str.__str__(value) if issubclass(kind, str) else None


def _attributes_of(value: Any) -> dict[str, Any]:
    for base in _mro(type(value)):
        found = type.__getattribute__(base, "__dict__").get("__dict__")
        if type(found) is GetSetDescriptorType:
            attributes = found.__get__(value)
            return attributes if type(attributes) is dict else {}
    return {}


def _items_of(attributes: dict[str, Any], name: str) -> dict[str, Any]:
    """What a module keeps under a name of torch's; TorchScript keeps it elsewhere."""
    found: Any = attributes.get(name)
    return dict(dict.items(found)) if issubclass(type(found), dict) else {}


def _slots_of(value: Any, kind: type) -> Iterator[Any]:
    """What objects without a dictionary keep."""
    for base in _mro(kind):
        own = type.__getattribute__(base, "__dict__")
        for slot in own.values() if "__slots__" in own else ():
            if type(slot) is MemberDescriptorType:
                try:
                    yield slot.__get__(value)
                except AttributeError:  # not yet assigned
                    continue


def _may_count(value: Any) -> bool:
    """Whether a variable of a file may be what its code counts or draws with."""
    kind = type(value)
    if kind in (list, dict, deque, set):
        return len(value) <= _SMALL
    counts = issubclass(kind, int | float | random.Random | torch.Generator)
    return counts or _is_numpys_generator(kind) or _is_iterator(kind)
