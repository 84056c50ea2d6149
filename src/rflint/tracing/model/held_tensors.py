"""Tensors that modules hold as ordinary attributes: neither parameters nor buffers.

torch moves and saves what is registered. A tensor that is assigned like any other value stays where
it was made, and an optimiser does not see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from rflint.graph.architecture import Held, LooseTensor
from rflint.tracing.model.construction import construction_of
from rflint.tracing.model.tree import modules, named_modules
from rflint.tracing.model.unregistered import within

_DERIVED = ("_g", "_v", "_orig", "_u", "_raw")
"""What the parameters are called that torch's old weight_norm and spectral_norm, and dropout of
weights, compute from."""
_LIBRARIES = ("torch.", "lightning", "pytorch_lightning")


@dataclass(frozen=True, slots=True, eq=False)
class HeldTensor:
    """A tensor that is an attribute of a module, and what it is called."""

    tensor: torch.Tensor
    told: LooseTensor


def held_tensors(model: nn.Module) -> Mapping[int, HeldTensor]:
    """The tensors by identity, named as one would type: `encoder.pe`.

    Without those that are registered somewhere, and without single numbers, which PyTorch moves
    between devices by itself. A model that moves tensors itself has none.
    """
    tree = list(modules(model))
    if any(_moves_itself(module) for module in tree):
        return {}
    registered = {
        id(t)
        for m in tree
        for t in (*m._parameters.values(), *m._buffers.values())
        if t is not None
    }
    return {
        id(tensor): HeldTensor(
            tensor, LooseTensor(name, tuple(tensor.shape), _kind(tensor), construction_of(owner))
        )
        for name, tensor, owner in _attributes(model)
        if id(tensor) not in registered and tensor.dim()
    }


def _attributes(model: nn.Module) -> Iterator[tuple[str, torch.Tensor, nn.Module]]:
    for path, module in named_modules(model):
        for name, value in vars(module).items():
            if name.startswith("_") and not isinstance(value, torch.Tensor):
                continue  # torch's own
            for place, tensor in within(value, f"{path}.{name}" if path else name):
                if not isinstance(tensor, torch.Tensor) or isinstance(tensor, nn.Parameter):
                    continue
                if tensor is not value and not tensor.requires_grad:
                    continue  # a list of constants is moved by hand, or holds nothing that matters
                if not any(f"{name}{ending}" in module._parameters for ending in _DERIVED):
                    yield place, tensor, module


def _kind(tensor: torch.Tensor) -> Held:
    if not tensor.requires_grad:
        return Held.CONSTANT
    return Held.TRAINABLE if tensor.is_leaf else Held.COMPUTED


def _moves_itself(module: nn.Module) -> bool:
    """Whether a class of the user's says how its tensors are moved."""
    return any(
        not cls.__module__.startswith(_LIBRARIES)
        and not {"_apply", "to", "cuda"}.isdisjoint(vars(cls))
        for cls in type(module).__mro__
    )
