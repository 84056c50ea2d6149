"""Repairs: what is offered, what is not, and why."""

from __future__ import annotations

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
from rflint.repair.kinds.truncate import Truncation
from rflint.repair.metrics import Metrics
from tests.helpers.repairs import repairs, report
from zoo.paper.mpnet import mpnet18
from zoo.paper.resnet import resnet18, resnet34
from zoo.paper.vgg import vgg

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
    change=st.builds(lambda cut: Change((Truncation(cut),)), st.integers(0, 1000)),
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
