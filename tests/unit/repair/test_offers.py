"""Repairs: what is offered, what is not, and why."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import rflint
from rflint.repair.candidate import Candidate, pareto_front
from rflint.repair.change import Change
from rflint.repair.forecast.cuts import block_ending_at, cut_points
from rflint.repair.forecast.downsampling import Group, groups
from rflint.repair.metrics import Metrics
from rflint.repair.repair import Repair
from rflint.repair.titles import title
from rflint.report.report import ModelReport
from tests.helpers.candidates import bench, outcomes
from tests.models.mpnet import mpnet18
from tests.models.resnet import resnet18, resnet34
from tests.models.vgg import vgg


def report(build: Any, res: int = 32) -> ModelReport:
    return rflint.lint(build, res=res).models[0]


def repairs(build: Any, res: int = 32) -> dict[str, Repair]:
    """What is offered, by what speaks for it."""
    return {repair.words: repair for repair in report(build, res).repairs}


def grouped(build: Any, res: int = 32) -> tuple[Group, ...]:
    return groups(bench(build, [(1, 3, res, res)]).analysis)


# -- truncation


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
    last = [c for c, _ in outcomes(deep) if c.change.cut and not c.change.without_downsampling][-1]
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


# -- removing downsampling


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


class Calls(nn.Module):
    """A pooling that is called three times, as tutorials do, and a block that is called often."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.block = nn.Conv2d(8, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.stem(x))
        x = self.pool(self.block(x))
        for _ in range(5):
            x = self.block(x)
        return self.fc(self.pool(x).mean((2, 3)))


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
        if len(candidate.change.removed) == 3 and candidate.change.cut is None
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
    dilations = [c for c in found.found.candidates if c.change.dilated]
    assert dilations
    for candidate in dilations:
        edits = found.verifier.verified(candidate).steps
        after = rflint.lint(found.verifier.copy(edits), res=32).models[0]
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


# -- heads that depend on the size of the map


def flat(*, pooled: bool) -> nn.Module:
    """A head that is made for 4x4 positions; in front of it something to put a pooling into."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.MaxPool2d(4),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.Conv2d(8, 8, 3, padding=1),
        *([nn.ReLU()] if pooled else []),
        nn.Flatten(),
        nn.Linear(8 * 16, 10),
    )


def test_the_map_is_pooled_to_the_size_that_the_head_is_made_for() -> None:
    removal = repairs(lambda: flat(pooled=True), 16)["keeps every layer"]
    assert removal.title == "remove the downsampling of 1, pool to 4x4 in front of 7"
    assert removal.edits == (
        "m[1] = nn.Identity()",
        "m[5] = nn.Sequential(m[5], nn.AdaptiveAvgPool2d(4))",
    )
    assert removal.after.params == removal.before.params


class Flattening(nn.Module):
    """No module to put a pooling into, and a forward that torch.fx does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(4)
        self.convs = nn.ModuleList(nn.Conv2d(3 if i == 0 else 8, 8, 3, 1, 1) for i in range(4))
        self.fc = nn.Linear(8 * 16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.convs[0](x))
        if len(x) > 0:
            for conv in self.convs[1:]:
                x = conv(x)
        return self.fc(x.flatten(1))


def test_where_nothing_can_be_put_in_between_the_head_is_resized() -> None:
    removal = repairs(Flattening, 16)["keeps every layer"]
    assert removal.title == "remove the downsampling of pool, resize fc to 2048 inputs"
    assert removal.edits[-1] == "m.fc = nn.Sequential(nn.Linear(2048, 10))"
    assert removal.after.params - removal.before.params == 10 * (2048 - 128)


def test_average_pooling_of_the_whole_map_stays_that() -> None:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, 4, 1),
            *(nn.Conv2d(8, 8, 3, padding=1) for _ in range(4)),
            nn.AvgPool2d(4),
            nn.Flatten(),
            nn.Linear(8, 10),
        )

    removal = repairs(build, 16)["keeps every layer"]
    assert removal.edits == (
        "m[0].stride = (1, 1)",
        "m[5] = nn.Sequential(m[5], nn.AdaptiveAvgPool2d(1))",
    )


