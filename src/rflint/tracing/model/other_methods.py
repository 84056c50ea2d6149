"""The parameters that methods of a model use which its forward does not call."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

from torch import nn

_MANAGING = (
    "init",
    "reset",
    "get_",
    "set_",
    "freeze",
    "unfreeze",
    "load_",
    "save_",
    "group_matcher",
)
"""How the names of methods begin, underscores apart, that manage what a module holds."""


def used_by_other_methods(
    model: nn.Module, names: Iterable[str], *, lacks_inputs: bool = False
) -> frozenset[str]:
    """Those parameters that some method uses which forward does not call.

    A training_step (of PyTorch Lightning, say) calls what forward does not. Where the pass
    `lacks_inputs`, what forward uses as well counts as unused for want of these.
    """
    read: dict[type, frozenset[str]] = {}
    found = set()
    for name in names:
        module: Any = model
        for part in name.split("."):
            if type(module) not in read:
                by_forward, by_others = _read_by_methods(type(module))
                read[type(module)] = by_others - by_forward if lacks_inputs else by_others
            if part in read[type(module)]:
                found.add(name)
            module = getattr(module, part, None)
            if not isinstance(module, nn.Module):
                break
    return frozenset(found)


def attributes_read_by(cls: type, method: str) -> frozenset[str]:
    """The attributes of `self` that a method and those that it calls read."""
    methods = _methods_of(cls)
    reads = {name: frozenset(_attributes_of_self(x.__code__)) for name, x in methods.items()}
    return frozenset(name for reached in _reached([method], reads) for name in reads[reached])


def _methods_of(cls: type) -> dict[str, FunctionType]:
    return {
        name: function
        for base in reversed(cls.__mro__)
        if not base.__module__.startswith(("torch.", "builtins"))
        for name, value in vars(base).items()
        if isinstance(function := inspect.unwrap(getattr(value, "__func__", value)), FunctionType)
    }


def _read_by_methods(cls: type) -> tuple[frozenset[str], frozenset[str]]:
    """The attributes of `self` that forward and the methods it calls read, and that others do."""
    methods = _methods_of(cls)
    reads = {name: frozenset(_attributes_of_self(x.__code__)) for name, x in methods.items()}
    by_forward = _reached(["forward"], reads)
    managing = [name for name in methods if name == "__init__" or _only_manages(name)]
    others = methods.keys() - by_forward - _reached(managing, reads)
    return (
        frozenset(name for method in by_forward for name in reads[method]),
        frozenset(name for method in others for name in reads[method]),
    )


def _reached(methods: Iterable[str], reads: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """These methods, and all that they call."""
    found: set[str] = set()
    waiting = [name for name in methods if name in reads]
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting += (reads[name] & reads.keys()) - found
    return frozenset(found)


def _only_manages(name: str) -> bool:
    """Whether a method, by its name, computes nothing with what a module holds."""
    return name.startswith("__") or name.lstrip("_").startswith(_MANAGING)


def _attributes_of_self(code: CodeType, self_name: str = "") -> Iterator[str]:
    """What a method reads of its first argument, also in functions that it holds."""
    self_name = self_name or (code.co_varnames[0] if code.co_argcount else "")
    before = None
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and before == self_name:
            yield str(instruction.argval)
        before = instruction.argval if instruction.opname.startswith(_LOADS) else None
        before = before[-1] if isinstance(before, tuple) else before
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _attributes_of_self(constant, self_name)
        elif isinstance(constant, str) and constant.isidentifier():
            yield constant  # getattr(self, "projector")


_LOADS = ("LOAD_FAST", "LOAD_DEREF")
"""How instructions begin that load a local variable."""
