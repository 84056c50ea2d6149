"""Make a change to a real model: run its lines on a copy."""

from __future__ import annotations

import copy
import linecache
import zlib
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import nn

from rflint.errors import RepairFailed, error_text
from rflint.tracing.model.lightning import trainers_of
from rflint.tracing.model.tree import modules, parameters
from rflint.usercode.source_lines import innermost_user_line_of


def edited_copy(model: nn.Module, edits: Sequence[str]) -> nn.Module:
    """A copy of a model, with weights of its own, changed by statements about `m`.

    New layers are where the model's weights are. The model itself stays as it is. Raises
    RepairFailed where it cannot be copied, or is not the model that the edits were made for.
    """
    return edit(copied(model), edits)


def copied(model: nn.Module) -> nn.Module:
    """A copy of a model with weights of its own. Raises RepairFailed where it cannot be copied."""
    try:
        return copy.deepcopy(model, {**trainers_of(modules(model)), **_computed(model)})
    except Exception as error:
        raise RepairFailed(
            f"the model cannot be copied: {error_text(error).splitlines()[0]}",
            source=innermost_user_line_of(error),
        ) from error


def edit(model: nn.Module, edits: Sequence[str]) -> nn.Module:
    """What statements about `m` make of a model, in place: the same module, or what it became.

    New layers are where its weights are. Raises RepairFailed where it is not the model that the
    edits were made for.
    """
    before = set(modules(model))
    device = next((p.device for p in parameters(model)), None)
    code = "\n".join(edits)
    name = f"<rflint {zlib.crc32(code.encode()):08x}>"
    # TorchScript reads the source of the classes that the edits define
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {
        "m": model,
        "nn": nn,
        "torch": torch,
        "__name__": "rflint.repair.edits",
    }
    try:
        # the statements come from script.py: names of modules, and torch's own functions
        exec(compile(code, name, "exec"), namespace)
        edited = cast("nn.Module", namespace["m"])
    except Exception as error:
        why = error_text(error).splitlines()[0]
        raise RepairFailed(f"the model cannot be edited: {why}") from error
    for module in modules(edited):
        if module not in before:
            module.train(edited.training)
            if device is not None:
                for name, parameter in list(module.named_parameters(recurse=False)):
                    if parameter.device != device:
                        setattr(module, name, nn.Parameter(parameter.to(device)))
    return edited


def _computed(model: nn.Module) -> dict[int, torch.Tensor]:
    """Copies of tensors that are results, by identity: what deepcopy refuses to copy.

    The old weight_norm and spectral_norm keep such a weight, and compute it anew for every call.
    """
    return {
        id(value): value.detach().clone()
        for module in modules(model)
        for value in vars(module).values()
        if isinstance(value, torch.Tensor) and not value.is_leaf
    }
