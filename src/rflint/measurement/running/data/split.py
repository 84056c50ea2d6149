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
from rflint.measurement.running.data.known_labels import LabelsKnown, known_labels
from rflint.measurement.running.progress import SILENT, Progress
from rflint.usercode.source_lines import innermost_user_line_of

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
    labels: Tensor | None = None
    """The class of each sample, where that is known without going through them."""

    def __iter__(self) -> Iterator[Batch]:
        return self.batches()


@dataclass(frozen=True, slots=True)
class Labelled:
    """Samples, and the class of each."""

    split: Split
    labels: Tensor


_COMPARED = 16
"""So many samples are read to see whether they have the labels that their data set lists."""


def split_of(
    source: Any, samples: int, batch: int, seed: int, progress: Progress = SILENT
) -> Split:
    """At most `samples` of a DataLoader, a Dataset, or anything that gives batches.

    Of a data set whose length is known they are drawn without replacement, each sample with the
    same probability; of what can only be gone through, the first are taken, and held in memory.
    `progress` is told what is read meanwhile.

    Raises UnusableData for what gives no inputs with labels.
    """
    collate = None
    if isinstance(source, DataLoader):
        goes_through = isinstance(source.dataset, IterableDataset) or source.batch_size is None
        if goes_through or not hasattr(source.dataset, "__len__"):
            return _held(source, samples, batch, progress)
        collate, source = source.collate_fn, source.dataset
    if isinstance(source, IterableDataset):
        return _held(DataLoader(source, batch), samples, batch, progress)
    if isinstance(source, Dataset) or (
        hasattr(source, "__getitem__") and hasattr(source, "__len__")
    ):
        return _drawn(source, samples, batch, seed, collate, progress)
    if isinstance(source, Iterable):
        return _held(source, samples, batch, progress)
    raise UnusableData(
        f"the data is of type {type(source).__name__}, and gives no samples",
        hint="Give a DataLoader, a Dataset, or a pair of them: for fitting, and for testing.",
    )


def _drawn(
    source: Any,
    samples: int,
    batch: int,
    seed: int,
    collate: Callable[[list[Any]], Any] | None,
    progress: Progress,
) -> Split:
    size = len(source)
    if not size:
        raise UnusableData("the data is empty")
    number = min(samples, size)
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))[:number]
    chosen: Subset[Any] = Subset(source, order.tolist())

    def read(part: Subset[Any], together: int) -> Iterator[Batch]:
        # transforms of the user's that draw numbers draw the same ones in every pass
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for given in _given(DataLoader(part, together, collate_fn=collate)):
                yield _as_batch(given)

    labels = known_labels(chosen)
    if labels is not None and not isinstance(source, LabelsKnown):
        first = range(min(_COMPARED, number))
        progress.begins("comparing labels", len(first))
        (_, seen), *_ = read(Subset(chosen, first), len(first))
        progress.advances(len(first))
        labels = labels if torch.equal(seen, labels[: len(first)]) else None
    return Split(lambda: _as_listed(read(chosen, batch), labels), number, labels)


def _as_listed(batches: Iterator[Batch], labels: Tensor | None) -> Iterator[Batch]:
    """The same batches; raises UnusableData where they come with other labels than those listed."""
    done = 0
    for inputs, seen in batches:
        if labels is not None and not torch.equal(seen, labels[done : done + len(seen)]):
            raise UnusableData(
                "some samples are of another class where they are read than in the list of labels "
                "that their data set has",
                hint="Samples have to come with the same label each time, that of the list.",
            )
        done += len(seen)
        yield inputs, seen


def _given(source: Iterable[Any]) -> Iterator[Any]:
    """What a loader gives; what goes wrong in it is told as the data's."""
    try:
        yield from source
    except (RflintError, GeneratorExit):
        raise
    except Exception as error:
        alike = "stack expects each tensor to be equal size" in str(error)
        raise UnusableData(
            "the samples of a batch differ in size"
            if alike
            else f"the data raised {error_text(error)}",
            hint="The transform has to bring all to one size." if alike else "",
            source=innermost_user_line_of(error),
        ) from error


