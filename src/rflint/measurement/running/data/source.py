"""What --data names: a folder of images, an attribute of the user's, or a data set timm knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rflint.errors import UsageError, error_text
from rflint.measurement.running.data.image_folder import Preparation, Transform, image_folders
from rflint.measurement.running.data.split import Split, UnusableData, split_of
from rflint.measurement.running.progress import SILENT, Progress
from rflint.usercode.target import load_target

NAMED = ("hfds/", "torch/")
"""What begins the names that timm reads: of the Hugging Face hub, and of torchvision."""
_HELD_OUT = 0.2
"""Of a data set that is one whole, the share that is tested on."""


@dataclass(frozen=True, slots=True)
class DataOptions:
    """How samples are taken and prepared."""

    samples: int = 5000
    """At most, for fitting; and as many for testing."""
    batch: int = 64
    seed: int = 0
    transform: str = ""
    """The target of the user's own transform; empty: `preparation`."""
    root: Path = Path()
    """What targets and folders are relative to."""
    pythonpath: tuple[Path, ...] = ()
    progress: Progress = SILENT
    """Told what is read before the samples are asked for: of streams all."""


@dataclass(frozen=True, slots=True)
class Data:
    """Samples to fit and to test on."""

    train: Split
    test: Split
    classes: int | None
    """How many classes the data set names; None where it does not."""
    told: str
    """Where it comes from, and what was done to it."""


def data_named(named: str, preparation: Preparation, options: DataOptions) -> Data:
    """The data that a text names.

    A folder as torchvision's ImageFolder has it (train/, val/ or test/), `module:attribute` or
    `file.py:attribute`, which gives a DataLoader, a Dataset, or a pair of them; or `hfds/NAME`
    and `torch/NAME`, as timm names them.

    Raises UsageError for what does not exist, UnusableData for what gives no labelled samples.
    """
    folder = options.root / named
    if folder.is_dir():
        return _from_folder(named, folder, preparation, options)
    if named.startswith(NAMED):
        return _from_timm(named, preparation, options)
    if ":" not in named:
        raise UsageError(
            f"there is no folder {named}",
            hint="--data takes a folder with train/ and val/, or module:attribute.",
        )
    return data_of(load_target(named, options.root, options.pythonpath), named, options)


def data_of(given: Any, told: str, options: DataOptions) -> Data:
    """The data of a Python object: a loader or a data set, a pair, or a function that gives it."""
    if callable(given) and not hasattr(given, "__getitem__") and not hasattr(given, "__iter__"):
        try:
            given = given()
        except Exception as error:
            raise UsageError(f"{told} raised {error_text(error)}") from error
    if _is_pair(given):
        train, test = given
        return _data(train, test, None, told, options)
    return _data(given, None, None, told, options)


def _is_pair(given: Any) -> bool:
    """Whether it is one thing to fit on and another to test on, and not a data set of two."""
    return isinstance(given, tuple | list) and len(given) == 2 and not _is_sample(given[0])


def _is_sample(given: Any) -> bool:
    """Whether it is an input with its label: then what it is one of two of is no pair."""
    is_two = isinstance(given, tuple | list) and len(given) == 2
    return is_two and (isinstance(given[1], int) or getattr(given[1], "ndim", None) == 0)


def _from_folder(named: str, folder: Path, preparation: Preparation, options: DataOptions) -> Data:
    transform, done = _transform(preparation, options)
    train, test = image_folders(folder, transform)
    return _data(train, test, len(train.classes), f"{named}: {done}", options)


def _from_timm(named: str, preparation: Preparation, options: DataOptions) -> Data:
    try:
        from timm.data.dataset_factory import create_dataset
    except ImportError as error:
        raise UsageError(f"{named} is read by timm", hint="pip install timm") from error
    transform, done = _transform(preparation, options)

    def part(split: str) -> Any:
        try:
            found = create_dataset(named, root=str(options.root), split=split)
        except Exception as error:
            raise UsageError(f"timm cannot read {named}: {error_text(error)}") from error
        found.transform = transform
        return found

    return _data(part("train"), part("validation"), None, f"{named}: {done}", options)


def _transform(preparation: Preparation, options: DataOptions) -> tuple[Transform, str]:
    """What is done to every image, and how that is told."""
    if not options.transform:
        return preparation, preparation.told
    transform = load_target(options.transform, options.root, options.pythonpath)
    if not callable(transform):
        raise UsageError(f"--transform: {options.transform} cannot be called")
    return transform, f"transformed by {options.transform}"


def _data(train: Any, test: Any, classes: int | None, told: str, options: DataOptions) -> Data:
    if test is None:
        train, test = _parted(train, options.seed)
        told = f"{told}; a fifth of it held out for testing"
    taken = (options.samples, options.batch, options.seed, options.progress)
    return Data(split_of(train, *taken), split_of(test, *taken), classes, told)


def _parted(whole: Any, seed: int) -> tuple[Any, Any]:
    """Four fifths and one fifth of a data set, drawn."""
    import torch
    from torch.utils.data import DataLoader, Subset

    dataset = whole.dataset if isinstance(whole, DataLoader) else whole
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise UnusableData(
            "the data is one whole that cannot be parted into fitting and testing",
            hint="Give a pair: (train, test).",
        )
    order = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(seed)).tolist()
    held = max(1, int(_HELD_OUT * len(order)))
    parts: Sequence[Any] = [Subset(dataset, order[held:]), Subset(dataset, order[:held])]
    if isinstance(whole, DataLoader):
        parts = [DataLoader(x, whole.batch_size, collate_fn=whole.collate_fn) for x in parts]
    return parts[0], parts[1]
