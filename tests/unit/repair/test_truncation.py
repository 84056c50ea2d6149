"""Repairs that end a network where its layers stop to contribute."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import rflint
from rflint.repair.forecast.cuts import block_ending_at, cut_points
from rflint.repair.titles import title
from tests.helpers.candidates import bench, outcomes
from tests.helpers.repairs import repairs, report
from zoo.paper.resnet import resnet18, resnet34
from zoo.paper.vgg import vgg


def test_truncation_ends_at_the_last_block_that_carries_everything() -> None:
    truncation = repairs(resnet18)["fewest computations"]
    assert truncation.title == "truncate after layer3.0"
    assert truncation.edits == (
        "del m.layer3[1:]",
        "m.layer4 = nn.Identity()",
        "m.fc = nn.Sequential(nn.Linear(256, 10))",
    )


def test_a_truncated_resnet_has_the_figures_of_the_network_built_that_way() -> None:
    def truncated() -> nn.Module:
        whole = resnet18()
        layer3 = whole.get_submodule("layer3")
        assert isinstance(layer3, nn.Sequential)
        kept = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2")
        return nn.Sequential(
            *(whole.get_submodule(name) for name in kept),
            layer3[0],
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(256, 10),
        )

    by_hand = report(truncated).analysis.totals
    after = repairs(resnet18)["fewest computations"].after
    assert (after.params, after.macs, after.unproductive) == (by_hand.params, by_hand.macs, 0)


def test_cuts_are_block_boundaries() -> None:
    found = bench(resnet34, [(1, 3, 32, 32)]).analysis
    places = [block_ending_at(found.architecture, cut) for cut in cut_points(found)]
    assert places[:5] == ["conv1", "maxpool", "layer1.0", "layer1.1", "layer1"]
    assert places[-2:] == ["layer4.0", "layer4.1"]
    assert not any("conv2" in place for place in places)


def test_a_head_that_fits_already_is_kept() -> None:
    """Cut between layers of the same width, a VGG needs no new classifier."""
    edits = [repair.edits for repair in rflint.repairs(lambda: vgg(11), res=64, kinds="truncate")]
    assert edits
    deep = bench(lambda: vgg(11), [(1, 3, 32, 32)])
    last = [c for c, _ in outcomes(deep) if c.change.cut and not c.change.layers][-1]
    kept = deep.verifier.verified(last).edits
    assert not any("nn.Linear" in edit for edit in kept)


class TableOfPositions(nn.Module):
    """A block that projects a constant, as relative position embeddings do, behind the border."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Linear(4, 8)
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        table = self.table(torch.ones(5, 4)).mean(0)
        return self.conv(x + table.view(1, 8, 1, 1))


def test_work_on_constants_goes_with_the_block_that_it_is_done_for() -> None:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, 4, 1),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.Conv2d(8, 8, 3, padding=1),
            TableOfPositions(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, 10),
        )

    found = bench(build, [(1, 3, 16, 16)])
    by_title = {title(found.analysis, c): c for c, reason in outcomes(found) if not reason}
    edits = found.verifier.verified(by_title["truncate after 1"]).edits
    assert edits == ("m[2] = nn.Identity()", "m[3] = nn.Identity()")
