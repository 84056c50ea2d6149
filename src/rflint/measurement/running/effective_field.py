"""The effective receptive field of a layer, measured by gradients (Luo et al., 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

SHARES = (0.2, 0.3, 0.5, 0.99)
"""Of the whole contribution, which squares are asked to hold."""


@dataclass(frozen=True, slots=True)
class GradientMaps:
    """What the positions of the input contribute to the middle of a layer's output.

    Both have the input's spatial shape.
    """

    contribution: Tensor
    """Positive gradients of the sum over channels, summed over input channels, averaged over
    samples: the metric of RepLKNet (Ding et al., 2022)."""
    energy: Tensor
    """Squared gradients, summed over channels, averaged over samples: how variance is passed on."""


def gradient_maps(output: Tensor, inputs: Tensor, generator: torch.Generator) -> GradientMaps:
    """Both maps for a batch; `inputs`, of shape (batch, channels, *positions), require gradients.

    `output` has the shape (batch, channels, *positions).
    """
    centre = output
    for size in output.shape[2:]:
        centre = centre.select(2, size // 2)
    (summed,) = torch.autograd.grad(centre.sum(), inputs, retain_graph=True)
    # independent signs: the expected square is the sum over channels of their squared gradients
    signs = torch.randint(0, 2, centre.shape, generator=generator) * 2 - 1
    (signed,) = torch.autograd.grad((centre * signs.to(centre)).sum(), inputs, retain_graph=True)
    return GradientMaps(
        summed.clamp(min=0).double().sum(1).mean(0).cpu(),
        signed.double().square().sum(1).mean(0).cpu(),
    )


def deviations(energy: Tensor) -> tuple[float, ...]:
    """Per axis, the standard deviation of the positions, weighted by their share; in pixels."""
    total = energy.sum()
    found = []
    for axis in range(energy.dim()):
        others = [other for other in range(energy.dim()) if other != axis]
        shares = (energy.sum(others) if others else energy) / total
        positions = torch.arange(len(shares), dtype=shares.dtype)
        centre = (shares * positions).sum()
        found.append(float((shares * (positions - centre).square()).sum().sqrt()))
    return tuple(found)


def compressed(contribution: Tensor) -> Tensor:
    """log10(x + 1), as RepLKNet shows contributions; it lifts what is small."""
    return torch.log10(contribution + 1)


def areas(contribution: Tensor, shares: Sequence[float] = SHARES) -> tuple[float, ...]:
    """For each share, what part of the input the smallest centred square takes that holds it.

    A square (an interval, a cube) grows by one position on each side, clipped at the border.
    """
    total = float(contribution.sum())
    if not total > 0:
        return (0.0,) * len(shares)
    held, taken = [], []
    for reach in range(max(contribution.shape)):
        inside = contribution[
            tuple(
                slice(max(0, size // 2 - reach), size // 2 + reach + 1)
                for size in contribution.shape
            )
        ]
        held.append(float(inside.sum()) / total)
        taken.append(inside.numel() / contribution.numel())
    return tuple(
        next(
            area
            for share_held, area in zip(held, taken, strict=True)
            if share_held >= share - 1e-12
        )
        for share in shares
    )
