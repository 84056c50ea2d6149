"""Logistic regression probes: how much of the task is solved at a layer (paper, section II-A)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from rflint.measurement.running.data.split import Labelled, Split
from rflint.measurement.running.failures import check_finite
from rflint.measurement.running.features import grouped, pooled
from rflint.measurement.running.logistic import fit
from rflint.measurement.running.observation import LayerCall, observed


@dataclass(frozen=True, slots=True)
class Probe:
    """The accuracy of one probe on the test samples."""

    accuracy: float
    error: float
    """Its standard error: that of a share of so many samples."""


def probes(
    model: nn.Module,
    run: Callable[[Split], Iterator[Any]],
    shapes: Mapping[LayerCall, Sequence[int]],
    train: Labelled,
    test: Labelled,
    classes: int,
    device: torch.device,
) -> Iterator[tuple[LayerCall, Probe | None]]:
    """A probe at every layer, in execution order; None where outputs are not one a sample.

    `run` passes a split through the model, `shapes` are those of the layers' outputs. Features of
    at most a gigabyte are held at one time (those of one layer in any case), and the model runs
    again for the next.
    """
    fitted_labels, tested_labels = train.labels.to(device), test.labels.to(device)
    for group in grouped(shapes, train.split.size + test.split.size):
        fitted, tested = (_features(model, run, part.split, group) for part in (train, test))
        for call in group:
            here, there = fitted.pop(call).to(device), tested.pop(call).to(device)
            if len(here) != len(fitted_labels) or len(there) != len(tested_labels):
                yield call, None
                continue
            accuracy = fit(here, fitted_labels, classes).accuracy(there, tested_labels)
            yield call, Probe(accuracy, sqrt(accuracy * (1 - accuracy) / test.split.size))


def probing_device(device: torch.device) -> torch.device:
    """Where probes are fitted: where the model runs, but for Apple's, which rounds more."""
    return torch.device("cpu") if device.type == "mps" else device


def _features(
    model: nn.Module,
    run: Callable[[Split], Iterator[Any]],
    split: Split,
    calls: Sequence[LayerCall],
) -> dict[LayerCall, Tensor]:
    """The pooled outputs of layers, of shape (samples, features)."""
    found: dict[LayerCall, list[Tensor]] = defaultdict(list)

    def keep(call: LayerCall, output: Tensor) -> None:
        features = pooled(output)
        check_finite(call[0], features, model)
        found[call].append(features.cpu())

    with observed(model, calls, keep):
        for _ in run(split):
            pass
    return {call: torch.cat(parts) for call, parts in found.items()}
