"""Repairs: what is offered, that it is what the changed model is, and what is not offered."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import rflint
from rflint.report import ModelReport, Repair
from tests.models.resnet import resnet18
from tests.models.vgg import vgg


def report(build: Any, res: int = 32) -> ModelReport:
    return rflint.lint(build, res=res).models[0]


def repairs(build: Any, res: int = 32) -> dict[str, Repair]:
    return {repair.kind: repair for repair in report(build, res).repairs}


def test_truncation_ends_at_the_last_block_that_carries_everything() -> None:
    truncation = repairs(resnet18)["truncate"]
    assert truncation.title == "truncate after layer3.0"
    assert "nn.Linear(256, 10)" in truncation.edits[1]


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
    after = repairs(resnet18)["truncate"].after
    assert (after.params, after.macs, after.unproductive) == (by_hand.params, by_hand.macs, 0)


def test_a_resnet_without_stem_downsampling_has_the_figures_of_one_built_that_way() -> None:
    by_hand = report(lambda: resnet18(stem_downsampling=False)).analysis.totals
    after = repairs(resnet18)["remove-downsampling"].after
    assert (after.params, after.macs, after.unproductive) == (by_hand.params, by_hand.macs, 0)


def test_only_as_much_downsampling_is_removed_as_it_takes() -> None:
    """With one pooling fewer removed, something stays unproductive."""
    removal = repairs(lambda: vgg(11))["remove-downsampling"]
    first = report(lambda: vgg(11)).analysis
    poolings = [x.layer.name for x in first.layers if x.layer.op == "MaxPool2d"]
    removed = [edit.split(" = ")[0] for edit in removal.edits]
    assert removed == poolings[: len(removed)]

    def without(count: int) -> nn.Module:
        model = vgg(11)
        for name in poolings[:count]:
            model[int(name)] = nn.Identity()
        return model

    assert report(lambda: without(len(removed))).analysis.totals.unproductive == 0
    assert report(lambda: without(len(removed) - 1)).analysis.totals.unproductive > 0


class ParallelStrides(nn.Module):
    """Two strided branches and a shortcut that downsample together, in functions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.a = nn.Conv2d(8, 8, 3, 2, 1)
        self.b = nn.Conv2d(8, 8, 5, 2, 2)
        self.deep = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(6))
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.a(x) + self.b(x) + F.avg_pool2d(x, 2)
        for conv in self.deep:
            x = F.relu(conv(x))
        return self.fc(x.mean((2, 3)))


def test_parallel_branches_move_together() -> None:
    removal = repairs(ParallelStrides, res=16)["remove-downsampling"]
    assert removal.verified
    assert set(removal.edits) >= {"stem.stride = (1, 1)"}
    assert set(removal.edits) >= {"a.stride = (1, 1)", "b.stride = (1, 1)"}
    assert any("avg_pool2d" in edit and "test_repair.py" in edit for edit in removal.edits)
    assert removal.after.unproductive == 0 < removal.before.unproductive


def test_a_change_that_does_not_run_is_not_offered_and_that_is_noted() -> None:
    def fixed_size_head() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.MaxPool2d(4),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.Flatten(),
            nn.Linear(8 * 16, 10),
        )

    found = report(fixed_size_head, res=16)
    assert found.analysis.totals.unproductive > 0
    assert [repair.kind for repair in found.repairs] == ["truncate"]
    assert any("Linear" in note and "not offered" in note for note in found.notes)


def test_a_network_with_several_outputs_is_not_truncated() -> None:
    class Pyramid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Conv2d(3, 8, 3, 4, 1)
            self.b = nn.Conv2d(8, 8, 3, 4, 1)
            self.c = nn.Conv2d(8, 8, 3, 4, 1)

        def forward(self, x: Tensor) -> Any:
            a = self.a(x)
            b = self.b(a)
            return {"a": a, "deep": [b, self.c(b)]}

    found = report(Pyramid, res=10)
    assert found.analysis.totals.unproductive > 0
    assert "truncate" not in {repair.kind for repair in found.repairs}


def test_a_skip_over_the_border_leaves_an_earlier_cut_or_none() -> None:
    class Dense(nn.Module):
        """Everything is carried by the input alone: the first layer is concatenated at the end."""

        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 8, 3, padding=1)
            self.down = nn.Conv2d(3, 8, 3, 4, 1)
            self.deep = nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(4)))
            self.fc = nn.Linear(16, 10)

        def forward(self, x: Tensor) -> Tensor:
            y = self.deep(self.down(x)).mean((2, 3))
            return self.fc(torch.cat([self.first(x).mean((2, 3)), y], 1))

    found = report(Dense, res=16)
    assert found.analysis.totals.unproductive > 0
    assert "truncate" not in {repair.kind for repair in found.repairs}


@pytest.mark.parametrize("res", [75, 224])
def test_a_sound_model_gets_no_repairs(res: int) -> None:
    assert report(resnet18, res).repairs == ()


def test_the_model_itself_is_untouched() -> None:
    model = resnet18()
    before = {name: p.clone() for name, p in model.state_dict().items()}
    assert len(report(model).repairs) == 2
    assert model.conv1.stride == (2, 2)
    assert isinstance(model.maxpool, nn.MaxPool2d)
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())


class SharedPool(nn.Module):
    """One pooling, used three times, as tutorials do; and one block, called ten times."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.block = nn.Conv2d(8, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.stem(x))
        x = self.pool(self.block(x))
        for _ in range(8):
            x = self.block(x)
        return self.fc(self.pool(x).mean((2, 3)))


def test_a_change_to_a_shared_layer_says_that_it_is_shared() -> None:
    found = report(SharedPool, res=32)
    removal = next(r for r in found.repairs if r.kind == "remove-downsampling")
    assert removal.edits == ("pool = nn.Identity() (all 3 uses)",)
    border = found.analysis.border_min
    assert border is not None
    assert border.layer.title == f"block (call {border.layer.call + 1})"


def test_a_decoder_is_not_left_with_an_encoder_of_another_size() -> None:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, 4, 1),
            *(nn.Conv2d(8, 8, 3, padding=1) for _ in range(6)),
            nn.ConvTranspose2d(8, 3, 4, 4),
        )

    found = report(build, res=16)
    assert found.analysis.totals.unproductive > 0
    assert found.repairs == ()


def test_an_edit_has_as_many_strides_as_the_layer_and_not_as_the_model() -> None:
    """Frames of a clip, folded into the batch: the input has three axes, the convolutions two."""

    class Frames(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            strided = [nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 2, 1)]
            self.stem = nn.Sequential(*strided, *(nn.Conv2d(4, 4, 3, 1, 1) for _ in range(9)))

        def forward(self, x: Tensor) -> Tensor:
            return self.stem(x.flatten(0, 1)).mean((2, 3)).view(*x.shape[:2], -1).mean(1)

    report = rflint.lint(Frames, input=(1, 8, 3, 16, 16))
    edits = [edit for repair in report.models[0].repairs for edit in repair.edits]
    assert "stem.0.stride = (1, 1)" in edits
