"""One part of a data set, in batches that can be gone through again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from rflint.errors import RflintError, error_text

Batch = tuple[Any, Tensor]
"""What the model is called with, and a class for each sample."""


class UnusableData(RflintError):
    """The data is not what a classifier can be measured on."""

    kind = "data"


@dataclass(frozen=True, slots=True)
class Split:
    """Samples with labels; every pass gives the same samples in the same order."""

    batches: Callable[[], Iterator[Batch]]
    size: int

    def __iter__(self) -> Iterator[Batch]:
        return self.batches()


def split_of(source: Any, samples: int, batch: int, seed: int) -> Split:
    """At most `samples` of a DataLoader, a Dataset, or anything that gives batches.

    Of a data set whose length is known they are drawn without replacement, each sample with the
    same probability; of what can only be gone through, the first are taken, and held in memory.

    Raises UnusableData for what gives no inputs with labels.
    """
    collate = None
    if isinstance(source, DataLoader):
        if isinstance(source.dataset, IterableDataset) or not hasattr(source.dataset, "__len__"):
            return _held(source, samples)
        collate, source = source.collate_fn, source.dataset
    if isinstance(source, IterableDataset):
        return _held(DataLoader(source, batch), samples)
    if isinstance(source, Dataset) or (
        hasattr(source, "__getitem__") and hasattr(source, "__len__")
    ):
        return _drawn(source, samples, batch, seed, collate)
    if isinstance(source, Iterable):
        return _held(source, samples)
    raise UnusableData(
        f"the data is of type {type(source).__name__}, and gives no samples",
        hint="Give a DataLoader, a Dataset, or a pair of them: for fitting, and for testing.",
    )


def _drawn(
    source: Any, samples: int, batch: int, seed: int, collate: Callable[[list[Any]], Any] | None
) -> Split:
    size = len(source)
    if not size:
        raise UnusableData("the data is empty")
    number = min(samples, size)
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))[:number]
    chosen: Subset[Any] = Subset(source, order.tolist())

    def batches() -> Iterator[Batch]:
        # transforms of the user's that draw numbers draw the same ones in every pass
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for given in DataLoader(chosen, batch, collate_fn=collate):
                yield _as_batch(given)

    return Split(batches, number)


def _held(source: Iterable[Any], samples: int) -> Split:
    held: list[Batch] = []
    number = 0
    for given in source:
        inputs, labels = _as_batch(given)
        left = samples - number
        held.append((_first(inputs, left), labels[:left]))
        number += len(held[-1][1])
        if number >= samples:
            break
    if not number:
        raise UnusableData("the data is empty")
    return Split(lambda: iter(held), number)


def _first(inputs: Any, number: int) -> Any:
    """The first samples of a batch."""
    if isinstance(inputs, Tensor):
        return inputs[:number]
    if isinstance(inputs, Mapping):
        return {name: _first(value, number) for name, value in inputs.items()}
    if isinstance(inputs, tuple | list):
        return type(inputs)(_first(value, number) for value in inputs)
    return inputs


_INPUTS = ("pixel_values", "image", "images", "img", "input", "inputs", "x")
_LABELS = ("labels", "label", "target", "targets", "y", "fine_label", "class")


def _as_batch(given: Any) -> Batch:
    """What the model is called with, and the labels, of one batch as the loader gives it."""
    if isinstance(given, Mapping):
        label = next((name for name in _LABELS if name in given), None)
        named = next((name for name in _INPUTS if name in given), None)
        if label is None or named is None:
            raise UnusableData(
                f"a batch has the keys {', '.join(map(str, given))}: which of them are the images "
                "and the labels is not told",
                hint=f"Call them {_INPUTS[1]} and {_LABELS[1]}, or give pairs.",
            )
        inputs, labels = given[named], given[label]
    elif isinstance(given, Sequence) and not isinstance(given, str) and len(given) >= 2:
        *several, labels = given
        inputs = several[0] if len(several) == 1 else tuple(several)
    else:
        raise UnusableData(
            "a batch is no pair of inputs and labels", hint="The data has to give (inputs, labels)."
        )
    return inputs, _as_labels(labels)


def _as_labels(labels: Any) -> Tensor:
    try:
        found = torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UnusableData(f"labels are no numbers: {error_text(error)}") from error
    if found.dim() == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.dim() != 1 or found.is_floating_point() or found.is_complex():
        shape = "x".join(map(str, found.shape))
        raise UnusableData(
            f"labels are of shape {shape} and type {str(found.dtype).removeprefix('torch.')}: "
            "expected is a whole number, the class, for each sample"
        )
    if found.numel() and int(found.min()) < 0:
        raise UnusableData(f"a label is {int(found.min())}: classes are counted from 0")
    return found.long()


def labels_of(split: Split) -> Tensor:
    """The class of each sample."""
    return torch.cat([labels for _, labels in split])


def check_classes(train: Split, test: Split, expected: int | None) -> int:
    """How many classes there are; `expected` are those that the data set itself names.

    Raises UnusableData for one class, fewer samples than classes, and classes that are tested
    but never fitted.
    """
    fitted, tested = labels_of(train), labels_of(test)
    there = set(fitted.tolist())
    if len(there) < 2:
        raise UnusableData(
            f"all {train.size} samples are of one class: there is nothing to tell apart"
        )
    classes = max(expected or 0, int(fitted.max()) + 1, int(tested.max()) + 1)
    if train.size < classes:
        raise UnusableData(
            f"{train.size} samples are fewer than the {classes} classes",
            hint="Take more: --samples.",
        )
    unknown = sorted(set(tested.tolist()) - there)
    if unknown:
        shown = ", ".join(map(str, islice(unknown, 3)))
        raise UnusableData(
            f"classes are tested that no sample to fit is of: {shown}",
            hint="Take more samples (--samples), or another split.",
        )
    return classes
