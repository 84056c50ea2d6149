"""Code that asks tensors for their numbers: where the analysis goes on, and where it has to end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.analysis.analysis import Analysis
from tests.models import values

exact_places = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="Python tells the place of an expression from 3.11 on"
)


class Between(nn.Module):
    """Two convolutions, and a step between them."""

    def __init__(self, step: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)
        self.step = step

    def forward(self, x: Tensor) -> Any:
        x = self.a(x)
        result = self.step(x)
        return self.b(x if result is None else result)


def followed(step: Callable[[Tensor], Any]) -> Analysis:
    return rflint.lint(Between(step), res=16).models[0].analysis


# -- assertions


@exact_places
@pytest.mark.parametrize(
    "step",
    [
        values.asserts_all,
        values.asserts_nothing_is_nan,
        values.asserts_several,
        values.asserts_over_lines,
        values.asserts_each,
        values.asserts_equal,
        values.raises,
        values.raises_otherwise,
        values.asks_a_helper,
        values.asserts_in_one_line,
        values.asserts_what_helpers_return,
        values.asserts_and_says_it_in_other_words,
        values.tells_torch,
        values.checks_inside_a_library,
    ],
)
def test_assertions_are_taken_to_hold(step: Callable[[Tensor], Any]) -> None:
    found = followed(step)
    assert found.complete
    assert found.architecture.assumptions
    assert [x.layer.name for x in found.layers if x.layer.kind.is_convolution] == ["a", "b"]


def test_the_report_names_the_lines_that_are_taken_to_hold() -> None:
    model = rflint.lint(Between(values.asserts_all), res=16).models[0]
    (line,) = model.to_dict()["assumed"]
    assert line["path"].endswith("models/values.py")
    assert any("taken to hold" in note for note in model.notes)


# -- what only tells somebody something


@pytest.mark.parametrize("step", [values.warns, values.warns_once, values.prints, values.keeps])
def test_what_only_tells_something_is_passed_by(
    step: Callable[[Tensor], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    found = followed(step)
    assert found.complete
    assert not found.architecture.assumptions
    assert [x.layer.name for x in found.layers if x.layer.kind.is_convolution] == ["a", "b"]


def test_a_number_takes_part_as_the_tensor_that_it_comes_from() -> None:
    """It is read from the whole map, and so is what is multiplied with it."""

    def scaled(x: Tensor) -> Tensor:
        return x * (1 / (x.abs().max().item() + 1e-6))

    found = followed(scaled)
    assert found.complete
    (layer,) = [x for x in found.layers if x.layer.name == "b"]
    assert (layer.input_field[0].r_min, layer.input_field[0].r_max) == (3, None)


def test_parameters_behind_a_number_that_is_returned_are_used() -> None:
    class Loss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3)

        def forward(self, x: Tensor) -> Any:
            return self.a(x), self.b(x).mean().item()

    assert not [f for f in rflint.lint(Loss, res=16).findings if f.code == "RF302"]


# -- what leads to another model


@pytest.mark.parametrize(
    "step",
    [
        values.chooses,
        values.asks_a_helper_what_to_do,
        values.returns_early,
        values.sets_what_is_used,
        values.handles,
        values.takes_a_size,
        values.takes_a_size_from_an_item,
        values.finds_places,
        values.makes_a_size,
        values.repeats,
        values.warns_or_works,
    ],
)
def test_what_depends_on_values_ends_the_analysis(step: Callable[[Tensor], Any]) -> None:
    found = followed(step)
    assert not found.complete
    assert found.architecture.left_out is not None
    assert not found.architecture.assumptions
    assert [x.layer.name for x in found.layers if x.layer.kind.is_convolution] == ["a"]


# -- comparison with something else


class Mode(Enum):
    OFF = 0


@pytest.mark.parametrize("other", ["Rep", None, [1, 2], {}, Mode.OFF, nn.Identity(), int, ("a",)])
def test_a_tensor_is_not_what_it_cannot_be_compared_with(other: Any) -> None:
    def compares(x: Tensor) -> Any:
        assert (x == other) is False
        assert (x != other) is True
        assert x not in [other]
        return x

    found = followed(compares)
    assert found.complete
    assert not found.architecture.assumptions


# -- sizes that are tensors


class Sized(nn.Module):
    """Two convolutions, and a step that has integers in a buffer."""

    def __init__(self, step: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.a, self.b = nn.Conv1d(1, 4, 9, padding=4), nn.Conv1d(4, 4, 9, padding=4)
        self.norm = nn.BatchNorm1d(4)
        self.step = step
        self.register_buffer("two", torch.tensor(2), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.step(self, self.a(x)))


def half(x: Tensor) -> Tensor:
    return torch.ceil(torch.as_tensor(x.shape[-1] / 2)).long()


STEPS: dict[str, tuple[Callable[[Any, Tensor], Tensor], int]] = {
    "pad": (lambda m, x: F.pad(x, (m.two, torch.tensor(x.shape[-1]) // m.two)), 1502),
    "slice": (lambda m, x: x[..., : half(x)], 500),
    "slice of a size": (lambda m, x: x[..., : torch.tensor(x.shape[-1] // 3).clamp(min=10)], 333),
    "step": (lambda m, x: x[:, :, :: m.two], 500),
    "narrow": (lambda m, x: x.narrow(2, m.two, half(x)), 500),
    "view": (lambda m, x: x.view(1, 4 * m.two, half(x)).view(1, 4, -1), 1000),
    "repeat": (lambda m, x: x.repeat(1, 1, m.two), 2000),
    "interpolate": (lambda m, x: F.interpolate(x, size=half(x)), 500),
    "pool": (lambda m, x: F.max_pool1d(x, m.two), 500),
    "range": (lambda m, x: sum((x * int(n) for n in torch.arange(m.two)), x), 1000),
    "floats": (lambda m, x: x * [float(r) for r in torch.linspace(0, 0.1, 3)][1], 1000),
    "shape as a tensor": (lambda m, x: x[..., : torch._shape_as_tensor(x)[2] // 4], 250),
    "ones": (lambda m, x: x[..., : torch.ones_like(x[0, 0]).sum().int() // 4], 250),
    "full": (lambda m, x: x[..., : x.new_full((1,), 100).int()[0]], 100),
    "numpy": (lambda m, x: F.pad(x, (np.int64(2), int(np.ceil(x.shape[-1] / 2)))), 1502),
    "numpy slice": (lambda m, x: x[..., : np.int32(x.shape[-1] // 2)], 500),
    "numpy view": (lambda m, x: x.reshape(np.int64(1), np.int64(4), np.int64(1000)), 1000),
    "batches": (lambda m, x: x if m.norm.num_batches_tracked == 0 else x[..., ::2], 1000),
}


@pytest.mark.parametrize("name", STEPS)
def test_sizes_computed_from_sizes_and_constants_are_known(name: str) -> None:
    step, positions = STEPS[name]
    model = Sized(step)
    with torch.no_grad():
        assert model.eval()(torch.rand(1, 1, 1000)).shape[-1] == positions
    found = rflint.lint(model, input=(1, 1, 1000)).models[0].analysis
    assert found.complete
    assert found.layers[-1].layer.out_shape == (1, 4, positions)


def test_numbers_of_numpy_may_be_hyperparameters() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, np.int64(8), np.int64(3), stride=np.int64(2), padding=np.int32(1)),  # type: ignore[arg-type]
        nn.MaxPool2d(np.int64(2)),  # type: ignore[arg-type]
    )
    found = rflint.lint(model, res=16)
    assert [x.layer.out_shape for x in found.layers] == [(1, 8, 8, 8), (1, 8, 4, 4)]
