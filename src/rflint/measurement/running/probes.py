"""Logistic regression probes: how much of the task is solved at a layer (paper, section II-A)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from rflint.measurement.running.data.split import Split, labels_of
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
    train: Split,
    test: Split,
    classes: int,
) -> Iterator[tuple[LayerCall, Probe]]:
    """A probe at every layer, in execution order.

    `run` passes a split through the model, `shapes` are those of the layers' outputs. Features of
    at most a gigabyte are held at one time (those of one layer in any case), and the model runs
    again for the next.
    """
    fitted_labels, tested_labels = labels_of(train), labels_of(test)
    for group in grouped(shapes, train.size + test.size):
        fitted, tested = (_features(model, run, split, group) for split in (train, test))
        for call in group:
            classifier = fit(fitted.pop(call), fitted_labels, classes)
            accuracy = classifier.accuracy(tested.pop(call), tested_labels)
            yield call, Probe(accuracy, sqrt(accuracy * (1 - accuracy) / test.size))


def _features(
    model: nn.Module,
    run: Callable[[Split], Iterator[Any]],
    split: Split,
    calls: Sequence[LayerCall],
) -> dict[LayerCall, Tensor]:
    """The pooled outputs of layers, of shape (samples, features)."""
    found: dict[LayerCall, list[Tensor]] = defaultdict(list)
    with observed(model, calls, lambda call, output: found[call].append(pooled(output).cpu())):
        for _ in run(split):
            pass
    return {call: torch.cat(parts) for call, parts in found.items()}
