"""The tensors that a model holds before anything is computed, and what it calls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import nn

from rflint.operators.call import tensors_in
from rflint.tracing.model.tree import modules, named_buffers, named_parameters
from rflint.tracing.model.unregistered import unregistered_tensors


class ModelTensors:
    """A model's parameters and buffers by identity."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.parameters: dict[str, torch.Tensor] = dict(named_parameters(model))
        """Those that the model had at first, and those that it got on the way."""
        self._names = {id(t): name for name, t in named_buffers(model)}
        self._names |= {id(t): name for name, t in named_parameters(model)}
        self._alive: list[torch.Tensor] = []

    def __contains__(self, tensor: torch.Tensor) -> bool:
        return id(tensor) in self._names

    def name(self, tensor: torch.Tensor) -> str | None:
        """What the model calls a parameter or buffer; forward may have just registered it."""
        if id(tensor) not in self._names and isinstance(tensor, nn.Parameter):
            for name, parameter in named_parameters(self.model):
                if id(parameter) not in self._names:
                    self._names[id(parameter)] = name
                    self._alive.append(parameter)
                    self.parameters[name] = parameter
        return self._names.get(id(tensor))

    def names(self, tensors: Iterable[torch.Tensor]) -> tuple[str, ...]:
        """The names of those tensors that the model has one for."""
        return tuple(name for tensor in tensors if (name := self.name(tensor)) is not None)


def other_tensors(model: nn.Module) -> Iterator[torch.Tensor]:
    """The tensors that modules hold and have not registered: attributes, and those in lists."""
    for module in modules(model):
        own = {k: v for k, v in vars(module).items() if k not in ("_parameters", "_buffers")}
        yield from (value for value in tensors_in(own) if isinstance(value, torch.Tensor))
    yield from unregistered_tensors(model)
