"""RF304: parameters that take part, and that the model does not know of.

The oracle is PyTorch: after a backward pass these parameters have a gradient, and none of them is
among `model.parameters()`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.linting.finding import Finding


class Holds(nn.Module):
    """Keeps something in an attribute, and computes with it."""

    def __init__(self, what: Any, use: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.held = what
        self.use = use

    def forward(self, x: Tensor) -> Tensor:
        return self.use(self.held, self.stem(x))


def conv() -> nn.Module:
    return nn.Conv2d(8, 8, 3, padding=1)


def block() -> nn.Module:
    return nn.Sequential(conv(), nn.BatchNorm2d(8), nn.ReLU())


HIDDEN: dict[str, tuple[Callable[[], Any], Callable[[Any, Tensor], Tensor], set[str]]] = {
    "a list": (lambda: [conv(), conv()], lambda h, x: h[1](h[0](x)), {"held[0]", "held[1]"}),
    "a tuple": (lambda: (conv(),), lambda h, x: h[0](x), {"held[0]"}),
    "a dict": (lambda: {"a": conv()}, lambda h, x: h["a"](x), {"held['a']"}),
    "a list in a dict": (lambda: {"a": [conv()]}, lambda h, x: h["a"][0](x), {"held['a'][0]"}),
    "with buffers": (lambda: [block()], lambda h, x: h[0](x), {"held[0]"}),
    "a parameter": (
        lambda: [nn.Parameter(torch.ones(8, 1, 1))],
        lambda h, x: x * h[0],
        {"held[0]"},
    ),
    "one of two": (lambda: [conv(), conv()], lambda h, x: h[0](x), {"held[0]"}),
}
REGISTERED: dict[str, tuple[Callable[[], Any], Callable[[Any, Tensor], Tensor]]] = {
    "ModuleList": (lambda: nn.ModuleList([conv()]), lambda h, x: h[0](x)),
    "ModuleDict": (lambda: nn.ModuleDict({"a": conv()}), lambda h, x: h["a"](x)),
    "ParameterList": (
        lambda: nn.ParameterList([nn.Parameter(torch.ones(8, 1, 1))]),
        lambda h, x: x * h[0],
    ),
    "not used": (lambda: [conv()], lambda h, x: x),
    "no parameter": (lambda: [torch.ones(8, 1, 1), nn.ReLU()], lambda h, x: h[1](x * h[0])),
}


def findings(build: Callable[[], nn.Module]) -> list[Finding]:
    return [x for x in rflint.lint(build, res=16).findings if x.code == "RF304"]


@pytest.mark.parametrize("name", HIDDEN)
def test_what_has_a_gradient_and_is_not_registered_is_reported(name: str) -> None:
    make, use, places = HIDDEN[name]
    found = findings(lambda: Holds(make(), use))
    assert {x.layer for x in found} == places

    model = Holds(make(), use)
    model(torch.rand(2, 3, 16, 16)).sum().backward()
    tensors = [t for place in places for t in _tensors(eval(f"model.{place}", {"model": model}))]
    assert tensors
    assert all(tensor.grad is not None for tensor in tensors)
    assert not {id(t) for t in tensors} & {id(p) for p in model.parameters()}
    assert sum(t.numel() for t in tensors) == sum(
        int(x.message.split()[0].replace(",", "")) for x in found
    )


def _tensors(held: Any) -> list[Tensor]:
    return list(held.parameters()) if isinstance(held, nn.Module) else [held]


@pytest.mark.parametrize("name", REGISTERED)
def test_what_is_registered_or_not_used_is_not(name: str) -> None:
    make, use = REGISTERED[name]
    assert not findings(lambda: Holds(make(), use))


def test_a_list_that_a_module_list_holds_too_is_registered() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = [nn.Conv2d(3, 3, 1)]
            self.kept = nn.ModuleList(self.convs)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.convs[0](x)
            return out

    assert not findings(Both)


def test_the_line_that_built_it_is_the_place() -> None:
    (found,) = findings(lambda: Holds([conv()], lambda h, x: h[0](x)))
    assert found.source is not None
    assert found.source.path == "tests/rules/test_rf304_unregistered_parameters.py"
    assert "use nn.ModuleList" in found.message
