"""All trainings that the evidence rests on, each run once and filed: several at a time."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import torch
from rich.console import Console
from torch import nn

import rflint
from benchmarks.evidence.networks import NETWORKS, REPAIRED, ThinNetwork
from benchmarks.evidence.training import Trained, train
from rflint.repair.metrics import Metrics
from rflint.repair.repair import Repair
from zoo.fashion_mnist import read

RESULTS = Path(__file__).parent / "results"
WEIGHTS = Path(__file__).resolve().parents[2] / "build" / "evidence"

SEEDS_OF_REPAIRS = (0, 1, 2)
MOST_TIMES = 8
"""Repairs that multiply the MACs by more than this are not trained: one would take hours."""


@dataclass(frozen=True)
class Training:
    """One training to be run."""

    network: ThinNetwork
    seed: int
    images: int
    epochs: int
    place: int | None = None
    """Of a repair in `rflint.repairs`, or None for the network as it is."""

    @property
    def key(self) -> str:
        """What its results are filed under."""
        repaired = "" if self.place is None else f"-repair{self.place + 1}"
        return f"{self.network.key}{repaired}-seed{self.seed}"

    @property
    def result(self) -> Path:
        """The file of what came out."""
        return RESULTS / "trainings" / f"{self.key}.json"

    @property
    def weights(self) -> Path:
        """The file of the trained state, which is not committed."""
        return WEIGHTS / f"{self.key}.pt"

    @property
    def repair(self) -> Repair | None:
        """The change that is trained, or None for the network as it is."""
        return None if self.place is None else repairs_of(self.network)[self.place]

    def build(self) -> nn.Module:
        """The module that is trained, its weights still those of its constructor."""
        model = self.network.build()
        return model if self.repair is None else self.repair.apply(model)


@cache
def repairs_of(network: ThinNetwork) -> tuple[Repair, ...]:
    """What rflint offers for a network at the size of its images."""
    return tuple(rflint.repairs(network.build, res=network.res))


def is_trained(repair: Repair) -> bool:
    """Whether a repair is cheap enough to be trained here."""
    return repair.after.macs <= MOST_TIMES * repair.before.macs


def of_networks() -> Iterator[Training]:
    """Every network once: those are measured."""
    for network in NETWORKS:
        yield Training(network, seed=0, images=30_000, epochs=5)


def of_repairs() -> Iterator[Training]:
    """A network and each of its repairs, with the same seeds, images and epochs."""
    for seed in SEEDS_OF_REPAIRS:
        for network in REPAIRED:
            trained = [i for i, repair in enumerate(repairs_of(network)) if is_trained(repair)]
            for place in (None, *trained):
                yield Training(network, seed, images=15_000, epochs=4, place=place)


def run_missing(trainings: list[Training], processes: int, console: Console) -> None:
    """Run what has no result yet."""
    missing = [training for training in trainings if not training.result.exists()]
    missing.sort(key=lambda training: metrics_of(training).macs * training.images)
    console.print(f"{len(missing)} of {len(trainings)} trainings to run")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        running = {pool.submit(run, training): training for training in missing}
        for done in as_completed(running):
            trained = done.result()
            console.print(
                f"{running[done].key}: {trained.accuracy:.4f} after {trained.seconds:.0f} s"
            )


def run(training: Training) -> Trained:
    """Train on one core, and file the result and the weights."""
    torch.set_num_threads(1)
    model = training.build()
    network = training.network
    trained = train(
        model,
        read("train").first(training.images),
        read("test"),
        res=network.res,
        epochs=training.epochs,
        seed=training.seed,
    )
    training.weights.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), training.weights)
    _file(training, trained)
    return trained


def metrics_of(training: Training) -> Metrics:
    """What the trained model is made of, as rflint counts it."""
    if training.repair is not None:
        return training.repair.after
    (found,) = rflint.lint(training.network.build, res=training.network.res).models
    return Metrics.of(found.analysis)


def _file(training: Training, trained: Trained) -> None:
    network, metrics = training.network, metrics_of(training)
    told = {
        "network": network.name,
        "width": network.width,
        "res": network.res,
        "seed": training.seed,
        "change": training.repair.title if training.repair else None,
        "images": training.images,
        "epochs": training.epochs,
        **asdict(trained),
        "params": metrics.params,
        "macs": metrics.macs,
        "unproductive": metrics.unproductive,
    }
    training.result.parent.mkdir(parents=True, exist_ok=True)
    training.result.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
