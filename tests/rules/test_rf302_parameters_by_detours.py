"""RF302 knows by which detours parameters take part: made late, replaced, merged, read."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.linting.finding import Severity
from rflint.report.model_report import ModelReport


def linted(model: Any, select: str = "RF302", **options: Any) -> ModelReport:
    options = options or {"res": 16}
    (report,) = rflint.lint(model, select=select, **options).models
    return report


def unused(model: Any, **options: Any) -> list[str]:
    return [finding.layer for finding in linted(model, **options).findings]


# -- made, replaced and written on the way


class MadeLate(nn.Module):
    """A layer that is built once its size is known."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc: nn.Module | None = None

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.conv(x)).flatten(1)
        if self.fc is None:
            self.fc = nn.Linear(x.shape[1], 10)
        out: Tensor = self.fc(x)
        return out


class KeptBySize(nn.Module):
    """One head for every size that it has met."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.heads = nn.ModuleDict()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).flatten(1)
        size = str(x.shape[1])
        if size not in self.heads:
            self.heads[size] = nn.Linear(x.shape[1], 4)
        out: Tensor = self.heads[size](x)
        return out


class InitialisedLate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.scale: Any = nn.UninitializedParameter()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if isinstance(self.scale, nn.UninitializedParameter):
            self.scale = nn.Parameter(torch.ones(1, x.shape[1], 1, 1))
        return (x * self.scale).mean((2, 3))


class RegisteredLate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if not hasattr(self, "shift"):
            self.register_parameter("shift", nn.Parameter(torch.zeros(8, 1, 1)))
        return x + self.shift


class DroppedWeights(nn.Module):
    """What a wrapper for dropout of weights puts into the recurrent layer."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.raw = nn.Parameter(self.lstm.weight_hh_l0.detach().clone())
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        dropped: Any = F.dropout(self.raw, 0.1, self.training)
        self.lstm._parameters["weight_hh_l0"] = dropped
        out: Tensor = self.lstm(self.conv(x).flatten(2).transpose(1, 2))[0]
        return out


class Merged(nn.Module):
    """Two convolutions that one is made of in forward, through their data."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.one, self.three = nn.Conv2d(n, 2 * n, 1), nn.Conv2d(2 * n, n, 3, padding=1)
        self.merged = nn.Conv2d(n, n, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        w1, w3 = self.one.weight.data.clone().detach(), self.three.weight.data.clone().detach()
        b1, b3 = (layer.bias.data.clone().detach() for layer in (self.one, self.three))  # type: ignore[union-attr]
        w = F.conv2d(w1.flip(2, 3).permute(1, 0, 2, 3), w3, padding=2).flip(2, 3)
        self.merged.weight.data = w.permute(1, 0, 2, 3).contiguous()
        b = (w3 * b1.reshape(1, -1, 1, 1)).sum((1, 2, 3)) + b3
        self.merged.bias.data = b.contiguous()  # type: ignore[union-attr]
        out: Tensor = self.merged(x)
        return out


def merged_blocks() -> nn.Module:
    """With activations in place between them."""
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 1), Merged(8), nn.SiLU(inplace=True)),
        *(Merged(8), nn.SiLU(inplace=True), Merged(8)),
    )


class Table(nn.Module):
    """Parameters are copied into a part of a table of constants, which is added to the map."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.learned = nn.Parameter(torch.rand(4, 3, 1))

    def forward(self, x: Tensor) -> Tensor:
        table = torch.zeros(4, 16, 16)
        table[:, :3].copy_(self.learned.expand(4, 3, 16))
        out: Tensor = self.conv(x) + table
        return out


class TableThatStays(Table):
    """The table is a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", torch.zeros(4, 16, 16))

    def forward(self, x: Tensor) -> Tensor:
        self.table[:, :3].copy_(self.learned)
        out: Tensor = self.conv(x) + self.table
        return out


class AsANumber(nn.Module):
    """The code reads the parameter, and computes with the number."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.power = nn.Parameter(torch.tensor(2.0))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x) ** self.power.item()
        return out


@pytest.mark.parametrize(
    "build",
    [
        *(MadeLate, KeptBySize, InitialisedLate, RegisteredLate, DroppedWeights, merged_blocks),
        *(Table, TableThatStays, AsANumber),
    ],
)
def test_all_parameters_take_part(build: Callable[[], nn.Module]) -> None:
    report = linted(build, "RF302,RF304,RF9")
    assert [finding.message for finding in report.findings] == []
    assert report.analysis.complete


def test_weights_that_forward_merges_are_those_of_a_convolution_all_the_same() -> None:
    """Weights are convolved with weights on the way, which is no layer of the network."""
    report = linted(merged_blocks, "ALL")
    assert [finding.code for finding in report.findings if finding.code.startswith("RF9")] == []
    assert report.analysis.totals.convs == 4


# -- what other code uses


