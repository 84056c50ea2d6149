"""Modules that take several places of one container: `[block] * 6`."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from rflint.graph.architecture import RepeatedModule
from rflint.tracing.model.construction import construction_of
from rflint.tracing.model.tree import modules, named_modules, parameters

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def repeated_modules(model: nn.Module) -> Iterator[RepeatedModule]:
    """Every module with parameters that takes several places of a container."""
    for path, container in named_modules(model):
        if not isinstance(container, _CONTAINERS):
            continue
        places: dict[int, list[str]] = {}
        for name, child in container._modules.items():
            places.setdefault(id(child), []).append(name)
        for names in places.values():
            child = container._modules[names[0]]
            if child is None or len(names) == 1:
                continue
            size = sum(p.numel() for p in parameters(child))
            if not size:
                continue
            yield RepeatedModule(
                path,
                next(cls.__name__ for cls in _CONTAINERS if isinstance(container, cls)),
                tuple(names),
                size,
                any(isinstance(x, nn.modules.batchnorm._BatchNorm) for x in modules(child)),
                construction_of(container),
            )
