"""Calls of modules: those that the operator table knows stay whole, others are followed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from rflint.operators.call import tensors_in
from rflint.tracing.model.tree import parameters
from rflint.tracing.recording.leaf_modules import LeafModule, is_usual_call, leaf_row
from rflint.tracing.recording.patching import call_with_hooks, uncompiled
from rflint.tracing.recording.recorder import Recorder


class ModuleCalls:
    """Runs modules in the place of `nn.Module.__call__`, for a recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._modules = recorder.modules
        self._tracker = recorder.tracker
        self._execution = recorder.execution
        self._calls = recorder.calls

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Keep known modules whole, follow all others into their forward."""
        if self._execution.is_running:
            return uncompiled(module)(*args, **kwargs)
        path = self._modules.path(module)
        with torch._C.DisableTorchFunction():
            if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params():
                module._infer_parameters(module, args, kwargs)
            spelling, row = leaf_row(module)
            is_leaf = bool(path) and row is not None and self._takes_part(module, args, kwargs)
        if row is None or not is_leaf:
            return self._followed(module, path, uncompiled(module), args, kwargs)
        leaf = LeafModule(module, path, spelling, row)

        def forward(*args: Any, **kwargs: Any) -> Any:
            if is_usual_call(module, leaf.row, args, kwargs):
                return self._calls.module(leaf, args, kwargs)
            own = partial(type(module).forward, module)
            return self._followed(module, path, own, args, kwargs)

        return call_with_hooks(module, forward, args, kwargs)

    def _takes_part(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a module is given what is recorded, or has parameters for what it is given."""
        tensors = tensors_in((args, kwargs))
        weighted = bool(tensors) and any(True for _ in parameters(module))
        return weighted or any(map(self._tracker.is_tracked, tensors))

    def _followed(
        self,
        module: nn.Module,
        path: str,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        self._modules.running.append(module)
        try:
            return forward(*args, **kwargs)
        except Exception as error:
            self._modules.failed_in = self._modules.failed_in or path
            if isinstance(error, TypeError) and isinstance(forward, partial):
                self._execution.error = error  # arguments that torch's own forward does not take
            raise
        finally:
            self._modules.running.pop()
