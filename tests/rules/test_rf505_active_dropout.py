"""RF505: a dropout that is active in evaluation. The oracle: two calls give different numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.linting.finding import Severity

Forward = Callable[[nn.Module, Tensor], Tensor]


class Net(nn.Module):
    """A linear layer, and a forward that is given."""

    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.run, self.linear, self.drop = forward, nn.Linear(16, 64), nn.Dropout(0.5)
        self.mix = nn.MultiheadAttention(64, 4, dropout=0.5, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, self.linear(x))


OPTIONS, POSITIONS = {"training": True}, (0.5, True)
drop = F.dropout
always = partial(F.dropout, p=0.5, training=True)


def attention(x: Tensor, p: float) -> Tensor:
    return F.scaled_dot_product_attention(x, x, x, dropout_p=p)


def over_lines(x: Tensor) -> Tensor:
    return F.dropout(
        x,
        p=0.3,
    ).relu()


def wrapped(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    return F.dropout(x, p, training)


class OwnDropout(nn.Dropout):
    """Built in forward, it is not reached by eval() either."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 2


ACTIVE: dict[str, Forward] = {
    "the default": lambda model, x: F.dropout(x),
    "of channels": lambda model, x: F.dropout1d(x, 0.3),
    "in place": lambda model, x: F.dropout(x, 0.3, inplace=True),
    "over several lines": lambda model, x: over_lines(x),
    "by its full name": lambda model, x: torch.nn.functional.dropout(x, 0.5),
    "by another name": lambda model, x: drop(x, 0.5),
    "beside one that is told": lambda model, x: F.dropout(x) + F.dropout(x, 0.0, True),
    "within one that is told": lambda model, x: F.dropout(F.dropout(x), 0.0, training=True),
    "a module built in forward": lambda model, x: nn.Dropout(0.5)(x),
    "one's own module built in forward": lambda model, x: OwnDropout(0.5)(x),
    "attention": lambda model, x: attention(x, 0.5),
}
SAID: dict[str, Forward] = {
    "by position": lambda model, x: F.dropout(x, 0.3, True),
    "by name": lambda model, x: F.dropout(x, training=True),
    "of channels": lambda model, x: F.dropout1d(x, 0.3, training=True),
    "in place": lambda model, x: F.dropout(x, 0.3, True, True),
    "alpha": lambda model, x: F.alpha_dropout(x, 0.5, True),
    "of torch": lambda model, x: torch.dropout(x, 0.5, True),
    "by a function in between": lambda model, x: wrapped(x),
    "beside one that drops nothing": lambda model, x: F.dropout(x, 0.0) + F.dropout(x, 0.5, True),
}
UNREADABLE: dict[str, Forward] = {
    "arguments in a dictionary": lambda model, x: F.dropout(x, **OPTIONS),
    "arguments in a list": lambda model, x: F.dropout(x, *POSITIONS),
    "a partial function": lambda model, x: always(x),
    "a partial function without the mode": lambda model, x: partial(F.dropout, p=0.5)(x),
    "out of a list": lambda model, x: [F.dropout][0](x),
    "code without its source": eval("lambda model, x: F.dropout(x)", {"F": F}),
}
NEVER: dict[str, Forward] = {
    "alpha": lambda model, x: F.alpha_dropout(x),
    "alpha, of channels": lambda model, x: F.feature_alpha_dropout(x, 0.3),
}
INACTIVE: dict[str, Forward] = {
    "its mode": lambda model, x: F.dropout(x, 0.5, model.training),
    "nothing to drop": lambda model, x: F.dropout(x, 0.0),
    "alpha in its mode": lambda model, x: F.alpha_dropout(x, 0.5, model.training),
    "alpha that is told": lambda model, x: F.alpha_dropout(x, training=False),
    "nothing to drop, by default": lambda model, x: F.alpha_dropout(x, 0.0),
    "a module": lambda model, x: model.drop(x),
    "a module with attention": lambda model, x: model.mix(x, x, x)[0],
    "a rate by mode": lambda model, x: attention(x, 0.5 if model.training else 0.0),
    "a module built in forward in its mode": (
        lambda model, x: nn.Dropout(0.5).train(model.training)(x)
    ),
}


def needs_columns(name: str) -> None:
    """Before Python 3.11, calls that share a line are not told apart."""
    if name.startswith(("beside", "within")) and sys.version_info < (3, 11):
        pytest.skip("nobody knows the columns")


def findings(model: nn.Module, **options: object) -> list[rflint.Finding]:
    report = rflint.lint(model, input=(2, 5, 16), select="RF505", **options)
    return list(report.models[0].findings)


