"""Make a change to a real model: run its lines on a copy."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn

from rflint.errors import RepairFailed, said
from rflint.places import innermost_user_line_of


def edited_copy(model: nn.Module, edits: Sequence[str]) -> nn.Module:
    """A copy of a model, with weights of its own, changed by statements about `m`.

    New layers are where the model's weights are. The model itself stays as it is. Raises
    RepairFailed where it cannot be copied, or is not the model that the edits were made for.
    """
    try:
        edited = copy.deepcopy(model)
    except Exception as error:
        raise RepairFailed(
            f"the model cannot be copied: {said(error)}", source=innermost_user_line_of(error)
        ) from error
    kept = {id(module) for module in edited.modules()}
    try:
        # the statements come from script.py: names of modules, and torch.nn's own layers
        exec("\n".join(edits), {"m": edited, "nn": nn, "torch": torch})
    except Exception as error:
        raise RepairFailed(f"the model cannot be edited: {said(error)}") from error
    device = next((p.device for p in model.parameters()), None)
    for module in edited.modules():
        if id(module) not in kept:
            module.train(edited.training)
            if device is not None:
                for name, parameter in list(module.named_parameters(recurse=False)):
                    if parameter.device != device:
                        setattr(module, name, nn.Parameter(parameter.to(device)))
    return edited
