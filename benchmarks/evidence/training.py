"""One network trained from scratch on Fashion-MNIST, on one core."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.fashion_mnist import Images, augmented, prepared

BATCH = 64
PEAK_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


@dataclass(frozen=True)
class Trained:
    """What came out of a training."""

    accuracies: tuple[float, ...]
    """On the test images, after every epoch."""
    losses: tuple[float, ...]
    """The mean over each epoch's batches."""
    seconds: float

    @property
    def accuracy(self) -> float:
        """Of the network as it is at the end."""
        return self.accuracies[-1]


def initialise(model: nn.Module, seed: int) -> None:
    """Weights by He et al. (2015), which let twenty layers without normalisation learn."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear | nn.BatchNorm2d):
            module.reset_parameters()


def train(
    model: nn.Module, training: Images, test: Images, *, res: int, epochs: int, seed: int
) -> Trained:
    """Train a model whose weights are initialised here; the same seed gives the same weights.

    Stochastic gradient descent with momentum; the rate rises for a fifth of the steps, then falls
    along a cosine.
    """
    initialise(model, seed)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.SGD(
        model.parameters(), PEAK_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True
    )
    steps = len(training) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, PEAK_RATE, epochs=epochs, steps_per_epoch=steps, pct_start=0.2
    )
    started = time.perf_counter()
    accuracies, losses = [], []
    for _ in range(epochs):
        model.train()
        total = 0.0
        for pixels, labels in _batches(training, generator):
            loss = F.cross_entropy(model(augmented(pixels, res, generator)), labels)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item()
        losses.append(total / steps)
        accuracies.append(accuracy(model, test, res))
    return Trained(tuple(accuracies), tuple(losses), time.perf_counter() - started)


def _batches(images: Images, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """All of them once, in an order that is drawn; what does not fill a batch is left out."""
    order = torch.randperm(len(images), generator=generator)
    for chosen in order[: len(order) // BATCH * BATCH].view(-1, BATCH):
        yield images.pixels[chosen], images.labels[chosen]


@torch.no_grad()
def accuracy(model: nn.Module, images: Images, res: int) -> float:
    """The share that a model classifies as they are labelled."""
    model.eval()
    right = 0
    for begin in range(0, len(images), 250):
        part = slice(begin, begin + 250)
        found = model(prepared(images.pixels[part], res)).argmax(1)
        right += int((found == images.labels[part]).sum())
    return right / len(images)
