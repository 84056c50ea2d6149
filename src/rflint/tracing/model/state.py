"""What a model keeps from one forward pass to the next: counters, caches, layers built late.

Two passes that start from the same state do the same, unless they draw numbers. So a pass that
leaves the state as it was tells of all that follow.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any

import torch
from torch import nn

from rflint.tracing.model.introspection import (
    attributes_of,
    class_attributes,
    has_attribute,
    is_iterator,
    is_numpy_generator,
    is_of_torch,
    items_of,
    module_of,
    mro,
    slots_of,
)
from rflint.tracing.model.lightning import runs_training
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
    alive: tuple[Any, ...] = field(default=(), compare=False, repr=False)
    """What was compared by identity, which must not become that of something else."""


def state_of(model: nn.Module) -> State:
    """The state of a model: attributes, buffers, and variables of the code around it.

    Nothing of what is looked at gets to run code of its own: objects of other people's classes may
    answer the simplest questions (`len`, `hasattr`, `isinstance`) as they like, or refuse to. And
    everything is looked at once, what is nearest first.
    """
    fingerprints = _Fingerprints()
    structure = [fingerprints.module(module) for module in modules(model)]
    around = [fingerprints.code(cls) for cls in fingerprints.classes]
    rest = [*fingerprints.contents()]
    return State(
        (*structure, *around, *rest), tuple(fingerprints.values), tuple(fingerprints.alive)
    )


class _Fingerprints:
    """Values that are equal as long as the objects of a model are in the same state."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.classes: dict[type, None] = {}
        self.alive: list[Any] = []
        self._numbers: dict[int, int] = {}
        """By identity, in which order things were met."""
        self._waiting: deque[tuple[Any, int]] = deque()
        self._globals: set[int] = set()

    def module(self, module: nn.Module) -> tuple[Any, ...]:
        """Of torch's own layers, only what others may do to them."""
        kind = type(module)
        own = attributes_of(module)
        held, parameters = (
            tuple(map(self._identity, items_of(own, name).values()))
            for name in ("_modules", "_parameters")
        )
        if module_of(kind).startswith("torch."):
            return (own.get("training"), held, parameters)
        self.classes.update(dict.fromkeys(x for x in mro(kind) if not is_of_torch(x)))
        buffers = items_of(own, "_buffers").items()
        attributes = (
            (name, value)
            for name, value in own.items()
            if name not in _OF_TORCH and not name.startswith("_rflint_")  # the tracers' notes
        )
        return (
            held,
            parameters,
            tuple((name, self._fingerprint(value)) for name, value in buffers),
            tuple((name, self._fingerprint(value)) for name, value in attributes),
        )

    def code(self, cls: type) -> tuple[Any, ...]:
        """Class attributes, and the variables that the functions of a class can reach."""
        found: list[Any] = []
        for name, value in class_attributes(cls).items():
            function = value.__func__ if type(value) in (staticmethod, classmethod) else value
            if type(function) is FunctionType:
                found += self._reached(function)
            elif not name.startswith("__") and not callable(value):
                found.append((name, self._fingerprint(value)))
        return tuple(found)

    def contents(self) -> Iterator[Any]:
        """What is in everything that was met so far, and in what is met there."""
        while self._waiting:
            value, depth = self._waiting.popleft()
            yield self._contents(value, depth + 1)

    def _reached(self, function: FunctionType) -> Iterator[Any]:
        for cell in function.__closure__ or ():
            try:
                yield self._fingerprint(cell.cell_contents)
            except ValueError:  # not yet assigned
                continue
        names = function.__globals__
        if id(names) not in self._globals:
            self._globals.add(id(names))
            for name, value in list(names.items()):
                if not name.startswith("__") and _may_count(value):
                    yield name, self._fingerprint(value)

    def _identity(self, value: Any) -> int:
        self.alive.append(value)
        return id(value)

    def _fingerprint(self, value: Any, depth: int = 0) -> Any:
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
            callable(value) and not is_iterator(kind)
        ):
            return self._identity(value)
        if id(value) in self._numbers:
            return "again", self._numbers[id(value)]
        if depth > _DEEP or runs_training(kind):
            return self._identity(value)
        self._numbers[id(value)] = len(self._numbers)
        self.alive.append(value)
        self._waiting.append((value, depth))
        return "new"

    def _tensor(self, value: torch.Tensor, kind: type) -> Any:
        if not module_of(kind).startswith("torch"):
            return self._identity(value)
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
        if module_of(kind).partition(".")[0] == "numpy":
            return _numpys_state(value, kind)
        if is_iterator(kind):
            return object()  # whatever comes next is something else
        attributes = attributes_of(value)
        slots = [*slots_of(value, kind)]
        inside = (*attributes.values(), *slots)
        return id(value), tuple(attributes), self._all_of(len(inside), inside, depth)

    def _all_of(self, size: int, items: Iterable[Any], depth: int) -> Any:
        return size if size > _MANY else tuple([self._fingerprint(item, depth) for item in items])


_OF_TORCH = frozenset(vars(nn.Module())) - {"training"}
"""What torch keeps in every module."""

_RANDOM: Any = random.Random.__base__
"""The generator itself, whatever classes of Python are around it."""


def _numpys_state(value: Any, kind: type) -> Any:
    if is_numpy_generator(kind):
        return repr(
            value.get_state() if has_attribute(kind, "get_state") else value.bit_generator.state
        )
    return value.tobytes() if getattr(value, "size", _MANY) <= _SMALL else id(value)


def _as_number_or_text(value: Any, kind: type) -> Any:
    """The value of a number or text of a derived class, as Python's own; None for all else."""
    if issubclass(kind, int):
        return int.__add__(value, 0)
    if issubclass(kind, float):
        return float.__add__(value, 0.0)
    return str.__str__(value) if issubclass(kind, str) else None


def _may_count(value: Any) -> bool:
    """Whether a variable of a file may be what its code counts or draws with."""
    kind = type(value)
    if kind in (list, dict, deque, set):
        return len(value) <= _SMALL
    counts = issubclass(kind, int | float | random.Random | torch.Generator)
    return counts or is_numpy_generator(kind) or is_iterator(kind)
