"""RF104 where one position of a map is read, against the gradients of the running network.

A step of the input that is said not to reach the output has a gradient of exactly zero, and every
other one has one that is not: weights are positive, so that nothing cancels.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import rflint
from rflint.analysis.proofs.longer_look_back import longer_networks, sufficient_kernel
from rflint.analysis.proofs.picked_position import picked_positions
from rflint.graph.taps import members
from rflint.linting.finding import Finding, Severity
from tests.helpers.modules import Lambda

PADDINGS = ("in front", "chomped", "at both ends", "behind", "none")


@dataclass(frozen=True)
class Drawn:
    """A temporal network: its dilations, one kernel, how it pads, and the step that is read."""

    kernel: int
    dilations: tuple[int, ...]
    padding: str
    step: int
    stem: int = 1
    """The kernel, and the stride, of a convolution in front."""

    def build(self) -> nn.Module:
        parts: list[nn.Module] = []
        if self.stem > 1:
            parts.append(nn.Conv1d(1, 1, self.stem, self.stem))
        for dilation in self.dilations:
            whole = dilation * (self.kernel - 1)
            before, behind, cut = {
                "in front": (whole, 0, 0),
                "chomped": (whole, whole, whole),
                "at both ends": (whole // 2, whole - whole // 2, 0),
                "behind": (0, whole, 0),
                "none": (0, 0, 0),
            }[self.padding]
            parts.append(nn.ConstantPad1d((before, behind), 0.0))
            parts.append(nn.Conv1d(1, 1, self.kernel, dilation=dilation))
            if cut:
                parts.append(Lambda(lambda x, cut=cut: x[:, :, :-cut]))
        parts.append(Lambda(lambda x: x[:, :, self.step]))
        return positive(nn.Sequential(*parts))


def positive(model: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_().clamp_(0.5)
    return model.double().eval()


def steps_with_gradient(model: nn.Module, *size: int) -> list[int]:
    """The positions along the last axis of which some number has a gradient that is not zero."""
    x = torch.rand(1, 1, *size, dtype=torch.double, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(x).sum(), x)
    return [i for i in range(size[-1]) if bool(gradient[..., i].any())]


def by_default(model: nn.Module | Callable[[], nn.Module], *size: int) -> list[Finding]:
    found = rflint.lint(model, input=(1, 1, *size)).findings
    return [x for x in found if x.code == "RF104"]


def runs(model: nn.Module, length: int) -> bool:
    try:
        return bool(model(torch.rand(1, 1, length, dtype=torch.double)).numel())
    except (RuntimeError, IndexError):
        return False


@st.composite
def networks(draw: st.DrawFn) -> Drawn:
    kernel = draw(st.integers(2, 4))
    growth = draw(st.integers(1, 3))
    levels, each, stacks = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    stack = [growth**level for level in range(levels) for _ in range(each)]
    padding = draw(st.sampled_from(PADDINGS))
    if padding == "at both ends":
        kernel = 3
    step = draw(st.sampled_from([-1, 0, -1, 0, 5]))
    return Drawn(kernel, tuple(stack * stacks), padding, step, draw(st.sampled_from([1, 1, 2])))


@settings(max_examples=80, deadline=None)
@given(networks(), st.integers(8, 60))
def test_it_says_exactly_which_steps_have_a_gradient(drawn: Drawn, length: int) -> None:
    model = drawn.build()
    assume(runs(model, length))
    seen = steps_with_gradient(model, length)
    (architecture,) = (
        x.analysis.architecture for x in rflint.lint(model, input=(1, 1, length)).models
    )
    picked = list(picked_positions(architecture))
    for x in picked:
        assert list(members(x.seen)) == seen
    found = by_default(model, length)
    unread_end = length % drawn.stem  # of rows that no window reaches, another rule tells
    if len(seen) > 1 and len(seen) < length - unread_end and len(picked) == 1:
        (finding,) = found
        assert finding.severity is Severity.WARNING
        sees = re.search(r"sees (?:the \w+ )?(\d+) of the (\d+) steps", finding.message)
        assert sees
        assert list(map(int, sees.groups())) == [len(seen), length]
    elif len(seen) in (0, 1) or len(seen) == length:
        assert not found


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(30, 120))
def test_the_layers_that_it_says_would_do_do(drawn: Drawn, length: int) -> None:
    """Appended to the network, with the same kernel and padding, they see all: and one less not."""
    model = drawn.build()
    assume(runs(model, length))
    analysis = rflint.lint(model, input=(1, 1, length)).models[0].analysis
    picked = [x for x in picked_positions(analysis.architecture) if x.unseen]
    assume(picked)
    all_read = length - length % drawn.stem
    longer = longer_networks(analysis, picked)
    for one in longer:
        added = tuple(x for level in one.levels for x in level)
        bigger = Drawn(
            *(drawn.kernel, drawn.dilations + added, drawn.padding, drawn.step, drawn.stem)
        ).build()
        seen = steps_with_gradient(bigger, length)
        assert len(seen) == one.seen
        assert (len(seen) >= all_read) == one.sees_all
        fewer = tuple(x for level in one.levels[:-1] for x in level)
        before = Drawn(
            *(drawn.kernel, drawn.dilations + fewer, drawn.padding, drawn.step, drawn.stem)
        ).build()
        assert len(steps_with_gradient(before, length)) < all_read
    larger = sufficient_kernel(analysis, picked[0])
    if larger:
        assert larger[0] == drawn.kernel
        wider = Drawn(larger[1], drawn.dilations, drawn.padding, drawn.step, drawn.stem).build()
        assert len(steps_with_gradient(wider, length)) == length


class Block(nn.Module):
    """The block of a TCN: two causal convolutions, and a shortcut."""

    def __init__(self, inside: int, dilation: int) -> None:
        super().__init__()
        self.cut = 2 * dilation
        self.one = nn.Conv1d(inside, 4, 3, padding=self.cut, dilation=dilation)
        self.two = nn.Conv1d(4, 4, 3, padding=self.cut, dilation=dilation)
        self.shortcut = nn.Conv1d(inside, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.one(x)[:, :, : -self.cut])
        y = torch.relu(self.two(y)[:, :, : -self.cut])
        return torch.relu(y + self.shortcut(x))


class Temporal(nn.Module):
    """A TCN of some levels, and what is made of its last map."""

    def __init__(
        self, levels: int = 4, head: Callable[[Tensor], Any] = lambda x: x[:, :, -1]
    ) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(4 if i else 1, 2**i) for i in range(levels)))
        self.head = head

    def forward(self, x: Tensor) -> Any:
        return self.head(self.blocks(x))


def test_a_tcn_is_told_its_look_back_and_how_many_levels_would_do() -> None:
    """R = 1 + 2 * (k - 1) * (2^n - 1): 61 with four levels, 125 with five, 509 with seven."""
    (found,) = by_default(Temporal, 500)
    assert "reads only the last of the 500 steps that" in found.message
    assert (
        "which sees the last 61 of the 500 steps of the input: the first 439 never reach the "
        "output; 3 more levels of 2 convolutions (kernel 3, dilations 16, 32 and 64; with one, it "
        "sees 125) or kernels of 18 in place of 3 would see all"
    ) in found.message
    assert not by_default(Temporal(7), 500)
    assert not by_default(Temporal(), 61)
    assert by_default(Temporal(), 62)


def test_padding_at_both_ends_looks_back_half_as_far_at_the_last_step() -> None:
    model = nn.Sequential(
        *(nn.Conv1d(1, 1, 3, padding=2**i, dilation=2**i) for i in range(4)),
        Lambda(lambda x: x[:, :, -1]),
    )
    (found,) = by_default(model, 100)
    assert "sees the last 16 of the 100 steps of the input: the first 84 never" in found.message
    assert "(of its receptive field of 31, 15 lie beyond the end, in the padding)" in found.message


def test_batch_normalisation_passes_nothing_from_step_to_step() -> None:
    """Though in training it takes statistics of all steps of the batch."""
    model = nn.Sequential(
        nn.Conv1d(1, 4, 3, padding=1), nn.BatchNorm1d(4), Lambda(lambda x: x[:, :, -1])
    )
    assert by_default(model, 20)
    (report,) = rflint.lint(model, input=(1, 1, 20), train=True).models
    assert "RF104" in [x.code for x in report.findings]


@pytest.mark.parametrize("dims", [2, 3])
def test_the_pixel_in_the_middle_of_a_patch(dims: int) -> None:
    conv = nn.Conv2d if dims == 2 else nn.Conv3d
    middle = (slice(None), slice(None), *[8] * dims)
    model = nn.Sequential(
        conv(1, 1, 3, padding=1), conv(1, 1, 3, padding=1), Lambda(lambda x: x[middle])
    )
    (found,) = by_default(model, *[16] * dims)
    shown = "x".join(["16"] * dims)
    rest = 16**dims - 5**dims
    assert f"reads only position ({', '.join(['8'] * dims)}) of the {shown} map" in found.message
    assert f"sees {'x'.join(['5'] * dims)} of the {shown} input" in found.message
    assert f"the other {rest:,} positions" in found.message
    positive(model)
    x = torch.rand(1, 1, *[16] * dims, dtype=torch.double, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(x).sum(), x)
    assert int((gradient == 0).sum()) == rest


def test_one_axis_may_be_read_at_one_position_and_the_other_pooled() -> None:
    """A spectrogram's last frame: what it sees along time counts."""
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), Lambda(lambda x: x[:, :, :, -1].mean(2)))
    (found,) = by_default(model, 12, 40)
    assert "only the last of the 40 columns" in found.message
    assert "sees the last 2 of the 40 columns of the input: the first 38 never" in found.message


