"""Convolutions over inputs of any layout, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

import rflint
from rflint.analysis.analysis import Analysis

Shape = tuple[int, ...]


class Before(nn.Module):
    """Convolutions behind a function that brings the input into the usual layout."""

    def __init__(self, prepare: Callable[[Tensor], Tensor], convs: nn.Module) -> None:
        super().__init__()
        self.prepare = prepare
        self.convs = convs

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.convs(self.prepare(x))
        return out


def stack(kind: type[nn.Module], channels: int, kernel: int = 5, depth: int = 4) -> nn.Module:
    """Strided convolutions, which soon see everything."""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [kind(channels if i == 0 else 4, 4, kernel, 2, kernel // 2), nn.ReLU()]
    return nn.Sequential(*layers)


def analysis(model: nn.Module, *shapes: Shape | str, **options: Any) -> Analysis:
    return rflint.lint(model, input=list(shapes), **options).models[0].analysis


def judged(found: Analysis) -> list[tuple[Any, ...]]:
    """What is said of every convolution, but for its place among all layers."""
    return [
        (
            x.verdict,
            [axis.r_min for axis in x.input_field],
            [axis.r_max for axis in x.output_field],
            [axis.jump for axis in x.output_field],
            x.dead_weights,
        )
        for x in found.layers
        if x.layer.kind.is_convolution
    ]
