"""An exported graph, replayed through the recorder."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import fx, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.export.graph_signature import ConstantArgument, InputKind

from rflint.errors import TraceFailed
from rflint.graph.architecture import DropoutMode
from rflint.graph.source_location import SourceLocation
from rflint.operators.call import mapped, tensors_in
from rflint.operators.find import find
from rflint.tracing.recording.aten_names import with_results
from rflint.tracing.recording.export.leaf_calls import LeafCall, LeafCalls
from rflint.tracing.recording.export.node_origins import origin_of
from rflint.tracing.recording.functions import name_of
from rflint.tracing.recording.recorder import Recorder
from rflint.tracing.recording.recording import Recording
from rflint.tracing.recording.tensors import tensors_of


class Replay:
    """Calls the recorder for every node of an exported graph."""

    def __init__(
        self, model: nn.Module, program: torch.export.ExportedProgram, leaf_calls: LeafCalls
    ) -> None:
        self.recorder = Recorder(model, lambda: self._call_site, lambda _: self._dropout_mode)
        self._model = model
        self._program = program
        self._leaf_calls = leaf_calls
        self._nodes_of_call: Counter[int | None] = Counter(map(_call_number, program.graph.nodes))
        """How many nodes every call of a torch function has become."""
        self._call_site: SourceLocation | None = None
        self._dropout_mode = DropoutMode.UNKNOWN
        self._parameters: dict[int, nn.Parameter] = {}
        """By the identity of what forward has created, the parameter that stands for it."""

    def recording_of(self, inputs: Sequence[torch.Tensor]) -> Recording:
        """The recording that following the model's own forward would leave."""
        values = dict(self._placeholders(inputs))
        with torch.no_grad():
            result = self._run_graph(self._program.graph_module, values)
        return self.recorder.finished(result)

    def _placeholders(self, inputs: Sequence[torch.Tensor]) -> Iterator[tuple[fx.Node, Any]]:
        nodes = [node for node in self._program.graph.nodes if node.op == "placeholder"]
        examples = enumerate(inputs)
        for node, spec in zip(nodes, self._program.graph_signature.input_specs, strict=True):
            if isinstance(spec.arg, ConstantArgument):
                yield node, spec.arg.value
            elif spec.kind is InputKind.USER_INPUT:
                i, tensor = next(examples)
                name = f"input_{i}" if i else "input"
                yield node, self.recorder.tracker.placeholder(name, tensor)
            elif spec.kind in (InputKind.PARAMETER, InputKind.BUFFER):
                owner, _, name = str(spec.target).rpartition(".")
                yield node, getattr(self._model.get_submodule(owner), name)
            else:
                yield node, self._stored_constant(self._program.constants[str(spec.target)])

    def _stored_constant(self, value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or not (
            isinstance(value, FakeTensor) or value.device.type == "meta"
        ):
            return value
        on_meta = torch.empty(value.shape, dtype=value.dtype, device="meta")
        return self.recorder.tracker.constant(on_meta)

    def _with_parameters(self, values: Any, parameters: Sequence[nn.Parameter]) -> Any:
        """The arguments of a call, with parameters where export has left constants.

        It knows those that the model has registered. The others are those of the call in Python,
        told apart by their shapes.
        """
        tracker, tensors = self.recorder.tracker, tensors_in(values)
        constants = [
            x for x in tensors if tracker.known_node(x) is None and x not in tracker.stored
        ]
        if not parameters or len(constants) == len(tensors):
            return values
        found: dict[int, nn.Parameter] = {}
        for parameter in parameters:
            alike = [x for x in constants if x.shape == parameter.shape and id(x) not in found]
            if alike:
                found[id(alike[0])] = self._standing_for(parameter, alike[0])
        return mapped(values, torch.Tensor, lambda x: found.get(id(x), x))

    def _standing_for(self, parameter: nn.Parameter, constant: torch.Tensor) -> nn.Parameter:
        if not isinstance(parameter, FakeTensor):
            return parameter
        if id(parameter) not in self._parameters:
            self._parameters[id(parameter)] = nn.Parameter(constant, parameter.requires_grad)
        return self._parameters[id(parameter)]

    def _run_graph(self, module: nn.Module, values: dict[fx.Node, Any]) -> Any:
        """Replay a graph whose placeholders have their values; what it returns."""
        graph = module.graph
        assert isinstance(graph, fx.Graph)
        for node in graph.nodes:
            if node in values:
                continue
            args, kwargs = mapped((node.args, node.kwargs), fx.Node, values.__getitem__)
            if node.op == "output":
                return args[0]
            if node.op == "get_attr":
                values[node] = self._stored_constant(operator.attrgetter(str(node.target))(module))
                continue
            self._enter(node)
            call = origin_of(node).call
            if call is None or call.index is None:
                values[node] = self._replayed(node, args, kwargs)
                continue
            indexed, getitem = (args[0], call.index), torch.Tensor.__getitem__
            result = self.recorder.call_function(getitem, "__getitem__", indexed, {})
            while _call_number(node) == call.number:
                values[node] = result  # what lies between, nothing else uses
                node = node.next
        raise AssertionError("a graph ends with its output")

    def _enter(self, node: fx.Node) -> None:
        """Stand where the model's forward stood when it made the node."""
        origin = origin_of(node)
        self.recorder.modules.running = [*map(self._model.get_submodule, origin.module_paths)]
        self._call_site = origin.called
        self._dropout_mode = origin.call.dropout_mode if origin.call else DropoutMode.UNKNOWN

    def _replayed(self, node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        target = node.target
        leaf = self._leaf_calls.called_by(target, args)
        if leaf is not None:
            call, tensors = leaf
            result = self._call_leaf(call, tensors)
            return list(tensors_of(result)) if target is torch.ops.rflint.leaf.default else result
        if isinstance(target, torch._ops.HigherOrderOperator):
            return self._inlined(args)
        if not isinstance(target, torch._ops.OpOverload):
            return target(*args, **kwargs) if target is operator.getitem else None
        name = name_of(target)
        if name.startswith(("_assert", "sym_constrain")):
            return None
        origin = origin_of(node).call
        if origin is not None:
            args, kwargs = self._with_parameters((args, kwargs), origin.parameters)
        results = len(target._schema.returns)
        op = self._op(node, name)
        return self.recorder.call_function(target, with_results(name, results), args, kwargs, op)

    def _call_leaf(self, call: LeafCall, tensors: Sequence[torch.Tensor]) -> Any:
        self._call_site, self._dropout_mode = call.called, call.dropout_mode
        self.recorder.modules.running = [self._model.get_submodule(call.scope)]
        args, kwargs = self._with_parameters(call.arguments(tensors), call.parameters)
        if call.leaf is not None:
            return self.recorder.calls.module(call.leaf, args, kwargs)
        return self.recorder.call_function(call.function, call.function.__name__, args, kwargs)

    def _inlined(self, args: tuple[Any, ...]) -> Any:
        """Code under torch.no_grad() or autocast is a graph of its own, called with its inputs."""
        graphs = [(i, arg) for i, arg in enumerate(args) if isinstance(arg, fx.GraphModule)]
        if len(graphs) != 1:
            raise TraceFailed("torch.export leaves control flow in the graph")
        ((at, module),) = graphs
        places = [node for node in module.graph.nodes if node.op == "placeholder"]
        return self._run_graph(module, dict(zip(places, args[at + 1 :], strict=True)))

    def _op(self, node: fx.Node, name: str) -> str:
        """What the code calls an operator, where that is the same operator."""
        call, own = origin_of(node).call, find(name.strip("_"))
        if call is None or own is None or self._nodes_of_call[call.number] > 1:
            return name.strip("_")
        row = find(call.spelling)
        return call.spelling if row and row.kind is own.kind else name.strip("_")


def _call_number(node: fx.Node) -> int | None:
    """That of the call in Python which a node comes from."""
    call = origin_of(node).call
    return None if call is None else call.number
