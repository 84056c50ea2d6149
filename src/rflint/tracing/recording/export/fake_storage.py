"""Fake tensors on the CPU in the place of what a model keeps on the meta device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from rflint.tracing.model.tree import modules


@contextmanager
def meta_faked(model: nn.Module, fake: FakeTensorMode) -> Iterator[None]:
    """Have what lies on meta pretend to lie on the CPU, beside what really does."""
    fakes: dict[int, torch.Tensor] = {}

    def faked(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in fakes:
            with fake:
                made = torch.empty(tensor.shape, dtype=tensor.dtype)
                is_parameter = isinstance(tensor, nn.Parameter)
                fakes[id(tensor)] = nn.Parameter(made, False) if is_parameter else made
        return fakes[id(tensor)]

    replaced: list[tuple[dict[str, Any], str, torch.Tensor]] = []
    for module in modules(model):
        holders: tuple[Any, ...] = (module._parameters, module._buffers, vars(module))
        for holder in holders:
            for name, value in list(holder.items()):
                if isinstance(value, torch.Tensor) and value.device.type == "meta":
                    replaced.append((holder, name, value))
                    holder[name] = faked(value)
    try:
        yield
    finally:
        for holder, name, value in replaced:
            holder[name] = value
