"""What is claimed of a model holds in training too, and in the next pass.

The models take another way in training, by chance, or by turns. What a rule says of them is tried:
weights called dead have no gradient in any pass, parameters called unused have none either.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.analysis.analyse import analyse
from rflint.analysis.analysis import OtherPasses, Retracer
from rflint.analysis.passes import Validity, validity
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.finding import Finding, Severity
from rflint.linting.other_passes import limited_to_valid_passes
from rflint.report.model_report import ModelReport
from rflint.tracing.trace import trace


def linted(model: Any, select: str, res: int = 16, **options: Any) -> ModelReport:
    (report,) = rflint.lint(model, res=res, select=select, **options).models
    return report


def messages(model: Any, select: str, res: int = 16) -> list[str]:
    return [
        f"{finding.layer}: {finding.message}" for finding in linted(model, select, res).findings
    ]


# -- training


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4, 2)


class PooledInEvaluation(Small):
    """A kernel that works on one position in evaluation, and on the whole map in training."""

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.training else F.adaptive_avg_pool2d(x, 1)
        return self.fc(self.conv(x).mean((2, 3)))


class PooledInBoth(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(F.adaptive_avg_pool2d(x, 1)).mean((2, 3)))


class PooledWithoutTraining(Small):
    """Training asks for a target that is not given."""

    def forward(self, x: Tensor, target: Tensor | None = None) -> Tensor:
        if self.training and target is None:
            raise ValueError("In training mode, a target should be passed")
        return self.fc(self.conv(F.adaptive_avg_pool2d(x, 1)).mean((2, 3)))


def test_what_training_uses_is_not_dead() -> None:
    model = PooledInEvaluation().train()
    model(torch.rand(2, 3, 16, 16)).sum().backward()
    assert model.conv.weight.grad is not None
    assert bool((model.conv.weight.grad != 0).all())
    report = linted(PooledInEvaluation, "RF201,RF301")
    assert report.findings == ()
    assert report.analysis.totals.dead_weights == 0


def test_what_training_does_not_use_either_is_dead() -> None:
    report = linted(PooledInBoth, "RF301")
    (finding,) = report.findings
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith("96 of its 108 weights only ever meet zero padding")
    assert report.analysis.totals.dead_weights == 96


@pytest.mark.parametrize("code", ["RF201", "RF301"])
def test_where_training_cannot_be_followed_it_says_in_evaluation(code: str) -> None:
    (finding,) = linted(PooledWithoutTraining, code).findings
    assert finding.severity is Severity.INFO
    assert finding.message.startswith("in evaluation, ")


def test_in_a_training_pass_it_is_evaluation_that_is_asked() -> None:
    """The kernel has dead taps in neither, and in training alone in the opposite case."""
    assert linted(PooledInEvaluation, "RF301", train=True).findings == ()
    assert linted(PooledInBoth, "RF301", train=True).findings != ()


# -- chance


class Routed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ways = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))

    def way(self) -> nn.Module:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = (self.way() if self.training else self.ways[0])(x)
        return out


class ByTorch(Routed):
    def way(self) -> nn.Module:
        return self.ways[int(torch.randint(3, ()).item())]


class ByComparison(Routed):
    def way(self) -> nn.Module:
        if torch.rand(1) < 0.3:
            return self.ways[0]
        return self.ways[1] if torch.rand(1) < 0.5 else self.ways[2]


class ByPython(Routed):
    def way(self) -> nn.Module:
        return self.ways[random.randrange(3)]


class ByNumpy(Routed):
    def way(self) -> nn.Module:
        numpy = pytest.importorskip("numpy")
        return self.ways[numpy.random.randint(3)]


class ByItsOwnGenerator(Routed):
    def __init__(self) -> None:
        super().__init__()
        self.generator = random.Random(0)

    def way(self) -> nn.Module:
        return self.ways[self.generator.randrange(3)]


class InEvaluationToo(Routed):
    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.ways[random.randrange(3)](x)
        return out


# -- turns


class ByAttribute(Routed):
    def __init__(self) -> None:
        super().__init__()
        self.passes = 0

    def way(self) -> nn.Module:
        self.passes += 1
        return self.ways[self.passes % 3]


class ByBuffer(Routed):
    def __init__(self) -> None:
        super().__init__()
        self.passes: Tensor
        self.register_buffer("passes", torch.tensor(0))

    def way(self) -> nn.Module:
        self.passes += 1
        return self.ways[int(self.passes) % 3]


class ByList(Routed):
    def __init__(self) -> None:
        super().__init__()
        self.order = [0, 1, 2]

    def way(self) -> nn.Module:
        self.order.append(self.order.pop(0))
        return self.ways[self.order[0]]


class ByIterator(Routed):
    def __init__(self) -> None:
        super().__init__()
        self.order = itertools.cycle(range(3))

    def way(self) -> nn.Module:
        return self.ways[next(self.order)]


class ByClass(Routed):
    passes = 0

    def way(self) -> nn.Module:
        type(self).passes += 1
        return self.ways[type(self).passes % 3]


_turns = {"passes": 0}


class ByVariable(Routed):
    def way(self) -> nn.Module:
        _turns["passes"] += 1
        return self.ways[_turns["passes"] % 3]


@pytest.mark.parametrize(
    "build",
    [
        *(ByTorch, ByComparison, ByPython, ByNumpy, ByItsOwnGenerator, InEvaluationToo),
        *(ByAttribute, ByBuffer, ByList, ByIterator, ByClass, ByVariable),
    ],
)
def test_one_pass_proves_nothing_of_who_goes_by_chance_or_by_turns(
    build: Callable[[], nn.Module],
) -> None:
    model = build().train()
    for _ in range(40):
        model(torch.rand(1, 3, 16, 16)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert messages(build, "RF302") == []


class Noisy(Routed):
    """Draws numbers, and adds them: they decide nothing."""

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.ways[0](x + torch.randn_like(x) * 0.1)
        return F.dropout(out, 0.5, self.training)


class Remembering(Routed):
    """Keeps the size that it met, and a mask for it: the second pass leaves them as they are."""

    mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        self.size = x.shape[2:]
        if self.mask is None:
            self.mask = torch.ones(self.size)
        out: Tensor = self.ways[0](x * self.mask)
        return out


class Averaging(Routed):
    """Keeps an average that no code reads as a number."""

    def __init__(self) -> None:
        super().__init__()
        self.average: Tensor
        self.register_buffer("average", torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.average.mul_(0.9).add_(x.mean((0, 2, 3)), alpha=0.1)
        out: Tensor = self.ways[0](x - self.average.view(1, 3, 1, 1))
        return out


class _Absent:
    """Stands for a package that is not installed, and says so to whoever asks it anything."""

    def __getattr__(self, name: str) -> Any:
        raise ImportError("this package is not installed")


_absent = _Absent()


class BesideAbsentPackages(Routed):
    """A variable of the file is such a package."""

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.ways[0](x)
        return out if _absent is not None else x


@pytest.mark.parametrize("build", [Noisy, Remembering, Averaging, BesideAbsentPackages])
def test_what_decides_nothing_is_in_nobodys_way(build: Callable[[], nn.Module]) -> None:
    found = messages(build, "RF302")
    assert [message.split(":")[0] for message in found] == ["ways.1", "ways.2"]


class Alternating(Small):
    """Every other pass works on the whole map."""

    turn = True

    def forward(self, x: Tensor) -> Tensor:
        self.turn = not self.turn
        x = x if self.turn else F.adaptive_avg_pool2d(x, 1)
        return self.fc(self.conv(x).mean((2, 3)))


class OnlyAtFirst(Small):
    """The first pass works on one position, and all others on the whole map."""

    met = False

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.met else F.adaptive_avg_pool2d(x, 1)
        self.met = True
        return self.fc(self.conv(x).mean((2, 3)))


@pytest.mark.parametrize("build", [Alternating, OnlyAtFirst])
def test_a_kernel_is_dead_if_it_is_in_the_next_pass_too(build: Callable[[], nn.Module]) -> None:
    report = linted(build, "RF201,RF301")
    assert report.findings == ()
    assert report.analysis.totals.dead_weights == 0


# -- the mechanism


def test_models_without_findings_are_followed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from rflint.tracing import traced_model

    modes: list[bool] = []

    def noting(model: nn.Module, inputs: Any, options: TracingOptions, **more: Any) -> Any:
        modes.append(options.train)
        return trace(model, inputs, options, **more)

    monkeypatch.setattr(traced_model, "trace", noting)
    monkeypatch.setattr("rflint.tracing.passes.trace", noting)
    linted(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), "RF2,RF3")
    assert modes == [False]
    linted(PooledInBoth, "RF2,RF3")
    assert modes == [False, False, True]


@pytest.mark.parametrize(
    ("others", "expected", "said"),
    [
        (lambda it: OtherPasses((), (it,)), Validity.BOTH_MODES, ["wrong"]),
        (lambda it: OtherPasses((), ()), Validity.BOTH_MODES, ["wrong"]),
        (lambda it: OtherPasses((it,), None), Validity.THIS_MODE, ["in evaluation, wrong"]),
        (lambda it: OtherPasses(None, (it,)), Validity.THIS_PASS_ONLY, []),
    ],
)
def test_a_claim_is_said_as_far_as_it_holds(
    others: Callable[[Any], OtherPasses], expected: Validity, said: list[str]
) -> None:
    image = torch.empty(1, 3, 8, 8, device="meta")
    alone = analyse(trace(nn.Sequential(nn.Conv2d(3, 4, 3)), [image]))
    analysis = replace(alone, retracer=Retracer(lambda: others(alone)))
    claim = Finding("RF999", "wrong", Severity.WARNING, "0", "wrong")
    assert validity(analysis, lambda there: there is alone) is expected
    found = list(limited_to_valid_passes(claim, analysis, lambda there: there is alone))
    assert [finding.message for finding in found] == said
    assert all((x.severity is Severity.INFO) == (x.message != "wrong") for x in found)


def test_a_claim_that_training_refutes_is_about_evaluation() -> None:
    image = torch.empty(1, 3, 8, 8, device="meta")
    alone = analyse(trace(nn.Sequential(nn.Conv2d(3, 4, 3)), [image]))
    analysis = replace(alone, retracer=Retracer(lambda: OtherPasses((), (alone,))))
    assert validity(analysis, lambda there: False) is Validity.THIS_MODE_ONLY
