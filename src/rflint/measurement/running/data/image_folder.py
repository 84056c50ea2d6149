"""Images in a folder for each class, as torchvision's ImageFolder has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from rflint.errors import UsageError, error_text
from rflint.measurement.running.data.split import UnusableData
from rflint.text.numbers import first_few

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset(
    (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp", ".gif")
)
_LOOKED_AT = 4
"""Of each class, the images whose size is looked at."""
TRAINING = ("train", "training")
TESTING = ("test", "val", "valid", "validation")

Transform = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is done to an image where the user has no transform of their own."""

    size: tuple[int, ...]
    """Height and width."""
    channels: int = 3
    mean: tuple[float, ...] = ()
    """Per channel; without it, values stay between 0 and 1."""
    deviation: tuple[float, ...] = ()

    @property
    def told(self) -> str:
        """In words."""
        size = "x".join(map(str, self.size))
        values = "values between 0 and 1, not normalised"
        if self.mean:
            mean, deviation = (", ".join(f"{x:g}" for x in v) for v in (self.mean, self.deviation))
            values = f"normalised by mean {mean} and standard deviation {deviation}"
        return f"images cut to a square in the middle, resized to {size}, {values}"

    def __call__(self, image: Image) -> Tensor:
        """An image as a tensor of shape (channels, height, width)."""
        import numpy as np
        from PIL.Image import Resampling

        height, width = self.size
        side = min(image.width / width, image.height / height)
        across, down = side * width, side * height
        left, top = (image.width - across) / 2, (image.height - down) / 2
        resized = image.resize(
            (width, height), Resampling.BILINEAR, box=(left, top, left + across, top + down)
        )
        values = np.asarray(resized.convert("L" if self.channels == 1 else "RGB"))
        tensor = torch.from_numpy(values.copy()).float() / 255
        tensor = tensor.unsqueeze(0) if tensor.dim() == 2 else tensor.permute(2, 0, 1)
        if self.mean:
            mean, deviation = (torch.tensor(x).view(-1, 1, 1) for x in (self.mean, self.deviation))
            tensor = (tensor - mean) / deviation
        return tensor


class ImageFolder(Dataset[tuple[Any, int]]):
    """Images with the numbers of their classes, which are sorted by name."""

    def __init__(self, folder: Path, classes: tuple[str, ...], transform: Transform) -> None:
        self.classes = classes
        self.transform = transform
        self.files = [
            (file, number)
            for number, name in enumerate(classes)
            for file in sorted((folder / name).rglob("*"))
            if file.suffix.lower() in SUFFIXES
        ]
        if not self.files:
            raise UnusableData(f"there is no image in {folder}")

    @property
    def known_labels(self) -> Tensor:
        """The class of each image."""
        return torch.tensor([number for _, number in self.files])

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image, UnidentifiedImageError

        file, number = self.files[index]
        try:
            with Image.open(file) as image:
                image.load()
                return self.transform(image if image.mode == "L" else image.convert("RGB")), number
        except (OSError, UnidentifiedImageError) as error:
            raise UnusableData(f"{file} is no image: {error_text(error)}") from error


def image_folders(folder: Path, transform: Transform) -> tuple[ImageFolder, ImageFolder | None]:
    """The images for fitting, and those for testing where the folder has both.

    `folder` holds train/ and val/ or test/, each with a folder for every class; or these alone.

    Raises UsageError where it holds neither, UnusableData where classes differ.
    """
    _need_pillow()
    parts = {one.name.lower(): one for one in folder.iterdir() if one.is_dir()}
    fitted = next((parts[name] for name in TRAINING if name in parts), None)
    tested = next((parts[name] for name in TESTING if name in parts), None)
    if fitted is None and tested is not None:
        raise UsageError(
            f"{folder} has {tested.name}/ and no train/", hint="Probes are fitted on train/."
        )
    classes = _classes(fitted or folder)
    train = ImageFolder(fitted or folder, classes, transform)
    if tested is None:
        return train, None
    unknown = sorted(set(_classes(tested)) - set(classes))
    if unknown:
        raise UnusableData(f"{tested} has classes that train/ lacks: {first_few(unknown, 3)}")
    return train, ImageFolder(tested, classes, transform)


def common_size(folder: Path) -> tuple[int, int] | None:
    """Height and width of the first images of each class; None where they differ."""
    from PIL import Image

    train, _ = image_folders(folder, lambda image: image)
    files = [
        file
        for number in range(len(train.classes))
        for file in islice((x for x, of in train.files if of == number), _LOOKED_AT)
    ]
    found = set()
    for file in files:
        try:
            with Image.open(file) as image:
                found.add((image.height, image.width))
        except OSError as error:
            raise UnusableData(f"{file} is no image: {error_text(error)}") from error
    return found.pop() if len(found) == 1 else None


def _classes(folder: Path) -> tuple[str, ...]:
    found = tuple(sorted(one.name for one in folder.iterdir() if one.is_dir()))
    if not found:
        raise UsageError(
            f"{folder} has no folders: one is expected for every class, with its images",
            hint="Or name a data set of yours: --data mymodule:loaders.",
        )
    return found


def _need_pillow() -> None:
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "reading images needs Pillow", hint='pip install "rflint[measure]"'
        ) from error
