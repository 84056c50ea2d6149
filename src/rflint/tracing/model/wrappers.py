"""What wraps a model: torch.compile, data parallelism, Lightning modules, and interfaces."""

from __future__ import annotations

from torch import nn

from rflint.tracing.model.lightning import is_fabric_module, model_in_steps


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside torch.compile, data parallelism, Fabric and a Lightning module.

    A Lightning module with a forward is a model itself.
    """
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
        elif is_fabric_module(model):
            found.append("_forward_module")
        elif inner := model_in_steps(model):
            found.append(inner)
        else:
            return tuple(found)
        model = getattr(model, found[-1])


def network_inside(model: nn.Module) -> str:
    """A sentence on the one module that has all weights of a model, for one that only wraps it.

    Empty where there is none, or where the model's own forward is likely its architecture.
    """
    parts = [
        (name, part)
        for name, part in model.named_children()
        if next(part.parameters(), None) is not None
    ]
    if len(parts) != 1 or next(model.parameters(recurse=False), None) is not None:
        return ""
    ((name, part),) = parts
    module = type(part).__module__
    if module.startswith("torch."):
        return ""
    of = f" of {module}" if "_rflint_" not in module else ""  # a file that a target names
    return f"All its weights are in .{name}, a {type(part).__name__}{of}: lint that instead."