# -- what is not offered, and why


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


class SkipOverAll(nn.Module):
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


class UNet(nn.Module):
    """What is pooled is brought back, and meets what was not."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv2d(3, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(8)
        self.deep = nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(4)))
        self.up = nn.Upsample(scale_factor=8)
        self.leave = nn.Conv2d(16, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        return self.leave(torch.cat([x, self.up(self.deep(self.pool(x)))], 1))


class SharedAcross(nn.Module):
    """A block on both sides of every cut."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 4, 1)
        self.block = nn.Conv2d(8, 8, 3, padding=1)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for _ in range(6):
            x = self.block(x)
        return self.fc(x.mean((2, 3)))


def mapped() -> nn.Module:
    """A convolutional encoder: its output is a map."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 4, 1), *(nn.Conv2d(8, 8, 3, padding=1) for _ in range(6))
    )


def decoder() -> nn.Module:
    return nn.Sequential(*list(mapped().children()), nn.ConvTranspose2d(8, 3, 4, 4))


@pytest.mark.parametrize(
    ("build", "res", "reason"),
    [
        (Pyramid, 10, "truncation, since the model has 3 outputs"),
        (Pyramid, 10, "the model's output would have another size"),
        (mapped, 16, "truncation, since the model is no classifier"),
        (mapped, 16, "the model's output would have another size"),
        (decoder, 16, "the model's output would have another size"),
        (UNet, 16, "up brings the map back to the size it had"),
        (SkipOverAll, 16, "truncation, since nowhere does one tensor carry all that follows"),
    ],
)
def test_what_cannot_be_offered_is_said(build: Any, res: int, reason: str) -> None:
    found = report(build, res)
    assert found.analysis.totals.unproductive > 0
    assert any(reason in refusal for refusal in found.not_offered), found.not_offered


@pytest.mark.parametrize(("build", "res"), [(Pyramid, 10), (mapped, 16), (decoder, 16), (UNet, 16)])
def test_where_sizes_must_stay_nothing_is_offered(build: Any, res: int) -> None:
    assert report(build, res).repairs == ()


def test_shared_weights_are_not_cut_in_two() -> None:
    found = repairs(SharedAcross, 16)
    assert found
    assert {repair.title for repair in found.values()} <= {
        "truncate after stem",
        "remove the downsampling of stem",
    }


def test_a_segmentation_model_keeps_its_output() -> None:
    """Its head resizes to the input's size, so the encoder may become finer."""

    class Segments(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = mapped()
            self.head = nn.Conv2d(8, 5, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.head(self.encoder(x))
            return F.interpolate(y, size=x.shape[2:], mode="bilinear")

    (removal,) = [r for r in report(Segments, 16).repairs if r.kind == "remove-downsampling"]
    assert removal.edits == ("m.encoder[0].stride = (1, 1)",)
    assert removal.after.unproductive == 0


@pytest.mark.parametrize("res", [75, 224])
def test_a_sound_model_gets_no_repairs(res: int) -> None:
    found = report(resnet18, res)
    assert found.repairs == found.not_offered == ()
    assert rflint.repairs(resnet18, res=res) == ()


# -- the search


def test_at_most_five_are_shown_cheapest_first() -> None:
    for build in (resnet18, resnet34, mpnet18, lambda: vgg(19, dilation=3)):
        shown = report(build).repairs
        assert 1 <= len(shown) <= 5
        assert [r.after.macs for r in shown] == sorted(r.after.macs for r in shown)
        assert len({r.title for r in shown}) == len({r.words for r in shown}) == len(shown)
        assert all(r.verified and r.after.unproductive < r.before.unproductive for r in shown)


def test_a_combination_contributes_as_much_as_before_for_less_than_keeping_all() -> None:
    found = repairs(resnet18)
    combined, whole = found["contributes as much as now"], found["keeps every layer"]
    assert combined.title.endswith("truncate after layer4.0")
    assert combined.after.macs < whole.after.macs
    assert combined.after.params < whole.after.params


COUNTS = st.integers(0, 5)
CANDIDATES = st.builds(
    Candidate,
    change=st.builds(Change, cut=st.integers(0, 1000)),
    metrics=st.builds(Metrics, params=COUNTS, macs=COUNTS, unproductive=COUNTS),
    productive=COUNTS,
)


@given(st.lists(CANDIDATES, max_size=30))
def test_the_front_is_what_nothing_dominates(candidates: list[Candidate]) -> None:
    def worse(a: Candidate, b: Candidate) -> bool:
        """Whether b is at least as good in everything, and better in something."""
        pairs = [
            (a.metrics.unproductive, b.metrics.unproductive),
            (a.metrics.macs, b.metrics.macs),
            (a.metrics.params, b.metrics.params),
            (-a.productive, -b.productive),
        ]
        return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)

    expected = [a for a in candidates if not any(worse(a, b) for b in candidates)]
    assert sorted(map(repr, pareto_front(candidates))) == sorted(map(repr, expected))


# -- what the changed model must still be


class Logits(nn.Module):
    """A tutorial's network: its output is the logarithm of probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3 if i == 0 else 8, 8, 5, padding=2) for i in range(4))
        self.fc = nn.Linear(8 * 4, 10)
        self.frozen = self.convs[0]

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return F.log_softmax(self.fc(x.view(-1, 8 * 4)), dim=1)

    def train(self, mode: bool = True) -> Logits:
        super().train(mode)
        self.frozen.eval()
        return self

    def predict(self, x: Tensor) -> Tensor:
        return self(x).argmax(1)


class LogitsInside(Logits):
    """The same, with the logarithm inside of the classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Dropout(), nn.Linear(8 * 4, 10), nn.LogSoftmax(dim=1))

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return self.fc(torch.flatten(x, 1))


