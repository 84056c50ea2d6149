"""What probes read: outputs of layers, pooled to maps of at most 4 positions per axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from rflint.measurement.running.observation import LayerCall

SIDE = 4
"""Positions per axis that larger maps are pooled to (paper, section III-B)."""
MOST_BYTES = 1 << 30
"""Of the features that are held at one time: those of one layer may take more."""

_POOLED: dict[int, Any] = {
    1: F.adaptive_avg_pool1d,
    2: F.adaptive_avg_pool2d,
    3: F.adaptive_avg_pool3d,
}


def pooled(output: Tensor) -> Tensor:
    """Feature vectors of shape (batch, features), of an output (batch, channels, *positions)."""
    axes = output.dim() - 2
    if axes in _POOLED and any(size > SIDE for size in output.shape[2:]):
        sizes = [min(size, SIDE) for size in output.shape[2:]]
        output = _POOLED[axes](output, sizes)
    return output.flatten(1).float()


def number_of_features(shape: Sequence[int]) -> int:
    """How many features an output of this shape, with the batch, is pooled to."""
    sides = [min(size, SIDE) for size in shape[2:]] if len(shape) in (3, 4, 5) else shape[2:]
    return prod((*shape[1:2], *sides))


def grouped(
    shapes: Mapping[LayerCall, Sequence[int]], samples: int, most_bytes: int = MOST_BYTES
) -> Iterator[list[LayerCall]]:
    """Layers whose features fit into the bound together; one that does not fit comes alone."""
    group: list[LayerCall] = []
    taken = 0
    for call, shape in shapes.items():
        needed = 4 * samples * number_of_features(shape)
        if group and taken + needed > most_bytes:
            yield group
            group, taken = [], 0
        group.append(call)
        taken += needed
    if group:
        yield group
