"""What the trained networks show: saturation and probes of every layer, filed as rflint keeps them.

A file of these is what `rflint measure --save` writes, and `rflint --measured` reads.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

import rflint
from benchmarks.evidence.trainings import RESULTS, Training
from rflint.measurement.identity import identity_of
from rflint.measurement.saved import as_text
from zoo.fashion_mnist import Images, prepared, read

SAMPLES = 10_000
"""For fitting, and as many for testing: the standard error of an accuracy is 0.3 points."""


def file_of(training: Training) -> Path:
    """Where the measurements of a trained network are."""
    return RESULTS / "measurements" / f"{training.key}.json"


def run_missing(trainings: list[Training], processes: int, console: Console) -> None:
    """Measure what was trained here and has not been measured yet."""
    missing = [x for x in trainings if x.weights.exists() and not file_of(x).exists()]
    console.print(f"{len(missing)} networks to measure")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        running = {pool.submit(run, training): training for training in missing}
        for done in as_completed(running):
            console.print(f"{running[done].key}: measured in {done.result():.0f} s")


def run(training: Training) -> float:
    """Measure one network on one core, file what was found, and return the seconds it took."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    model = training.build()
    model.load_state_dict(torch.load(training.weights, weights_only=True))
    res = training.network.res
    report = rflint.measure(
        model,
        _loader(read("train"), res),
        _loader(read("test"), res),
        res,
        samples=SAMPLES,
        name=training.network.name,
    )
    (found,) = report.models
    assert found.measured is not None
    told = replace(
        found.measured,
        weights=f"trained on {training.images:,} images for {training.epochs} epochs",
        data=f"Fashion-MNIST, framed to 32x32, resized to {res} px, normalised",
    )
    file = file_of(training)
    file.parent.mkdir(parents=True, exist_ok=True)
    architecture = found.analysis.architecture
    text = as_text(told, found.target, architecture.resolution, identity_of(architecture))
    file.write_text(text, encoding="utf-8")
    return time.perf_counter() - started


class _Clothes(Dataset[tuple[Tensor, Tensor]]):
    """The images as they are; they are prepared in batches."""

    def __init__(self, images: Images) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.images.pixels[index], self.images.labels[index]


def _loader(images: Images, res: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """The images in the frame that training put them into, not moved and not mirrored."""

    def collate(samples: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        pixels, labels = default_collate(samples)
        return prepared(pixels, res), labels

    return DataLoader(_Clothes(images.first(SAMPLES)), batch_size=64, collate_fn=collate)
