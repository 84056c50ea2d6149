"""What became of networks that were repaired and trained from scratch, beside the originals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from benchmarks.evidence.networks import REPAIRED, ThinNetwork
from benchmarks.evidence.trainings import SEEDS_OF_REPAIRS, Training, of_repairs


@dataclass(frozen=True)
class TrainedChange:
    """A network, or one repair of it, trained with several seeds."""

    change: str | None
    """None for the network as it is."""
    accuracies: tuple[float, ...]
    """By seed."""
    params: int
    macs: int
    unproductive: int

    @property
    def accuracy(self) -> float:
        """The mean over the seeds."""
        return fmean(self.accuracies)

    @property
    def deviation(self) -> float:
        """Of the accuracy among seeds."""
        return stdev(self.accuracies)

    @property
    def truncates(self) -> bool:
        """Whether layers at the end were taken out."""
        return self.change is not None and "truncate" in self.change

    def gain_over(self, original: TrainedChange) -> tuple[float, float]:
        """The mean difference of accuracy, seed by seed, and its standard error."""
        differences = [
            own - other for own, other in zip(self.accuracies, original.accuracies, strict=True)
        ]
        return fmean(differences), stdev(differences) / sqrt(len(differences))


@dataclass(frozen=True)
class RepairedNetwork:
    """A network as it is, and with each repair."""

    network: ThinNetwork
    original: TrainedChange
    repaired: tuple[TrainedChange, ...]


def repaired_networks() -> Iterator[RepairedNetwork]:
    """Those whose trainings are all there."""
    trainings = list(of_repairs())
    for network in REPAIRED:
        own = [training for training in trainings if training.network == network]
        if not all(training.result.exists() for training in own):
            continue
        places = dict.fromkeys(training.place for training in own)
        original, *changes = (
            _trained([training for training in own if training.place == place]) for place in places
        )
        yield RepairedNetwork(network, original, tuple(changes))


def _trained(trainings: Sequence[Training]) -> TrainedChange:
    """The trainings of one change, one for each seed."""
    assert [training.seed for training in trainings] == list(SEEDS_OF_REPAIRS)
    results = [json.loads(training.result.read_text(encoding="utf-8")) for training in trainings]
    first = results[0]
    return TrainedChange(
        first["change"],
        tuple(result["accuracies"][-1] for result in results),
        first["params"],
        first["macs"],
        first["unproductive"],
    )
