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
from rflint.linting.finding import Finding, Severity


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


# -- parameters that something was computed from


def parameter(*shape: int, **options: Any) -> nn.Parameter:
    return nn.Parameter(torch.rand(shape or (8, 1, 1), **options))


def weight(held: Any, x: Tensor) -> Tensor:
    """Multiplies with eight numbers, in whatever shape and of whatever type they come."""
    out: Tensor = x * held.reshape(-1)[:8].reshape(8, 1, 1).to(x.dtype)
    return out


LARGE = 1 << 21
"""More elements than rflint lets a builder allocate."""
COMPUTED: dict[str, Callable[[], Any]] = {
    "scaled": lambda: parameter() * 0.1,
    "of another type": lambda: parameter().half(),
    "to another type": lambda: parameter().to(torch.float64),
    "a view": lambda: parameter().view(1, 8, 1, 1),
    "transposed": lambda: parameter(8, 1).T,
    "copied": lambda: parameter().clone(),
    "large and scaled": lambda: parameter(LARGE) * 0.1,
    "large and copied": lambda: parameter(LARGE).clone(),
    "large and to another type": lambda: parameter(LARGE).to(torch.float16),
    "of a layer": lambda: nn.Linear(8, 8).weight.clone(),
}
MOVED: dict[str, Callable[[torch.device | str | int], Any]] = {
    "to": lambda device: parameter().to(device),
    "to by name": lambda device: parameter().to(device=device, non_blocking=True),
    "large": lambda device: parameter(LARGE).to(device),
    "of a layer": lambda device: nn.Linear(8, 8).weight.to(device),
    "and changed in place": lambda device: parameter().to(device).mul_(2),
}
STAYING: dict[str, Callable[[torch.device | str], Any]] = {
    "made there": lambda device: parameter(device=device).to(device),
    "moved first": lambda device: nn.Parameter(torch.rand(8, 1, 1).to(device)),
    "moved first and again": lambda device: nn.Parameter(torch.rand(8, 1, 1).to(device)).to(device),
    "of a layer that was moved": lambda device: nn.Linear(8, 8).to(device).weight.to(device),
    "on the CPU": lambda device: parameter().to("cpu"),
    "to its own type": lambda device: parameter().to(torch.float32),
    "scaled first": lambda device: nn.Parameter(0.1 * torch.rand(8, 1, 1)),
    "a copy that is wrapped": lambda device: nn.Parameter(parameter().to(device).clone()),
}


def is_computed(tensor: Tensor) -> bool:
    return not isinstance(tensor, nn.Parameter) and tensor.grad_fn is not None


@pytest.mark.parametrize("name", COMPUTED)
def test_what_was_computed_from_a_parameter_is_reported(name: str) -> None:
    assert is_computed(COMPUTED[name]())
    (found,) = findings(lambda: Holds(COMPUTED[name](), weight))
    assert (found.layer, found.severity) == ("held", Severity.WARNING)
    assert "was computed from a parameter" in found.message


@pytest.mark.parametrize("device", ["cuda", "cuda:1", torch.device("cuda"), 0])
@pytest.mark.parametrize("name", MOVED)
def test_what_moves_to_a_gpu_is_no_parameter_on_machines_without_one_either(
    name: str, device: Any
) -> None:
    """The oracle moves to a device that every machine has."""
    assert is_computed(MOVED[name]("meta"))
    (found,) = findings(lambda: Holds(MOVED[name](device), weight))
    assert found.layer == "held"
    assert "was computed from a parameter" in found.message


def test_cuda_is_a_move_and_so_is_the_way_back() -> None:
    assert len(findings(lambda: Holds(parameter().cuda(), weight))) == 1
    assert len(findings(lambda: Holds(parameter(device="cuda").cpu(), weight))) == 1
    assert findings(lambda: Holds(parameter().cpu(), weight)) == []


@pytest.mark.parametrize("name", STAYING)
def test_what_is_a_parameter_still_is_not_reported(name: str) -> None:
    assert isinstance(STAYING[name]("meta"), nn.Parameter)
    assert findings(lambda: Holds(STAYING[name]("cuda"), weight)) == []


def test_lists_hold_such_tensors_too() -> None:
    (found,) = findings(lambda: Holds([parameter() * 0.1], lambda h, x: weight(h[0], x)))
    assert found.layer == "held[0]"
    (found,) = findings(
        lambda: Holds([torch.rand(8, 1, 1, requires_grad=True)], lambda h, x: weight(h[0], x))
    )
    assert "is no nn.Parameter" in found.message


def test_a_model_that_holds_one_is_repaired_like_any_other() -> None:
    """A copy of it is edited, and torch refuses to copy what was computed."""

    def build() -> nn.Module:
        down = [nn.Conv2d(8, 8, 3, stride=2, padding=1) for _ in range(3)]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)]
        return nn.Sequential(Holds(parameter().cuda(), weight), *down, conv(), conv(), *head)

    assert len(findings(build)) == 1
    assert rflint.repairs(build, res=16)


# -- what is meant


class Aside(nn.Module):
    """A teacher that is kept out of the parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.__dict__["teacher"] = conv()
        self.__dict__["scale"] = parameter()
        self.register_parameter("none", None)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return x + self.teacher(x) * self.scale


class EqualisedRate(nn.Module):
    """Weights are scaled wherever they are used."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.weight * 0.1)


class Dynamic(nn.Module):
    """Weights are computed from the input by registered layers."""

    def __init__(self) -> None:
        super().__init__()
        self.make = nn.Linear(3, 8 * 3)

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.make(x.mean((0, 2, 3))).view(8, 3, 1, 1)
        return nn.functional.conv2d(x, kernel)


class BuiltAtFirst(nn.Module):
    """A layer that the first call makes, and that is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.project: nn.Module | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.project is None:
            self.project = nn.Conv2d(x.shape[1], 8, 1)
        out: Tensor = self.project(x)
        return out


class MadeWithoutWeights(nn.Module):
    """Forward makes what has no parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return nn.Softmax(1)(nn.ReLU()(self.stem(x)))


def frozen(module: nn.Module) -> nn.Module:
    return module.requires_grad_(False)


MEANT: dict[str, Callable[[], nn.Module]] = {
    "put aside": Aside,
    "scaled in forward": EqualisedRate,
    "computed in forward": Dynamic,
    "built at the first call": BuiltAtFirst,
    "lazy": lambda: nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU()),
    "without weights": MadeWithoutWeights,
    "frozen": lambda: frozen(nn.Conv2d(3, 8, 3)),
    "a frozen parameter": lambda: Holds(nn.Parameter(torch.ones(8, 1, 1), False).cuda(), weight),
    "weight normalisation": lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 8, 3)),
    "the old weight normalisation": lambda: nn.utils.weight_norm(nn.Conv2d(3, 8, 3)),
    "spectral normalisation": lambda: nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 8, 3)),
    "the old spectral normalisation": lambda: nn.utils.spectral_norm(nn.Conv2d(3, 8, 3)),
}


@pytest.mark.filterwarnings("ignore:.*weight_norm")
@pytest.mark.parametrize("name", MEANT)
def test_what_is_meant_is_not_reported(name: str) -> None:
    assert findings(MEANT[name]) == []


def test_a_frozen_network_in_a_list_is_told_for_information() -> None:
    """A list around one network is a way to hide it from parameters()."""
    (found,) = findings(lambda: Holds([frozen(conv())], lambda h, x: h[0](x)))
    assert (found.layer, found.severity) == ("held[0]", Severity.INFO)
    assert "may be meant" in found.message
