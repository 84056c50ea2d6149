"""Modules that are recorded as one call: those whose class has a row in the operator table."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn

from rflint.graph.layer import Kind
from rflint.operators.find import find
from rflint.operators.table import Row
from rflint.operators.taught import taught_function

_LIBRARIES = ("torch.", "torchvision.ops.deform_conv")
"""Where the modules that the table knows by their class's name come from."""


@dataclass(frozen=True, slots=True)
class LeafModule:
    """A module that is recorded as one call."""

    module: nn.Module
    path: str
    spelling: str
    row: Row


def leaf_row(module: nn.Module) -> tuple[str, Row | None]:
    """The table's row for a torch.nn module, found by the class that defines its forward.

    A subclass that keeps the forward is the same operator; one with its own is followed into, and
    so is a module whose own attribute stands for its forward. A parametrised module (weight_norm,
    spectral_norm) is a subclass that keeps the forward.
    """
    if "forward" in vars(module):
        return type(module).__name__, None
    for name in (type(module).__name__, f"{type(module).__module__}.{type(module).__qualname__}"):
        if taught_function(name) is not None:
            return name, find(name)
    lineage = type(module).__mro__
    if type(module).__module__.startswith("torch.ao.nn.intrinsic.quantized"):
        # fused modules: a convolution with its activation
        return type(module).__name__, find(f"Quantized{type(module).__name__}")
    for depth, cls in enumerate(lineage):
        if "forward" in vars(cls) or "_conv_forward" in vars(cls):
            for candidate in lineage[: depth + 1]:
                if candidate.__module__.startswith(_LIBRARIES) and find(candidate.__name__):
                    ours = cls.__module__.startswith(_LIBRARIES)
                    return candidate.__name__, find(candidate.__name__) if ours else None
            break
    return type(module).__name__, None


def is_usual_call(module: nn.Module, row: Row, args: tuple[Any, ...], kwargs: Any) -> bool:
    """Whether a known module is called as its forward is meant to be: with a tensor in front.

    Else torch's own forward is to say what it thinks of it: nn.Identity gives back what it gets,
    others refuse what is no tensor, and one argument too many.
    """
    if row.kind in (Kind.TAUGHT, Kind.RECURRENT):
        return True
    try:
        bound = _signature(type(module).forward).bind(module, *args, **kwargs)
    except TypeError:
        return False
    _, first, *_ = (*bound.arguments.values(), None)
    return isinstance(first, torch.Tensor)


@cache
def _signature(forward: Any) -> inspect.Signature:
    return inspect.signature(forward)
