"""What PyTorch refuses in the mode that is analysed, rflint refuses too: a single value has no
variance to be normalised by."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint

NORMS = {
    "instance": lambda: nn.InstanceNorm2d(4),
    "instance, tracked": lambda: nn.InstanceNorm2d(4, track_running_stats=True),
    "batch": lambda: nn.BatchNorm2d(4),
    "layer": lambda: nn.LayerNorm(1),
}


class Ends(nn.Module):
    """A network that ends in a map of one position for every 8 pixels, normalised."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 8, 8)
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


def runs(model: nn.Module, shape: tuple[int, ...], *, train: bool) -> bool:
    try:
        model.train(train)(torch.rand(shape))
    except (ValueError, RuntimeError):
        return False
    return True


@pytest.mark.parametrize(
    ("name", "train", "batch", "size"),
    list(itertools.product(NORMS, (False, True), (1, 2), (8, 16))),
)
def test_what_torch_refuses_is_refused(name: str, train: bool, batch: int, size: int) -> None:
    shape = (batch, 3, size, 8)
    model = Ends(NORMS[name]())
    if runs(model, shape, train=train):
        assert rflint.lint(model, input=shape, train=train).models
        return
    with pytest.raises(rflint.RflintError) as raised:
        rflint.lint(model, input=shape, train=train)
    assert "layer norm" in str(raised.value)
    assert "PyTorch refuses" in str(raised.value)


@pytest.mark.parametrize(
    "step",
    [
        lambda table: table[:, :2].expand(1, 9),
        lambda table: table.view(7, 7),
        lambda table: torch.cat([table, table[0]]),
    ],
)
def test_what_a_model_does_wrong_with_its_own_numbers_is_told_of_it(step: Any) -> None:
    """They are known, and torch runs on them."""

    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.register_buffer("table", torch.arange(64)[None])

        def forward(self, x: Tensor) -> Any:
            return self.conv(x), step(self.table)

    with pytest.raises(rflint.RflintError, match="the forward pass fails on a 1x3x8x8 input") as e:
        rflint.lint(Positions, res=8)
    assert e.value.kind == "trace"


def test_an_inferred_batch_is_large_enough_for_training() -> None:
    assert rflint.lint(Ends(nn.BatchNorm2d(4)), 8, train=True).models


def test_functions_that_check_their_input_are_told_from_those_that_do_not() -> None:
    class Checks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 8, 8)

        def forward(self, x: Tensor) -> Tensor:
            return F.instance_norm(self.conv(x))

    class DoesNot(Checks):
        def forward(self, x: Tensor) -> Tensor:
            return torch.instance_norm(self.conv(x), None, None, None, None, True, 0.1, 1e-5, False)

    for model in (Checks(), DoesNot()):
        assert runs(model, (1, 3, 8, 8), train=False) is isinstance(model, DoesNot)
    assert rflint.lint(DoesNot(), 8).models
    with pytest.raises(rflint.RflintError, match="PyTorch refuses"):
        rflint.lint(Checks(), 8)


def test_one_group_a_channel_is_not_refused() -> None:
    """It is in a batch of one; but a batch is what the model is used with."""
    assert rflint.lint(Ends(nn.GroupNorm(4, 4)), 8).models