SILENT: dict[str, Callable[[], nn.Module]] = {
    "all steps are returned": lambda: Temporal(head=lambda x: x),
    "the mean over time": lambda: Temporal(head=lambda x: x.mean(2)),
    "the maximum over time": lambda: Temporal(head=lambda x: x.amax(2)),
    "pooled to one step, and that one read": lambda: Temporal(
        head=lambda x: F.adaptive_avg_pool1d(x, 1)[:, :, -1]
    ),
    "the last step beside the mean": lambda: Temporal(head=lambda x: x[:, :, -1] + x.mean(2)),
    "the last step, and all of them": lambda: Temporal(head=lambda x: (x[:, :, -1], x)),
    "the last steps": lambda: Temporal(head=lambda x: x[:, :, -8:]),
    "the first and the last step": lambda: Temporal(
        head=lambda x: torch.cat([x[:, :, 0], x[:, :, -1]], 1)
    ),
    "attention over time": lambda: Temporal(
        head=lambda x: F.scaled_dot_product_attention(*[x.transpose(1, 2)] * 3)[:, -1]
    ),
    "a step that is looked up by an index": lambda: Temporal(
        head=lambda x: x[torch.arange(len(x)), :, torch.tensor([7])]
    ),
    "the last step of the input": lambda: Lambda(lambda x: x[:, :, -1]),
    "pointwise layers, and the last step": lambda: nn.Sequential(
        nn.Conv1d(1, 4, 1), nn.ReLU(), Lambda(lambda x: x[:, :, -1])
    ),
    "the input cropped to what is seen": lambda: nn.Sequential(
        Lambda(lambda x: x[:, :, -61:]), Temporal()
    ),
    "the past is reversed and read as well": lambda: nn.Sequential(
        Lambda(lambda x: x + x.flip(2)), Temporal()
    ),
    "an index into a class token of a transformer": lambda: nn.Sequential(
        Lambda(lambda x: x.transpose(1, 2)),
        nn.Linear(1, 8),
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        Lambda(lambda x: x[:, 0]),
    ),
}


