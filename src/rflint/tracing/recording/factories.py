"""New tensors: what zeros, ones_like, new_full, arange and so on make.

They carry nothing of the model's input. Small ones stay real, for code that reads their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from rflint.tracing.model.meta_device import LARGE, META, default_device
from rflint.tracing.recording.functions import FACTORIES, FACTORIES_LIKE, TorchCall
from rflint.tracing.recording.tensor_tracker import TensorTracker


def makes_a_tensor(spelling: str) -> bool:
    """Whether a function is a factory of new tensors."""
    return spelling in FACTORIES or spelling in FACTORIES_LIKE


def new_tensor(call: TorchCall, tracker: TensorTracker) -> Any:
    """What a factory returns."""
    if call.spelling in FACTORIES_LIKE and tracker.is_tracked(call.args[0]):
        made = _like_tracked(call, tracker)
    else:
        kwargs = call.kwargs
        if str(kwargs.get("device", default_device() or "cpu")) != "cpu":
            kwargs = {**kwargs, "device": "cpu"}
        made = call.function(*call.args, **kwargs)
    return tracker.zeros(made) if "zeros" in call.spelling else made


def _like_tracked(call: TorchCall, tracker: TensorTracker) -> torch.Tensor:
    """A new tensor of the shape or type of one that is recorded."""
    spelling, args, kwargs = call.spelling, call.args, call.kwargs
    dtype = kwargs.get("dtype") or args[0].dtype
    if spelling == "new_tensor":
        return torch.tensor(args[1], dtype=dtype)
    like = spelling.endswith("_like")
    shape = args[0].shape if like else args[1] if len(args) > 1 else kwargs["size"]
    if not isinstance(shape, tuple | list):
        shape = tuple(a for a in args[1:] if isinstance(a, int))
    if _elements(shape) <= LARGE:
        value = (args[1 if like else 2 :] or (kwargs.get("fill_value"),))[0]
        return _filled(spelling, tuple(shape), dtype, value)
    return tracker.constant(torch.empty(tuple(shape), dtype=dtype, device=META))


def _filled(spelling: str, shape: tuple[int, ...], dtype: torch.dtype, value: Any) -> torch.Tensor:
    """A small tensor with the numbers that `ones_like`, `new_full` and so on give it."""
    if "full" in spelling and not (isinstance(value, torch.Tensor) and value.is_meta):
        return torch.full(shape, value, dtype=dtype)
    return torch.ones(shape, dtype=dtype) if "ones" in spelling else torch.zeros(shape, dtype=dtype)


def _elements(shape: Sequence[int]) -> int:
    return torch.Size(shape).numel()
