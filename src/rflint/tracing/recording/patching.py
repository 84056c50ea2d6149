"""Patches of torch, for a while: how modules, TorchScript and compiled code are called."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn

_CALL: Callable[..., Any] = nn.Module._call_impl
"""What calls a module between its hooks."""


@contextmanager
def module_calls_patched(
    call: Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], Any],
) -> Iterator[None]:
    """Have `call` run every module that this thread calls meanwhile.

    Tracers of PyTorch's own replace `Module.__call__`, so this stands one step further in.
    """
    before: Callable[..., Any] = nn.Module._call_impl
    ours = threading.get_ident()

    def intercepted(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != ours:
            return before(module, *args, **kwargs)
        return call(module, args, kwargs)

    nn.Module._call_impl = intercepted  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        nn.Module._call_impl = before  # type: ignore[method-assign]


@contextmanager
def script_calls_checked(
    refuse: Callable[[tuple[Any, ...], dict[str, Any]], None],
) -> Iterator[None]:
    """Ask `refuse`, which may raise, about every call of TorchScript by this thread meanwhile."""
    classes: list[Any] = [torch._C.ScriptFunction, torch._C.ScriptMethod]
    originals = [cls.__dict__["__call__"] for cls in classes]
    ours = threading.get_ident()

    def intercepting(original: Any) -> Callable[..., Any]:
        def intercepted(script: Any, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() == ours:
                refuse(args, kwargs)
            return original.__get__(script)(*args, **kwargs)

        return intercepted

    for cls, original in zip(classes, originals, strict=True):
        cls.__call__ = intercepting(original)
    try:
        yield
    finally:
        for cls, original in zip(classes, originals, strict=True):
            cls.__call__ = original


def torch_compile_disabled() -> AbstractContextManager[Any]:
    """Have functions under torch.compile run as they are written, where PyTorch can do that."""
    if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
        eagerly: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
        return eagerly
    return nullcontext()


def uncompiled(module: nn.Module) -> Callable[..., Any]:
    """A module's call with its hooks, and without what torch.compile made of it."""
    if "_orig_mod" in module._modules:
        return module._modules["_orig_mod"]  # type: ignore[return-value]
    return partial(_CALL, module)


def call_with_hooks(
    module: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run `forward` in place of the module's own, between its hooks."""
    if not (module._forward_hooks or module._forward_pre_hooks):
        return forward(*args, **kwargs)
    own = module.__dict__.get("forward")
    module.__dict__["forward"] = forward
    try:
        return uncompiled(module)(*args, **kwargs)
    finally:
        if own is None:
            del module.__dict__["forward"]
        else:
            module.__dict__["forward"] = own
