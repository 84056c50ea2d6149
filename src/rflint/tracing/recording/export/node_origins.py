"""Notes on the nodes of an exported graph: what in the model's Python code they come from."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import fx, nn

from rflint.graph.architecture import DropoutMode
from rflint.graph.source_location import SourceLocation

_ORIGIN = "rflint_origin"

_numbers = itertools.count()


@dataclass(frozen=True)
class PythonCall:
    """One call of a torch function in Python, which may become several nodes."""

    number: int
    spelling: str
    index: Any = None
    """Of `tensor[index]`, if it is made of numbers and slices."""
    dropout_mode: DropoutMode = DropoutMode.UNKNOWN
    """Of a function that drops: what its call says of the mode."""
    parameters: tuple[nn.Parameter, ...] = ()
    """Those among its arguments that the model has not registered."""


def python_call(
    name: str,
    args: tuple[Any, ...],
    dropout_mode: DropoutMode,
    parameters: tuple[nn.Parameter, ...],
) -> PythonCall:
    """A call of the function of that name."""
    index = args[1] if name == "__getitem__" and _is_basic(args[1]) else None
    return PythonCall(next(_numbers), name.strip("_"), index, dropout_mode, parameters)


def _is_basic(index: Any) -> bool:
    items = index if isinstance(index, tuple) else (index,)
    return all(item is None or item is ... or type(item) in (int, slice) for item in items)


@dataclass(frozen=True)
class NodeOrigin:
    """Where a node was made."""

    called: SourceLocation | None = None
    module_paths: tuple[str, ...] = ()
    """Of the modules whose forward was running, innermost last."""
    call: PythonCall | None = None


def note_origin(node: fx.Node, origin: NodeOrigin) -> None:
    """Note on a node where it was made."""
    node.meta[_ORIGIN] = origin


def origin_of(node: fx.Node) -> NodeOrigin:
    """Where a node was made, as far as that was noted."""
    found = node.meta.get(_ORIGIN)
    return found if isinstance(found, NodeOrigin) else NodeOrigin()


@contextmanager
def nodes_shown_to(note: Callable[[fx.Node], None]) -> Iterator[None]:
    """Show `note` every node that is made meanwhile, in any graph."""
    original = fx.Graph.create_node

    def create_node(graph: fx.Graph, *args: Any, **kwargs: Any) -> fx.Node:
        node = original(graph, *args, **kwargs)
        note(node)
        return node

    fx.Graph.create_node = create_node  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        fx.Graph.create_node = original  # type: ignore[method-assign]
