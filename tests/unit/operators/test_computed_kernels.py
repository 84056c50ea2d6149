"""Kernels that a network computes: merged weights, hypernetworks, features as filters."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.analysis.analysed_layer import AnalysedLayer

pytestmark = pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")


def last_of(model: type[nn.Module], train: bool = False) -> AnalysedLayer:
    """The last layer; every rule there is looked at the model."""
    report = rflint.lint(model, input=(1, 3, 16, 16), select=["RF"], train=train)
    assert not report.failures, "a rule crashed"
    (found,) = report.models
    assert found.analysis.complete
    with torch.no_grad():
        shape = tuple(model()(torch.rand(1, 3, 16, 16)).shape)
    assert found.analysis.architecture.output_shapes == (shape,)
    return found.layers[-1]


class Features(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.predict = nn.Linear(8, 8 * 8 * 9)
        self.kernels = nn.Parameter(torch.rand(4, 8 * 8 * 9))
        self.weigh = nn.Linear(8, 4)


class Filtered(Features):
    """Of one image as many filters as samples, by groups."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        n, c, h, w = y.shape
        kernels = self.predict(y.mean((2, 3))).view(n * c, c, 3, 3)
        return F.conv2d(y.view(1, n * c, h, w), kernels, padding=1, groups=n).view(n, c, h, w)


class Weighed(Features):
    """A mean of kernels, by attention."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        kernels = self.weigh(y.mean((2, 3))).softmax(-1) @ self.kernels
        return F.conv2d(y, kernels.view(8, 8, 3, 3), padding=1)


class Correlated(Features):
    """A piece of the map as the filter: every output depends on that piece."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return F.conv2d(y, y[:, :, 4:9, 4:9])


class Projected(Features):
    """Features as the weights of a linear layer."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x).flatten(2)[0]
        return F.linear(y.t(), y.t())


class Shifted(Features):
    """A bias that depends on the input."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return F.conv2d(y, self.kernels[0].view(8, 8, 3, 3), y[0, :, 2, 3])


class FormedBy(Features):
    """A bilinear form of the input's own."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return F.bilinear(y, y, y[0])


@pytest.mark.parametrize("model", [Filtered, Weighed, Correlated, Projected, Shifted, FormedBy])
@pytest.mark.parametrize("train", [False, True])
def test_a_kernel_made_of_the_input_is_read_from_end_to_end(
    model: type[nn.Module], train: bool
) -> None:
    assert [axis.r_max for axis in last_of(model, train).output_field] == [None, None]


class Merged(nn.Module):
    """Two convolutions in one kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, bias=False)
        self.second = nn.Conv2d(8, 8, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first.weight.permute(1, 0, 2, 3)
        merged = F.conv2d(first, self.second.weight.flip(2, 3), padding=2)
        return F.conv2d(x, merged.permute(1, 0, 2, 3))


class Made(nn.Module):
    """A kernel from a learned code."""

    def __init__(self) -> None:
        super().__init__()
        self.code = nn.Parameter(torch.rand(16))
        self.make = nn.Linear(16, 8 * 3 * 25)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.make(self.code).view(8, 3, 5, 5))


@pytest.mark.parametrize("model", [Merged, Made])
def test_a_kernel_made_of_parameters_is_a_kernel(model: type[nn.Module]) -> None:
    assert [axis.r_max for axis in last_of(model).output_field] == [5, 5]


class Grown(nn.Module):
    """A learned constant is where the trunk begins, and the input is a style."""

    def __init__(self) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.rand(1, 8, 4, 4))
        self.style = nn.Linear(3 * 16 * 16, 8)
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.paint = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        style = self.style(x.flatten(1))[:, :, None, None]
        return self.paint(F.interpolate(self.conv(self.constant * style), scale_factor=2))


class Beside(nn.Module):
    """A learned map is put beside the input."""

    def __init__(self) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.rand(1, 8, 4, 4))
        self.grow = nn.ConvTranspose2d(8, 8, 4, 4)
        self.paint = nn.Conv2d(11, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        grown = self.grow(self.constant).expand(len(x), -1, -1, -1)
        return self.paint(torch.cat([grown, x], 1))


@pytest.mark.parametrize(("model", "r"), [(Grown, None), (Beside, 3)])
def test_a_learned_constant_starts_a_trunk(model: type[nn.Module], r: int | None) -> None:
    assert [axis.r_max for axis in last_of(model).output_field] == [r, r]


class Scaled(torch.autograd.Function):
    """Something with a gradient of its own, and two results."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        return F.conv2d(x, weight, padding=1), x * 2

    @staticmethod
    def setup_context(ctx: object, inputs: object, output: object) -> None:
        pass


class WithFunction(Features):
    def forward(self, x: Tensor) -> Tensor:
        y, z = Scaled.apply(self.conv(x), self.kernels[0].view(8, 8, 3, 3))
        return y + z


def test_a_function_with_a_gradient_of_its_own_is_what_it_computes() -> None:
    layer = last_of(WithFunction)
    assert [(axis.r_min, axis.r_max) for axis in layer.output_field] == [(3, 5)] * 2


@pytest.mark.parametrize("name", ["Conv2d", "ConvTranspose2d"])
def test_a_convolution_without_output_channels_is_refused_as_torch_refuses_it(name: str) -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 1), getattr(nn, name)(8, 0, 1))

    with pytest.raises(RuntimeError):
        build()(torch.rand(1, 3, 8, 8))
    with pytest.raises(rflint.RflintError, match=r"layer 1 .* channels"):
        rflint.lint(build, res=8)


def test_a_convolution_without_output_channels_that_is_not_called_does_no_harm() -> None:
    class Guarded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.none = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 0, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            return torch.cat([y, self.none(y)], 1) if self.none.out_channels else y

    assert last_of(Guarded).layer.name == "conv"


def test_nothing_in_is_nothing_out() -> None:
    class Narrow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.none = nn.Conv2d(3, 8, 3), nn.Conv2d(0, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            return torch.cat([y, self.none(y[:, :0])], 1)

    assert last_of(Narrow).layer.out_shape == (1, 8, 14, 14)


def test_a_batch_of_nothing_runs_through() -> None:
    class Selected(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.after = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            return torch.cat([self.after(y[:0]), self.after(y)])

    assert last_of(Selected).layer.out_shape == (1, 8, 12, 12)
