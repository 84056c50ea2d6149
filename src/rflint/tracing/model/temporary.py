"""A model with its storage on meta and its mode as wanted, for a while, and then as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from rflint.tracing.model.lightning import keep_from_logging
from rflint.tracing.model.meta_device import LARGE, META
from rflint.tracing.model.mode import mode_of, set_mode
from rflint.tracing.model.snapshot import Snapshot
from rflint.tracing.model.tree import modules

_WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
_FEW = 64
"""Integers of torch.nn's own layers are counters (of batches), unless there are many of them."""

# torch's own stubs describe the constructors of their base classes
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
    snapshot = Snapshot(model)
    scripts = [
        (module, mode_of(module), _stored(module))
        for module in tree
        if isinstance(module, torch.jit.ScriptModule)
    ]
    try:
        set_mode(model, train)
        _put_on_meta(tree)
        keep_from_logging(tree)
        yield
    finally:
        snapshot.restore()
        for module, training, stored in scripts:
            if training is not None:
                module.training = training
            for tensors, content in stored:
                for name, tensor in content.items():
                    tensors[name] = tensor


def _put_on_meta(tree: Iterable[nn.Module]) -> None:
    """Replace the parameters and buffers of modules; a shared one stays shared."""
    replacements: dict[int, torch.Tensor] = {}
    for module in tree:
        module.__dict__["_compiled_call_impl"] = None  # what module.compile() leaves
        owned_by_torch = type(module).__module__.startswith("torch.nn.modules.")
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is None:
                    continue
                if id(tensor) not in replacements:
                    replacements[id(tensor)] = _replacement(tensor, owned_by_torch)
                tensors[name] = replacements[id(tensor)]  # type: ignore[assignment]


def _stored(script: nn.Module) -> list[tuple[Any, dict[str, torch.Tensor]]]:
    """What TorchScript keeps outside of the module's own dictionary."""
    holders: tuple[Any, ...] = (script._parameters, script._buffers)
    return [(tensors, dict(tensors.items())) for tensors in holders]


def _replacement(tensor: torch.Tensor, owned_by_torch: bool) -> torch.Tensor:
    """A tensor without storage, or a copy of a small one whose numbers code may read."""
    if isinstance(tensor, nn.UninitializedParameter):
        return _LAZY_PARAMETER(requires_grad=tensor.requires_grad, device=META)
    if isinstance(tensor, nn.UninitializedBuffer):
        return _LAZY_BUFFER(requires_grad=tensor.requires_grad, device=META)
    if tensor.device.type == "meta":
        return tensor
    counts = tensor.dtype in _WHOLE and tensor.numel() <= _FEW
    storage = owned_by_torch and not counts
    if storage or tensor.numel() > LARGE or tensor.device.type != "cpu":
        replacement = torch.empty(tensor.shape, dtype=tensor.dtype, device=META)
    else:
        replacement = tensor.detach().clone()
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(replacement, requires_grad=tensor.requires_grad)
    return replacement
