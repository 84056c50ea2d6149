"""Modules that tests of all kinds are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class Lambda(nn.Module):
    """A function as a module, so that a hook finds what it returns."""

    def __init__(self, function: Callable[..., Any], word: object = "") -> None:
        super().__init__()
        self.function = function
        self.word = word

    def extra_repr(self) -> str:
        return str(self.word)

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*inputs)
