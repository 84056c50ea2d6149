"""A model under torch.export, with the calls kept whole that the operator table knows."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import fx, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode

from rflint.graph.architecture import DropoutMode
from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.inputs.forward_call import BY_POSITION, ForwardCall
from rflint.operators.call import tensors_in
from rflint.operators.find import find
from rflint.operators.table import Row
from rflint.tracing.model.tree import named_modules, named_parameters
from rflint.tracing.recording.dropout_modes import dropout_mode_on_stack
from rflint.tracing.recording.export.fake_storage import meta_faked
from rflint.tracing.recording.export.leaf_calls import LeafCall, LeafCalls, without_tensors
from rflint.tracing.recording.export.node_origins import (
    NodeOrigin,
    PythonCall,
    nodes_shown_to,
    note_origin,
    python_call,
)
from rflint.tracing.recording.export.silence import silenced
from rflint.tracing.recording.functions import in_place, name_of
from rflint.tracing.recording.leaf_modules import LeafModule, is_usual_call, leaf_row
from rflint.tracing.recording.patching import (
    call_with_hooks,
    module_calls_patched,
    torch_compile_disabled,
    uncompiled,
)
from rflint.tracing.recording.tensors import tensors_of
from rflint.usercode.source_lines import innermost_user_line

_PATH = "_rflint_path"


class Exporter(TorchFunctionMode):
    """Runs a model under torch.export, and keeps whole what the operator table knows as one."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.leaf_calls = LeafCalls()
        self._model = model
        self._modules = dict(named_modules(model))
        self._running: list[str] = []
        """The paths of the modules whose forward is running, innermost last."""
        self._is_in_leaf = False
        self._python_call: PythonCall | None = None
        self._call = BY_POSITION
        self._registered: dict[int, nn.Parameter] = {}
        """The parameters of the model by identity, as they are while it is exported."""

    def exported(
        self, inputs: Sequence[torch.Tensor], call: ForwardCall
    ) -> torch.export.ExportedProgram:
        """The program of one forward pass; its outputs are the model's, in a flat tuple."""
        for path, module in self._modules.items():
            module.__dict__[_PATH] = path
        fake = FakeTensorMode(allow_non_fake_inputs=True)
        with fake:
            examples = tuple(torch.empty(t.shape, dtype=t.dtype) for t in inputs)
        with (
            self.leaf_calls.registered(),
            silenced(),
            meta_faked(self._model, fake),
            module_calls_patched(self._call_module),
            nodes_shown_to(self._note_origin),
            torch_compile_disabled(),
            silenced(),
            torch.no_grad(),
        ):
            self._call = call
            args, kwargs = call.plain.with_inputs(examples)
            return torch.export.export(self._model, args, kwargs, strict=False)

    def _call_module(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        path = vars(module).get(_PATH)
        if path is None or self._is_in_leaf:
            return uncompiled(module)(*args, **kwargs)
        original = self._modules[path]
        spelling, row = leaf_row(original)
        if path and row is not None and tensors_in((args, kwargs)):
            leaf = LeafModule(original, path, spelling, row)
            return self._call_leaf_module(module, leaf, args, kwargs)
        self._running.append(path)
        try:
            if len(self._running) > 1:
                return uncompiled(module)(*args, **kwargs)
            args, kwargs = self._call.made_of(args, kwargs)
            with self:
                result = uncompiled(module)(*args, **kwargs)
            return tuple(tensors_of(result)) if not path else result
        finally:
            self._running.pop()

    def _call_leaf_module(
        self, module: nn.Module, leaf: LeafModule, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        original = leaf.module

        def forward(*args: Any, **kwargs: Any) -> Any:
            if not is_usual_call(original, leaf.row, args, kwargs):
                return type(original).forward(module, *args, **kwargs)
            function, writes = type(original).forward, bool(getattr(original, "inplace", False))
            template = without_tensors(args, kwargs)
            call = LeafCall(leaf.spelling, leaf.row, function, template, *self._place(), leaf)
            return self._call_leaf(call, args, kwargs, writes=writes)

        return call_with_hooks(module, forward, args, kwargs)

    def __torch_function__(
        self,
        func: Any,
        types_: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Keep what PyTorch writes in Python: below, it is no longer what the table knows."""
        kwargs = dict(kwargs or {})
        name = name_of(func)
        spelling = name.strip("_")
        row = find(spelling)
        drops = row is not None and Trait.DROPS in row.traits
        mode = dropout_mode_on_stack(func) if drops else DropoutMode.UNKNOWN
        loose = self._unregistered(tensors_in((args, kwargs)))
        writes = name == "__setitem__"
        composed = isinstance(func, types.FunctionType) and not in_place(name, kwargs)
        keep = row is not None and (writes or (composed and _makes_new_tensors(row)))
        if row is not None and keep and not self._is_in_leaf and tensors_in((args, kwargs)):
            template = without_tensors(args, kwargs)
            call = LeafCall(spelling, row, func, template, *self._place(), None, mode, loose)
            return self._call_leaf(call, args, kwargs, writes=writes)
        self._python_call = python_call(name, args, mode, loose)
        try:
            return func(*args, **kwargs)
        finally:
            self._python_call = None

    def _unregistered(self, tensors: Sequence[torch.Tensor]) -> tuple[nn.Parameter, ...]:
        """Those of some tensors that are parameters, and none of the model's."""
        found = [x for x in tensors if isinstance(x, nn.Parameter)]
        if any(id(x) not in self._registered for x in found):
            # forward may have registered some
            self._registered.update((id(x), x) for _, x in named_parameters(self._model))
        return tuple(x for x in found if id(x) not in self._registered)

    def _call_leaf(
        self, call: LeafCall, args: tuple[Any, ...], kwargs: dict[str, Any], *, writes: bool
    ) -> Any:
        call.check_shapes(tensors_in((args, kwargs)))
        self._is_in_leaf = True
        try:
            return self.leaf_calls.make(call, args, kwargs, writes=writes)
        finally:
            self._is_in_leaf = False

    def _place(self) -> tuple[str, Any]:
        """The path of the running module, and the user's line that makes the current call."""
        scope = next((path for path in reversed(self._running) if path), "")
        return scope, innermost_user_line(sys._getframe())

    def _note_origin(self, node: fx.Node) -> None:
        called = innermost_user_line(sys._getframe())
        note_origin(node, NodeOrigin(called, tuple(self._running), self._python_call))


def _makes_new_tensors(row: Row) -> bool:
    """Whether an operator's results are certainly no views of its arguments."""
    return row.shape is not None or row.kind not in (Kind.RESHAPE, Kind.SLICE)
