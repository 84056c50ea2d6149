"""Tensors of random numbers: what is drawn while forward runs, and what is computed from it."""

from __future__ import annotations

from typing import Any

import torch

from rflint.operators.call import tensors_in
from rflint.tracing.recording.functions import RANDOM_FUNCTIONS
from rflint.tracing.recording.tensors import tensors_of


class RandomTensors:
    """The tensors of one forward pass whose numbers depend on a random generator."""

    def __init__(self) -> None:
        self._tensors: dict[int, torch.Tensor] = {}

    def draws(self, spelling: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a function draws numbers, or computes with such."""
        if spelling in RANDOM_FUNCTIONS:
            return True
        return bool(self._tensors) and any(
            id(tensor) in self._tensors for tensor in tensors_in((args, kwargs))
        )

    def add(self, results: Any) -> None:
        """Note that results are random."""
        self._tensors.update((id(tensor), tensor) for tensor in tensors_of(results))
