"""The covariance of a layer's output, gathered batch by batch, and the saturation that it gives."""

from __future__ import annotations

import torch
from torch import Tensor

MOST_ROWS = 16_384
"""Of one batch; of larger maps a random part of the positions is taken."""


class RunningCovariance:
    """Mean and covariance of vectors that come in batches, in one pass.

    Holds C + C^2 numbers in double precision, whatever the number of vectors. Batches are centred
    before they are multiplied, and joined by the parallel algorithm of Chan, Golub and LeVeque
    (1983), so that a mean far from zero costs no precision.
    """

    def __init__(self, channels: int, device: torch.device | str = "cpu") -> None:
        self.count = 0
        # some accelerators have no double precision; their batches are reduced there, joined here
        self._mean = torch.zeros(channels, dtype=torch.float64)
        self._scatter = torch.zeros(channels, channels, dtype=torch.float64)
        self._device = device

    def add(self, rows: Tensor) -> None:
        """Take in vectors: a tensor of shape (number, channels)."""
        number = rows.shape[0]
        if not number:
            return
        wide = rows if rows.device.type == "mps" else rows.double()
        mean = wide.mean(0)
        centred = wide - mean
        scatter = (centred.T @ centred).to("cpu", torch.float64)
        shift = mean.to("cpu", torch.float64) - self._mean
        total = self.count + number
        self._scatter += scatter + torch.outer(shift, shift) * (self.count * number / total)
        self._mean += shift * (number / total)
        self.count = total

    @property
    def mean(self) -> Tensor:
        """The mean of all vectors, of shape (channels,)."""
        return self._mean

    @property
    def covariance(self) -> Tensor:
        """The covariance of all vectors, of shape (channels, channels); divided by their number."""
        return self._scatter / max(self.count, 1)


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


def rows_of(output: Tensor, generator: torch.Generator, most: int = MOST_ROWS) -> Tensor:
    """A layer's output as vectors: channels as dimensions, positions of all samples as vectors.

    An output of shape (batch, channels, *positions); (batch, features) is a vector a sample. Of
    more than `most` vectors, so many are drawn, each with the same probability.
    """
    rows = output.flatten(2).transpose(1, 2).flatten(0, 1) if output.dim() > 2 else output
    if len(rows) > most:
        rows = rows[torch.randperm(len(rows), generator=generator)[:most].to(rows.device)]
    return rows
