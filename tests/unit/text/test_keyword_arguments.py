"""What is said to a person who calls from Python: arguments in the place of options."""

from __future__ import annotations

import pytest
from torch import Tensor, nn

import rflint
from rflint.errors import RflintError
from rflint.text.keyword_arguments import with_keyword_arguments


@pytest.mark.parametrize(
    ("option", "argument"),
    [
        (
            "Give one with --res 224 (or 32x64), or a shape with --input.",
            "Give one with res=224 (or (32, 64)), or a shape with input=.",
        ),
        ("for example --input 1x3x32x32.", "for example input=(1, 3, 32, 32)."),
        ("it reads: --input 1x128:int64", 'it reads: input="1x128:int64"'),
        (
            "like --input x=1x3x8x8 --input batch.t=500:int64",
            'like input=["x=1x3x8x8", "batch.t=500:int64"]',
        ),
        ("--res 32x64 has 2 axes", "res=(32, 64) has 2 axes"),
        ("Give --arg a=VALUE --arg b=VALUE. Its", 'Give args={"a": VALUE, "b": VALUE}. Its'),
        ("takes no --arg", "takes no args="),
        ("or with --train into training", "or with train=True into training"),
        ("say --layout BTCHW, or", 'say layout="BTCHW", or'),
        ("rflint follows more with --tracer auto.", 'rflint follows more with tracer="auto".'),
        ("a pre--input text, x--residual", "a pre--input text, x--residual"),
    ],
)
def test_options_are_arguments_in_python(option: str, argument: str) -> None:
    assert with_keyword_arguments(option) == argument


class Plain(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


@pytest.mark.parametrize(
    "arguments",
    [
        {"model": Plain, "res": 8},
        {"model": Plain(8)},
        {"model": Plain(8), "res": 8, "args": {"width": 8}},
        {"model": Plain(8), "res": (8, 8, 8)},
        {"model": Plain(8), "res": 2},
        {"model": nn.Linear(7, 2), "res": 32},
    ],
)
@pytest.mark.parametrize("function", ["lint", "repairs"])
def test_errors_in_python_speak_of_arguments(function: str, arguments: dict[str, object]) -> None:
    with pytest.raises(RflintError) as failed:
        getattr(rflint, function)(**arguments)
    assert "--" not in str(failed.value)