class WithTrainingStep(nn.Module):
    """As PyTorch Lightning has it: forward is for inference."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.projector = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))
        self.judges = nn.ModuleList([nn.Linear(8, 2), nn.Linear(8, 2)])
        self.temperature = nn.Parameter(torch.zeros(1))
        self.teacher = nn.Linear(8, 8)
        self.forgotten = nn.Linear(8, 8)
        self.init_weights()

    def init_weights(self) -> None:
        nn.init.zeros_(self.forgotten.weight)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.encoder(x)
        return out

    def training_step(self, batch: Tensor, index: int) -> Tensor:
        projected = self.projector(self.encoder(batch))
        with torch.no_grad():
            wanted = self.teacher(self.encoder(batch))
        return (projected - wanted).square().mean() * self.temperature.exp()

    def validation_step(self, batch: Tensor, index: int) -> Tensor:
        return self.judged(batch)

    def judged(self, batch: Tensor) -> Tensor:
        features = self(batch)
        return torch.stack([judge(features).sum() for judge in self.judges]).sum()


def test_what_a_training_step_uses_is_used() -> None:
    assert unused(WithTrainingStep) == ["forgotten"]


class Contrastive(nn.Module):
    """A momentum encoder, frozen, that code outside of the model updates by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Conv2d(3, 8, 3)
        self.key = nn.Conv2d(3, 8, 3)
        self.key.requires_grad_(False)
        self.old = nn.Sequential(nn.Conv2d(3, 8, 3))
        for parameter in self.old.parameters():
            parameter.requires_grad = False

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.query(x)
        return out


class ArcFaceLoss(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.rand(10, 8))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(features @ self.centres.T, labels)


class WithLoss(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.objective = ArcFaceLoss()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x).mean((2, 3))
        return out


@pytest.mark.parametrize(
    ("build", "names"), [(Contrastive, ["key", "old"]), (WithLoss, ["objective"])]
)
def test_nobody_is_told_to_remove_teachers_and_losses(
    build: Callable[[], nn.Module], names: list[str]
) -> None:
    findings = linted(build).findings
    assert [finding.layer for finding in findings] == names
    for finding in findings:
        assert finding.severity is Severity.INFO
        assert "do not" not in finding.message


# -- inputs that were not given


class TwoTowers(nn.Module):
    """Of images and of texts, each of them optional."""

    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.text = nn.Sequential(nn.Embedding(100, 8), nn.Linear(8, 8))

    def forward(
        self,
        image: Tensor | None = None,
        text: Tensor | None = None,
        return_features: bool | None = None,
    ) -> dict[str, Tensor]:
        out = {}
        if image is not None:
            out["image"] = self.image(image)
        if text is not None:
            out["text"] = self.text(text).mean(1)
        return out


def test_what_waits_for_an_input_is_not_told_to_go() -> None:
    (finding,) = linted(TwoTowers).findings
    assert finding.layer == "text"
    assert finding.severity is Severity.INFO
    assert finding.message.endswith("forward never uses them (not given: text)")


class Towers(nn.Module):
    """Each tower has a method, which forward calls, and others use the towers' layers as well."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.tokens, self.projection = nn.Embedding(100, 8), nn.Linear(8, 8)
        self.probe = nn.Linear(8, 2)

    def encode_text(self, text: Tensor) -> Tensor:
        x: Tensor = self.projection(self.tokens(text)).mean(1)
        return x

    def forward(self, image: Tensor | None = None, text: Tensor | None = None) -> list[Tensor]:
        found = [] if image is None else [self.visual(image)]
        return found if text is None else [*found, self.encode_text(text)]

    def intermediates(self, text: Tensor) -> list[Tensor]:
        tokens = self.tokens(text)
        return [tokens, self.projection(tokens)]

    def training_step(self, image: Tensor) -> Tensor:
        logits: Tensor = self.probe(self.visual(image))
        return logits


def test_what_other_methods_use_too_waits_for_an_input_all_the_same() -> None:
    """But what only another method uses is none of forward's business."""
    findings = linted(Towers).findings
    assert {finding.layer for finding in findings} == {"tokens", "projection"}
    for finding in findings:
        assert finding.severity is Severity.INFO
        assert finding.message.endswith("(not given: text)")


class Optioned(nn.Module):
    """Options are no inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.forgotten = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor, output_hidden: bool | None = None, scale: float = 1.0) -> Tensor:
        out: Tensor = self.conv(x) * scale
        return out


def test_options_are_no_inputs() -> None:
    (finding,) = linted(Optioned).findings
    assert finding.severity is Severity.WARNING
    assert finding.message.endswith("call it, or do not build it")


# -- memory


def test_a_sum_over_all_parameters_keeps_each_name_once() -> None:
    """Every partial sum refers to the one before, and does not repeat it."""

    class Penalised(nn.Module):
        def __init__(self, number: int) -> None:
            super().__init__()
            self.scalars = nn.ParameterList(nn.Parameter(torch.zeros(1)) for _ in range(number))
            self.conv = nn.Conv2d(3, 3, 3)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x) * sum(self.scalars)
            return out

    peaks = []
    for number in (100, 300, 600, 1200):
        model = Penalised(number)
        tracemalloc.start()
        report = linted(model)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert report.findings == ()
    # the first run loads what all need
    assert peaks[3] - peaks[2] < 3 * (peaks[2] - peaks[1])
