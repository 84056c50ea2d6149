"""A model that does not run at the size that was asked for: the hint says at which size it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.errors import RflintError
from rflint.tracing import running_sizes

SEEN: list[int] = []
"""The sizes at which a Net has run; its own attributes are put back."""


class Net(nn.Module):
    """Convolutions, and code of a test behind them."""

    def __init__(self, head: Callable[[Any, Tensor], Any], *layers: nn.Module, **own: Any) -> None:
        super().__init__()
        self.body = nn.Sequential(*(layers or (nn.Conv2d(3, 8, 8, 8),)))
        self.table = own.pop("table", None)
        self.fc = nn.Linear(own.pop("features", 8), 10)
        self.head = head
        vars(self).update(own)

    def forward(self, x: Tensor) -> Any:
        SEEN.append(x.shape[-1])
        return self.head(self, self.body(x))


def flat(net: Any, x: Tensor) -> Any:
    return net.fc(x.flatten(1))


def viewed(net: Any, x: Tensor) -> Any:
    return net.fc(x.view(len(x), net.fc.in_features))


def placed(net: Any, x: Tensor) -> Any:
    return net.fc(x.flatten(2).transpose(1, 2) + net.table)


def with_class_token(net: Any, x: Tensor) -> Any:
    tokens = x.flatten(2).transpose(1, 2)
    return net.fc(torch.cat([tokens[:, :1], tokens], 1) + net.table)


def asserts(net: Any, x: Tensor) -> Any:
    assert x.shape[-1] == 20
    return x


def refuses(net: Any, x: Tensor) -> Any:
    if x.shape[-1] != 50:
        raise ValueError(f"Input image size ({8 * x.shape[-1]}) doesn't match model (400)")
    return x


def divides(net: Any, x: Tensor) -> Any:
    if x.shape[-1] % 3:
        raise ValueError("sides must be divisible by 24")
    return x


LENET = (nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2))
NETS = {
    "flatten": (lambda: Net(flat, features=8 * 49), 96, "1x3x56x56"),
    "flatten, from below": (lambda: Net(flat, features=8 * 49), 16, "1x3x56x56"),
    "flatten, without padding": (lambda: Net(flat, *LENET, features=400), 64, "1x1x32x32"),
    "a usual size of several": (
        lambda: Net(flat, nn.Conv2d(3, 8, 32, 32), features=8 * 49),
        100,
        "1x3x224x224",
    ),
    "a view": (lambda: Net(viewed, features=8 * 49), 96, "1x3x56x56"),
    "a series": (
        lambda: Net(flat, nn.Conv1d(1, 8, 10, stride=5), features=8 * 3199),
        8000,
        "1x1x16000",
    ),
    "a table": (
        lambda: Net(placed, table=nn.Parameter(torch.zeros(1, 169, 8))),
        64,
        "1x3x104x104",
    ),
    "a table, with a class token": (
        lambda: Net(with_class_token, table=nn.Parameter(torch.zeros(1, 1 + 169, 8))),
        64,
        "1x3x104x104",
    ),
    "an assertion": (lambda: Net(asserts), 96, "1x3x160x160"),
    "an attribute": (
        lambda: Net(refuses, img_size=(400, 400), features=8),
        96,
        "1x3x400x400",
    ),
    "a number in the message": (lambda: Net(refuses), 96, "1x3x400x400"),
    "a number that divides": (lambda: Net(divides), 80, "1x3x72x72"),
    "flat images": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
        32,
        "1x1x28x28",
    ),
    "small maps": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 8, 8), nn.Conv2d(8, 8, 4)),
        16,
        "1x3x32x32",
    ),
}


def hint(model: Any, **options: Any) -> str:
    with pytest.raises(RflintError) as raised:
        rflint.lint(model, **options)
    return raised.value.hint


@pytest.mark.parametrize(("build", "asked", "shape"), NETS.values(), ids=NETS)
def test_the_size_that_fits_is_found(build: Any, asked: int, shape: str) -> None:
    size = int(shape.split("x")[-1])
    said = hint(build(), res=asked)
    assert said.endswith(f"It runs on {shape}, found by trying: res={size}")
    assert rflint.lint(build(), res=size).models[0].analysis.complete


@pytest.mark.parametrize("name", ["flatten", "a view", "an attribute", "flat images"])
def test_it_is_found_as_well_where_no_size_is_asked_for(name: str) -> None:
    build, _, shape = NETS[name]
    assert f"It runs on {shape}, found by trying" in hint(build())  # type: ignore[no-untyped-call]


def test_whoever_runs_at_any_size_is_asked_for_one() -> None:
    assert hint(nn.Conv2d(3, 8, 3)).startswith("Give one with res=224")


def test_a_size_too_small_still_says_why() -> None:
    build, asked, _ = NETS["small maps"]
    assert hint(build(), res=asked).startswith("The map has become too small")  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("given", "proposed"),
    [
        ((1, 3, 96, 96), "input=(1, 3, 56, 56)"),
        ("4x3x96x96:BCHW", 'input="4x3x56x56:BCHW"'),
        ((torch.rand(1, 3, 96, 96),), "input=(1, 3, 56, 56)"),
        ({"x": (1, 3, 96, 96)}, "input=(1, 3, 56, 56)"),
    ],
)
def test_the_same_input_is_proposed_at_another_size(given: Any, proposed: str) -> None:
    said = hint(Net(flat, features=8 * 49), input=given)
    assert said == f"It runs with {proposed}, found by trying."


def test_of_several_inputs_the_one_is_changed_that_does_not_fit() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = Net(flat, features=8 * 49), Net(flat, features=8 * 16)

        def forward(self, image: Tensor, *, thumbnail: Tensor, clip: Tensor) -> Any:
            return self.a(image), self.b(thumbnail), clip

    clip = "clip=1x3x5x96x96"
    said = hint(Both, input=["image=1x3x56x56", "thumbnail=1x3x64x64", clip])
    texts = ["image=1x3x56x56", "thumbnail=1x3x32x32", clip]
    assert ", ".join(f'"{text}"' for text in texts) in said
    assert rflint.lint(Both, input=texts).models


def code(do: Callable[[Any, Tensor], Any]) -> Callable[[], Net]:
    return lambda: Net(do)


NO_SIZES = {
    "channels": lambda: Net(lambda net, x: x, nn.Conv2d(3, 8, 3), nn.Conv2d(9, 8, 3)),
    "an attribute": code(lambda net, x: net.nothing_like_it(x)),
    "another error": code(lambda net, x: {}["size"]),
    "another mode": code(lambda net, x: _raised(ValueError("unknown mode"))),
    "another argument": code(lambda net, x: torch.relu(x, 3, 4)),  # type: ignore[call-arg]
    "a missing argument": code(lambda net, x: net.fc()),
}


def _raised(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize("build", NO_SIZES.values(), ids=NO_SIZES)
def test_nothing_is_tried_where_the_mistake_is_another(
    build: Callable[[], Net], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Any] = []
    monkeypatch.setattr(running_sizes, "trace", lambda *args: tried.append(args))
    assert "It runs" not in hint(build(), res=32)
    assert not tried


def test_features_that_do_not_depend_on_the_size_are_noticed() -> None:
    SEEN.clear()
    net = Net(flat, nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), features=9)
    assert "It runs" not in hint(net, res=32)
    assert len({*SEEN} - {3}) == 2  # 3: channels last


def test_there_is_an_end_to_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is a second later."""
    now = iter(range(1000))
    monkeypatch.setattr(running_sizes, "monotonic", lambda: next(now))

    def never(net: Any, x: Tensor) -> Any:
        raise ValueError("this size is not supported")

    SEEN.clear()
    net = Net(never)
    with pytest.raises(RflintError, match=r"on a 1x3x96x96 input.*this size is not supported"):
        rflint.lint(net, res=96)
    assert 3 < len(set(SEEN)) < 9
