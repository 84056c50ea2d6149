"""RF201, RF301 and RF303 say nothing of weights and biases that something else reads, too.

The oracle is autograd: each model runs in training, the sum of all that it returns runs backward,
and weights that are called dead have no gradient. A bias that is called redundant has none either,
but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.report.model_report import ModelReport


def linted(model: nn.Module) -> ModelReport:
    (report,) = rflint.lint(model, input=(2, 3, 16, 16), select="RF201,RF301,RF303").models
    return report


def weights_without_gradient(model: nn.Module) -> int:
    model.train()
    outputs = model(torch.rand(2, 3, 16, 16))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    torch.stack([(x * torch.rand_like(x)).sum() for x in outputs]).sum().backward()
    return sum(
        int((parameter.grad == 0).sum())
        for parameter in model.parameters()
        if parameter.dim() == 4 and parameter.grad is not None
    )


# -- kernels


class Corner(nn.Module):
    """A kernel of 3x3 that meets a map of 2x2, padded by one row and one column."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.rand(3, 3, 3, 3))
        self.other = nn.Parameter(torch.rand(3, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.combined(F.pad(F.adaptive_avg_pool2d(x, 2), (1, 0, 1, 0)))

    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel)


class Flipped(Corner):
    """As layers do that are equivariant under reflection."""

    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel) + F.conv2d(x, self.kernel.flip(2, 3))


class Transposed(Corner):
    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x[:, :, 1:], self.kernel[:, :, 1:]) + F.conv2d(
            x, self.kernel.transpose(2, 3)
        )


class Rolled(Corner):
    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel) + F.conv2d(x, self.kernel.roll(1, 2))


class Rotated(Corner):
    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel) + F.conv2d(x, self.kernel.rot90(1, (2, 3)))


class Permuted(Corner):
    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel) + F.conv2d(x, self.kernel.permute(1, 0, 3, 2))


class Picked(Corner):
    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel) + F.conv2d(x, self.kernel[:, :, [2, 1, 0]])


class Symmetric(Corner):
    """One call, whose kernel is the sum of two."""

    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel + self.kernel.flip(3).flip(2))


class Averaged(Corner):
    """Taps of another parameter are computed from those of the first."""

    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.other * self.kernel.flip(2)) + F.conv2d(x, self.kernel)


class Penalised(Corner):
    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = super().forward(x)
        return y, self.kernel.square().sum()  # type: ignore[return-value]


class PenalisedInTraining(Corner):
    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = super().forward(x)
        return (y, self.kernel.abs().sum()) if self.training else y  # type: ignore[return-value]


class AlsoABias(Corner):
    """A kernel of one channel whose numbers are biases as well."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.rand(9, 3, 1, 1))

    def combined(self, x: Tensor) -> Tensor:
        kernel = self.kernel.view(3, 3, 3).unsqueeze(1)
        return F.conv2d(x, kernel, self.kernel.view(27)[:3], groups=3)


class PenalisedLayer(nn.Module):
    """What a module holds is returned as well."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.deep = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = F.adaptive_avg_pool2d(self.norm(self.conv(x)), 1)
        return self.deep(y), self.deep.weight.pow(2).sum() + self.conv.bias.pow(2).sum()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "build",
    [
        *(Transposed, Rolled, Rotated, Picked, Symmetric, Averaged),
        *(Penalised, PenalisedInTraining, AlsoABias, PenalisedLayer),
    ],
)
def test_weights_with_a_gradient_are_not_called_dead(build: Callable[[], nn.Module]) -> None:
    report = linted(build())
    assert report.analysis.totals.dead_weights <= weights_without_gradient(build())
    assert [finding.code for finding in report.findings] == []


@pytest.mark.parametrize("build", [Flipped, Permuted])
def test_of_a_kernel_in_two_orders_the_weights_are_dead_that_are_so_in_both(
    build: Callable[[], nn.Module],
) -> None:
    report = linted(build())
    assert report.analysis.totals.dead_weights == weights_without_gradient(build()) > 0
    assert [finding.code for finding in report.findings] == ["RF301"]


class Scaled(Corner):
    """Every number of the parameter has its place in the kernel."""

    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel * self.other.mean((1, 2, 3), keepdim=True))


class FlippedOnce(Corner):
    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel.flip(2, 3).contiguous())


class FlippedAlike(Corner):
    def combined(self, x: Tensor) -> Tensor:
        kernel = self.kernel.flip(2, 3)
        return F.conv2d(x, kernel) + F.conv2d(x, self.kernel.flip(2, 3))


class Viewed(Corner):
    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.rand(3, 27))

    def combined(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel.view(3, 3, 3, 3))


@pytest.mark.parametrize("build", [Corner, Scaled, FlippedOnce, FlippedAlike, Viewed])
def test_a_kernel_in_another_order_is_still_a_kernel(build: Callable[[], nn.Module]) -> None:
    model = build()
    model(torch.rand(2, 3, 16, 16)).sum().backward()
    (kernel,) = [
        parameter for name, parameter in model.named_parameters() if name.startswith("kernel")
    ]
    assert kernel.grad is not None
    dead = int((kernel.grad == 0).sum())
    report = linted(build())
    assert dead > 0
    assert report.analysis.totals.dead_weights == dead
    assert [finding.code for finding in report.findings] == ["RF301"]


