"""Functions that stand in the recorded graph for what Python syntax does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from rflint.tracing.recording.tensors import tensors_of


def take(results: Any, index: int) -> torch.Tensor:
    """The index-th tensor of an operator with several results."""
    return list(tensors_of(results))[index]


def setitem(tensor: torch.Tensor, index: Any, value: Any) -> torch.Tensor:
    """`tensor[index] = value` as a function."""
    tensor[index] = value
    return tensor


def overlaid(base: torch.Tensor, written: torch.Tensor) -> torch.Tensor:
    """`base`, once a view of it has been written to in place."""
    return base


def property_getter(name: str) -> Callable[[torch.Tensor], Any]:
    """`tensor.T` and the like as a function."""
    return lambda tensor: getattr(tensor, name)
