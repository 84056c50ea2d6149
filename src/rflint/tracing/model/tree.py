"""The modules of a model, their parameters and buffers, whatever its class calls by those names.

`model.modules()` is an ordinary attribute: a list of layers that is called `modules` hides it, and
a class may give `parameters()` another meaning. And torch's own walk needs a stack frame for every
level. What is registered lies in three dictionaries of every module, and that is where to look.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn


def named_modules(model: nn.Module, *, each_once: bool = True) -> Iterator[tuple[str, nn.Module]]:
    """A model and all that is registered below it, in the order of torch's own walk.

    A module that is registered in several places comes once, or under each of its paths.
    """
    seen: set[int] = set()
    waiting: list[tuple[str, nn.Module]] = [("", model)]
    while waiting:
        path, module = waiting.pop()
        if id(module) in seen:
            continue
        if each_once:
            seen.add(id(module))
        yield path, module
        below = [(name, child) for name, child in module._modules.items() if child is not None]
        waiting += [(f"{path}.{name}" if path else name, child) for name, child in reversed(below)]


def modules(model: nn.Module) -> Iterator[nn.Module]:
    """The same without names."""
    return (module for _, module in named_modules(model))


def named_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The registered parameters, each once, under the first of its names."""
    return _members(model, "_parameters")  # type: ignore[return-value]


def named_buffers(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """The registered buffers, each once, under the first of its names."""
    return _members(model, "_buffers")


def parameters(model: nn.Module) -> Iterator[nn.Parameter]:
    """The registered parameters without names."""
    return (parameter for _, parameter in named_parameters(model))


def _members(model: nn.Module, holder: str) -> Iterator[tuple[str, torch.Tensor]]:
    seen: set[int] = set()
    for path, module in named_modules(model):
        for name, tensor in getattr(module, holder).items():
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                yield f"{path}.{name}" if path else name, tensor