def _held(source: Iterable[Any], samples: int, batch: int, progress: Progress) -> Split:
    held: list[Batch] = []
    number = 0
    progress.begins("reading samples", samples)
    for given in _given(source):
        inputs, labels = _as_batch(given)
        taken = min(len(labels), samples - number)
        for begin in range(0, taken, batch):
            part = slice(begin, min(begin + batch, taken))
            held.append((_part(inputs, part), labels[part]))
        number += taken
        progress.advances(taken)
        if number >= samples:
            break
    if not number:
        raise UnusableData("the data is empty")
    return Split(lambda: iter(held), number, torch.cat([labels for _, labels in held]))


def _part(inputs: Any, samples: slice) -> Any:
    """Some samples of a batch."""
    if isinstance(inputs, Tensor):
        return inputs[samples]
    if isinstance(inputs, Mapping):
        return {name: _part(value, samples) for name, value in inputs.items()}
    if isinstance(inputs, tuple | list):
        return tuple(_part(value, samples) for value in inputs)
    return inputs


IMAGES = ("pixel_values", "image", "images", "img", "input", "inputs", "x")
"""What the one input of a model is called in batches that are mappings."""
_LABELS = ("labels", "label", "target", "targets", "y", "fine_label", "class")


def _as_batch(given: Any) -> Batch:
    """What the model is called with, and the labels, of one batch as the loader gives it."""
    if isinstance(given, Mapping):
        label = next((name for name in _LABELS if name in given), None)
        inputs: Any = {name: value for name, value in given.items() if name not in _LABELS}
        if label is None or not inputs:
            raise UnusableData(
                f"a batch has the keys {', '.join(map(str, given))}: which of them are the images "
                "and the labels is not told",
                hint=f"Call them {IMAGES[1]} and {_LABELS[1]}, or give pairs.",
            )
        labels = given[label]
    elif isinstance(given, Sequence) and not isinstance(given, str) and len(given) >= 2:
        *several, labels = given
        inputs = several[0] if len(several) == 1 else tuple(several)
    else:
        raise UnusableData(
            "a batch is no pair of inputs and labels: probes need the class of every sample",
            hint="The data has to give (inputs, labels).",
        )
    found = _as_labels(labels)
    number = _length(inputs)
    if number is not None and number != len(found):
        raise UnusableData(f"a batch has {number} inputs and {len(found)} labels")
    return inputs, found


def _length(inputs: Any) -> int | None:
    """How many samples the inputs of a batch hold; None where that is not known."""
    if isinstance(inputs, Tensor):
        return len(inputs) if inputs.dim() else None
    if isinstance(inputs, Mapping):
        inputs = tuple(inputs.values())
    if isinstance(inputs, tuple | list):
        return next((n for n in map(_length, inputs) if n is not None), None)
    return None


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


def labelled(splits: Sequence[Split], progress: Progress = SILENT) -> list[Labelled]:
    """Each part with the class of each of its samples.

    Where a data set does not list them, all of its samples are read for them.
    """
    unknown = sum(split.size for split in splits if split.labels is None)
    if unknown:
        progress.begins("reading labels", unknown)
    return [Labelled(split, _labels_of(split, progress)) for split in splits]


def _labels_of(split: Split, progress: Progress) -> Tensor:
    if split.labels is not None:
        return split.labels
    found = []
    for _, labels in split:
        found.append(labels)
        progress.advances(len(labels))
    return torch.cat(found)


def check_classes(fitted: Tensor, tested: Tensor, expected: int | None) -> int:
    """How many classes there are, of the labels of both parts.

    `expected` are those that the data set itself names. Raises UnusableData for one class, fewer
    samples than classes, and classes that are tested but never fitted.
    """
    there = set(fitted.tolist())
    if len(there) < 2:
        number = len(fitted)
        told = (
            f"all {number} samples are"
            if number > 1
            else "there is one sample to fit on, and that is"
        )
        raise UnusableData(f"{told} of one class: there is nothing to tell apart")
    classes = max(expected or 0, int(fitted.max()) + 1, int(tested.max()) + 1)
    if len(fitted) < classes:
        raise UnusableData(
            f"{len(fitted)} samples are fewer than the {classes} classes",
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
