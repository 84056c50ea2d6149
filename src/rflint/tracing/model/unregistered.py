"""Parameters that a model uses and has not registered: those of modules in plain lists.

torch registers what is assigned to an attribute. What lies in a list, a tuple or a dict does not
count: it is used like anything else, but `parameters()`, `state_dict()` and `to()` pass it by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from rflint.graph.architecture import Parameter
from rflint.tracing.model.construction import construction_of
from rflint.tracing.model.tree import modules, named_modules, parameters


def unregistered_parameters(model: nn.Module) -> Mapping[int, Parameter]:
    """The parameters by the identity of the tensor, named as one would type: `blocks[0].weight`."""
    known = {id(parameter) for parameter in parameters(model)}
    known.update(map(id, _put_aside(model)))
    return {
        id(tensor): Parameter(
            name, tensor.numel(), construction_of(owner), is_trained=tensor.requires_grad
        )
        for name, tensor, owner in _unregistered(model)
        if isinstance(tensor, nn.Parameter) and id(tensor) not in known
    }


def _put_aside(model: nn.Module) -> Iterator[nn.Parameter]:
    """Parameters that are attributes though torch would have registered them.

    Only who writes into `module.__dict__` has them: on purpose.
    """
    for module in modules(model):
        for value in vars(module).values():
            if isinstance(value, nn.Parameter):
                yield value
            elif isinstance(value, nn.Module):
                yield from parameters(value)


def unregistered_tensors(model: nn.Module) -> Iterator[torch.Tensor]:
    """The same parameters, and the buffers beside them."""
    return (tensor for _, tensor, _ in _unregistered(model))


def _unregistered(model: nn.Module) -> Iterator[tuple[str, torch.Tensor, nn.Module]]:
    """Name, tensor, and the module whose construction made it."""
    registered = {id(module) for module in modules(model)}
    for path, module in named_modules(model):
        for name, value in vars(module).items():
            if name.startswith("_"):  # torch's own
                continue
            for place, found in within(value, f"{path}.{name}" if path else name):
                if isinstance(found, torch.Tensor):
                    yield place, found, module
                elif id(found) not in registered:
                    yield from _tensors_of(found, place)


def _tensors_of(module: nn.Module, place: str) -> Iterator[tuple[str, torch.Tensor, nn.Module]]:
    """The parameters and buffers of a module that lies in this place, and their owners."""
    for path, owner in named_modules(module):
        prefix = f"{place}.{path}" if path else place
        for name, tensor in (*owner._parameters.items(), *owner._buffers.items()):
            if tensor is not None:
                yield f"{prefix}.{name}", tensor, owner


def within(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The modules and tensors in nested lists, tuples and dicts, and where they are."""
    if isinstance(value, (nn.Module, torch.Tensor)):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from within(item, f"{place}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from within(item, f"{place}[{index}]")
