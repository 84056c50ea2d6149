"""What wraps a model without changing it: torch.compile and data parallelism."""

from __future__ import annotations

from torch import nn


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside torch.compile, DataParallel and DistributedDataParallel."""
    for attribute in wrappers_of(model):
        model = getattr(model, attribute)
    return model


def wrappers_of(model: nn.Module) -> tuple[str, ...]:
    """The attributes by which the model inside is reached, outermost first."""
    found = []
    while True:
        if "_orig_mod" in model._modules:
            found.append("_orig_mod")
        elif isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            found.append("module")
        else:
            return tuple(found)
        model = getattr(model, found[-1])
