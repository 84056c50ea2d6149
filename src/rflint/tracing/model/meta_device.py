"""Storage without memory: models are built and run with their weights on the meta device.

`torch.device("meta")` would put everything there, and break builders that compute with real
values (`torch.linspace(0, 1, 5).tolist()`). Here only storage goes to meta: what torch.nn's own
layers allocate, what is large, and what asks for an accelerator. All else stays real.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from rflint.operators.call import mapped, tensors_in

LARGE = 1 << 20
"""Tensors of more elements than this are storage, not values that a builder computes with."""

META = torch.device("meta")

_FACTORIES = frozenset(
    {"empty", "zeros", "ones", "full", "rand", "randn", "eye", "empty_strided", "randint"}
)
_VALUES = frozenset(
    {"tensor", "as_tensor", "arange", "linspace", "logspace", "randperm", "tril_indices"}
    | {"triu_indices", "scalar_tensor"}
)
"""Factories of values that builders compute with."""
MOVES = frozenset({"to", "cuda", "cpu", "xpu", "mps"})
"""Methods that move a tensor to a device."""
_COPIES = frozenset({"clone", "detach", "contiguous"})


def default_device() -> torch.device | None:
    """The device that torch.set_default_device has set, without trying to use it."""
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return None if context is None else context.device


def is_accelerator(device: Any) -> bool:
    """Whether a device is neither the CPU nor meta: it may be missing on this machine."""
    if isinstance(device, int):
        return True  # the number of one; torch.device would look for it
    return device is not None and torch.device(device).type not in ("cpu", "meta")


class WeightsOnMeta(TorchFunctionMode):
    """Send storage to meta, and let initialisation of what lies there cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0
        """How many elements were not allocated."""
        self._made_there: dict[int, torch.UntypedStorage] = {}
        """What was asked for on an accelerator."""
        self._moved_there: dict[int, torch.UntypedStorage] = {}
        """What was moved there: one tensor stands for both that there would be."""

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
        if name in _VALUES and kwargs.get("device") is None and is_accelerator(default_device()):
            kwargs["device"] = "cpu"
            return _noted(func(*args, **kwargs), self._made_there)
        first = args[0] if args else kwargs.get("tensor", kwargs.get("self"))
        if not isinstance(first, torch.Tensor):
            return func(*args, **kwargs)
        on_meta = first.device.type == "meta"
        if name in MOVES:
            return self._moved(first, name, args[1:], kwargs)
        if on_meta:
            if name in _COPIES:
                computes = first.requires_grad and torch.is_grad_enabled() and name == "clone"
                return _computed(first) if computes else _without_storage(first)
            if name == "__setitem__":
                return None
            if name.endswith("_") and not name.startswith("__") and name != "requires_grad_":
                return first
        if len(args) + len(kwargs) > 1 and _differ(tensors_in((args, kwargs))):
            if _is_traced_by_torch(tensors_in((args, kwargs))):
                raise RuntimeError("what is traced while it is built needs its weights")
            args, kwargs = mapped((args, kwargs), torch.Tensor, _without_storage)
        return func(*args, **kwargs)

    def _allocate(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], caller: str | None
    ) -> Any:
        device = kwargs.get("device")
        on_accelerator = is_accelerator(default_device() if device is None else device)
        elements = _elements(args, kwargs)
        if on_accelerator or elements > LARGE or (caller or "").startswith("torch.nn."):
            kwargs["device"] = META
            kwargs.pop("pin_memory", None)
            self.elements += elements
        made = func(*args, **kwargs)
        return _noted(made, self._made_there) if on_accelerator else made

    def _moved(
        self,
        tensor: torch.Tensor,
        name: str,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> torch.Tensor:
        """What moves to an accelerator stays here. But if it has a gradient, then what arrives
        there is computed from it: no parameter any more, on machines that have one.
        """
        result = moved(tensor, name, args, kwargs)
        if tensor.layout is not torch.strided:
            return result
        to_accelerator = _goes_to_accelerator(name, args, kwargs)
        key = _storage(tensor)._cdata
        was_moved, was_made = key in self._moved_there, key in self._made_there
        arrives = to_accelerator is True and not was_moved and not was_made
        leaves = to_accelerator is False and was_made and not was_moved
        if to_accelerator:
            _noted(result, self._moved_there)
        has_gradient = tensor.requires_grad and torch.is_grad_enabled()
        differs = arrives or leaves or result is not tensor
        if not has_gradient or not differs or result.grad_fn or not _may_have_gradient(result):
            return result
        return _noted(_computed(result), self._moved_there) if arrives else _computed(result)


def _goes_to_accelerator(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool | None:
    """Whether a method moves a tensor to an accelerator, or to the CPU; None: neither."""
    if name != "to":
        return name != "cpu"
    devices = [x for x in (*args, *kwargs.values()) if type(x) in (str, int, torch.device)]
    if not devices:
        return None
    there = is_accelerator(devices[0])
    return None if not there and torch.device(devices[0]).type == "meta" else there


def _storage(tensor: torch.Tensor) -> torch.UntypedStorage:
    return tensor.untyped_storage()


def _noted(made: torch.Tensor, where: dict[int, torch.UntypedStorage]) -> torch.Tensor:
    """The same tensor; its storage, kept alive, is noted."""
    storage = _storage(made)
    where[storage._cdata] = storage
    return made


def _may_have_gradient(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _computed(tensor: torch.Tensor) -> torch.Tensor:
    """The same numbers, computed from a tensor that has a gradient: no leaf of autograd's graph."""
    leaf = tensor if tensor.requires_grad else tensor.requires_grad_()
    return leaf.view_as(leaf) if leaf.device.type == "meta" else leaf.clone()


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


def _is_traced_by_torch(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether a tracer of torch's follows these: what stands in for them would be a constant."""
    fakes = any(type(tensor).__module__.startswith("torch._subclasses") for tensor in tensors)
    return fakes or torch._C._get_tracing_state() is not None


def _without_storage(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=META)
