"""RF502: a softmax over one element is constant. The oracle is PyTorch: values and gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.linting.finding import Severity
from tests.helpers.modules import Lambda

Build = Callable[[], nn.Module]
TOKENS, FEATURES = 5, 8


def findings(model: nn.Module, tokens: int = TOKENS) -> list[rflint.Finding]:
    report = rflint.lint(model, input=(1, tokens, FEATURES), select="RF502")
    return list(report.models[0].findings)


def after(function: Callable[[Tensor], Tensor], out: int = 1) -> nn.Module:
    """A linear layer, then a function of its scores."""
    return nn.Sequential(nn.Linear(FEATURES, out), Lambda(function))


class Pooling(nn.Module):
    """Attention pooling: a weighted mean over time."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.score, self.head, self.dim = nn.Linear(FEATURES, 1), nn.Linear(FEATURES, 2), dim

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(self.score(x), self.dim)
        return self.head((weights * x).sum(1))


CONSTANT: dict[str, Build] = {
    "softmax": lambda: after(lambda x: torch.softmax(x, -1)),
    "a module": lambda: nn.Sequential(nn.Linear(FEATURES, 1), nn.Softmax(dim=2)),
    "log_softmax": lambda: after(lambda x: F.log_softmax(x, 2)),
    "softmin": lambda: after(lambda x: F.softmin(x, 2)),
    "channels of a map": lambda: after(lambda x: nn.Softmax2d()(x.transpose(1, 2)[..., None])),
    "pooling over features": lambda: Pooling(2),
}
VARIES: dict[str, Build] = {
    "two scores": lambda: after(lambda x: torch.softmax(x, -1), 2),
    "pooling over time": lambda: Pooling(1),
    "a sigmoid": lambda: after(torch.sigmoid),
    "the batch, which is one here": lambda: after(lambda x: torch.softmax(x, 0)),
}


def gets_a_gradient(model: nn.Module, weight: str) -> bool:
    torch.manual_seed(0)
    model = model.double().eval()
    x = torch.randn(2, TOKENS, FEATURES, dtype=torch.double)
    (model(x) * torch.randn_like(model(x))).sum().backward()
    gradient = model.get_parameter(weight).grad
    return gradient is not None and bool(gradient.abs().max() > 1e-12)


@pytest.mark.parametrize("name", CONSTANT)
def test_what_is_constant_is_reported(name: str) -> None:
    weight = "score.weight" if "pooling" in name else "0.weight"
    assert not gets_a_gradient(CONSTANT[name](), weight)
    (found,) = findings(CONSTANT[name]())
    assert found.severity is Severity.WARNING
    assert "always the same, and 9 parameters" in found.message


@pytest.mark.parametrize("name", VARIES)
def test_what_depends_on_the_input_is_not(name: str) -> None:
    weight = "score.weight" if "pooling" in name else "0.weight"
    assert gets_a_gradient(VARIES[name](), weight)
    assert findings(VARIES[name]()) == []


class Attention(nn.Module):
    def __init__(self, **options: object) -> None:
        super().__init__()
        self.mix = nn.MultiheadAttention(FEATURES, 2, batch_first=True, **options)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.mix(x, x, x)[0]
        return out


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(FEATURES, FEATURES) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x))


@pytest.mark.parametrize("tokens", [1, 2])
@pytest.mark.parametrize("build", [Attention, ByHand])
def test_attention_over_one_token(build: Build, tokens: int) -> None:
    found = findings(build(), tokens)
    assert [x.severity for x in found] == [Severity.INFO] * (tokens == 1)
    model = build().double()
    model(torch.randn(2, tokens, FEATURES, dtype=torch.double)).square().sum().backward()
    rows = slice(0, FEATURES)  # the queries'
    grads = [p.grad for n, p in model.named_parameters() if n in ("mix.in_proj_weight", "q.weight")]
    assert grads[0] is not None
    assert bool(grads[0][rows].abs().max() < 1e-12) is (tokens == 1)


@pytest.mark.parametrize("option", ["add_bias_kv", "add_zero_attn"])
def test_a_key_that_is_added_is_a_second_one(option: str) -> None:
    assert findings(Attention(**{option: True}), 1) == []


@given(
    shape=st.tuples(*[st.integers(1, 3)] * 3),
    dim=st.integers(-3, 2),
    logarithm=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_of_drawn_shapes(shape: tuple[int, int, int], dim: int, logarithm: bool) -> None:
    """A softmax is reported if, and only if, no gradient comes through it, with any batch."""
    rows, columns, out = shape
    function = F.log_softmax if logarithm else F.softmax

    def build() -> nn.Module:
        return nn.Sequential(nn.Linear(FEATURES, out), Lambda(lambda x: function(x, dim)))

    report = rflint.lint(build(), input=(rows, columns, FEATURES), select="RF502")
    model = build().double()
    gradients = []
    for batch in (rows, rows + 1):
        x = torch.randn(batch, columns, FEATURES, dtype=torch.double)
        made = model(x)
        (gradient,) = torch.autograd.grad((made * torch.randn_like(made)).sum(), model[0].weight)
        gradients.append(float(gradient.abs().max()))
    assert bool(report.findings) is (max(gradients) < 1e-12)
