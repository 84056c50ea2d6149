"""The mode in which every torch function that a model calls is recorded.

The recorder stands where torch.fx's symbolic tracer would, and fills the same torch.fx.Graph: calls
of known torch.nn modules are kept whole, everything else is followed to torch functions. But the
values that flow are real tensors on the meta device and not proxies, so that control flow on
shapes, len(), iteration, assertions, item assignment and isinstance just work. What cannot work
without values (`if x.sum() > 0`) is reported with its place in the user's code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn
from torch.overrides import TorchFunctionMode

from rflint.errors import DataDependent
from rflint.graph.architecture import LeftOut
from rflint.operators.call import tensors_in
from rflint.operators.shapes import broadcast
from rflint.tracing.model.meta_device import MOVES, moved
from rflint.tracing.model.signature import DictionaryWanted
from rflint.tracing.recording.aten_names import spelling_of
from rflint.tracing.recording.call_arguments import CallArguments
from rflint.tracing.recording.call_recorder import CallRecorder
from rflint.tracing.recording.call_site import CallSite, call_site_on_stack
from rflint.tracing.recording.dropout_modes import DropoutModes, dropout_mode_on_stack
from rflint.tracing.recording.factories import makes_a_tensor, new_tensor
from rflint.tracing.recording.functions import (
    RICH_COMPARISONS,
    SIZE_READS,
    TEXTS,
    VIEW_PROPERTIES,
    TorchCall,
    name_of,
    reads_values,
)
from rflint.tracing.recording.meta_execution import MetaExecution
from rflint.tracing.recording.module_stack import ModuleStack
from rflint.tracing.recording.randomness import RandomTensors
from rflint.tracing.recording.recording import Recording
from rflint.tracing.recording.size_numbers import SizesRead
from rflint.tracing.recording.tensor_tracker import TensorTracker
from rflint.tracing.recording.tensors import tensors_of
from rflint.tracing.recording.value_reads import ValueReads

_OPERANDS = (torch.Tensor, int, float, complex)
"""What a tensor is usually compared with."""

_COMPOSED = frozenset({"broadcast_tensors", "is_all_true", "is_any_true"})
"""Functions that are recorded as what they consist of."""


class Recorder(TorchFunctionMode):
    """Sees every torch function that is called, and decides what becomes of the call."""

    def __init__(
        self,
        model: nn.Module,
        call_site: CallSite = call_site_on_stack,
        dropout_mode: DropoutModes = dropout_mode_on_stack,
    ) -> None:
        super().__init__()
        self.modules = ModuleStack(model)
        self.tracker = TensorTracker(model, self.modules.scope, call_site)
        self.execution = MetaExecution(self.tracker, call_site)
        self.calls = CallRecorder(
            self.tracker, self.modules, self.execution, call_site, dropout_mode
        )
        self._arguments = CallArguments(self.tracker)
        self.value_reads = ValueReads(self.tracker, call_site, self.call_function, self._arguments)
        self._call_site = call_site
        self._random = RandomTensors()
        self._reads_values = False
        self._reads_random_values = False
        self._sizes = SizesRead()
        self._read_nodes: list[fx.Node] = []
        """What had its values read."""

    # -- the recording

    def finished(self, result: Any) -> Recording:
        """The recording, once the model has returned."""
        return self._recording([self.tracker.node(tensor) for tensor in tensors_of(result)])

    def broken_off(self, error: DataDependent) -> Recording:
        """The recording up to where the model reads values."""
        unused = [
            node
            for node, step in self.tracker.steps.items()
            if not node.users and step.spelling not in ("input", "get_attr")
        ]
        left_out = LeftOut(error.message, self.modules.failed_in or "", error.source)
        return self._recording(unused, left_out)

    def _recording(self, outputs: Sequence[fx.Node], left_out: LeftOut | None = None) -> Recording:
        self.tracker.graph.output(tuple(outputs))
        return Recording(
            graph=self.tracker.graph,
            steps=self.tracker.steps,
            outputs=tuple(outputs),
            constants=self.tracker.constants,
            left_out=left_out,
            reads_random_values=self._reads_random_values,
            reads_values=self._reads_values,
            assumed=tuple(self.value_reads.assumed),
            read_nodes=tuple(dict.fromkeys(self._read_nodes)),
            sizes_read=tuple(self._sizes.found),
            parameters=self.tracker.stored.parameters,
            held=self.tracker.held,
        )

    @property
    def steps(self) -> int:
        """How many calls have been recorded."""
        return sum(x.spelling not in ("input", "get_attr") for x in self.tracker.steps.values())

    @property
    def has_convolved(self) -> bool:
        """Whether a convolution has been recorded."""
        steps = self.tracker.steps.values()
        return any(step.row and step.row.kind.is_convolution for step in steps)

    # -- calls of functions

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = name_of(func)
        if name == "__set__":
            return self._set(func, *args)
        if name == "__get__":
            name = func.__self__.__name__
            if name not in VIEW_PROPERTIES:
                found = func(*args, **kwargs)
                return self._followed_shape(args[0], found) if name == "shape" else found
        return self.call_function(func, name, args, kwargs)

    def call_function(
        self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], op: str = ""
    ) -> Any:
        """Record a call of a torch function, and return what it would.

        `name` is the one under which the operator table knows the function, up to underscores;
        `op` the one that the code uses, if that is another.
        """
        call = TorchCall(func, name, spelling_of(name, args), args, kwargs, op)
        if call.spelling in SIZE_READS and args:
            return self._size_read(call)
        is_random = self._random.draws(call.spelling, args, kwargs)
        if reads_values(name, args, kwargs):
            self._reads_values = True
            self._reads_random_values = self._reads_random_values or is_random
        result = self._called(call)
        if is_random:
            self._random.add(result)
            if name == "__setitem__":
                self._random.add(args[0])
        return result

    def _called(self, call: TorchCall) -> Any:
        """What a call returns; recorded, if anything takes part that is."""
        args = self._sizes.given_to(call.spelling, call.args)
        kwargs = self._sizes.given_to(call.spelling, call.kwargs)
        if args is not call.args or kwargs is not call.kwargs:
            call = replace(call, args=args, kwargs=kwargs)
        if call.name == "__deepcopy__":
            return self.tracker.copied(call.args[0], call.args[1])
        if makes_a_tensor(call.spelling):
            self._arguments.check_known((call.args, call.kwargs))
            return new_tensor(call, self.tracker)
        if call.spelling == "getitem" and isinstance(call.args[1], str):
            index = self.tracker.input_index(call.args[0])
            raise DictionaryWanted(call.args[1], index, self._call_site())
        args, kwargs = self._arguments.with_known_sizes(call.spelling, call.args, call.kwargs)
        if args is not call.args or kwargs is not call.kwargs:
            call = replace(call, args=args, kwargs=kwargs)
        tracked = [t for t in tensors_in((args, kwargs)) if self.tracker.is_tracked(t)]
        if tracked:
            return self._called_on_tracked(call, tracked)
        if call.name in MOVES:
            # to the device of an input that pretends to be elsewhere: values stay readable
            result = moved(args[0], call.name, args[1:], kwargs)
            self.tracker.moves(args[0], result)
            return result
        result = self.execution.on_values(call)
        self.tracker.derived(result, tensors_in((args, kwargs)))
        return self._of_constants(result)

    def _called_on_tracked(self, call: TorchCall, tracked: Sequence[torch.Tensor]) -> Any:
        """What a call returns that takes recorded tensors."""
        if call.kwargs.get("out") is not None:
            return self._written_out(call)
        if call.spelling == "assert":
            self.value_reads.asserted()
            return None
        if call.spelling == "shape_as_tensor":
            return torch.tensor(call.args[0].shape)
        if call.spelling == "nested_tensor_from_mask_left_aligned":
            # nn.TransformerEncoder asks whether a faster way will do; the ordinary one is followed
            return False
        if call.spelling in _COMPOSED:
            return self._composed(call.spelling, call.args)
        if reads_values(call.name, call.args, call.kwargs):
            if all(map(self.tracker.has_values, tracked)):
                self._read_nodes += map(self.tracker.node, tracked)
                return self.execution.on_values(call)
            return self.value_reads.read(call.spelling, call.args, tracked[0])
        if call.name in TEXTS:
            return self.value_reads.printed(tracked[0], call.args)
        if (
            call.spelling in RICH_COMPARISONS
            and len(call.args) == 2
            and not isinstance(call.args[1], _OPERANDS)
            and self.execution.on_scalars(call.function, call.args) is NotImplemented
        ):
            return NotImplemented
        return self.calls.function(call)

    def _size_read(self, call: TorchCall) -> Any:
        """What a call returns that asks for sizes."""
        tensor = call.args[0]
        dim = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim")
        if call.spelling == "size" and isinstance(tensor, torch.Tensor):
            shape = self._followed_shape(tensor, tensor.size())
            return shape if dim is None else shape[dim]
        node = self.tracker.known_node(tensor) if isinstance(tensor, torch.Tensor) else None
        if node is not None:
            self._sizes.note([(node, dim if isinstance(dim, int) else None)])
        return self._called(call)

    def _followed_shape(self, tensor: torch.Tensor, shape: torch.Size) -> torch.Size:
        """The shape of a tensor; where it was recorded, its sizes are followed."""
        node = self.tracker.known_node(tensor)
        return shape if node is None else self._sizes.of(node, shape)

    def _written_out(self, call: TorchCall) -> Any:
        """`f(x, out=y)` writes f(x) into y, and returns y."""
        out = call.kwargs["out"]
        rest = {key: value for key, value in call.kwargs.items() if key != "out"}
        results = self.call_function(call.function, call.name, call.args, rest, call.op)
        for target, result in zip(tensors_of(out), [*tensors_of(results)], strict=True):
            if target.shape != result.shape:  # torch makes room for what is written
                with torch._C.DisableTorchFunction():
                    target.resize_(result.shape)
            self.call_function(torch.Tensor.copy_, "copy_", (target, result), {})
        return out

    def _set(self, func: Any, tensor: torch.Tensor, value: Any) -> None:
        """An attribute of a tensor is assigned to; `data` is what it holds."""
        takes = func.__self__.__name__ == "data" and isinstance(value, torch.Tensor)
        if takes and (self.tracker.is_tracked(tensor) or self.tracker.is_tracked(value)):
            self.tracker.replace(tensor, value)
        else:
            func(tensor, value)

    def _of_constants(self, result: Any) -> Any:
        """A result of constants alone; where it lies on meta, it is noted as a constant."""
        for tensor in tensors_of(result):
            if tensor.device.type == "meta":
                self.tracker.constant(tensor)
        return result

    def _composed(self, spelling: str, args: tuple[Any, ...]) -> Any:
        """The result of a function that is recorded as the calls that it consists of."""
        if spelling == "broadcast_tensors":
            tensors = args[0] if isinstance(args[0], (tuple, list)) else args
            shape = broadcast(*(x.shape for x in tensors))
            expand = torch.Tensor.expand
            return tuple(self.call_function(expand, "expand", (x, shape), {}) for x in tensors)
        name = "all" if spelling == "is_all_true" else "any"
        return self.call_function(getattr(torch, name), name, args, {})
