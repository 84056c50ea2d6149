"""RF301: a tap is called dead exactly where its gradient is zero, whatever the data.

The oracle is PyTorch: random numbers through the running network in double precision, a random
number for every output, and which taps of a kernel have a gradient. A tap that meets data has one;
that it is zero by chance does not happen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.analysis.proofs.dead_weights import dead_weights
from rflint.analysis.proofs.kernels import SharedKernel, kernels
from rflint.graph.architecture import Architecture
from rflint.linting.finding import Finding
from tests.helpers.on_meta import traced
from tests.helpers.random_convolutions import Case, convolutions, transposed_convolutions
from tests.helpers.taps import (
    CentralDifference,
    OnTwoMaps,
    PadAndConvolve,
    Tap,
    run_backward,
    runs,
    taps_with_gradient,
)
from zoo.paper.resnet import resnet18, resnet34
from zoo.paper.vgg import vgg

# -- the oracle, and what rflint says


def live_taps(architecture: Architecture, kernel: SharedKernel) -> set[Tap]:
    """The taps that rflint says meet data in some call."""
    calls = [architecture.layers[index] for index in kernel.calls]
    return {tap for call in calls for tap in product(*(taps.live for taps in call.taps))}


def dead_findings(model: nn.Module, shape: Sequence[int]) -> Sequence[Finding]:
    return rflint.lint(model, input=tuple(shape), select="RF301").models[0].findings


# -- any convolution


@dataclass(frozen=True)
class Padded:
    """A drawn convolution with a padding mode, and what is padded in front of it."""

    case: Case
    mode: str
    pads: tuple[int, ...]
    value: float
    as_module: bool

    def build(self) -> PadAndConvolve:
        build = getattr(nn, f"Conv{self.case.axes}d")
        conv = build(4, 8, **self.case.options, padding_mode=self.mode)
        return PadAndConvolve(conv, self.pads, self.value, module=self.as_module).double()


@st.composite
def small(draw: st.DrawFn, cases: st.SearchStrategy[Case]) -> Case:
    """The same on maps of few positions, where taps die."""
    case = draw(cases)
    size = draw(st.tuples(*[st.integers(1, 4)] * case.axes))
    return replace(case, shape=(1, 4, *size))


@st.composite
def padded(draw: st.DrawFn) -> Padded:
    case = draw(small(convolutions()))
    mode = draw(st.sampled_from(["zeros"] * 4 + ["reflect", "replicate", "circular"]))
    amounts = st.tuples(*[st.integers(-1, 3)] * 2 * case.axes)
    pads = draw(st.one_of(st.just(()), amounts))
    value = draw(st.sampled_from([0.0, 0.0, 0.5]))
    return Padded(case, mode, pads, value, draw(st.booleans()))


@settings(max_examples=100, deadline=None)
@given(padded())
def test_the_dead_taps_of_a_convolution_are_those_without_gradient(drawn: Padded) -> None:
    model = drawn.build()
    assume(runs(model, drawn.case.shape))
    run_backward(model, torch.randn(drawn.case.shape, dtype=torch.double))
    architecture = traced(model, drawn.case.shape)
    (kernel,) = kernels(architecture)
    live = live_taps(architecture, kernel)
    alive = taps_with_gradient(model.conv.weight, drawn.case.axes)
    if (drawn.mode != "zeros" and drawn.pads) or not alive:
        # copies of zeros are zeros; rflint does not follow that, and says less than it could
        # nor does it judge what works on nothing but zeros, which stand for what is not given
        assert live >= alive
    else:
        assert live == alive
    assert kernel.dead == (prod(kernel.size) - len(live)) * (kernel.weights // prod(kernel.size))


@settings(max_examples=50, deadline=None)
@given(small(transposed_convolutions()))
def test_the_dead_taps_of_a_transposed_convolution_are_those_without_gradient(case: Case) -> None:
    model = getattr(nn, f"ConvTranspose{case.axes}d")(4, 8, **case.options).double()
    assume(runs(model, case.shape))
    run_backward(model, torch.randn(case.shape, dtype=torch.double))
    architecture = traced(nn.Sequential(model), case.shape)
    (kernel,) = kernels(architecture)
    assert live_taps(architecture, kernel) == taps_with_gradient(model.weight, case.axes)


@settings(max_examples=40, deadline=None)
@given(st.one_of(convolutions(), transposed_convolutions()))
def test_functions_have_the_dead_taps_of_modules(case: Case) -> None:
    transposed = "output_padding" in case.options
    options = {k: v for k, v in case.options.items() if k != "kernel_size"}
    module = getattr(nn, f"Conv{'Transpose' if transposed else ''}{case.axes}d")
    function = getattr(F, f"conv{'_transpose' if transposed else ''}{case.axes}d")

    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = nn.Parameter(module(4, 8, **case.options).weight.detach())

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = function(x, self.kernel, **options)
            return y

    assume(runs(Functional().double(), case.shape))
    expected = dead_weights(traced(nn.Sequential(module(4, 8, **case.options)), case.shape))
    assert dead_weights(traced(Functional(), case.shape)) == expected


def test_a_kernel_of_even_size_pads_one_side_more() -> None:
    """ "same" padding of a kernel of four has one position in front, and two behind."""
    architecture = traced(nn.Sequential(nn.Conv1d(1, 1, 4, padding="same")), (1, 1, 1))
    (kernel,) = kernels(architecture)
    assert live_taps(architecture, kernel) == {(1,)}


def test_cropping_takes_zeros_away_before_data() -> None:
    """Negative padding behind a padding, so that one column of zeros is left on the left."""
    model = nn.Sequential(nn.ZeroPad2d(2), nn.ZeroPad2d((-1, -3, 0, 0)), nn.Conv2d(1, 1, (1, 3)))
    model = model.double()
    run_backward(model, torch.randn(1, 1, 4, 3, dtype=torch.double))
    architecture = traced(model, (1, 1, 4, 3))
    (kernel,) = kernels(architecture)
    convolution = model[2]
    assert isinstance(convolution.weight, Tensor)
    assert live_taps(architecture, kernel) == taps_with_gradient(convolution.weight, 2)
    assert len(live_taps(architecture, kernel)) == 2


# -- whole networks


@pytest.mark.parametrize(
    ("build", "dead", "of"),
    [
        pytest.param(resnet18, 6_946_816, 11_166_912, id="ResNet18"),
        pytest.param(resnet34, 11_141_120, 21_267_648, id="ResNet34"),
        pytest.param(partial(vgg, 19, dilation=3), 8_388_608, 20_018_880, id="VGG19 dilated by 3"),
    ],
)
def test_the_dead_taps_of_a_network_are_those_without_gradient(
    build: Callable[[], nn.Module], dead: int, of: int
) -> None:
    """At 32 px."""
    torch.manual_seed(0)
    model = build().eval()
    run_backward(model, torch.randn(2, 3, 32, 32))
    architecture = traced(model, (1, 3, 32, 32))
    found = kernels(architecture)
    weights = dict(model.named_parameters())
    for kernel in found:
        (name,) = architecture.layers[kernel.calls[0]].weight
        assert live_taps(architecture, kernel) == taps_with_gradient(weights[name], 2), name
    assert sum(kernel.dead for kernel in found) == dead
    assert sum(kernel.weights for kernel in found) == of


@pytest.mark.parametrize(
    ("build", "res"), [pytest.param(partial(vgg, 16), 32, id="VGG16"), (resnet18, 224)]
)
def test_networks_for_their_size_of_input_have_none(
    build: Callable[[], nn.Module], res: int
) -> None:
    assert dead_findings(build(), (1, 3, res, res)) == ()


# -- weights that are used more than once


@settings(max_examples=40, deadline=None)
@given(
    small(convolutions().filter(lambda case: case.axes == 2)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_a_shared_tap_is_dead_if_it_is_in_every_call(case: Case, corner: tuple[int, int]) -> None:
    model = OnTwoMaps(nn.Conv2d(4, 8, **case.options), corner).double()
    assume(runs(model, case.shape))
    run_backward(model, torch.randn(case.shape, dtype=torch.double))
    architecture = traced(model, case.shape)
    (kernel,) = kernels(architecture)
    assert isinstance(model.conv.weight, Tensor)
    alive = taps_with_gradient(model.conv.weight, 2)
    assert len(kernel.calls) == 2
    assert live_taps(architecture, kernel) == alive
    assert kernel.taps == len(alive)


class TiedAutoencoder(nn.Module):
    """A convolution and its transpose, with one kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.rand(6, 4, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv2d(x, self.kernel, stride=2, padding=1)
        return F.conv_transpose2d(x, self.kernel, stride=2, padding=1, output_padding=1)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_kernel_and_its_transpose(size: int) -> None:
    model, shape = TiedAutoencoder().double(), (1, 4, size, size)
    run_backward(model, torch.randn(shape, dtype=torch.double))
    architecture = traced(model, shape)
    (kernel,) = kernels(architecture)
    assert live_taps(architecture, kernel) == taps_with_gradient(model.kernel, 2)


class Rotated(nn.Module):
    """A kernel and itself, rotated: more taps than parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.rand(4, 4, 2, 2))

    def forward(self, x: Tensor) -> Tensor:
        kernel = torch.cat([self.kernel, self.kernel.rot90(1, (2, 3))])
        return F.conv2d(F.pad(x, [0, 1, 0, 1]), kernel)


@pytest.mark.parametrize("build", [CentralDifference, Rotated])
def test_a_weight_that_something_else_uses_too_is_not_dead(build: Callable[[], nn.Module]) -> None:
    """Though one convolution multiplies it with zeros only."""
    model, shape = build().double(), (1, 4, 1, 1)
    run_backward(model, torch.randn(shape, dtype=torch.double))
    (weight,) = model.parameters()
    assert taps_with_gradient(weight, 2) != {(0, 0)}
    assert dead_findings(build(), shape) == ()


@pytest.mark.parametrize(
    "wrapped",
    [
        nn.utils.parametrizations.weight_norm,
        nn.utils.parametrizations.spectral_norm,
        lambda conv: nn.utils.parametrizations.weight_norm(conv, dim=None),
    ],
)
def test_a_normalised_weight_has_the_taps_of_a_plain_one(
    wrapped: Callable[[nn.Module], nn.Module],
) -> None:
    """They do nothing, though the parameter has a gradient through its norm."""
    model = nn.Sequential(wrapped(nn.Conv2d(4, 4, 3, padding=1)))
    assert "128 of its 144 weights" in dead_findings(model, (1, 4, 1, 1))[0].message


def test_what_is_no_parameter_is_no_weight() -> None:
    """A fixed filter (a blur, say) has no weights that anybody could train."""

    class Filters(nn.Module):
        def __init__(self, weight: Tensor) -> None:
            super().__init__()
            self.weight = weight

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.weight, padding=1)

    weight = torch.rand(32, 16, 3, 3)
    assert dead_findings(Filters(weight), (1, 16, 1, 1)) == ()
    (found,) = dead_findings(Filters(nn.Parameter(weight)), (1, 16, 1, 1))
    assert f"{16 * 32 * 8:,} of its {16 * 32 * 9:,} weights" in found.message


# -- the kernel that a finding suggests


def suggestion(message: str) -> dict[str, Any] | None:
    """The arguments that a message proposes; None if it proposes none."""
    said = re.search(r"; (kernel_size=.*) computes the same$", message)
    arguments: dict[str, Any] | None = eval(f"dict({said[1]})") if said else None
    return arguments


def replacement(
    module: nn.Module, options: dict[str, Any], axes: int, shape: Sequence[int]
) -> nn.Module | None:
    """The convolution that a finding suggests, with the weights that are alive."""
    findings = dead_findings(nn.Sequential(module), shape)
    arguments = suggestion(findings[0].message) if findings else None
    if arguments is None:
        return None
    (kernel,) = kernels(traced(nn.Sequential(module), shape))
    other: nn.Module = type(module)(4, 8, **(options | arguments)).double()
    assert isinstance(module.weight, Tensor)
    assert isinstance(other.weight, Tensor)
    assert other.weight.numel() < module.weight.numel()
    kept = []
    for live, size in zip(kernel.live, other.weight.shape[-axes:], strict=True):
        step = (live[-1] - live[0]) // (size - 1) if size > 1 else 1
        kept.append(slice(live[0], live[-1] + 1, step))
    other.load_state_dict({"weight": module.weight[(..., *kept)], "bias": module.bias})
    return other


@settings(max_examples=100, deadline=None)
@given(st.one_of(small(convolutions()), small(transposed_convolutions())))
def test_the_suggested_kernel_computes_the_same(case: Case) -> None:
    kind = "ConvTranspose" if "output_padding" in case.options else "Conv"
    module = getattr(nn, f"{kind}{case.axes}d")(4, 8, **case.options).double()
    if not runs(module, case.shape):
        return
    other = replacement(module, case.options, case.axes, case.shape)
    if other is not None:  # about every third time
        x = torch.randn(case.shape, dtype=torch.double)
        torch.testing.assert_close(other(x), module(x))


@pytest.mark.parametrize(
    ("module", "size", "said"),
    [
        (nn.Conv1d(4, 8, 3, padding=1), 1, "kernel_size=1, padding=0"),
        (nn.Conv1d(4, 8, 7, padding=3), 2, "kernel_size=3, padding=1"),
        (nn.Conv1d(4, 8, 5, padding=8, dilation=4), 5, "kernel_size=3, padding=4"),
        (nn.Conv1d(4, 8, 3, stride=2, padding=2), 1, "kernel_size=2, padding=2, dilation=2"),
        (
            nn.ConvTranspose1d(4, 8, 3, stride=2, padding=1, output_padding=1),
            1,
            "kernel_size=2, padding=0, output_padding=0",
        ),
        (nn.Conv1d(4, 8, 2, stride=10, padding=3), 1, None),
        (nn.Conv1d(4, 8, 2, stride=3, padding=1, dilation=3), 4, None),
        (nn.Conv1d(4, 8, 4, padding="same"), 1, "kernel_size=1, padding=0"),
    ],
)
def test_what_a_finding_suggests(module: nn.Module, size: int, said: str | None) -> None:
    """Nothing where no tap is alive, or where the one that is left begins inside."""
    (found,) = dead_findings(nn.Sequential(module), (1, 4, size))
    assert suggestion(found.message) == (said and eval(f"dict({said})"))


def test_padding_in_front_of_a_layer_leaves_its_arguments_alone() -> None:
    """What to do with the padding is not for the layer's arguments to say."""
    (found,) = dead_findings(nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(4, 8, 3)), (1, 4, 1, 1))
    assert suggestion(found.message) is None


def test_calls_that_are_alike_can_share_a_smaller_kernel() -> None:
    conv = nn.Conv2d(4, 4, 3, padding=1)
    (found,) = dead_findings(nn.Sequential(conv, nn.ReLU(), conv), (1, 4, 1, 1))
    assert suggestion(found.message) == {"kernel_size": 1, "padding": 0}
    assert dead_findings(OnTwoMaps(conv, (1, 1)), (1, 4, 4, 4)) == ()
