"""The forward of one module as a torch.fx graph, with every submodule kept whole."""

from __future__ import annotations

import inspect
import linecache
import operator
import sys
from typing import Any

from torch import fx, nn

from rflint.errors import error_text
from rflint.repair.edits.writer import Inexpressible
from rflint.tracing.model.temporary import temporarily_on_meta


class _ShallowTracer(fx.Tracer):
    """Reads one forward and no other."""

    def to_bool(self, obj: fx.Proxy) -> bool:
        """What is asserted holds: the model has run."""
        caller = sys._getframe(2)  # behind Proxy.__bool__
        line = linecache.getline(caller.f_code.co_filename, caller.f_lineno)
        return line.lstrip().startswith("assert ") or super().to_bool(obj)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Every submodule is called as a whole."""
        return True


def forward_graph(model: nn.Module, module: nn.Module, path: str) -> fx.Graph:
    """The graph of the forward of the module at `path`, which holds in evaluation and in training.

    Raises Inexpressible where torch.fx cannot follow it, or where the two are different graphs.
    """
    described = path or "the model"
    if "checkpoint" in type(module).forward.__code__.co_names:
        raise Inexpressible(f"the forward of {described} checkpoints, which torch.fx does not see")
    # arguments that need not be given take their defaults, and are no arguments any more
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(module.forward).parameters.items()
        if parameter.default is not parameter.empty
    }
    graphs = []
    for train in (False, True):
        with temporarily_on_meta(model, train=train):
            try:
                graph = _ShallowTracer().trace(module, concrete_args=defaults or None)
            except Exception as error:
                why = error_text(error).splitlines()[0]
                raise Inexpressible(
                    f"torch.fx cannot read the forward of {described}: {why}"
                ) from error
        _without_checks(graph)
        graphs.append(graph)
    evaluating, training = graphs
    if _outline(evaluating) != _outline(training):
        raise Inexpressible(f"the forward of {described} is another in training")
    for node, other in zip(evaluating.nodes, training.nodes, strict=True):
        if node.kwargs.get("training") != other.kwargs.get("training"):
            node.kwargs = {**node.kwargs, "training": "self.training"}
    return evaluating


def _without_checks(graph: fx.Graph) -> None:
    """Take out what does nothing: assertions, arguments that are gone, values that nobody uses."""
    for node in reversed(list(graph.nodes)):
        is_value = node.op in ("call_function", "call_method", "get_attr") and not writes_in_place(
            node
        )
        optional = bool(node.args) or str(node.target).startswith("*")
        if not node.users and (is_value or (node.op == "placeholder" and optional)):
            graph.erase_node(node)


def _outline(graph: fx.Graph) -> list[Any]:
    """A graph as plain data, but for what `training=` says."""
    numbers = {node: number for number, node in enumerate(graph.nodes)}
    return [
        (
            node.op,
            node.target,
            fx.node.map_arg(node.args, lambda source: f"%{numbers[source]}"),
            fx.node.map_arg(
                {name: value for name, value in node.kwargs.items() if name != "training"},
                lambda source: f"%{numbers[source]}",
            ),
        )
        for node in graph.nodes
    ]


def writes_in_place(node: fx.Node) -> bool:
    """Whether a node may change a tensor in place, and so count although nothing uses it."""
    name = str(node.target)
    return (node.op == "call_method" and name.endswith("_")) or node.target is operator.setitem
