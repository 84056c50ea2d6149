"""A torch.fx graph of one forward, lowered to the statements that a person would write."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import fx, nn

from rflint.repair.edits.names import Names
from rflint.repair.edits.writer import Inexpressible


def statements_of(
    module: nn.Module, graph: fx.Graph, added: Collection[str]
) -> tuple[list[str], list[str]]:
    """The arguments of a module's forward, and the statements of it.

    `added` are the names of submodules that are called and that the module does not have yet.
    Raises Inexpressible for what has no name in torch.
    """
    names = Names(module, "self")
    written: dict[fx.Node, str] = {}
    last_use = {source: node for node in graph.nodes for source in node.all_input_nodes}
    arguments: list[str] = []
    statements: list[str] = []
    for node in graph.nodes:
        if node.op == "placeholder":
            written[node] = str(node.target)
            arguments.append(written[node])
        elif node.op == "output":
            statements.append(f"return {_printed(node.args[0], written)}")
        elif node.op == "get_attr":
            written[node] = f"self.{node.target}"
        else:
            value = _expression(node, names, written, added)
            sources = node.all_input_nodes
            # a chain of calls is one variable that changes
            reuses = sources and last_use[sources[0]] is node and written[sources[0]].isidentifier()
            written[node] = written[sources[0]] if reuses else node.name
            statements.append(f"{written[node]} = {value}")
    return arguments, statements


def _expression(
    node: fx.Node, names: Names, written: Mapping[fx.Node, str], added: Collection[str]
) -> str:
    if node.op == "call_module":
        target = str(node.target)
        called = f"self.{target}" if target in added else names.expression(target)
        return f"{called}({_arguments(node.args, node.kwargs, written)})"
    if node.op == "call_method":
        rest = _arguments(node.args[1:], node.kwargs, written)
        return f"{_printed(node.args[0], written)}.{node.target}({rest})"
    printed = [_printed(argument, written) for argument in node.args]
    if node.target in _OPERATORS:
        return f"{printed[0]} {_OPERATORS[node.target]} {printed[1]}"
    if node.target is operator.getitem:
        return f"{printed[0]}[{_index(node.args[1], written)}]"
    if node.target is getattr and isinstance(node.args[1], str):
        return f"{printed[0]}.{node.args[1]}"
    kwargs = {k: v for k, v in node.kwargs.items() if not _is_default(node.target, k, v)}
    return f"{_function(node.target)}({_arguments(node.args, kwargs, written)})"


_OPERATORS = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.matmul: "@",
}

_POOLING_DEFAULTS = {
    "stride": None,
    "padding": 0,
    "dilation": 1,
    "ceil_mode": False,
    "return_indices": False,
}
"""Of poolings that may return indices, whose signature PyTorch hides."""


def _functions() -> dict[Any, str]:
    """Functions of torch, and the names they have there."""
    found: dict[Any, str] = {}
    for prefix, namespace in (("torch", torch), ("nn.functional", nn.functional)):
        for name in dir(namespace):
            function = getattr(namespace, name, None)
            if callable(function) and not name.startswith("_") and not isinstance(function, type):
                found[function] = f"{prefix}.{name}"
    return found


FUNCTIONS = _functions()


def _function(target: Any) -> str:
    if target not in FUNCTIONS:
        name = getattr(target, "__qualname__", repr(target))
        raise Inexpressible(f"the forward calls {name}, which is no function of torch")
    return FUNCTIONS[target]


def _is_default(function: Any, name: str, value: Any) -> bool:
    try:
        parameter = inspect.signature(function).parameters.get(name)
    except (TypeError, ValueError):
        return False
    if parameter is None:
        return name in _POOLING_DEFAULTS and _POOLING_DEFAULTS[name] == value
    return bool(parameter.default == value) and type(parameter.default) is type(value)


def _arguments(
    args: Sequence[Any], kwargs: Mapping[str, Any], written: Mapping[fx.Node, str]
) -> str:
    printed = [_printed(argument, written) for argument in args]
    for name, value in kwargs.items():
        is_flag = name == "training" and value == "self.training"
        printed.append(f"{name}={'self.training' if is_flag else _printed(value, written)}")
    return ", ".join(printed)


def _printed(value: Any, written: Mapping[fx.Node, str]) -> str:
    """A value as code."""
    if isinstance(value, fx.Node):
        return written[value]
    if isinstance(value, tuple | list):
        items = [_printed(item, written) for item in value]
        if isinstance(value, list):
            return f"[{', '.join(items)}]"
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    if value is None or isinstance(value, bool | int | float | str | torch.dtype):
        return repr(value)
    raise Inexpressible(f"the forward uses {value!r}, which cannot be written as code")


def _index(value: Any, written: Mapping[fx.Node, str]) -> str:
    """What stands between brackets."""
    if isinstance(value, tuple):
        return ", ".join(_index(item, written) for item in value)
    if isinstance(value, slice):
        bounds = [value.start, value.stop, *([value.step] if value.step is not None else [])]
        return ":".join("" if bound is None else _printed(bound, written) for bound in bounds)
    return "..." if value is ... else _printed(value, written)
