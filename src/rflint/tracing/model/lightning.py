"""Lightning modules: a training_step calls the model, where there is no forward."""

from __future__ import annotations

from torch import nn

from rflint.errors import BuildFailed
from rflint.tracing.model.introspection import class_attributes, module_of, mro
from rflint.tracing.model.other_methods import attributes_read_by

_PACKAGES = ("lightning.", "pytorch_lightning.", "lightning_fabric.")
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


def _is_lightning(model: nn.Module) -> bool:
    return any(
        base.__name__ == "LightningModule" and module_of(base).startswith(_PACKAGES)
        for base in mro(type(model))
    )


def _has_forward(model: nn.Module) -> bool:
    return any(
        "forward" in class_attributes(base)
        for base in mro(type(model))
        if not module_of(base).startswith((*_PACKAGES, "torch."))
    )
