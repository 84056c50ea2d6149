"""One call of an operator, and the tensors among its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rflint.operators.values import Value


@dataclass(frozen=True)
class Call:
    """One call of an operator, as a module or as a function.

    Tensors among the arguments are torch tensors while recording and `Value`s while lowering;
    both have a `.shape`, and rows look at nothing else of them.
    """

    name: str
    """The spelling under which the table knows it."""
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    module: Any = None
    axes: int = 0
    result: Any = None
    """What the recorded call returned, while lowering: a `.shape`, or a sequence of them."""

    def arg(self, name: str, position: int | None = None, default: Any = None) -> Any:
        """A hyper-parameter, wherever this spelling of the operator keeps it."""
        if name in self.kwargs:
            return self.kwargs[name]
        if self.module is not None:
            return getattr(self.module, name, default)
        if position is not None and position < len(self.args):
            return self.args[position]
        return default

    @property
    def spatial(self) -> int:
        """The dimensionality that the name tells: 2 for max_pool2d and AvgPool2d."""
        digits = [letter for letter in self.name if letter.isdigit()]
        return int(digits[-1])

    @property
    def input(self) -> Any:
        """The first tensor."""
        return self.tensors[0]

    @cached_property
    def tensors(self) -> list[Any]:
        """All tensors among the arguments, in order, lists included."""
        return tensors_in((self.args, self.kwargs))

    @cached_property
    def data(self) -> list[Value]:
        """The tensors that depend on the model's input (while lowering)."""
        return [value for value in self.tensors if value.source is not None]


def tensors_in(argument: Any) -> list[Any]:
    """The tensors (or values) in nested arguments, in order."""
    found: list[Any] = []
    _collect(argument, found)
    return found


def _collect(argument: Any, found: list[Any]) -> None:
    kind = type(argument)
    if kind in _PLAIN:  # most arguments, by far
        return
    if isinstance(argument, (tuple, list)):
        for item in argument:
            _collect(item, found)
    elif isinstance(argument, dict):
        for item in argument.values():
            _collect(item, found)
    elif kind is slice:
        _collect((argument.start, argument.stop, argument.step), found)
    elif kind.__module__ != "numpy" and _has_shape(argument):
        found.append(argument)


def _has_shape(argument: Any) -> bool:
    """Whether it is a tensor or a value; a stand-in for a missing package refuses to say."""
    try:
        return hasattr(argument, "shape")
    except Exception:  # __getattr__ of the user's raises what it likes
        return False


_PLAIN = frozenset({int, float, bool, str, type(None)})


def mapped(argument: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    """Nested arguments with everything of a type changed: tensors to nodes, nodes to values."""
    if isinstance(argument, kind):
        return change(argument)
    if isinstance(argument, tuple):
        items = [mapped(item, kind, change) for item in argument]
        return type(argument)(*items) if hasattr(argument, "_fields") else tuple(items)
    if isinstance(argument, list):
        return [mapped(item, kind, change) for item in argument]
    if isinstance(argument, Mapping):
        return {key: mapped(item, kind, change) for key, item in argument.items()}
    if isinstance(argument, slice):
        bounds = (argument.start, argument.stop, argument.step)
        return slice(*(mapped(bound, kind, change) for bound in bounds))
    return argument