@pytest.mark.parametrize("build", [Logits, LogitsInside])
def test_what_the_model_does_with_its_outputs_stays(build: Any) -> None:
    found = report(build).repairs
    assert "truncate" in {repair.kind for repair in found}
    for repair in found:
        total = repair.apply(build()).eval()(torch.randn(2, 3, 32, 32)).exp().sum(1)
        torch.testing.assert_close(total, torch.ones(2))


def test_a_changed_forward_leaves_the_rest_of_the_class() -> None:
    for repair in report(Logits).repairs:
        model = repair.apply(Logits())
        assert isinstance(model, Logits)
        assert not model.train().convs[0].training
        assert model.convs[1].training
        assert model.predict(torch.randn(2, 3, 32, 32)).shape == (2,)


class Beside(nn.Module):
    """A second head in front of the cut, whose result only training returns."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(3, 16, 5, 4, 2), nn.Conv2d(16, 16, 5, 4, 2), nn.Conv2d(16, 16, 5, 1, 2)
        )
        self.deep = nn.Conv2d(16, 16, 3, 1, 1)
        self.fc = nn.Linear(16, 10)
        self.aux = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Any:
        x = self.down(x)
        beside = self.aux(x.mean((2, 3)))
        y = self.fc(self.deep(x).mean((2, 3)))
        return (y, beside) if self.training else y


class BesidePool(Beside):
    """The same with a pooling that only a new forward could leave out."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(F.max_pool2d(x, 2))


@pytest.mark.parametrize("build", [Beside, BesidePool])
def test_training_returns_what_it_returned(build: Any) -> None:
    found = report(build).repairs
    assert found
    for repair in found:
        outputs = repair.apply(build()).train()(torch.randn(2, 3, 32, 32))
        assert [tuple(output.shape) for output in outputs] == [(2, 10), (2, 10)]
        assert "m.aux" not in " ".join(repair.edits)


