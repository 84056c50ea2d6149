"""Calls that are recorded: a node of the graph, the result, and what the operator table says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import fx, nn

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.operators.call import Call
from rflint.operators.find import find
from rflint.operators.shapes import ShapeError
from rflint.operators.table import Row
from rflint.tracing.model.construction import constructed_at
from rflint.tracing.model.tree import named_modules, parameters
from rflint.tracing.recording.call_site import CallSite
from rflint.tracing.recording.dropout_modes import DropoutModes
from rflint.tracing.recording.failures import mismatch
from rflint.tracing.recording.functions import (
    VIEW_PROPERTIES,
    VIEWS_IN_PLACE,
    TorchCall,
    in_place,
    is_method,
)
from rflint.tracing.recording.graph_functions import property_getter, setitem
from rflint.tracing.recording.leaf_modules import LeafModule
from rflint.tracing.recording.meta_execution import MetaExecution
from rflint.tracing.recording.module_stack import ModuleStack
from rflint.tracing.recording.recording import Step
from rflint.tracing.recording.tensor_tracker import TensorTracker
from rflint.tracing.recording.tensors import tensors_of


class CallRecorder:
    """Appends calls to the graph, and gives back what they return."""

    def __init__(
        self,
        tracker: TensorTracker,
        modules: ModuleStack,
        execution: MetaExecution,
        call_site: CallSite,
        dropout_mode: DropoutModes,
    ) -> None:
        self._tracker = tracker
        self._modules = modules
        self._execution = execution
        self._call_site = call_site
        self._dropout_mode = dropout_mode

    # -- functions

    def function(self, torch_call: TorchCall) -> Any:
        """The result of a function that is called on something recorded."""
        spelling, name, args = torch_call.spelling, torch_call.name, torch_call.args
        row = find(spelling)
        caller = self._call_site()
        node = self._node_of_function(torch_call)
        convolution = self._modules.running_convolution() if node.name.startswith("conv") else None
        layer, owner = convolution or (node.name, None)
        call = Call(spelling, args, torch_call.kwargs)
        writes = in_place(name, torch_call.kwargs) or name == "__setitem__"
        if name in VIEWS_IN_PLACE:
            self._tracker.changes_layout(args[0])
        try:
            result = self._result_of_function(torch_call, call, row, writes=writes)
        except ShapeError as error:
            raise mismatch(layer, spelling, call, error, caller) from error
        if not any(True for _ in tensors_of(result)):
            self._tracker.graph.erase_node(node)
            return result
        scope, op = self._modules.scope(), torch_call.op
        drops = row is not None and Trait.DROPS in row.traits
        mode = self._dropout_mode(torch_call.function) if drops else None
        step = Step(
            result,
            spelling,
            row,
            scope=scope,
            layer=layer,
            owner=owner,
            called=caller,
            op=op,
            writes=writes,
            dropout_mode=mode,
        )
        self._tracker.bind(node, step)
        if writes and isinstance(result, torch.Tensor):
            self._tracker.wrote(result, caller)
        return None if name == "__setitem__" else result

    def _node_of_function(self, call: TorchCall) -> fx.Node:
        method = is_method(call.function, call.name)
        target = call.name if method else call.function
        if call.name in VIEW_PROPERTIES:
            method, target = False, property_getter(call.name)
        elif call.name == "__setitem__":
            method, target = False, setitem
        return self._tracker.graph.create_node(
            "call_method" if method else "call_function",
            target,
            self._tracker.as_nodes(call.args),
            self._tracker.as_nodes(call.kwargs),
            name=(call.op or call.spelling).split("::")[-1],
        )

    def _result_of_function(
        self, torch_call: TorchCall, call: Call, row: Row | None, *, writes: bool
    ) -> Any:
        args, is_setitem = torch_call.args, torch_call.name == "__setitem__"
        if all(map(self._tracker.is_cheap, call.tensors)):
            result = self._execution.on_values(torch_call)
            if is_setitem:
                result = args[0]  # parameters may have been written into it
            self._tracker.gained_values(result)
            return result
        if is_setitem:
            self._tracker.lost_values(args[0])
            return args[0]
        if row is not None and row.shape is not None and _starts_with_tensor(row, args):
            return self._execution.by_shape(call, row, in_place=writes)
        return self._execution.by_kernel(torch_call.function, args, torch_call.kwargs)

    # -- modules

    def module(self, leaf: LeafModule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of a module that is recorded as one call."""
        with torch._C.DisableTorchFunction():
            return self._module(leaf, args, kwargs)

    def _module(self, leaf: LeafModule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        module, row = leaf.module, leaf.row
        caller = self._call_site()
        writes = bool(getattr(module, "inplace", False))
        call = Call(leaf.spelling, args, kwargs, module)
        try:
            if row.shape is not None:
                result = self._execution.by_shape(call, row, in_place=writes)
            else:
                result = self._execution.by_kernel(type(module).forward, (module, *args), kwargs)
        except ShapeError as error:
            place = caller or constructed_at(module)
            raise mismatch(leaf.path, type(module).__name__, call, error, place) from error
        tracker = self._tracker
        node = tracker.graph.create_node(
            "call_module", leaf.path, tracker.as_nodes(args), tracker.as_nodes(kwargs)
        )
        step = Step(
            result,
            leaf.spelling,
            row,
            module,
            scope=self._modules.scope(),
            layer=leaf.path,
            called=caller,
            writes=writes,
            parameters=tracker.stored.names(parameters(module)),
            computed_tensors=tracker.computed(_tensors_held_by(module)),
            training=module.training,
        )
        tracker.bind(node, step)
        if writes:
            tracker.wrote(result, caller)
        return result


_STRICT = frozenset(
    {Kind.CONV, Kind.CONV_TRANSPOSE, Kind.POOL, Kind.NORM, Kind.ACTIVATION, Kind.LINEAR, Kind.PAD}
    | {Kind.UPSAMPLE}
)
"""Kinds of functions that take a tensor in front, and nothing that holds tensors."""


def _starts_with_tensor(row: Row, args: tuple[Any, ...]) -> bool:
    """Whether a function is given what it takes; else torch is to refuse it."""
    return row.kind not in _STRICT or not args or not isinstance(args[0], (tuple, list, dict))


def _tensors_held_by(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors of a module and what is in it, by attribute."""
    for path, holder in named_modules(module):
        for attributes in (holder._parameters, holder._buffers, vars(holder)):
            for name, value in attributes.items():
                if isinstance(value, torch.Tensor):
                    yield f"{path}.{name}" if path else name, value
