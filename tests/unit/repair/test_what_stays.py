"""What a changed model must still be: its outputs, its forward, its training."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import rflint
from tests.helpers.candidates import bench, outcomes
from tests.helpers.repairs import Calls, repairs, report
from zoo.paper.resnet import resnet18


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
    reasons = [reason for c, reason in outcomes(found) if c.change.left_out and not c.change.cut]
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
