"""Borrow a model: its storage on meta and its mode as wanted for a while, and back as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from rflint.tracing.meta import LARGE, META

# torch's own stubs describe the constructors of their base classes
_LAZY_PARAMETER: Callable[..., torch.Tensor] = nn.UninitializedParameter
_LAZY_BUFFER: Callable[..., torch.Tensor] = nn.UninitializedBuffer


@contextmanager
def borrowed(model: nn.Module, *, train: bool) -> Iterator[None]:
    """Have a model in the wanted mode with its storage on meta, and leave it as it was.

    Whatever its forward changes on the way (buffers, attributes, lazily made parameters) is put
    back too. Small values outside of torch.nn's own layers are copied and not replaced, since
    code may read them.
    """
    kept = [(module, type(module), _snapshot(module)) for module in model.modules()]
    scripts = [
        (module, module.training, _stored(module))
        for module in model.modules()
        if isinstance(module, torch.jit.ScriptModule)
    ]
    try:
        model.train(train)
        twins: dict[int, torch.Tensor] = {}
        for module, _, _ in kept:
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
        for module, cls, (attributes, dictionaries) in kept:
            module.__class__ = cls
            module.__dict__.clear()
            module.__dict__.update(attributes)
            for name, content in dictionaries.items():
                module.__dict__[name].clear()
                module.__dict__[name].update(content)
        for module, training, stored in scripts:
            module.training = training
            for tensors, content in stored:
                for name, tensor in content.items():
                    tensors[name] = tensor


def _stored(script: nn.Module) -> list[tuple[Any, dict[str, torch.Tensor]]]:
    """What TorchScript keeps outside of the module's own dictionary."""
    holders: tuple[Any, ...] = (script._parameters, script._buffers)
    return [(tensors, dict(tensors.items())) for tensors in holders]


def _snapshot(module: nn.Module) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    attributes = dict(module.__dict__)
    dictionaries = {
        name: dict(value) for name, value in attributes.items() if isinstance(value, dict)
    }
    return attributes, dictionaries


def _twin(tensor: torch.Tensor, owned_by_torch: bool) -> torch.Tensor:
    if isinstance(tensor, nn.UninitializedParameter):
        return _LAZY_PARAMETER(requires_grad=tensor.requires_grad, device=META)
    if isinstance(tensor, nn.UninitializedBuffer):
        return _LAZY_BUFFER(requires_grad=tensor.requires_grad, device=META)
    if tensor.device.type == "meta":
        return tensor
    if owned_by_torch or tensor.numel() > LARGE or tensor.device.type != "cpu":
        twin = torch.empty(tensor.shape, dtype=tensor.dtype, device=META)
    else:
        twin = tensor.detach().clone()
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(twin, requires_grad=tensor.requires_grad)
    return twin