@pytest.mark.parametrize("name", SILENT)
def test_it_is_silent_by_default(name: str) -> None:
    assert not by_default(SILENT[name](), 200)


@pytest.mark.parametrize(
    "norm", [lambda: nn.GroupNorm(2, 4), lambda: nn.InstanceNorm1d(4, affine=True)]
)
def test_statistics_over_time_let_everything_through(norm: Callable[[], nn.Module]) -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 3, padding=1), norm(), Lambda(lambda x: x[:, :, -1]))
    x = torch.rand(1, 1, 20, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(x).square().sum(), x)
    assert gradient.all()
    assert not by_default(model, 20)


class Gate(nn.Module):
    """Squeeze and excitation: the mean over time weights the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.weight = nn.Conv1d(1, 4, 3, padding=1), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return (x * torch.sigmoid(self.weight(x.mean(2)))[..., None])[:, :, -1]


class Recurrent(nn.Module):
    """A convolution, and an LSTM whose last output is read."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.lstm = nn.Conv1d(1, 4, 3, padding=1), nn.LSTM(4, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        steps: Tensor = self.lstm(self.conv(x).transpose(1, 2))[0]
        return steps[:, -1]


class TaughtByAllSteps(nn.Module):
    """Every step is trained, and the last one asked for in use."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x if self.training else x[:, :, -1]


class TaughtByTargets(nn.Module):
    """The same, where there are targets."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1)

    def forward(self, x: Tensor, targets: Tensor | None = None) -> Tensor:
        x = self.conv(x)
        return x[:, :, -1] if targets is None else F.mse_loss(x, targets)


@pytest.mark.parametrize("build", [Gate, Recurrent, TaughtByAllSteps, TaughtByTargets])
def test_it_is_silent_where_other_steps_count_by_another_way(
    build: Callable[[], nn.Module],
) -> None:
    assert not by_default(build, 50)


def test_dense_outputs_are_told_of_only_where_the_rule_is_asked_for() -> None:
    def messages(build: Callable[[], nn.Module], **options: Any) -> list[str]:
        found = rflint.lint(build, input=(1, 1, 200), **options).findings
        return [x.message for x in found if x.code == "RF104"]

    def dense() -> nn.Module:
        return Temporal(head=lambda x: x)

    assert not messages(dense)
    for asked in ({"select": "RF104"}, {"extend_select": "RF1"}, {"select": "ALL"}):
        assert messages(dense, **asked)[0].startswith("no position of the output sees")
        assert messages(Temporal, **asked)[0].startswith("reads only the last of the 200 steps")
    assert messages(Temporal)
    for left_out in ({"ignore": "RF104"}, {"ignore": "RF1"}, {"select": "RF2"}):
        assert not messages(Temporal, **left_out)
