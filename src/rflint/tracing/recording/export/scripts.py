"""TorchScript modules as plain ones, since torch.export refuses them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_SCRIPT = "_script"


class ScriptWrapper(nn.Module):
    """A TorchScript module as a plain one, with the same tree of parameters."""

    def __init__(self, script: torch.jit.ScriptModule) -> None:
        super().__init__()
        for name, parameter in script.named_parameters(recurse=False):
            # a loaded module has plain tensors in their place
            own = isinstance(parameter, nn.Parameter)
            self.register_parameter(name, parameter if own else nn.Parameter(parameter))
        for name, buffer in script.named_buffers(recurse=False):
            self.register_buffer(name, buffer)
        for name, child in script.named_children():
            self.add_module(name, ScriptWrapper(child))  # type: ignore[arg-type]
        vars(self)[_SCRIPT] = script

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the script on the tensors that torch.export has put in the place of its own."""
        own: list[tuple[Any, str, torch.Tensor]] = []
        try:
            for module in self.modules():
                script = vars(module)[_SCRIPT]._c
                for name, tensor in (*module._parameters.items(), *module._buffers.items()):
                    own.append((script, name, script.getattr(name)))
                    script.setattr(name, tensor)
            return vars(self)[_SCRIPT]._c._get_method("forward")(*args, **kwargs)
        finally:
            for script, name, tensor in own:
                script.setattr(name, tensor)


def without_scripts(model: nn.Module) -> nn.Module:
    """The model with wrappers in the place of its TorchScript modules."""
    if isinstance(model, torch.jit.ScriptModule):
        return ScriptWrapper(model)
    for name, child in model.named_children():
        model._modules[name] = without_scripts(child)
    return model