class InPlace(nn.Module):
    """A pooling between an activation and one that writes over its input."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 4, 1), nn.Sigmoid())
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU(inplace=True)
        self.deep = nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(3)))
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.deep(self.relu(self.pool(self.stem(x)))).mean((2, 3)))


def test_nothing_is_overwritten_that_training_needs() -> None:
    found = bench(InPlace, [(1, 3, 16, 16)])
    reasons = [reason for c, reason in outcomes(found) if c.change.removed and not c.change.cut]
    assert reasons
    assert all("relu would overwrite in place what training needs" in r for r in reasons)
    for repair in report(InPlace, 16).repairs:
        repair.apply(InPlace())(torch.randn(2, 3, 16, 16)).sum().backward()


class Optional(nn.Module):
    """Arguments that need not be given, and an assertion."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3 if i == 0 else 8, 8, 5, padding=2) for i in range(4))
        self.fc = nn.Linear(8, 1)

    def forward(self, x: Tensor, mask: Tensor | None = None, *, features: bool = False) -> Any:
        assert x.dim() == 4
        for conv in self.convs:
            x = F.max_pool2d(F.relu(conv(x)), 2)
        if mask is not None:
            x = x * mask
        y = self.fc(x.mean((2, 3))).squeeze(1)
        return (y, x) if features else y


def test_arguments_that_are_not_given_take_their_defaults() -> None:
    found = repairs(Optional)
    assert {"fewest computations", "keeps every layer"} <= found.keys()
    for repair in found.values():
        assert repair.apply(Optional())(torch.randn(2, 3, 32, 32)).shape == (2,)


def test_a_classifier_that_is_a_convolution_is_not_cut_off_by_itself() -> None:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, 4, 1),
            *(nn.Conv2d(8, 8, 3, 2, 1) for _ in range(2)),
            nn.Conv2d(8, 10, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )

    found = report(build, 8)
    assert [x.layer.name for x in found.analysis.unproductive] == ["2", "3"]
    assert "truncate after 2" not in {repair.title for repair in found.repairs}


def test_two_repairs_that_are_alike_are_one() -> None:
    for build in (Logits, Calls, Beside, resnet18):
        shown = report(build).repairs
        pairs = {(r.after.params, r.after.macs) for r in shown}
        assert len(pairs) == len(shown)


def chain(convolutions: int = 12, *, pooled: bool = False) -> nn.Module:
    layers: list[nn.Module] = []
    for i in range(convolutions):
        layers += [nn.Conv2d(8 if i else 3, 8, 3, padding=1), nn.ReLU()]
    if pooled:
        layers += [nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


@pytest.mark.parametrize("pooled", [False, True], ids=["never downsamples", "downsamples too late"])
def test_a_plain_chain_is_cut_in_front_of_its_border_layer(pooled: bool) -> None:
    report = rflint.lint(partial(chain, pooled=pooled), res=16).models[0]
    assert report.analysis.border_min is not None
    assert report.analysis.border_min.layer.name == "16"  # the ninth: r of its input is 17
    assert not report.not_offered
    (repair,) = report.repairs
    assert (repair.kind, repair.title) == ("truncate", "truncate after 15")
    assert (repair.before.unproductive, repair.after.unproductive) == (4 + pooled, 0)


def test_nothing_is_cut_within_the_stem_of_a_network_that_downsamples() -> None:
    def build() -> nn.Module:
        stem = [nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1), nn.MaxPool2d(4)]
        deep = [nn.Conv2d(8, 8, 3, padding=1) for _ in range(5)]
        return nn.Sequential(*stem, *deep, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))

    report = rflint.lint(build, res=16).models[0]
    assert report.analysis.totals.unproductive > 0
    cuts = [repair.title for repair in report.repairs if repair.kind == "truncate"]
    assert cuts
    assert not {"truncate after 0", "truncate after 1"} & set(cuts)
