"""RF506: tensors that stay behind. The oracle: `to(dtype)` and `state_dict()` pass them by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint

FEATURES = 6
Forward = Callable[[Any, Tensor], Tensor]


class Net(nn.Module):
    """A linear layer, a tensor, and a forward that is given."""

    def __init__(self, forward: Forward, tensor: Tensor | None = None) -> None:
        super().__init__()
        self.run, self.linear = forward, nn.Linear(FEATURES, FEATURES)
        self.table = torch.rand(20, FEATURES) if tensor is None else tensor
        self.unused = torch.ones(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, self.linear(x))


class Moved(Net):
    """A model that moves what it holds, as detectors do."""

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self.table = fn(self.table)
        return super()._apply(fn, recurse)


STAYS: dict[str, Forward] = {
    "added": lambda model, x: x + model.table[0],
    "a part": lambda model, x: x + model.table[: x.shape[1]],
    "computed from": lambda model, x: x * (2 * model.table[:5]).sin().unsqueeze(0),
    "a weight": lambda model, x: x @ model.table.t(),
    "joined": lambda model, x: torch.cat([x, model.table[None].expand(x.shape[0], -1, -1)], 1),
}
FOLLOWS: dict[str, Forward] = {
    "moved": lambda model, x: x + model.table[0].to(x.device),
    "moved as a whole": lambda model, x: x + model.table.to(x)[:5],
    "like the input": lambda model, x: x + model.table.type_as(x)[0],
    "never used": lambda model, x: x,
    "its size": lambda model, x: x[:, : model.table.shape[0]],
    "made in forward": lambda model, x: x + torch.ones(FEATURES, device=x.device),
}


def findings(model: nn.Module, select: str = "RF506") -> dict[str, str]:
    report = rflint.lint(model, input=(1, 5, FEATURES), select=select)
    return {x.layer: x.message for x in report.models[0].findings}


def runs_in_double(model: nn.Module) -> bool:
    """Whether the result is of the type that the model was moved to: tables that follow are."""
    out = model.double()(torch.zeros(1, 5, FEATURES, dtype=torch.double))
    return out.dtype == torch.double and "table" not in model.state_dict()


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", STAYS)
def test_what_stays_is_reported(name: str, large: bool) -> None:
    model = Net(STAYS[name], torch.rand(5000 if large else 20, FEATURES))
    assert "table" not in model.state_dict()
    assert model.double().table.dtype == torch.float32
    assert 'register_buffer("table"' in findings(model)["table"]


@pytest.mark.parametrize("name", FOLLOWS)
def test_what_follows_is_not(name: str) -> None:
    assert runs_in_double(Net(FOLLOWS[name]))
    assert findings(Net(FOLLOWS[name])) == {}


def test_a_model_that_moves_it_is_not() -> None:
    assert runs_in_double(Moved(STAYS["added"]))
    assert findings(Moved(STAYS["added"])) == {}


def test_a_single_number_is_not() -> None:
    assert findings(Net(lambda model, x: x * model.table, torch.tensor(0.5))) == {}


def test_a_registered_one_is_not() -> None:
    model = Net(STAYS["added"])
    del model.table
    model.register_buffer("table", torch.rand(20, FEATURES))
    assert findings(model) == {}


def test_weights_that_torch_computes_anew_are_not() -> None:
    model = nn.Sequential(nn.utils.weight_norm(nn.Linear(FEATURES, 4)))
    model(torch.zeros(1, 5, FEATURES))
    assert findings(model, "RF304,RF506") == {}


# -- those that need gradients are parameters that are not registered (RF304)


class Own(nn.Module):
    """Its weight is whatever is given."""

    def __init__(self, weight: Any) -> None:
        super().__init__()
        self.linear, self.weight = nn.Linear(FEATURES, FEATURES), weight

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear(x) * self.weight
        return out


class Created(nn.Module):
    """A layer that forward builds."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(FEATURES, FEATURES)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = nn.Linear(FEATURES, 4)(self.linear(x))
        return out


class CreatedParameter(Created):
    """A parameter that forward makes."""

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear(x) * nn.Parameter(torch.ones(FEATURES))
        return out


@pytest.mark.parametrize(
    ("build", "layer", "told"),
    [
        (lambda: Own(torch.ones(FEATURES, requires_grad=True)), "weight", "is no nn.Parameter"),
        (lambda: Own(nn.Parameter(torch.ones(FEATURES)) * 0.1), "weight", "was computed from"),
        (lambda: Own(nn.Parameter(torch.ones(FEATURES)).clone()), "weight", "was computed from"),
        (Created, "", "created anew in every pass"),
        (CreatedParameter, "", "created anew in every pass"),
    ],
)
def test_parameters_that_training_never_reaches(
    build: Callable[[], nn.Module], layer: str, told: str
) -> None:
    model = build()
    assert {n.rpartition(".")[0] for n, _ in model.named_parameters()} == {"linear"}
    found = findings(build(), "RF304,RF506")
    assert list(found) == [layer]
    assert told in found[layer]


@pytest.mark.parametrize("weight", [nn.Parameter(torch.ones(FEATURES)), 0.5])
def test_a_parameter_is_trained(weight: Any) -> None:
    assert findings(Own(weight), "RF304,RF506") == {}
