"""A snapshot of what a model's code can change of it while it runs, to be put back.

Attributes, the content of the lists, dictionaries and sets that they hold (nested ones too, and
those of plain objects and of the model's own classes), and the numbers in small tensors that no
module has registered. What did not change is not touched: a dictionary may forbid that.
"""

from __future__ import annotations

import argparse
import sys
import types
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from rflint.tracing.model.meta_device import LARGE
from rflint.tracing.model.tree import modules

_MOST_LOOKED_INTO = 10_000
"""The items of longer lists and dictionaries are put back, but not looked into."""

_ATOMS = (int, float, complex, bool, str, bytes, type(None), type, torch.dtype, torch.Size)


class Snapshot:
    """The state of a model at one moment."""

    def __init__(self, model: nn.Module) -> None:
        self._seen: set[int] = set()
        self._restorers: list[tuple[Any, Callable[[], None]]] = []
        """Everything that was looked at, so that identities stay unique, and how to put it back."""
        waiting: list[Any] = list(modules(model))
        waiting += _of_classes(waiting)
        while waiting:
            value = waiting.pop()
            if isinstance(value, _ATOMS) or id(value) in self._seen:
                continue
            self._seen.add(id(value))
            waiting += self._look_at(value)

    def restore(self) -> None:
        """Put everything back that has changed."""
        for _, put_back in self._restorers:
            put_back()

    def _look_at(self, value: Any) -> list[Any]:
        """Note how one object is; what it holds."""
        if isinstance(value, torch.Tensor):
            return self._look_at_tensor(value)
        if isinstance(value, dict):
            items = list(_dict_of(value).items(value))
            self._add(value, lambda: _restore_dict(value, items))
            return [item for _, item in items] if len(items) <= _MOST_LOOKED_INTO else []
        if isinstance(value, (list, set, deque)):
            content = list(value)
            self._add(value, lambda: _restore_items(value, content))
            return content if len(content) <= _MOST_LOOKED_INTO else []
        if isinstance(value, tuple):
            return list(value)
        attributes = _attributes(value)
        if attributes is None:
            return []
        cls, items = type(value), list(attributes.items())
        self._add(value, lambda: _restore_object(value, cls, items))
        return [item for _, item in items]

    def _look_at_tensor(self, tensor: torch.Tensor) -> list[Any]:
        """Its numbers, where it has some of its own."""
        if nn.parameter.is_lazy(tensor) or isinstance(tensor, nn.Parameter):
            # parameters are replaced while a model is on the meta device
            flag = tensor.requires_grad
            self._add(tensor, lambda: _restore_flag(tensor, flag))
        elif _has_small_numbers(tensor):
            version, numbers = tensor._version, tensor.detach().clone()
            self._add(tensor, lambda: _restore_numbers(tensor, version, numbers))
        return []

    def _add(self, value: Any, put_back: Callable[[], None]) -> None:
        self._restorers.append((value, put_back))


def _of_classes(found: list[Any]) -> list[Any]:
    """The lists, dictionaries and sets that the classes of modules hold, of those that users write.

    A cache that all instances share is one.
    """
    classes = {
        cls
        for module in found
        for cls in type(module).__mro__
        if not cls.__module__.startswith(("torch.", "builtins"))
    }
    return [
        value
        for cls in classes
        for name, value in vars(cls).items()
        if isinstance(value, (dict, list, set, deque)) and not name.startswith("__")
    ]


def _attributes(value: Any) -> dict[str, Any] | None:
    """The attributes of a module or of a plain object; None for everything else."""
    if not isinstance(value, (nn.Module, argparse.Namespace, types.SimpleNamespace)):
        library = type(value).__module__.partition(".")[0]
        if library in sys.stdlib_module_names or library in ("torch", "numpy"):
            return None
    found = getattr(value, "__dict__", None)
    return found if isinstance(found, dict) else None


def _dict_of(value: dict[Any, Any]) -> type[dict[Any, Any]]:
    """The built-in class of a dictionary, whatever its own class makes of the methods."""
    return OrderedDict if isinstance(value, OrderedDict) else dict


def _same(now: list[Any], before: list[Any]) -> bool:
    return len(now) == len(before) and all(a is b for a, b in zip(now, before, strict=True))


def _flat(items: list[tuple[Any, Any]]) -> list[Any]:
    return [part for item in items for part in item]


def _restore_dict(value: dict[Any, Any], items: list[tuple[Any, Any]]) -> None:
    """By the methods of the built-in class: a subclass may refuse, or do more than it is told."""
    if not items and not value:  # most of what torch keeps in every module
        return
    base = _dict_of(value)
    if _same(_flat(list(base.items(value))), _flat(items)):
        return
    base.clear(value)
    for key, item in items:
        base.__setitem__(value, key, item)


def _restore_items(value: Any, content: list[Any]) -> None:
    if _same(list(value), content):
        return
    base: Any = next(kind for kind in (list, set, deque) if isinstance(value, kind))
    base.clear(value)
    (base.update if base is set else base.extend)(value, content)


def _restore_object(value: Any, cls: type, items: list[tuple[str, Any]]) -> None:
    if type(value) is not cls:
        value.__class__ = cls  # a lazy module has become another
    _restore_dict(value.__dict__, items)


def _restore_flag(tensor: torch.Tensor, requires_grad: bool) -> None:
    if tensor.requires_grad is not requires_grad:
        tensor.requires_grad_(requires_grad)


def _has_small_numbers(tensor: torch.Tensor) -> bool:
    plain = tensor.device.type == "cpu" and tensor.layout is torch.strided
    return plain and tensor.numel() <= LARGE and not tensor.is_inference()


def _restore_numbers(tensor: torch.Tensor, version: int, numbers: torch.Tensor) -> None:
    if tensor._version == version:
        return
    with torch.no_grad():
        if tensor.shape == numbers.shape:
            tensor.copy_(numbers)
        else:
            tensor.set_(numbers)  # type: ignore[call-overload]
