"""Which parts of PyTorch the user's code has replaced by its own, where that leads to an error."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_OWNERS: dict[str, Any] = {
    "torch": torch,
    "torch.Tensor": torch.Tensor,
    "torch.nn.Module": nn.Module,
    "torch.nn.functional": nn.functional,
}


def _functions() -> dict[str, Any]:
    return {
        f"{name}.{attribute}": value
        for name, owner in _OWNERS.items()
        for attribute, value in vars(owner).items()
    }


_ORIGINAL = _functions()


def replaced_functions() -> list[str]:
    """Names like `torch.zeros` of what is another object than when rflint was imported."""
    now = _functions()
    return [name for name, original in _ORIGINAL.items() if now.get(name) is not original]
