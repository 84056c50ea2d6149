"""Multinomial logistic regression, fitted with torch: what a probe is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

PENALTY = 1.0
"""The weight of half the squared norm of the coefficients, against the sum of all losses."""
MOST_STEPS = 200
TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class LogisticRegression:
    """A fitted classifier of feature vectors, which standardises them itself."""

    mean: Tensor
    scale: Tensor
    """What features are divided by: their standard deviations, 1 for those that do not vary."""
    weight: Tensor
    """(classes, features)"""
    bias: Tensor

    def predict(self, features: Tensor) -> Tensor:
        """The class of each row of (number, features)."""
        return _logits(self._standardised(features), self.weight, self.bias).argmax(1)

    def accuracy(self, features: Tensor, labels: Tensor) -> float:
        """The share of rows that are classified as they are labelled."""
        return float((self.predict(features) == labels).double().mean())

    def _standardised(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.scale


def fit(features: Tensor, labels: Tensor, classes: int) -> LogisticRegression:
    """Fit by L-BFGS; the minimum is unique, so that no random start plays a part.

    The penalty on the coefficients is that of scikit-learn's default, C = 1.
    """
    mean = features.mean(0)
    scale = features.std(0, correction=0)
    scale = torch.where(scale > 1e-8 * (1 + mean.abs()), scale, torch.ones_like(scale))
    standardised = (features - mean) / scale
    weight = torch.zeros(classes, features.shape[1], device=features.device, requires_grad=True)
    bias = torch.zeros(classes, device=features.device, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weight, bias],
        max_iter=MOST_STEPS,
        tolerance_grad=TOLERANCE,
        tolerance_change=1e-7,
        history_size=10,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimiser.zero_grad()
        found = F.cross_entropy(_logits(standardised, weight, bias), labels)
        found = found + PENALTY / (2 * len(labels)) * weight.square().sum()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    with torch.enable_grad():
        optimiser.step(loss)  # type: ignore[no-untyped-call]
    return LogisticRegression(mean, scale, weight.detach(), bias.detach())


def _logits(standardised: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.linear(standardised, weight, bias)
