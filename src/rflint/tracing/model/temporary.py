"""Borrow a model: its storage on meta and its mode as wanted for a while, and back as it was."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn

from rflint.errors import TraceFailed, error_text
from rflint.tracing.model.meta_device import LARGE, META
from rflint.tracing.model.snapshot import Kept
from rflint.tracing.model.tree import modules
from rflint.usercode.source_lines import innermost_user_line_of

# torch's own stubs describe the constructors of their base classes
_WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
_FEW = 64
"""Integers of torch.nn's own layers are counters (of batches), unless there are many of them."""

_LAZY_PARAMETER: Callable[..., torch.Tensor] = nn.UninitializedParameter
_LAZY_BUFFER: Callable[..., torch.Tensor] = nn.UninitializedBuffer


@contextmanager
def temporarily_on_meta(model: nn.Module, *, train: bool) -> Iterator[None]:
    """Have a model in the wanted mode with its storage on meta, and leave it as it was.

    Whatever its forward changes on the way (buffers, attributes, the lists and dictionaries that
    they hold, lazily made parameters) is put back too. Small values outside of torch.nn's own
    layers are copied and not replaced, since code may read them.
    """
    tree = list(modules(model))
    kept = Kept(model)
    scripts = [
        (module, _mode_of(module), _stored(module))
        for module in tree
        if isinstance(module, torch.jit.ScriptModule)
    ]
    try:
        set_mode(model, train)
        twins: dict[int, torch.Tensor] = {}
        for module in tree:
            module.__dict__["_compiled_call_impl"] = None  # what module.compile() leaves
            owned_by_torch = type(module).__module__.startswith("torch.nn.modules.")
            for tensors in (module._parameters, module._buffers):
                for name, tensor in tensors.items():
                    if tensor is not None:
                        if id(tensor) not in twins:
                            twins[id(tensor)] = _twin(tensor, owned_by_torch)
                        tensors[name] = twins[id(tensor)]  # type: ignore[assignment]
        yield
    finally:
        kept.restore()
        for module, training, stored in scripts:
            if training is not None:
                module.training = training
            for tensors, content in stored:
                for name, tensor in content.items():
                    tensors[name] = tensor


# -- the mode


def set_mode(model: nn.Module, training: bool) -> None:
    """What `model.train(training)` is meant to do, and nothing else.

    A class may override `train` to keep a part of it frozen, and that is honoured where it takes a
    mode as torch's does. A `train` that takes something else fits the model: it is not called, and
    the flag is set instead. Raises TraceFailed where an override fails.
    """
    standing_in = [module for module in modules(model) if not _takes_a_mode(module)]
    hidden = [module.__dict__.get("train", _ABSENT) for module in standing_in]
    for module in standing_in:
        module.__dict__["train"] = _Flags(module)
    try:
        model.train(training)
    except Exception as error:
        raise TraceFailed(
            f"{type(model).__name__}.train({training}) raised {error_text(error)}",
            hint="rflint puts a model into evaluation mode, or with --train into training mode.",
            source=innermost_user_line_of(error),
        ) from error
    finally:
        for module, own in zip(standing_in, hidden, strict=True):
            if own is _ABSENT:
                module.__dict__.pop("train", None)
            else:
                module.__dict__["train"] = own


_ABSENT = object()


class _Flags:
    """Stands for a module's `train`: torch's own, which asks nothing of the module but its flag."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, mode: bool = True) -> nn.Module:
        self.module.training = mode
        for child in self.module._modules.values():
            if child is not None:
                child.train(mode)
        return self.module


def _takes_a_mode(module: nn.Module) -> bool:
    """Whether `module.train(mode)` is what torch means by it."""
    if isinstance(module, torch.jit.ScriptModule):
        return True
    if isinstance(module, fx.GraphModule) and "train" in vars(module):
        return False  # what torch.export made has no mode, and refuses to be asked for one
    own = vars(module).get("train", type(module).train)
    for asked in ("children", "named_children"):  # by torch's own
        if asked in vars(module) or getattr(type(module), asked) is not getattr(nn.Module, asked):
            return False
    if own is nn.Module.train:
        return True
    try:
        parameters = list(inspect.signature(module.train).parameters.values())
    except (TypeError, ValueError):
        return False
    if not parameters or parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        return False
    first, *rest = parameters
    means_a_mode = (
        isinstance(first.default, bool)
        or first.annotation in (bool, "bool")
        or first.name in ("mode", "training", "is_training", "is_train")
    )
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return means_a_mode and all(p.kind in variadic or p.default is not p.empty for p in rest)


def _mode_of(module: nn.Module) -> bool | None:
    """Whether a TorchScript module trains; a frozen one has forgotten."""
    mode: bool | None = getattr(module, "training", None)
    return mode


# -- the storage


def _stored(script: nn.Module) -> list[tuple[Any, dict[str, torch.Tensor]]]:
    """What TorchScript keeps outside of the module's own dictionary."""
    holders: tuple[Any, ...] = (script._parameters, script._buffers)
    return [(tensors, dict(tensors.items())) for tensors in holders]


def _twin(tensor: torch.Tensor, owned_by_torch: bool) -> torch.Tensor:
    if isinstance(tensor, nn.UninitializedParameter):
        return _LAZY_PARAMETER(requires_grad=tensor.requires_grad, device=META)
    if isinstance(tensor, nn.UninitializedBuffer):
        return _LAZY_BUFFER(requires_grad=tensor.requires_grad, device=META)
    if tensor.device.type == "meta":
        return tensor
    counts = tensor.dtype in _WHOLE and tensor.numel() <= _FEW
    storage = owned_by_torch and not counts
    if storage or tensor.numel() > LARGE or tensor.device.type != "cpu":
        twin = torch.empty(tensor.shape, dtype=tensor.dtype, device=META)
    else:
        twin = tensor.detach().clone()
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(twin, requires_grad=tensor.requires_grad)
    return twin
