"""Samples from folders, data sets and loaders, and what is said of unusable ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
)

from rflint.errors import RflintError
from rflint.measurement.running.data.image_folder import Preparation
from rflint.measurement.running.data.source import DataOptions, data_named, data_of
from rflint.measurement.running.data.split import (
    Split,
    UnusableData,
    check_classes,
    labelled,
    split_of,
)
from rflint.measurement.running.progress import Progress
from tests.helpers.images import write_images
from tests.helpers.program import write

SMALL = Preparation((8, 8))


def dataset(number: int = 20, classes: int = 4) -> TensorDataset:
    """Every sample's one number is its place."""
    places = torch.arange(number)
    return TensorDataset(places.float().view(-1, 1), places % classes)


def labels_of(split: Split) -> Tensor:
    (found,) = labelled([split])
    return found.labels


def places(split: Split) -> list[int]:
    return [int(x) for inputs, _ in split for x in inputs.flatten()]


def test_of_a_data_set_samples_are_drawn_once_each() -> None:
    split = split_of(dataset(20), samples=8, batch=3, seed=0)
    drawn = places(split)
    assert split.size == len(drawn) == len(set(drawn)) == 8
    assert drawn != sorted(drawn)
    assert labels_of(split).tolist() == [place % 4 for place in drawn]
    assert places(split) == drawn, "every pass gives the same"
    assert places(split_of(dataset(20), 8, 3, seed=1)) != drawn
    assert sorted(places(split_of(dataset(20), 100, 3, seed=0))) == list(range(20))


def test_every_sample_has_the_same_chance() -> None:
    counts = torch.zeros(10)
    for seed in range(500):
        counts[places(split_of(dataset(10), 3, 3, seed))] += 1
    assert ((counts - 150).abs() < 4 * (150 * 0.7) ** 0.5).all()


