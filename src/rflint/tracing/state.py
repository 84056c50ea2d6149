"""What a model keeps from one forward pass to the next: counters, caches, layers built late.

Two passes that start from the same state do the same, unless they draw numbers. So a pass that
leaves the state as it was tells of all that follow.
"""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any

import torch
from torch import nn

from rflint.tracing.tree import modules

_SMALL = 64
"""Tensors of more elements hold weights or tables, and no counters."""

_MANY = 10_000
"""Longer lists are compared by their lengths."""

_PLAIN = (int, float, complex, str, bytes, bool, type(None), Enum, type, ModuleType)


@dataclass(frozen=True)
class State:
    """A model's state; `values` are those of its small tensors, which matter to who reads them."""

    structure: tuple[Any, ...]
    values: tuple[Any, ...]


def state_of(model: nn.Module) -> State:
    """The state of a model: attributes, buffers, and variables of the code around it."""
    reader = _Reader()
    structure = tuple(reader.module(module) for module in modules(model))
    around = tuple(reader.code(cls) for cls in reader.classes)
    return State((structure, around), tuple(reader.values))


def drawn_from() -> tuple[Any, ...]:
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
        self._met: set[int] = set()
        self._globals: set[int] = set()

    def module(self, module: nn.Module) -> tuple[Any, ...]:
        """Of torch's own layers, only what others may do to them."""
        kind = type(module)
        held = tuple(id(x) for x in module._modules.values())
        if kind.__module__.startswith("torch."):
            return (module.training, held, tuple(map(id, module._parameters.values())))
        self.classes.update(dict.fromkeys(x for x in kind.__mro__ if not _is_torchs(x)))
        own = (
            (name, value)
            for name, value in vars(module).items()
            if name not in _OF_TORCH and not name.startswith("_rflint_")  # the tracers' notes
        )
        return (
            held,
            tuple(map(id, module._parameters.values())),
            tuple((name, self._frozen(value)) for name, value in module._buffers.items()),
            tuple((name, self._frozen(value)) for name, value in own),
        )

    def code(self, cls: type) -> tuple[Any, ...]:
        """Class attributes, and the variables that the functions of a class can reach."""
        found: list[Any] = []
        for name, value in vars(cls).items():
            function = getattr(value, "__func__", value)
            if isinstance(function, FunctionType):
                found += self._reached(function)
            elif not name.startswith("__") and not callable(value):
                found.append((name, self._frozen(value)))
        return tuple(found)

    def _reached(self, function: FunctionType) -> Iterator[Any]:
        for cell in function.__closure__ or ():
            try:
                yield self._frozen(cell.cell_contents)
            except ValueError:  # not yet assigned
                continue
        names = function.__globals__
        if id(names) not in self._globals:
            self._globals.add(id(names))
            for name, value in list(names.items()):
                if not name.startswith("__") and _may_count(value):
                    yield name, self._frozen(value)

    def _frozen(self, value: Any, depth: int = 0) -> Any:
        """Something that is equal as long as nothing in the value has changed."""
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, torch.Tensor):
            if value.device.type == "cpu" and value.numel() <= _SMALL and not value.is_quantized:
                self.values.append(value.detach().tolist())
            return tuple(value.shape), value.dtype
        if isinstance(value, nn.Module) or id(value) in self._met or depth > 5:
            return id(value)
        return self._contents(value, depth)

    def _contents(self, value: Any, depth: int) -> Any:
        if isinstance(value, random.Random):
            return value.getstate()
        if isinstance(value, torch.Generator):
            return value.get_state().numpy().tobytes()
        if type(value).__module__.partition(".")[0] == "numpy":
            if _is_numpys_generator(value):
                older = hasattr(type(value), "get_state")
                return repr(value.get_state() if older else value.bit_generator.state)
            return value.tobytes() if getattr(value, "size", _MANY) <= _SMALL else id(value)
        if callable(value) and not _is_iterator(value):
            return id(value)
        if isinstance(value, list | tuple | deque | set | frozenset):
            return self._all_of(value, depth)
        self._met.add(id(value))
        try:
            if isinstance(value, Mapping):
                return self._all_of([*value.items()], depth)
            if _is_iterator(value):
                return object()  # whatever comes next is something else
            attributes = _attributes_of(value)
            return id(value), self._all_of([*attributes.items()], depth)
        finally:
            self._met.discard(id(value))

    def _all_of(self, items: Any, depth: int) -> Any:
        if len(items) > _MANY:
            return len(items)
        return tuple(self._frozen(item, depth + 1) for item in items)


_OF_TORCH = frozenset(vars(nn.Module())) - {"training"}
"""What torch keeps in every module."""


def _is_torchs(cls: type) -> bool:
    return cls is object or cls.__module__.startswith("torch.")


# of objects of other people's classes only the type is looked at: asking an attribute runs code


def _is_iterator(value: Any) -> bool:
    return hasattr(type(value), "__next__")


def _is_numpys_generator(value: Any) -> bool:
    return type(value).__module__.startswith("numpy.random") and hasattr(type(value), "random")


def _attributes_of(value: Any) -> dict[str, Any]:
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}


def _may_count(value: Any) -> bool:
    """Whether a variable of a file may be what its code counts or draws with."""
    kind = type(value)
    if kind in (list, dict, deque, set):
        return len(value) <= _SMALL
    counts = issubclass(kind, (int, float, random.Random, torch.Generator))
    return counts or _is_numpys_generator(value) or _is_iterator(value)
