"""Inputs as they are given on the command line, and what is said of those that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.forked import Forked
from tests.helpers.program import write

TOWERS = """
from torch import nn


class Tower(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1), nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1), nn.MaxPool2d(2),
            *(nn.Conv2d(8, 8, 3, padding=1) for _ in range(4)), nn.AdaptiveAvgPool2d(1),
        )


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.image_tower, self.thumbnail_tower = Tower(), Tower()

    def forward(self, image, thumbnail):
        return self.image_tower(image) + self.thumbnail_tower(thumbnail)


class Crops(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, crops):
        return [self.conv(crop) for crop in crops]
"""


@pytest.fixture
def towers(tmp_path: Path) -> Path:
    write(tmp_path, {"net.py": TOWERS})
    return tmp_path


# -- every layer is held against the input that it sees


@pytest.mark.parametrize("first", ["image", "thumbnail"])
def test_the_same_tower_is_sound_on_the_image_and_too_deep_on_the_thumbnail(
    forked: Forked, towers: Path, first: str
) -> None:
    """In front of the last convolutions a unit sees 22, 38, 54 and 70 pixels."""
    inputs = {"image": "image=1x3x224x224", "thumbnail": "thumbnail=1x3x32x32"}
    second = next(name for name in inputs if name != first)
    given = ("--input", inputs[first], "--input", inputs[second], "--select", "RF101")
    ran = forked.rflint("net.py:Net", *given, "--format", "json", cwd=towers)
    assert ran.status == 1, ran.err
    (model,) = ran.report["models"]
    assert model["inputs"] == [[1, 3, 224, 224], [1, 3, 32, 32]]
    convs = {x["name"]: x for x in model["layers"] if x["kind"] == "conv"}
    for tower, beyond in (("image_tower", 224), ("thumbnail_tower", 32)):
        found = [x for name, x in convs.items() if name.startswith(tower)]
        assert [x["r_in_min"][0] for x in found][-4:] == [22, 38, 54, 70]
        for layer in found:
            unproductive = layer["r_in_min"][0] > beyond
            assert (layer["verdict"] == "unproductive") == unproductive, layer["name"]
    layers = ["thumbnail_tower.7", "thumbnail_tower.8", "thumbnail_tower.9"]
    assert sorted(x["layer"] for x in model["findings"]) == layers
    assert model["totals"]["unproductive"] == 3


def test_the_header_shows_all_inputs(forked: Forked, towers: Path) -> None:
    given = ("--input", "image=1x3x224x224", "--input", "thumbnail=1x3x32x32")
    ran = forked.rflint("net.py:Net", *given, cwd=towers)
    assert ran.out.splitlines()[0] == "net.py:Net  on 1×3×224×224, 1×3×32×32"
    assert "the size of the input that it sees" in ran.out.replace("\n", " ")
    bars = {row.split()[0]: row.count("█") for row in ran.out.splitlines() if "  3×3  " in row}
    assert bars["image_tower.6"] < bars["thumbnail_tower.6"]  # both 22 px, of 224 and of 32


# -- inputs that are not there


def test_an_item_that_is_missing_in_a_list_is_named(forked: Forked, towers: Path) -> None:
    given = ("--input", "crops.0=1x3x8x8", "--input", "crops.2=1x3x8x8")
    ran = forked.rflint("net.py:Crops", *given, "--format", "json", cwd=towers)
    assert ran.status == 2
    assert "the input crops.1 is missing: there is crops.2" in ran.err
    assert ran.report["errors"][0]["kind"] == "usage"


@pytest.mark.parametrize("tracer", ["auto", "export"])
def test_a_missing_argument_is_an_error_of_the_input(
    forked: Forked, towers: Path, tracer: str
) -> None:
    options = ("--res", "32", "--tracer", tracer, "--format", "json")
    ran = forked.rflint("net.py:Net", *options, cwd=towers)
    assert ran.status == 2
    (error,) = ran.report["errors"]
    assert error["kind"] == "input"
    assert "needs 'thumbnail' too" in error["message"]
    assert "--input image=1x3x32x32 --input thumbnail=1x3x32x32" in ran.err


BATCH = """
from __future__ import annotations
from dataclasses import dataclass
from torch import Tensor, nn

@dataclass
class Batch:
    image: Tensor
    ids: Tensor
    scale: float = 1.0

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.table = nn.Conv2d(3, 8, 3), nn.Embedding(100, 8)

    def forward(self, batch: Batch) -> Tensor:
        texts = self.table(batch.ids).mean(1)[:, :, None, None]
        return self.conv(batch.image) * batch.scale + texts
"""
CONFIGURED = """
[[models]]
target = "net.py:Net"
input = { batch = { image = "1x3x32x32", ids = "1x20:int64", scale = 0.5 } }
"""


@pytest.mark.parametrize(
    "given",
    [
        ("net.py:Net", "--input", "batch.image=1x3x32x32", "--input", "batch.ids=1x20:int64"),
        ("net.py:Net", "--input", "image=1x3x32x32", "--input", "ids=1x20:int64"),
        (),
    ],
)
def test_a_dataclass_is_given_by_its_parts(
    forked: Forked, tmp_path: Path, given: tuple[str, ...]
) -> None:
    write(tmp_path, {"net.py": BATCH, **({} if given else {"rflint.toml": CONFIGURED})})
    ran = forked.rflint(*given, "--format", "json", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert ran.report["models"][0]["inputs"] == [[1, 3, 32, 32], [1, 20]]


def test_what_is_in_a_dataclass_is_proposed(forked: Forked, tmp_path: Path) -> None:
    write(tmp_path, {"net.py": BATCH})
    ran = forked.rflint("net.py:Net", "--res", "32", cwd=tmp_path)
    assert ran.status == 2
    assert "batch is a Batch, and not one tensor: it has image, ids, scale" in ran.err
    command = "rflint net.py:Net --res 32 --input batch.image=1x3x32x32 --input batch.ids="
    assert command in ran.err
