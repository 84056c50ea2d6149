"""What tells a model that was measured from another one of its name."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from torch import Tensor, nn

import rflint
from rflint.measurement.identity import Identity, identity_from, identity_of


class Net(nn.Module):
    """A convolution, a transposed one, tokens, and a layer that is there in training alone."""

    def __init__(self, *, stride: int = 1, out: int = 2, again: bool = False) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride, padding=1)
        self.up = nn.ConvTranspose2d(4, 4, 2, 2)
        self.tokens = nn.Linear(4, 4)
        self.helper = nn.Linear(4, 2)
        self.head = nn.Linear(4, out)
        self.again = again

    def forward(self, x: Tensor) -> object:
        x = self.up(self.stem(x)).flatten(2).mT
        x = self.tokens(x)
        x = self.tokens(x) if self.again else x
        x = x.mean(1)
        return (self.head(x), self.helper(x)) if self.training else self.head(x)


def identity(model: nn.Module, batch: int = 1, **options: bool) -> Identity:
    report = rflint.lint(model, input=(batch, 3, 16, 16), **options)  # type: ignore[arg-type]
    return identity_of(report.models[0].analysis.architecture)


@pytest.mark.parametrize(
    ("model", "difference"),
    [
        (Net(stride=2), "has a layer stem that makes 4x8x8, not 4x16x16"),
        (Net(out=5), "has a layer head that makes 5, not 2"),
        (Net(again=True), "also has tokens"),
        (nn.Conv2d(3, 4, 3), "does not have stem, up, tokens and 1 more"),
    ],
)
def test_another_model_differs_in_a_layer(model: nn.Module, difference: str) -> None:
    assert identity(Net()).difference(identity(model)) == difference


def test_neither_the_batch_nor_training_make_another_model() -> None:
    assert identity(Net()).difference(identity(Net(), batch=5)) == ""
    training = identity(Net(), train=True)
    assert {layer.name for layer in training.layers} > {x.name for x in identity(Net()).layers}
    assert identity(Net()).difference(training) == ""
    assert training.difference(identity(Net())) == ""
    assert training.difference(identity(Net(stride=2))) != ""


def test_arguments_do_not_count() -> None:
    known = identity(Net())
    assert known.difference(replace(known, arguments={"stride": "1"})) == ""


def test_a_file_keeps_it() -> None:
    known = replace(identity(Net()), arguments={"stride": "1"})
    assert identity_from(json.loads(json.dumps(known.to_dict()))) == known
