"""Fashion-MNIST from Debian's package dataset-fashion-mnist: 70,000 images of 28x28 pixels."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES = 10
MEAN, DEVIATION = 0.2218, 0.3185
"""Of the training images in their frame of 32x32 pixels, between 0 and 1."""


class MissingImages(Exception):
    """The Debian package is not installed."""


@dataclass(frozen=True)
class Images:
    """Grey images of shape (number, 28, 28), whole numbers from 0 to 255, and their classes."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, number: int) -> Images:
        """The first of them. They lie in no particular order in the package."""
        return Images(self.pixels[:number], self.labels[:number])


def read(split: str) -> Images:
    """The images of "train" (60,000) or "test" (10,000).

    Raises MissingImages.
    """
    name = {"train": "train", "test": "t10k"}[split]
    try:
        pixels = (FOLDER / f"{name}-images-idx3-ubyte.gz").read_bytes()
        labels = (FOLDER / f"{name}-labels-idx1-ubyte.gz").read_bytes()
    except FileNotFoundError as error:
        raise MissingImages(
            f"{error.filename} is missing: apt install dataset-fashion-mnist"
        ) from None
    values = np.frombuffer(gzip.decompress(pixels), np.uint8, offset=16)
    classes = np.frombuffer(gzip.decompress(labels), np.uint8, offset=8)
    return Images(
        torch.from_numpy(values.reshape(-1, 28, 28).copy()), torch.from_numpy(classes.copy()).long()
    )


def prepared(pixels: Tensor, res: int) -> Tensor:
    """Images amid a frame of 32x32 pixels, enlarged to `res`, with three equal channels."""
    framed = F.pad(pixels.float() / 255, (2, 2, 2, 2))
    return _as_input(framed, res)


def augmented(pixels: Tensor, res: int, generator: torch.Generator) -> Tensor:
    """The same at random places of the frame, and half of them mirrored: what training sees."""
    number = len(pixels)
    framed = F.pad(pixels.float() / 255, (2, 2, 2, 2))
    mirrored = torch.rand(number, 1, 1, generator=generator) < 0.5
    framed = torch.where(mirrored, framed.flip(2), framed)
    down, right = torch.randint(-2, 3, (2, number, 1, 1), generator=generator)
    places = torch.arange(32)
    rows = (places.view(1, 32, 1) + down) % 32  # the frame is black: what is moved out is nothing
    columns = (places.view(1, 1, 32) + right) % 32
    moved = framed[torch.arange(number).view(-1, 1, 1), rows, columns]
    return _as_input(moved, res)


def _as_input(framed: Tensor, res: int) -> Tensor:
    normalised = ((framed - MEAN) / DEVIATION).unsqueeze(1)
    if res != 32:
        normalised = F.interpolate(normalised, (res, res), mode="bilinear", align_corners=False)
    return normalised.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