class Noisy(Dataset[tuple[Tensor, int]]):
    """The user's transform draws numbers."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.randn(1), index % 2


def test_what_transforms_draw_is_drawn_again_the_same() -> None:
    split = split_of(Noisy(), 6, 2, seed=0)
    first = torch.cat([inputs for inputs, _ in split])
    torch.randn(3)
    assert torch.equal(torch.cat([inputs for inputs, _ in split]), first)


class Counted(Dataset[tuple[Tensor, int]]):
    """Counts how often a sample is read."""

    def __init__(self, size: int = 40, **attributes: object) -> None:
        self.size = size
        self.read = 0
        vars(self).update(attributes)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        self.read += 1
        return torch.zeros(1), index % 4


LISTED = [index % 4 for index in range(40)]


@pytest.mark.parametrize(
    "attributes",
    [
        {"targets": LISTED},
        {"labels": torch.tensor(LISTED).numpy()},
        {"samples": [(f"{index}.png", label) for index, label in enumerate(LISTED)]},
        {"labels": ["cat"] * 40, "targets": torch.tensor(LISTED).view(-1, 1)},
    ],
)
def test_labels_that_a_data_set_lists_are_taken_without_reading_its_samples(
    attributes: dict[str, object],
) -> None:
    source = Counted(**attributes)
    for given in (source, Subset(source, range(40)), DataLoader(source, 8)):
        source.read = 0
        split = split_of(given, 30, 8, seed=0)
        labels = labels_of(split)
        assert source.read == 16, "some are compared"
        assert torch.equal(labels, torch.cat([y for _, y in split]))


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"targets": [(x + 1) % 4 for x in LISTED]},
        {"targets": LISTED, "target_transform": lambda label: label},
        {"labels": LISTED[:-1]},
        {"labels": [0.5] * 40},
        {"targets": lambda: LISTED},
        {"samples": [(f"{index}.png", "cat") for index in range(40)]},
    ],
)
def test_labels_are_read_from_samples_where_a_list_says_something_else(
    attributes: dict[str, object],
) -> None:
    class Shown(Progress):
        told: ClassVar[list[object]] = []

        def begins(self, step: str, number: int) -> None:
            self.told.append((step, number))

        def advances(self, by: int) -> None:
            self.told.append(by)

    Shown.told.clear()
    split = split_of(Counted(**attributes), 40, 20, seed=0)
    (found,) = labelled([split], Shown())
    assert torch.equal(found.labels, torch.cat([y for _, y in split]))
    assert Shown.told == [("reading labels", 40), 20, 20]


def test_a_list_that_turns_out_to_be_wrong_is_told() -> None:
    changed = Counted(targets=LISTED)
    split = split_of(changed, 40, 8, seed=0)
    changed.__class__ = Late
    with pytest.raises(UnusableData, match="another class where they are read than in the list"):
        list(split)


class Late(Counted):
    """Its labels change between two passes."""

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.zeros(1), 0


def test_a_tensor_data_set_and_a_concatenation_know_their_labels() -> None:
    for source in (dataset(8), ConcatDataset([dataset(3), dataset(5)]), Subset(dataset(9), [3, 1])):
        split = split_of(source, 100, 4, 0)
        assert split.labels is not None
        assert torch.equal(split.labels, torch.cat([y for _, y in split]))
    assert split_of(ConcatDataset([dataset(3), Counted(5)]), 100, 4, 0).labels is None


class Stream(IterableDataset[tuple[Tensor, int]]):
    def __iter__(self) -> Iterator[tuple[Tensor, int]]:
        return iter((torch.tensor([float(i)]), i % 3) for i in range(10**9))


@pytest.mark.parametrize(
    "source",
    [
        Stream(),
        DataLoader(Stream(), batch_size=4),
        ((x, y) for x, y in DataLoader(dataset(), batch_size=4)),
    ],
)
def test_of_a_stream_the_first_are_taken(source: Any) -> None:
    split = split_of(source, samples=10, batch=4, seed=0)
    assert places(split) == list(range(10))
    assert places(split) == list(range(10)), "and they are there for a second pass"
    assert split.labels is not None, "what was read once is known"


def test_a_loader_keeps_its_way_of_making_batches() -> None:
    def doubled(samples: list[Any]) -> tuple[Tensor, Tensor]:
        return torch.stack([2 * x for x, _ in samples]), torch.stack([y for _, y in samples])

    loader = DataLoader(dataset(4), batch_size=2, collate_fn=doubled, shuffle=True)
    assert sorted(places(split_of(loader, 4, 2, 0))) == [0, 2, 4, 6]


@pytest.mark.parametrize(
    "batch",
    [
        {"image": torch.ones(2, 1), "label": torch.tensor([0, 1])},
        {"pixel_values": torch.ones(2, 1), "labels": [0, 1]},
        (torch.ones(2, 1), torch.tensor([[0], [1]])),
        [torch.ones(2, 1), torch.tensor([0, 1], dtype=torch.uint8)],
    ],
)
def test_spellings_of_batches(batch: Any) -> None:
    assert labels_of(split_of(iter([batch]), 2, 2, 0)).tolist() == [0, 1]


def test_a_giant_batch_is_parted() -> None:
    split = split_of(iter([(torch.arange(50.0).view(-1, 1), torch.arange(50) % 2)]), 30, 8, 0)
    assert [len(labels) for _, labels in split] == [8, 8, 8, 6]
    assert places(split) == list(range(30))


def test_a_loader_of_a_data_set_that_gives_batches() -> None:
    class Batches(Dataset[Any]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            return torch.full((4, 1), float(index)), torch.arange(4)

    split = split_of(DataLoader(Batches(), batch_size=None), 10, 4, 0)
    assert places(split) == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]


def test_several_inputs_are_handed_on() -> None:
    batch = (torch.ones(2, 1), torch.zeros(2, 1), torch.tensor([0, 1]))
    ((inputs, labels),) = split_of(iter([batch]), 2, 2, 0)
    assert len(inputs) == 2
    assert labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (torch.rand(2), "whole number"),
        (torch.ones(2, 3, dtype=torch.long), "shape 2x3"),
        (torch.tensor([0, -1]), "a label is -1"),
        (["cat", "dog"], "no numbers"),
    ],
)
def test_labels_that_are_no_classes(labels: Any, said: str) -> None:
    with pytest.raises(UnusableData, match=said):
        split_of(iter([(torch.ones(2, 1), labels)]), 2, 2, 0)


class Odd(Dataset[Any]):
    """Something is wrong with the samples."""

    def __init__(self, wrong: str) -> None:
        self.wrong = wrong

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        if self.wrong == "sizes":
            return torch.ones(3, 8 + index, 8), index % 2
        if self.wrong == "labels":
            return torch.ones(3)
        if self.wrong == "floats":
            return torch.ones(3), 0.5
        raise RuntimeError("the disk is gone")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("sizes", "the samples of a batch differ in size\nThe transform has to bring all to one"),
        ("labels", "no pair of inputs and labels: probes need the class of every sample"),
        ("floats", "labels are of shape 4 and type float64: expected is a whole number"),
        ("disk", r"test_data.py:\d+: the data raised RuntimeError: the disk is gone"),
    ],
)
def test_what_is_wrong_with_samples_is_said(wrong: str, said: str) -> None:
    with pytest.raises(UnusableData) as caught:
        labels_of(split_of(Odd(wrong), 6, 4, 0))
    assert re.search(said, str(caught.value))


def test_inputs_and_labels_of_different_numbers() -> None:
    with pytest.raises(UnusableData, match="a batch has 3 inputs and 2 labels"):
        split_of(iter([(torch.ones(3, 1), torch.tensor([0, 1]))]), 3, 3, 0)


@pytest.mark.parametrize(
    ("fitted", "tested", "said"),
    [
        ([1, 1, 1], [1, 1], "all 3 samples are of one class"),
        ([1], [1], "there is one sample to fit on, and that is of one class"),
        ([0, 5], [0, 5], "2 samples are fewer than the 6 classes"),
        ([0, 1, 0, 1], [0, 2], "no sample to fit is of: 2"),
    ],
)
def test_classes_that_cannot_be_learnt(fitted: list[int], tested: list[int], said: str) -> None:
    with pytest.raises(UnusableData, match=said):
        check_classes(torch.tensor(fitted), torch.tensor(tested), None)


@pytest.mark.parametrize("given", [object(), 3, None, []])
def test_what_gives_no_samples(given: Any) -> None:
    with pytest.raises(RflintError):
        data_of((given, given), "it", DataOptions())


def test_one_whole_is_parted() -> None:
    data = data_of(dataset(20), "mine", DataOptions())
    assert (data.train.size, data.test.size) == (16, 4)
    assert sorted(places(data.train) + places(data.test)) == list(range(20))
    assert data.told == "mine; a fifth of it held out for testing"


def test_a_pair_is_for_fitting_and_testing() -> None:
    data = data_of((dataset(8), DataLoader(dataset(4))), "mine", DataOptions())
    assert (data.train.size, data.test.size) == (8, 4)
    assert data_of(lambda: (dataset(8), dataset(4)), "mine", DataOptions()).test.size == 4


# -- folders


@pytest.mark.parametrize("testing", ["val", "test", "Validation"])
def test_a_folder_has_a_folder_for_each_class(testing: str, tmp_path: Path) -> None:
    write_images(tmp_path, {"train": 6, testing: 4})
    data = data_named(str(tmp_path), SMALL, DataOptions())
    assert (data.train.size, data.test.size, data.classes) == (12, 8, 2)
    ((inputs, _),) = data.test
    assert inputs.shape == (8, 3, 8, 8)
    assert 0 <= inputs.min() < inputs.max() <= 1
    assert "resized to 8x8, values between 0 and 1, not normalised" in data.told


def test_what_is_done_to_images_is_what_is_said(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (20, 10), (255, 128, 0)).save(tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        prepared = Preparation((4, 4), 3, (0.5, 0.5, 0.5), (0.5, 0.25, 0.5))(image)
    expected = torch.tensor([1.0, (128 / 255 - 0.5) / 0.25, -1.0])
    torch.testing.assert_close(prepared, expected.view(3, 1, 1).expand(3, 4, 4))
    assert "normalised by mean 0.5, 0.5, 0.5" in Preparation((4, 4), 3, (0.5,) * 3, (1.0,) * 3).told


def test_the_middle_is_cut_out(tmp_path: Path) -> None:
    from PIL import Image

    image = Image.new("L", (12, 4), 0)
    image.paste(255, (4, 0, 8, 4))
    assert Preparation((4, 4), 1)(image).min() == 1


def test_a_transform_of_ones_own(tmp_path: Path) -> None:
    write_images(tmp_path / "pictures", {"train": 3, "val": 3})
    write(tmp_path, {"mine.py": "import torch\ndef prepare(image):\n    return torch.ones(2)\n"})
    data = data_named("pictures", SMALL, DataOptions(transform="mine.py:prepare", root=tmp_path))
    ((inputs, _),) = data.train
    assert inputs.shape == (6, 2)
    assert data.told == "pictures: transformed by mine.py:prepare"


def test_labels_of_folders_are_known_without_reading_images(tmp_path: Path) -> None:
    write_images(tmp_path, {"train": 10})
    data = data_named(str(tmp_path), SMALL, DataOptions(samples=12))
    assert data.train.labels is not None
    assert torch.equal(data.train.labels, torch.cat([labels for _, labels in data.train]))
    assert data.train.labels.unique().tolist() == [0, 1]


def test_a_folder_without_labels(tmp_path: Path) -> None:
    write_images(tmp_path, {"train": 3})
    with pytest.raises(RflintError, match="has no folders: one is expected for every class"):
        data_named(str(tmp_path / "train" / "round"), SMALL, DataOptions())
    (tmp_path / "none" / "a").mkdir(parents=True)
    with pytest.raises(UnusableData, match="there is no image in"):
        data_named(str(tmp_path / "none"), SMALL, DataOptions())


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "has no folders"),
        ({"val": 2}, "no train/"),
    ],
)
def test_folders_without_what_is_needed(parts: dict[str, int], said: str, tmp_path: Path) -> None:
    write_images(tmp_path, parts)
    with pytest.raises(RflintError, match=said):
        data_named(str(tmp_path), SMALL, DataOptions())


def test_an_image_that_is_none_is_named(tmp_path: Path) -> None:
    write_images(tmp_path, {"train": 3, "val": 3})
    (tmp_path / "train" / "round" / "0.png").write_text("no image")
    data = data_named(str(tmp_path), SMALL, DataOptions())
    with pytest.raises(UnusableData, match=r"0\.png is no image"):
        list(data.train)


@pytest.mark.parametrize("named", ["nowhere", "mine.py:absent", "nomodule:x"])
def test_what_does_not_exist(named: str, tmp_path: Path) -> None:
    write(tmp_path, {"mine.py": ""})
    with pytest.raises(RflintError):
        data_named(named, SMALL, DataOptions(root=tmp_path))
