"""What may be given as `input=` in Python: an answer, or an error that says what to do instead."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.errors import RflintError


class Takes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.time = nn.Embedding(1000, 4)


class Several(Takes):
    def forward(self, *images: Tensor) -> Any:
        return [self.conv(x) for x in images]


class Dict(Takes):
    def forward(self, batch: Any) -> Tensor:
        return self.conv(batch["image"])


class Step(Takes):
    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.conv(x) + self.time(t)[:, :, None, None]


class Keyword(Takes):
    def forward(self, *, image: Tensor, scale: float = 1.0) -> Tensor:
        return self.conv(image) * scale


IMAGE = torch.rand(1, 3, 16, 16)


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (Several, (IMAGE, IMAGE)),
        (Several, [IMAGE, IMAGE]),
        (Several, (1, 3, 16, 16)),
        (Several, [(1, 3, 16, 16), (1, 3, 8, 8)]),
        (Several, IMAGE.shape),
        (Step, (IMAGE, torch.tensor([3]))),
    ],
)
def test_shapes_and_tensors_are_given_by_position(model: Any, given: Any) -> None:
    assert rflint.lint(model, input=given).models[0].analysis.complete


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        (Dict, {"image": IMAGE}, "dictionary (of 'image')"),
        (Dict, ({"image": IMAGE},), "dictionary (of 'image')"),
        (Dict, (IMAGE,), "asks an input for 'image'"),
        (Dict, (1, 3, 16, 16), "asks an input for 'image'"),
        (Keyword, (IMAGE,), "takes image by keyword only"),
        (Keyword, {"image": IMAGE}, "dictionary"),
        (Step, (IMAGE,), "'t'"),
        (Step, (IMAGE, 3), "beside them 3"),
        (Step, (IMAGE, None), "beside them None"),
        (Several, ([IMAGE, IMAGE],), "lists of tensors"),
        (Several, (IMAGE, (1, 3, 16, 16)), "beside them"),
        (Several, IMAGE, "not one tensor"),
        (Several, 16, "not 16"),
        (Several, (1, 3, -1, 16), "positive whole numbers"),
        (Several, [(1, 3, 1.5, 16)], "positive whole numbers"),
        (Several, (IMAGE.numpy(),), "ndarray"),
        (Several, (), "no input size"),
    ],
)
def test_everything_else_is_an_error_that_says_what_it_is(
    model: Any, given: Any, said: str
) -> None:
    with pytest.raises(RflintError) as raised:
        rflint.lint(model, input=given)
    assert said in raised.value.message
    assert raised.value.kind in ("usage", "trace")


class Crops(Takes):
    def forward(self, crops: list[Tensor]) -> list[Tensor]:
        return [self.conv(crop) for crop in crops]


def test_more_inputs_than_forward_takes_are_counted() -> None:
    """A list of crops is one of them."""
    with pytest.raises(RflintError, match=r"takes 1 input \(crops\), not 2") as refused:
        rflint.lint(Crops, input=[(1, 3, 16, 16), (1, 3, 8, 8)])
    assert "a list of tensors" in refused.value.hint
