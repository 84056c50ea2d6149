"""What is common to all that writes edits: the model, its layers, and the change."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from rflint.analysis.analysis import Analysis
from rflint.graph.layer import Layer
from rflint.repair.candidate import Candidate
from rflint.repair.edits.names import Names
from rflint.tracing.model.tree import parameters


class Inexpressible(Exception):
    """A change that cannot be written as code; the message says why."""


class Writer(Names):
    """Writes statements about a model `m` and what a candidate changes in it."""

    def __init__(self, model: nn.Module, analysis: Analysis, candidate: Candidate) -> None:
        super().__init__(model)
        self.model = model
        self.analysis = analysis
        self.candidate = candidate
        self.layers = analysis.architecture.layers
        self.by_name: dict[str, Layer] = {}
        for layer in self.layers:
            self.by_name.setdefault(layer.name, layer)
        self.keywords = _keywords(model)
        """Further arguments of new layers with weights."""

    def weighs(self, path: str) -> bool:
        """Whether a module has weights."""
        return any(True for _ in self.modules[path].parameters())

    def is_flatten(self, path: str) -> bool:
        """Whether a module is nn.Flatten."""
        return isinstance(self.modules[path], nn.Flatten)


def _keywords(model: nn.Module) -> str:
    """What a new layer needs to be told to fit the model: its type of numbers, if unusual."""
    kinds: Iterable[torch.dtype] = (p.dtype for p in parameters(model))
    dtype = next((kind for kind in kinds if kind.is_floating_point), torch.float32)
    return "" if dtype is torch.float32 else f", dtype={dtype}"
