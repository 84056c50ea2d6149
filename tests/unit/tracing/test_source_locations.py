"""The lines of the user's code that built and called a layer, and where an error comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch.nn.functional as F
from torch import Tensor, nn

import rflint
from rflint.errors import RflintError
from tests.helpers.linted import analysis, named
from zoo.torchvision_import import import_torchvision

HERE = Path(__file__).name


def lines_with(text: str) -> list[int]:
    lines = Path(__file__).read_text().splitlines()
    return [number for number, line in enumerate(lines, start=1) if text in line]


class Located(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)  # the constructing line
        self.body = nn.Sequential(nn.Conv2d(8, 8, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # the calling line
        return F.max_pool2d(x, 2)  # the functional line


def test_a_layer_knows_the_line_that_built_it_and_the_line_that_calls_it() -> None:
    layers = named(analysis(Located))
    conv, pool = layers["conv"].layer, layers["max_pool2d"].layer
    assert conv.constructed is not None
    assert conv.called is not None
    assert conv.constructed.path.endswith(HERE)
    assert conv.constructed.line in lines_with("# the constructing " + "line")
    assert conv.called.line in lines_with("# the calling " + "line")
    assert conv.source == conv.constructed
    assert pool.constructed is None
    assert pool.called is not None
    assert pool.called.line in lines_with("# the functional " + "line")


def test_a_layer_that_library_code_built_points_at_the_line_that_called_the_library() -> None:

    models = import_torchvision().models

    def build() -> Any:
        return models.resnet18()  # the library call

    layer = named(analysis(build))["layer3.1.conv2"].layer
    assert layer.source is not None
    assert layer.source.path.endswith(HERE)
    assert layer.source.line in lines_with("# the library " + "call")
    assert named(analysis(models.resnet18))["conv1"].layer.source is None


def test_an_error_in_forward_is_said_with_its_place() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x) + self.missing  # the broken line

    with pytest.raises(RflintError) as caught:
        rflint.lint(Broken, res=8)
    assert "missing" in caught.value.message
    assert caught.value.source is not None
    assert caught.value.source.line in lines_with("# the broken " + "line")


def test_layers_of_a_sequential_point_at_the_line_that_calls_the_model() -> None:
    class Wrapping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x)  # the outer call

    model = Wrapping()
    layer = named(analysis(model, res=8))["body.0"].layer
    assert layer.constructed is None, "it was built before rflint looked"
    assert layer.source is not None
    assert layer.source.line in lines_with("# the outer " + "call")
