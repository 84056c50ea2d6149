"""A module's forward written anew, where no edit of modules can say a change.

Poolings that are function calls, one of several calls of a pooling, and ends of networks whose
forward goes on with function calls need another forward. The one there is is read as a torch.fx
graph, the graph is changed, and what comes out is the source of a function. It becomes the forward
of a subclass of the module's own class, so that everything else about the module stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import fx, nn

from rflint.graph.layer import Layer
from rflint.repair.edits.forward_graph import forward_graph, writes_in_place
from rflint.repair.edits.statements import FUNCTIONS, statements_of
from rflint.repair.edits.writer import Inexpressible


@dataclass(frozen=True, slots=True)
class ForwardChange:
    """What is to be different in one module's forward."""

    left_out: tuple[Layer, ...] = ()
    """Calls that pass their input on."""
    unit_stride: tuple[Layer, ...] = ()
    """Function calls that take stride 1."""
    resized_behind: int | None = None
    """The layer behind which the map is pooled by the module `pooling` to the size that it had."""
    pooling: str = ""
    cut: int | None = None
    """The layer behind which `head` ends the model."""
    logits: int = 0
    """The layer that `head` takes the place of; what the model does with its result stays."""
    head: str = ""


UNCHANGED = ForwardChange()


@dataclass(frozen=True, slots=True)
class NewForward:
    """A function that takes the place of a module's forward."""

    source: str
    added: tuple[tuple[str, str], ...]
    """Names of submodules that it needs and the module has not, and the code that makes them."""
    unused: tuple[str, ...]
    """Names of what the old forward used and the new one does not."""


def rewritten_forward(
    model: nn.Module, path: str, layers: Sequence[Layer], change: ForwardChange, name: str
) -> NewForward:
    """A function `name` that takes the place of the forward of the module at `path`.

    Raises Inexpressible where torch.fx cannot follow the forward, or what it does has no name.
    """
    module = model.get_submodule(path)
    graph = forward_graph(model, module, path)
    forward = _Forward(module, path, graph, layers)
    before = forward.children()
    # calls are found by their order: all of them before the first is gone
    left_out = [forward.call_of(layer) for layer in change.left_out]
    unit_stride = [forward.call_of(layer) for layer in change.unit_stride]
    if change.resized_behind is not None:
        forward.add_behind(forward.node_at(change.resized_behind), "resized", change.pooling)
    if change.cut is not None:
        cut, logits = forward.node_at(change.cut), forward.node_at(change.logits)
        if not cut < logits:
            raise Inexpressible(f"the network would end inside {cut.target}")
        forward.end_behind(cut, change.head, logits)
    for node in unit_stride:
        _set_unit_stride(node)
    for node in left_out:
        node.replace_all_uses_with(_first(node))
        graph.erase_node(node)
    after = forward.children()
    return NewForward(
        forward.source(name),
        tuple(forward.added.items()),
        tuple(child for child in before if child not in after),
    )


@dataclass
class _Forward:
    """A forward that is being rewritten."""

    module: nn.Module
    path: str
    graph: fx.Graph
    layers: Sequence[Layer]
    added: dict[str, str] = field(default_factory=dict)
    """Submodules that are new, and the code that makes them."""

    # -- changes

    def end_behind(self, node: fx.Node, head: str, logits: fx.Node) -> None:
        """Let a new submodule, called on what `node` returns, take the place of `logits`."""
        made = self.add_behind(node, "head", head)
        logits.replace_all_uses_with(made)
        for unused in reversed(list(self.graph.nodes)):
            idle = unused.op not in ("output", "placeholder") and not unused.users
            if idle and (made < unused or not writes_in_place(unused)):
                self.graph.erase_node(unused)

    def add_behind(self, node: fx.Node, wanted: str, code: str) -> fx.Node:
        """Call a new submodule on what a node returns."""
        name = wanted
        while hasattr(self.module, name):
            name = f"new_{name}"
        self.added[name] = code
        with self.graph.inserting_after(node):
            made = self.graph.create_node("call_module", name, (node,), name=name)
        node.replace_all_uses_with(made, delete_user_cb=lambda user: user is not made)
        return made

    # -- which node a layer is

    def call_of(self, layer: Layer) -> fx.Node:
        """The node of a call: calls of one function or module come in the same order."""
        if layer.is_module:
            name = layer.name.removeprefix(f"{self.path}." if self.path else "")
            alike = [x for x in self.layers if x.name == layer.name]
            nodes = [n for n in self.graph.nodes if n.op == "call_module" and n.target == name]
        else:
            alike = [x for x in self.layers if x.scope == self.path and _is_like(x, layer)]
            nodes = [node for node in self.graph.nodes if _name(node) == _plain(layer.op)]
        if len(alike) != len(nodes):
            raise Inexpressible(f"{layer.label} cannot be found again in what torch.fx reads")
        found: fx.Node = nodes[next(i for i, x in enumerate(alike) if x is layer)]
        return found

    def node_at(self, index: int) -> fx.Node:
        """The node that makes what a layer returns: the function, or the submodule it ends."""
        layer = self.layers[index]
        prefix = f"{self.path}." if self.path else ""
        if layer.scope == self.path:
            return self.call_of(layer)
        for node in self.graph.nodes:
            if node.op == "call_module" and f"{prefix}{node.target}" in layer.modules_around:
                calls = [n for n in self.graph.nodes if n.target == node.target]
                if len(calls) == 1:
                    (found,) = calls
                    assert isinstance(found, fx.Node)
                    return found
        raise Inexpressible(f"{layer.label} cannot be found again in what torch.fx reads")

    # -- source

    def source(self, name: str) -> str:
        """The function, by this name, as source code."""
        arguments, statements = statements_of(self.module, self.graph, self.added)
        lines = [
            f"def {name}({', '.join(['self', *arguments])}):",
            f'    """The forward of {_described(self.module, self.path)}, changed."""',
            *(f"    {line}" for line in statements),
        ]
        return "\n".join(lines)

    def children(self) -> list[str]:
        """The module's own submodules and tensors that the forward uses."""
        names = (
            str(node.target).split(".")[0]
            for node in self.graph.nodes
            if node.op in ("call_module", "get_attr")
        )
        return [name for name in dict.fromkeys(names) if name not in self.added]


def _is_like(layer: Layer, other: Layer) -> bool:
    return not layer.is_module and _plain(layer.op) == _plain(other.op)


def _plain(name: str) -> str:
    return name.strip("_")


def _name(node: fx.Node) -> str:
    """The name of the function or method that a node calls."""
    if node.op == "call_method":
        return _plain(str(node.target))
    if node.op != "call_function":
        return ""
    known = FUNCTIONS.get(node.target)
    name = known.rpartition(".")[2] if known else getattr(node.target, "__name__", "")
    return _plain(name)


def _first(node: fx.Node) -> fx.Node:
    """What a call is given first."""
    source = node.args[0] if node.args else node.kwargs.get("input")
    if not isinstance(source, fx.Node):
        raise Inexpressible(f"{node.name} has no input to pass on")
    return source


def _set_unit_stride(pooling: fx.Node) -> None:
    """Give a pooling stride 1."""
    pooling.args = (*pooling.args[:2], 1, *pooling.args[3:])
    pooling.kwargs = {name: value for name, value in pooling.kwargs.items() if name != "stride"}


def _described(module: nn.Module, path: str) -> str:
    return f"{type(module).__name__} ({path})" if path else type(module).__name__
