"""Images that the tests draw themselves: discs and squares, at random places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw

CLASSES = ("round", "square")


def write_images(folder: Path, parts: Mapping[str, int], side: int = 16) -> None:
    """So many images of each class, in folders as torchvision's ImageFolder has them."""
    drawn = Random(0)
    for part, number in parts.items():
        for name in CLASSES:
            (folder / part / name).mkdir(parents=True)
            for index in range(number):
                image = Image.new("L", (side, side), drawn.randrange(40))
                size = drawn.randrange(6, 11)
                left, top = drawn.randrange(side - size), drawn.randrange(side - size)
                draw = ImageDraw.Draw(image)
                shape = draw.ellipse if name == "round" else draw.rectangle
                shape((left, top, left + size, top + size), fill=drawn.randrange(120, 256))
                image.save(folder / part / name / f"{index}.png")
