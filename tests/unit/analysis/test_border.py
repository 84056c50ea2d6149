"""What lies from the border layer on."""

from __future__ import annotations

import pytest
from torch import Tensor, nn

import rflint
from rflint.analysis.analysis import Analysis
from rflint.analysis.border import from_border_on
from zoo.paper.resnet import resnet18
from zoo.paper.vgg import vgg


def analysis_of(model: nn.Module, res: int = 32) -> Analysis:
    return rflint.lint(model, res=res).models[0].analysis


def names(analysis: Analysis) -> list[str]:
    return [x.name for x in from_border_on(analysis.layers)]


def test_in_a_chain_it_is_what_is_unproductive() -> None:
    totals = analysis_of(vgg(16)).totals
    assert totals.unproductive == totals.from_border > 0
    assert totals.unproductive_params == totals.from_border_params
    assert totals.unproductive_macs == totals.from_border_macs


def test_behind_skips_there_are_others() -> None:
    """layer3.1.conv2 is the border: all of layer4 depends on it, and a skip leads to some of it."""
    found = analysis_of(resnet18())
    behind = ["0.conv1", "0.conv2", "0.downsample.0", "1.conv1", "1.conv2"]
    assert names(found) == ["layer3.1.conv2", *(f"layer4.{name}" for name in behind)]
    assert (found.totals.unproductive, found.totals.from_border) == (3, 6)
    # layer3.1.conv2 and layer4, without batch normalisation
    layer4 = 256 * 512 * 9 + 3 * 512 * 512 * 9 + 256 * 512
    assert found.totals.from_border_params == 256 * 256 * 9 + layer4
    assert found.totals.from_border_macs == 256 * 256 * 9 * 4 + layer4


class Beside(nn.Module):
    """A path with a border layer, one beside it that runs later, and a convolution of both."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(3, 4, 35, padding=17)
        self.border = nn.Conv2d(4, 4, 3, padding=1)
        self.beside = nn.Conv2d(3, 4, 3, padding=1)
        self.both = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        deep = self.border(self.wide(x))
        return self.both(deep + self.beside(x))


def test_a_path_beside_the_border_layer_is_not_behind_it() -> None:
    found = analysis_of(Beside())
    assert found.border_min is not None
    assert found.border_min.name == "border"
    assert names(found) == ["border", "both"]


@pytest.mark.parametrize("res", [224, 512])
def test_without_a_border_there_is_nothing(res: int) -> None:
    assert names(analysis_of(resnet18(), res)) == []
