"""The covariance of a layer's output, gathered batch by batch, and the saturation that it gives."""

from __future__ import annotations

import torch
from torch import Tensor

from rflint.usercode.interrupts import interrupts_held

MOST_POSITIONS = 256
"""Of one sample, on average over a batch; of larger maps so many positions are drawn."""


_BLOCK = 256
"""Columns of the covariance that are multiplied at one time."""


class RunningCovariance:
    """Mean and covariance of vectors that come in batches, in one pass.

    Holds C + C^2 numbers in double precision, whatever the number of vectors. Batches are centred
    before they are multiplied, and joined by the parallel algorithm of Chan, Golub and LeVeque
    (1983), so that a mean far from zero costs no precision.
    """

    def __init__(self, channels: int, device: torch.device | str = "cpu") -> None:
        self.count = 0
        # some accelerators have no double precision: what they give is gathered on the CPU
        home = "cpu" if torch.device(device).type == "mps" else device
        self._mean = torch.zeros(channels, dtype=torch.float64, device=home)
        self._upper = torch.zeros(channels, channels, dtype=torch.float64, device=home)

    def add(self, rows: Tensor) -> None:
        """Take in vectors: a tensor of shape (number, channels)."""
        number = rows.shape[0]
        if not number:
            return
        wide = rows.to(self._mean.device).double()
        mean = wide.mean(0)
        shift = mean - self._mean
        total = self.count + number
        between = shift * (self.count * number / total) ** 0.5
        # In place, since for wide layers every C x C matrix in between costs as much; and of what
        # is symmetric, one half
        parts = torch.cat([wide - mean, between.unsqueeze(0)])
        with interrupts_held():  # half a batch would be none
            for begin in range(0, parts.shape[1], _BLOCK):
                end = begin + _BLOCK
                self._upper[begin:end, begin:].addmm_(parts[:, begin:end].T, parts[:, begin:])
            self._mean += shift * (number / total)
            self.count = total

    @property
    def mean(self) -> Tensor:
        """The mean of all vectors, of shape (channels,)."""
        return self._mean

    @property
    def covariance(self) -> Tensor:
        """The covariance of all vectors, of shape (channels, channels); divided by their number."""
        upper = self._upper.triu()
        return (upper + upper.triu(1).T) / max(self.count, 1)


def directions_needed(covariance: Tensor, delta: float) -> int:
    """The smallest number of eigendirections that explain a share `delta` of the variance.

    Of what does not vary at all: 0.
    """
    variances = torch.linalg.eigvalsh(covariance).flip(0).clamp(min=0)
    total = variances.sum()
    if total <= 0:
        return 0
    explained = variances.cumsum(0) / total
    # what rounding leaves below delta does not ask for a further direction
    return int((explained < delta - 1e-12).sum()) + 1


def saturation(covariance: Tensor, delta: float) -> float:
    """s_l: the share of eigendirections that explain `delta` of the variance (paper, II-B).

    delve, the authors' tool, cuts the covariance off before it has counted the direction that
    crosses `delta`, and gives one direction less.
    """
    return directions_needed(covariance, delta) / covariance.shape[0]


def rows_of(output: Tensor, generator: torch.Generator, most: int | None = None) -> Tensor:
    """A layer's output as vectors: channels as dimensions, positions of all samples as vectors.

    An output of shape (batch, channels, *positions); (batch, features) is a vector a sample. Of
    more than `most` vectors (MOST_POSITIONS for every sample), so many are drawn, each with the
    same probability.
    """
    if output.dim() == 2:
        return output
    maps = output.flatten(2)
    samples, _, positions = maps.shape
    most = MOST_POSITIONS * samples if most is None else most
    if samples * positions <= most:
        return maps.transpose(1, 2).flatten(0, 1)
    drawn = torch.randperm(samples * positions, generator=generator)[:most]
    # in the order in which they lie in memory, and without a copy of the whole map
    drawn = drawn.sort().values.to(maps.device)
    return maps[drawn // positions, :, drawn % positions]
