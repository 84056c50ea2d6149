"""Repairs that remove downsampling, or dilate in its place: what moves with what."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import rflint
from rflint.repair.edits.apply import edited_copy
from rflint.repair.forecast.downsampling import DownsamplingGroup, downsampling_groups
from tests.helpers.candidates import bench
from tests.helpers.repairs import Calls, repairs, report
from zoo.paper.mpnet import mpnet18
from zoo.paper.resnet import resnet18
from zoo.paper.vgg import vgg


def grouped(build: Any, res: int = 32) -> tuple[DownsamplingGroup, ...]:
    return downsampling_groups(bench(build, [(1, 3, res, res)]).analysis)


def test_a_residual_block_moves_with_its_shortcut() -> None:
    found = [set(group.layers) for group in grouped(resnet18)]
    assert found == [
        {"conv1"},
        {"maxpool"},
        *({f"layer{i}.0.conv1", f"layer{i}.0.downsample.0"} for i in (2, 3, 4)),
    ]


def test_parallel_paths_of_different_length_move_together() -> None:
    found = [set(group.layers) for group in grouped(mpnet18)]
    assert found == [{f"stages.{i}.1.{path}.1.0" for path in ("small", "large")} for i in range(4)]


class ParallelStrides(nn.Module):
    """Two strided branches and a shortcut that downsample together, one in a function."""

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


def test_modules_and_functions_move_together() -> None:
    assert [set(group.layers) for group in grouped(ParallelStrides, 16)] == [
        {"stem"},
        {"a", "b", "avg_pool2d"},
    ]
    both = [
        repair for repair in repairs(ParallelStrides, 16).values() if "avg_pool2d" in repair.title
    ]
    assert both
    for repair in both:
        assert "m.a.stride = (1, 1)" in repair.edits
        assert "m.b.stride = (1, 1)" in repair.edits
        assert repair.edits[0].startswith("def forward(self, x):\n")
        assert not any("avg_pool2d" in edit for edit in repair.edits)


class Reduction(nn.Module):
    """Unpadded branches, as in Inception: a pooling that was left out would not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(8, 8, 3, 2)
        self.b = nn.MaxPool2d(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.a(x), self.b(x)], 1)


def test_a_pooling_keeps_its_window_where_its_branch_would_not_fit_otherwise() -> None:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1),
            Reduction(),
            *(nn.Conv2d(16, 16, 3, padding=1) for _ in range(4)),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, 10),
        )

    offered = [repair.edits for repair in repairs(build, 16).values()]
    removals = [edits for edits in offered if any("m[1].b" in edit for edit in edits)]
    assert removals
    assert all({"m[1].a.stride = (1, 1)", "m[1].b.stride = 1"} <= set(edits) for edits in removals)


def test_calls_of_a_pooling_are_removed_one_by_one() -> None:
    calls = ("pool", "pool (call 2)", "pool (call 3)")
    assert [group.layers for group in grouped(Calls)] == [(call,) for call in calls]
    removal = repairs(Calls)["keeps every layer"]
    assert removal.title == "remove the downsampling of pool (call 2)"
    assert removal.edits[0].count("self.pool(x)") == 2
    border = report(Calls).analysis.border_min
    assert border is not None
    assert border.layer.title == f"block (call {border.layer.call + 1})"


def test_all_calls_of_a_pooling_are_its_module() -> None:
    found = bench(Calls, [(1, 3, 32, 32)])
    (all_calls,) = [
        candidate
        for candidate in found.found.candidates
        if len(candidate.change.left_out) == 3 and candidate.change.cut is None
    ]
    assert found.verifier.verified(all_calls).edits == ("m.pool = nn.Identity()",)


def test_a_convolution_that_is_called_twice_has_one_stride() -> None:
    class Twice(Calls):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.Conv2d(8, 8, 3, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.block(self.block(self.stem(x)))
            return self.fc(x.mean((2, 3)))

    assert [group.layers for group in grouped(Twice)] == [("block",)]


def test_only_as_much_is_removed_from_the_input_on_as_it_takes() -> None:
    """With one pooling fewer removed, something stays unproductive."""
    removal = repairs(lambda: vgg(11))["keeps every layer and larger maps throughout"]
    poolings = [x.layer.name for x in report(lambda: vgg(11)).layers if x.layer.op == "MaxPool2d"]
    removed = [name for name in poolings if f"m[{name}] = nn.Identity()" in removal.edits]
    assert removed == poolings[: len(removed)]

    def without(count: int) -> nn.Module:
        model = vgg(11)
        for name in poolings[:count]:
            model[int(name)] = nn.Identity()
        return model

    assert report(lambda: without(len(removed))).analysis.totals.unproductive == 0
    assert report(lambda: without(len(removed) - 1)).analysis.totals.unproductive > 0


def test_a_stem_may_take_a_small_kernel() -> None:
    found = repairs(resnet18)["larger maps throughout, and a smaller first kernel"]
    new = "m.conv1 = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False))"
    assert found.edits == (new, "m.maxpool = nn.Identity()")
    assert found.before.params - found.after.params == 3 * 64 * (49 - 9)


def test_a_dilation_keeps_what_every_layer_sees_and_is_offered_when_asked_for() -> None:
    assert not any(repair.kind == "dilate" for repair in report(resnet18).repairs)
    found = bench(resnet18, [(1, 3, 32, 32)], ["dilate"])
    before = {x.layer.name: [axis.r_min for axis in x.output_field] for x in found.analysis.layers}
    dilations = [c for c in found.found.candidates if c.change.kind == "dilate"]
    assert dilations
    for candidate in dilations:
        edits = found.verifier.verified(candidate).steps
        after = rflint.lint(
            edited_copy(found.verifier.model, [x.code for x in edits]), res=32
        ).models[0]
        judged = [x for x in after.layers if x.is_judged]
        assert judged
        for x in judged:
            assert [axis.r_min for axis in x.output_field] == before[x.layer.name]
            assert x.layer.out_shape[-1] >= 1


def test_strided_shortcuts_and_blocks_are_dilated_as_deeplab_does() -> None:
    (last, *_) = rflint.repairs(resnet18, res=32, kinds="dilate")
    assert last.edits == (
        "m.layer4[0].conv1.stride = (1, 1)",
        "m.layer4[0].conv2.dilation = (2, 2)",
        "m.layer4[0].conv2.padding = (2, 2)",
        "m.layer4[0].downsample[0].stride = (1, 1)",
        "m.layer4[1].conv1.dilation = (2, 2)",
        "m.layer4[1].conv1.padding = (2, 2)",
        "m.layer4[1].conv2.dilation = (2, 2)",
        "m.layer4[1].conv2.padding = (2, 2)",
    )
