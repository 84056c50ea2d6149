"""All trainings that the evidence rests on, each run once and filed: several at a time."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import nn

import rflint
from benchmarks.evidence.networks import NETWORKS, REPAIRED, ThinNetwork
from benchmarks.evidence.training import train
from zoo.fashion_mnist import read

RESULTS = Path(__file__).parent / "results"
WEIGHTS = Path(__file__).resolve().parents[2] / "build" / "evidence"

SEEDS_OF_REPAIRS = (0, 1, 2)


@dataclass(frozen=True)
class Training:
    """One training to be run."""

    network: ThinNetwork
    seed: int
    images: int
    epochs: int
    repair: int | None = None
    """The place of a repair in `rflint.repairs`, or None for the network as it is."""

    @property
    def key(self) -> str:
        """What its results are filed under."""
        repaired = "" if self.repair is None else f"-repair{self.repair + 1}"
        return f"{self.network.key}{repaired}-seed{self.seed}"

    @property
    def result(self) -> Path:
        """The file of what came out."""
        return RESULTS / "trainings" / f"{self.key}.json"

    @property
    def weights(self) -> Path:
        """The file of the trained state, which is not committed."""
        return WEIGHTS / f"{self.key}.pt"

    def build(self) -> nn.Module:
        """The module that is trained, its weights still those of its constructor."""
        model = self.network.build()
        if self.repair is None:
            return model
        repairs = rflint.repairs(self.network.build, res=self.network.res)
        return repairs[self.repair].apply(model)


def of_networks() -> Iterator[Training]:
    """Every network once: those are measured."""
    for network in NETWORKS:
        yield Training(network, seed=0, images=30_000, epochs=5)


def of_repairs() -> Iterator[Training]:
    """A network and each of its repairs, with the same seeds, images and epochs."""
    for seed in SEEDS_OF_REPAIRS:
        for network in REPAIRED:
            yield Training(network, seed, images=20_000, epochs=4)
            for repair in range(len(rflint.repairs(network.build, res=network.res))):
                yield Training(network, seed, images=20_000, epochs=4, repair=repair)


def run_missing(trainings: list[Training], processes: int, console: Console) -> None:
    """Run what has no result yet; with weights kept where networks are to be measured."""
    missing = [training for training in trainings if not training.result.exists()]
    console.print(f"{len(missing)} of {len(trainings)} trainings to run")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        running = {pool.submit(run, training): training for training in missing}
        for done in as_completed(running):
            accuracy, seconds = done.result()
            console.print(f"{running[done].key}: {accuracy:.4f} after {seconds:.0f} s")


def run(training: Training) -> tuple[float, float]:
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
    _file(training, {**asdict(trained), "params": sum(p.numel() for p in model.parameters())})
    return trained.accuracy, trained.seconds


def _file(training: Training, trained: dict[str, Any]) -> None:
    network = training.network
    told = {
        "network": network.name,
        "width": network.width,
        "res": network.res,
        "seed": training.seed,
        "repair": training.repair,
        "images": training.images,
        "epochs": training.epochs,
        **trained,
    }
    training.result.parent.mkdir(parents=True, exist_ok=True)
    training.result.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