def varies(model: nn.Module) -> bool:
    model.eval()
    x = torch.randn(2, 5, 16)
    with torch.no_grad():
        return not torch.allclose(model(x), model(x))


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
@pytest.mark.parametrize("name", ACTIVE)
def test_what_varies_is_reported(name: str, tracer: str) -> None:
    needs_columns(name)
    assert varies(Net(ACTIVE[name]))
    (found,) = findings(Net(ACTIVE[name]), tracer=tracer)
    assert found.severity is Severity.WARNING
    assert "in evaluation, too" in found.message
    assert ("it is a module" in found.message) == ("module" in name)
    knows_mode = name != "attention" and "module" not in name
    assert ("training is True by default" in found.message) == knows_mode
    assert found.source is not None


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
@pytest.mark.parametrize("name", SAID)
def test_what_is_told_to_be_active_is_told_for_information(name: str, tracer: str) -> None:
    needs_columns(name)
    assert varies(Net(SAID[name]))
    (found,) = findings(Net(SAID[name]), tracer=tracer)
    assert found.severity is Severity.INFO
    assert "training=True is passed; where that is not for Monte Carlo" in found.message


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
@pytest.mark.parametrize("name", UNREADABLE)
def test_where_the_call_cannot_be_read_the_claim_is_the_weaker_one(name: str, tracer: str) -> None:
    assert varies(Net(UNREADABLE[name]))
    (found,) = findings(Net(UNREADABLE[name]), tracer=tracer)
    assert found.severity is Severity.INFO
    assert "unless that is meant" in found.message


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
@pytest.mark.parametrize("name", NEVER)
def test_what_never_drops_is_reported(name: str, tracer: str) -> None:
    x = torch.randn(2, 5, 16)
    assert torch.equal(NEVER[name](Net(NEVER[name]).train(), x), x)
    (found,) = findings(Net(NEVER[name]), tracer=tracer)
    assert found.severity is Severity.WARNING
    assert "drops nothing, in training neither" in found.message


def test_calls_that_share_a_line_are_told_apart() -> None:
    needs_columns("beside another")

    def forward(model: nn.Module, x: Tensor) -> Tensor:
        return F.dropout(x, 0.2) + F.dropout(x, 0.3, True)

    found = {x.message.split(" of ")[0]: x.severity for x in findings(Net(forward))}
    assert found == {"dropout drops 20 %": Severity.WARNING, "dropout drops 30 %": Severity.INFO}


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
@pytest.mark.parametrize("name", INACTIVE)
def test_what_does_not_is_not(name: str, tracer: str) -> None:
    assert not varies(Net(INACTIVE[name]))
    assert findings(Net(INACTIVE[name]), tracer=tracer) == []


class Sampled(Net):
    """Monte Carlo dropout: the module stays in training mode."""

    def train(self, mode: bool = True) -> Sampled:
        super().train(mode)
        self.drop.train()
        return self


def test_a_module_that_is_kept_in_training_is_told_for_information() -> None:
    assert varies(Sampled(INACTIVE["a module"]))
    (found,) = findings(Sampled(INACTIVE["a module"]))
    assert (found.layer, found.severity) == ("drop", Severity.INFO)


def test_a_class_that_calls_the_forward_of_torch_is_a_module_that_is_kept_in_training() -> None:
    class Kept(Sampled):
        def __init__(self) -> None:
            super().__init__(INACTIVE["a module"])
            self.drop = OwnDropout(0.5)

    assert varies(Kept())
    (found,) = findings(Kept())
    assert (found.layer, found.severity) == ("drop", Severity.INFO)
    assert "it is kept in training mode" in found.message


def test_attention_of_functional() -> None:
    def forward(model: nn.Module, x: Tensor) -> Tensor:
        mix = model.mix
        out: Tensor = F.multi_head_attention_forward(
            *(x, x, x, 64, 4, mix.in_proj_weight, mix.in_proj_bias, None, None, False, 0.3),
            *(mix.out_proj.weight, mix.out_proj.bias),
        )[0]
        return out

    (found,) = findings(Net(forward))
    assert found.severity is Severity.WARNING
    assert found.message.startswith("multi_head_attention_forward drops 30 % of its weights")


def test_training_is_asked_about_evaluation() -> None:
    assert findings(Net(INACTIVE["its mode"]), train=True) == []
    assert len(findings(Net(ACTIVE["the default"]), train=True)) == 1


def test_a_line_that_runs_often_is_told_once() -> None:
    def forward(model: nn.Module, x: Tensor) -> Tensor:
        for _ in range(3):
            x = F.dropout(x, 0.2)
        return x

    assert len(findings(Net(forward))) == 1
