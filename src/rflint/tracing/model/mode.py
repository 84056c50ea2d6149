"""A model's mode: training or evaluation, set as `model.train(...)` is meant to set it."""

from __future__ import annotations

import inspect

import torch
from torch import fx, nn

from rflint.errors import TraceFailed, error_text
from rflint.tracing.model.tree import modules
from rflint.usercode.source_lines import innermost_user_line_of


def set_mode(model: nn.Module, training: bool) -> None:
    """What `model.train(training)` is meant to do, and nothing else.

    A class may override `train` to keep a part of it frozen, and that is honoured where it takes a
    mode as torch's does. A `train` that takes something else fits the model: it is not called, and
    the flag is set instead. Raises TraceFailed where an override fails.
    """
    overriding = [module for module in modules(model) if not _takes_a_mode(module)]
    own_trains = [module.__dict__.get("train", _ABSENT) for module in overriding]
    for module in overriding:
        module.__dict__["train"] = _PlainTrain(module)
    try:
        model.train(training)
    except Exception as error:
        raise TraceFailed(
            f"{type(model).__name__}.train({training}) raised {error_text(error)}",
            hint="rflint puts a model into evaluation mode, or with --train into training mode.",
            source=innermost_user_line_of(error),
        ) from error
    finally:
        for module, own in zip(overriding, own_trains, strict=True):
            if own is _ABSENT:
                module.__dict__.pop("train", None)
            else:
                module.__dict__["train"] = own


_ABSENT = object()


class _PlainTrain:
    """Stands for a module's `train`: torch's own, which asks nothing of the module but its flag."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, mode: bool = True) -> nn.Module:
        self.module.training = mode
        for child in self.module._modules.values():
            if child is not None:
                child.train(mode)
        return self.module


def _takes_a_mode(module: nn.Module) -> bool:
    """Whether `module.train(mode)` is what torch means by it."""
    if isinstance(module, torch.jit.ScriptModule):
        return True
    if isinstance(module, fx.GraphModule) and "train" in vars(module):
        return False  # what torch.export made has no mode, and refuses to be asked for one
    own = vars(module).get("train", type(module).train)
    for name in ("children", "named_children"):  # by torch's own
        if name in vars(module) or getattr(type(module), name) is not getattr(nn.Module, name):
            return False
    if own is nn.Module.train:
        return True
    try:
        parameters = list(inspect.signature(module.train).parameters.values())
    except (TypeError, ValueError):
        return False
    if not parameters or parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        return False
    first, *rest = parameters
    means_a_mode = (
        isinstance(first.default, bool)
        or first.annotation in (bool, "bool")
        or first.name in ("mode", "training", "is_training", "is_train")
    )
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return means_a_mode and all(p.kind in variadic or p.default is not p.empty for p in rest)


def mode_of(module: nn.Module) -> bool | None:
    """Whether a TorchScript module trains; a frozen one has forgotten."""
    mode: bool | None = getattr(module, "training", None)
    return mode
