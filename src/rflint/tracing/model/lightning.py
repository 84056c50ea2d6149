"""Lightning modules: a training_step calls the model, where there is no forward.

And what Lightning attaches to a module that it trains.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

from rflint.errors import BuildFailed
from rflint.tracing.model.introspection import (
    attributes_of,
    class_attributes,
    module_of,
    mro,
    name_of,
)
from rflint.tracing.model.other_methods import attributes_read_by

_PACKAGES = ("lightning.", "pytorch_lightning.", "lightning_fabric.")
_TRAINING = frozenset({"Trainer", "Fabric", "Strategy", "Precision"})
"""What runs a training, by the names of the base classes."""
_STEPS = ("training_step", "validation_step", "test_step", "predict_step")


def model_in_steps(model: nn.Module) -> str:
    """The submodule that the steps of a Lightning module call; empty where it has a forward.

    Raises BuildFailed where it has no forward, and there is not one such submodule.
    """
    if not _is_lightning(model) or _has_forward(model):
        return ""
    for step in _STEPS:
        read = attributes_read_by(type(model), step)
        names = [
            name
            for name, module in model.named_children()
            if name in read and any(True for _ in module.parameters())
        ]
        if len(names) == 1:
            return names[0]
        if names:
            break
    kind = type(model).__name__
    called = f", and its {step} uses several models: {', '.join(names)}" if names else ""
    example = names[0] if names else "model"
    raise BuildFailed(
        f"{kind} has no forward{called}",
        hint=f"Give it one, or lint one of its models with a function like: "
        f"def build(): return {kind}(...).{example}",
    )


def runs_training(kind: type) -> bool:
    """Whether objects of a class train a model that may hold them: a Trainer, a Fabric.

    Loaders, loops, loggers and other models hang on those, and go on from one question to the next.
    None of it is the state of the model.
    """
    return _is_lightnings(kind, _TRAINING)


def trainers_of(modules: Iterable[nn.Module]) -> dict[int, Any]:
    """What trains some modules and hangs on them, by identity: the memo of a copy without it.

    Loaders hang on a trainer, with whole datasets, and not everything there can be copied.
    """
    held = [value for module in modules for value in attributes_of(module).values()]
    trainers = {kind for kind in set(map(type, held)) if runs_training(kind)}
    return {id(value): value for value in held if type(value) in trainers} if trainers else {}


def is_fabric_module(model: nn.Module) -> bool:
    """Whether a module is what Fabric wraps around a model."""
    return _is_lightnings(type(model), _FABRIC_MODULE)


def keep_from_logging(modules: Iterable[nn.Module]) -> None:
    """Have `self.log` of Lightning modules do nothing, as it does where there is no trainer.

    A trainer takes numbers only at some times, and keeps those that it takes.
    """
    tree = list(modules)
    logging = {
        kind
        for kind in set(map(type, tree))
        if _is_lightnings(kind, _LIGHTNING_MODULE) and _is_lightnings_own(kind, "log")
    }
    for module in tree:
        if type(module) in logging:
            module.__dict__.setdefault("log", _log_nothing)


def _log_nothing(*args: Any, **kwargs: Any) -> None:
    """Stands for the `log` of a module."""


def _is_lightnings_own(kind: type, method: str) -> bool:
    defining = (base for base in mro(kind) if method in class_attributes(base))
    return any(module_of(base).startswith(_PACKAGES) for base in list(defining)[:1])


def _is_lightning(model: nn.Module) -> bool:
    return _is_lightnings(type(model), _LIGHTNING_MODULE)


def _is_lightnings(kind: type, names: frozenset[str]) -> bool:
    return any(
        name_of(base) in names and module_of(base).startswith(_PACKAGES) for base in mro(kind)
    )


_LIGHTNING_MODULE = frozenset({"LightningModule"})
_FABRIC_MODULE = frozenset({"_FabricModule"})


def _has_forward(model: nn.Module) -> bool:
    return any(
        "forward" in class_attributes(base)
        for base in mro(type(model))
        if not module_of(base).startswith((*_PACKAGES, "torch."))
    )
