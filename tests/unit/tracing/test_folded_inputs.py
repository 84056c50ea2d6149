"""Positions that come in one row, and that a view folds into a map; and what stays unjudged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.analysis.analysis import Analysis


def stack(kind: type[nn.Module], channels: int) -> nn.Module:
    return nn.Sequential(*(kind(channels if i == 0 else 4, 4, 3, 2, 1) for i in range(4)))


class Before(nn.Module):
    """Convolutions behind a function that lays out what they are given."""

    def __init__(self, prepare: Callable[[Tensor], Tensor], convs: nn.Module) -> None:
        super().__init__()
        self.prepare, self.convs = prepare, convs

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.convs(self.prepare(x))
        return out


def analysis(model: nn.Module, *shape: int) -> Analysis:
    return rflint.lint(model, input=shape).models[0].analysis


def judged(found: Analysis) -> list[tuple[Any, ...]]:
    return [
        (
            x.verdict,
            [a.r_min for a in x.input_field],
            [a.jump for a in x.output_field],
            x.dead_weights,
        )
        for x in found.layers
        if x.layer.kind.is_convolution
    ]


@pytest.mark.parametrize(
    ("prepare", "shape", "usual"),
    [
        (lambda x: x.view(-1, 1, 16, 24), (1, 384), (1, 1, 16, 24)),
        (lambda x: x.view(-1, 3, 16, 24), (2, 1152), (2, 3, 16, 24)),
        (lambda x: x[:, 1:].unflatten(1, (1, 16, 24)), (1, 385), (1, 1, 16, 24)),
        (lambda x: x.view(-1, 16, 24, 3).permute(0, 3, 1, 2), (1, 1152), (1, 3, 16, 24)),
        (lambda x: x.transpose(1, 2).reshape(-1, 8, 16, 24), (1, 384, 8), (1, 8, 16, 24)),
        (lambda x: x[:, 1:].mT.unflatten(2, (16, 24)), (1, 385, 8), (1, 8, 16, 24)),
    ],
    ids=["pixels", "colours", "without the label", "colours last", "tokens", "class token"],
)
def test_a_row_that_is_folded_into_a_map_is_judged_as_the_map(
    prepare: Callable[[Tensor], Tensor], shape: tuple[int, ...], usual: tuple[int, ...]
) -> None:
    convs = stack(nn.Conv2d, usual[1])
    found = analysis(Before(prepare, convs), *shape)
    assert found.complete
    assert found.architecture.resolution == (16, 24)
    assert judged(found) == judged(analysis(convs, *usual))


def test_colours_that_come_one_behind_the_other_are_channels() -> None:
    found = analysis(Before(lambda x: x.view(-1, 7, 60), stack(nn.Conv1d, 7)), 1, 420)
    assert found.architecture.resolution == (60,)
    assert judged(found) == judged(analysis(stack(nn.Conv1d, 7), 1, 7, 60))


class Periods(nn.Module):
    """A convolution over steps, and one over the same steps folded into periods of eight."""

    def __init__(self) -> None:
        super().__init__()
        self.over_steps = nn.Conv1d(2, 4, 3, padding=1)
        self.over_periods = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.over_steps(x)
        return self.over_periods(x.unflatten(2, (12, 8))).flatten(2)


def test_a_window_over_rows_and_within_them_reads_from_the_first_to_the_last() -> None:
    x = torch.rand(1, 2, 96, requires_grad=True)
    model = Periods()
    model(x)[0, :, 52].sum().backward()
    assert x.grad is not None
    read = x.grad[0].abs().sum(0).nonzero().flatten()
    found = analysis(model, 1, 2, 96)
    last = next(x for x in found.layers if x.layer.name == "over_periods")
    assert last.output_field[0].r_max == int(read[-1] - read[0]) + 1


def test_steps_without_a_batch_are_steps() -> None:
    convs = stack(nn.Conv1d, 7)
    assert judged(analysis(Before(lambda x: x.t(), convs), 60, 7)) == judged(
        analysis(convs, 1, 7, 60)
    )


# -- what is not judged, and should be


class OnConstants(nn.Module):
    """Its convolutions work on a table, whatever the input is."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(1, 3, 16, 16))
        self.convs = stack(nn.Conv2d, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x.mean((2, 3)) + self.convs(self.table).mean()
        return out


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (Before(lambda x: x.reshape(-1, 3, 20, 12), stack(nn.Conv2d, 3)), "cannot be told"),
        (Before(lambda x: x.flatten(1)[:, None], stack(nn.Conv1d, 1)), "cannot be told"),
        (OnConstants(), "nothing that the model is given reaches them"),
    ],
    ids=["rows and columns mixed", "all in one row", "constants"],
)
def test_nothing_passes_silently_where_no_convolution_could_be_judged(
    model: nn.Module, why: str
) -> None:
    report = rflint.lint(model, input=(1, 3, 12, 20), select=["RF9"])
    (found,) = report.findings
    assert (found.code, found.severity.value) == ("RF903", "warning")
    assert "none of its 4 convolutions could be judged" in found.message
    assert why in found.message
    assert not report.models[0].analysis.complete


class Unknown(nn.Module):
    """A function of which nobody knows what it reads, in front of everything."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = stack(nn.Conv2d, 3)

    def forward(self, x: Tensor) -> Tensor:
        order = torch.argsort(torch.arange(12) * 7 % 12)
        out: Tensor = self.convs(x[:, :, order][:, :, :, torch.arange(20) * 3 % 20])
        return out


def seen_whole(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True).expand(-1, -1, 8, 8)


def test_what_an_unknown_operator_hides_is_told_once() -> None:
    findings = rflint.lint(Unknown(), input=(1, 3, 12, 20), select=["RF9"]).findings
    assert {x.code for x in findings} <= {"RF901"}


@pytest.mark.parametrize(
    ("model", "shape", "options"),
    [
        (Before(seen_whole, stack(nn.Conv2d, 3)), (1, 3, 12, 20), {}),
        (Before(torch.fft.fft2, nn.Identity()), (1, 3, 12, 20), {}),
        (Before(lambda x: torch.fft.fft2(x).abs(), stack(nn.Conv2d, 3)), (1, 3, 12, 20), {}),
        (nn.Conv2d(3, 8, (12, 20)), (1, 3, 12, 20), {}),
        (nn.ConvTranspose2d(10, 8, 4), (1, 10, 1, 1), {}),
        (nn.ConvTranspose2d(10, 8, 4, 2), (1, 10, 12, 20), {}),
        (nn.Conv2d(10, 8, 1), (1, 10, 12, 20), {"settings": {"RF101": {"pointwise": "ignore"}}}),
    ],
    ids=["pooled", "none", "spectrum", "linear", "latent", "transposed", "pointwise"],
)
def test_what_is_rightly_not_judged_is_no_finding(
    model: nn.Module, shape: tuple[int, ...], options: dict[str, Any]
) -> None:
    report = rflint.lint(model, input=shape, select=["RF903"], **options)
    assert report.findings == ()
    assert report.models[0].analysis.complete