class Standardised(Corner):
    """Every tap changes the mean that is subtracted from all of them."""

    def combined(self, x: Tensor) -> Tensor:
        mean = self.kernel.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, self.kernel - mean)


def test_taps_of_a_normalised_kernel_are_dead_and_its_parameter_is_not() -> None:
    """There is no smaller kernel that computes the same."""
    assert weights_without_gradient(Standardised()) == 0
    report = linted(Standardised())
    assert report.analysis.totals.dead_weights == 0
    (finding,) = report.findings
    assert finding.code == "RF301"
    assert finding.severity.value == "info"
    assert "its parameter still has a gradient" in finding.message
    assert "computes the same" not in finding.message


# -- biases


class Normalised(nn.Module):
    """A bias that batch normalisation subtracts."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.rand(4, 3, 3, 3))
        self.bias = nn.Parameter(torch.rand(4))
        self.norm = self.normalisation()

    def normalisation(self) -> nn.Module:
        return nn.BatchNorm2d(4, eps=1.0)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(F.conv2d(x, self.kernel, self.bias))
        return out


class BiasInWeight(Normalised):
    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel * self.bias.view(4, 1, 1, 1)
        out: Tensor = self.norm(F.conv2d(x, kernel, self.bias))
        return out


class BiasReturned(Normalised):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x), self.bias.square().sum()  # type: ignore[return-value]


class BiasReadInTraining(Normalised):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y + self.bias.sum() if self.training else y


class SetToEvaluation(Normalised):
    """As detectors do with pretrained normalisations."""

    def forward(self, x: Tensor) -> Tensor:
        self.norm.eval()
        return super().forward(x)


class SetForThisCall(Normalised):
    def forward(self, x: Tensor) -> Tensor:
        self.norm.eval()
        y = super().forward(x)
        self.norm.train(self.training)
        return y


class Frozen(nn.BatchNorm2d):
    def forward(self, input: Tensor) -> Tensor:
        self.training = False
        return super().forward(input)


class OfAFrozenClass(Normalised):
    def normalisation(self) -> nn.Module:
        return Frozen(4)


class WithAnotherTrain(Normalised):
    def normalisation(self) -> nn.Module:
        norm = nn.BatchNorm2d(4).eval()
        norm.train = lambda mode=True: norm  # type: ignore[method-assign,assignment]
        return norm


class FrozenLater(Normalised):
    """Statistics of the batch for a thousand steps."""

    steps = 0

    def forward(self, x: Tensor) -> Tensor:
        self.steps += self.training
        if self.steps > 1000:
            self.norm.eval()
        return super().forward(x)


class WithoutMomentum(Normalised):
    """Evaluation subtracts what the mean was at first."""

    def normalisation(self) -> nn.Module:
        return nn.BatchNorm2d(4, momentum=0.0)


def biases_matter(model: nn.Module, train: bool, *, passes: int = 1) -> bool:
    """Whether the output changes with the bias, once that many passes have gone by."""
    model.train(train)
    x = torch.rand(2, 3, 16, 16)
    outputs = []
    for shift in (0.0, 1.0):
        with torch.no_grad():
            model.get_parameter("bias").add_(shift)
            for _ in range(passes):
                output = model(x)
        outputs.append(output[0] if isinstance(output, tuple) else output)
    return not torch.allclose(outputs[0], outputs[1], atol=1e-4)


@pytest.mark.parametrize(
    "build",
    [
        *(BiasInWeight, BiasReadInTraining, SetToEvaluation, SetForThisCall),
        *(OfAFrozenClass, WithAnotherTrain),
    ],
)
def test_a_bias_that_changes_what_training_computes_is_not_redundant(
    build: Callable[[], nn.Module],
) -> None:
    assert biases_matter(build(), train=True)
    assert [finding.code for finding in linted(build()).findings] == []


def test_a_bias_that_is_returned_is_not_redundant() -> None:
    assert [finding.code for finding in linted(BiasReturned()).findings] == []


def test_a_bias_that_matters_later_is_not_redundant() -> None:
    assert biases_matter(FrozenLater(), train=True, passes=1001)
    assert [finding.code for finding in linted(FrozenLater()).findings] == []


def test_a_bias_that_evaluation_never_subtracts_is_not_redundant() -> None:
    model = WithoutMomentum()
    model.train()(torch.rand(2, 3, 16, 16))
    assert biases_matter(model, train=False)
    assert [finding.code for finding in linted(WithoutMomentum()).findings] == []


def test_a_bias_that_is_subtracted_is_redundant() -> None:
    assert not biases_matter(Normalised(), train=True)
    assert [finding.code for finding in linted(Normalised()).findings] == ["RF303"]
