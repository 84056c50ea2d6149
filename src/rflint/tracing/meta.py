"""Storage without memory: models are built and run with their weights on the meta device.

`torch.device("meta")` would put everything there, and break builders that compute with real
values (`torch.linspace(0, 1, 5).tolist()`). Here only storage goes to meta: what torch.nn's own
layers allocate, what is large, and what asks for an accelerator. All else stays real.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from rflint.tracing.operators.table import mapped, tensors_in

LARGE = 1 << 20
"""Tensors of more elements than this are storage, not values that a builder computes with."""

META = torch.device("meta")

_FACTORIES = frozenset(
    {"empty", "zeros", "ones", "full", "rand", "randn", "eye", "empty_strided", "randint"}
)
MOVES = frozenset({"to", "cuda", "cpu", "xpu", "mps"})
_COPIES = frozenset({"clone", "detach", "contiguous"})


class WeightsOnMeta(TorchFunctionMode):
    """Send storage to meta, and let initialisation of what lies there cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0
        """How many elements were not allocated."""

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = func.__name__
        if name in ("__get__", "__deepcopy__"):
            # a copy's memo holds every tensor so far, and has to stay the object that it is
            return func(*args, **kwargs)
        if name in _FACTORIES:
            return self._allocate(func, args, kwargs, sys._getframe(1).f_globals.get("__name__"))
        first = args[0] if args else kwargs.get("tensor", kwargs.get("self"))
        if not isinstance(first, torch.Tensor):
            return func(*args, **kwargs)
        on_meta = first.device.type == "meta"
        if name in MOVES:
            return moved(first, name, args[1:], kwargs)
        if on_meta:
            if name in _COPIES:
                return _without_storage(first)
            if name == "__setitem__":
                return None
            if name.endswith("_") and not name.startswith("__"):
                return first
        if len(args) + len(kwargs) > 1 and _differ(tensors_in((args, kwargs))):
            args, kwargs = mapped((args, kwargs), torch.Tensor, _without_storage)
        return func(*args, **kwargs)

    def _allocate(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], caller: str | None
    ) -> Any:
        device = kwargs.get("device")
        elsewhere = device is not None and torch.device(device).type not in ("cpu", "meta")
        elements = _elements(args, kwargs)
        if elsewhere or elements > LARGE or (caller or "").startswith("torch.nn."):
            kwargs["device"] = META
            kwargs.pop("pin_memory", None)
            self.elements += elements
        return func(*args, **kwargs)


def _elements(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
    size = kwargs.get("size", args[0] if args else ())
    sizes = size if isinstance(size, tuple | list | torch.Size) else args
    return prod(n for n in sizes if isinstance(n, int))


def moved(
    tensor: torch.Tensor, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> torch.Tensor:
    """`tensor.to(...)` and the like: devices do not matter to the analysis, data types do."""
    arguments = [*args, *kwargs.values()]
    dtype = next((a for a in arguments if isinstance(a, torch.dtype)), tensor.dtype)
    other = next((a for a in arguments if isinstance(a, torch.Tensor)), None)
    if other is not None and name == "to":
        dtype = other.dtype
    if tensor.device.type != "meta":
        return tensor.to(dtype)
    if dtype == tensor.dtype:
        return tensor
    return torch.empty(tensor.shape, dtype=dtype, device=META)


def _differ(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether some of them have storage and some have none."""
    return len({tensor.device.type for tensor in tensors}) > 1


def _without_storage(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=META)


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
