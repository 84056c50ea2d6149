"""RF301 where what is in front of a kernel or behind it decides which taps do anything.

The oracle is PyTorch: which taps of the parameter have a gradient, in evaluation and in training.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.linting.finding import Finding
from rflint.report.model_report import ModelReport

SHAPE = (2, 4, 4, 4)


class Around(nn.Module):
    """A convolution with something in front of it and something behind."""

    def __init__(
        self,
        conv: nn.Module,
        front: Callable[[Tensor], Tensor] = lambda x: x,
        behind: Callable[[Tensor], Tensor] = lambda x: x,
    ) -> None:
        super().__init__()
        self.conv, self.front, self.behind = conv, front, behind

    def forward(self, x: Tensor) -> Tensor:
        return self.behind(self.conv(self.front(x)))


def dead_by_gradient(model: nn.Module, shape: tuple[int, ...] = SHAPE) -> int:
    """Weights of kernels of which no pair of channels has a gradient, in either mode.

    Several images are drawn, since a maximum passes a gradient to one of its positions only.
    """
    alive: dict[str, Tensor] = {}
    for training in (False, True) * 8:
        model.double().train(training)
        model.zero_grad(set_to_none=True)
        returned = model(torch.rand(shape, dtype=torch.double) + 0.1)
        (returned * torch.rand_like(returned)).sum().backward()
        for name, weight in model.named_parameters():
            if weight.dim() > 2 and weight.grad is not None:
                taps = weight.grad.abs().sum((0, 1)) > 0
                alive[name] = taps | alive.get(name, torch.zeros_like(taps))
    weights = dict(model.named_parameters())
    return sum(
        int((~taps).sum()) * weights[name].numel() // taps.numel() for name, taps in alive.items()
    )


def linted(model: nn.Module, shape: tuple[int, ...] = SHAPE) -> ModelReport:
    (report,) = rflint.lint(model, input=shape, select="RF301").models
    return report


def told(model: nn.Module, shape: tuple[int, ...] = SHAPE) -> int:
    """The dead weights that rflint counts."""
    return linted(model, shape).analysis.totals.dead_weights


def the_finding(model: nn.Module, shape: tuple[int, ...] = SHAPE) -> Finding:
    (finding,) = linted(model, shape).findings
    return finding


def conv(size: int = 3, **options: object) -> nn.Conv2d:
    return nn.Conv2d(4, 4, size, **options)  # type: ignore[arg-type]


# -- windows that nobody reads


UNREAD: dict[str, nn.Module] = {
    "rows that pooling leaves out": Around(
        conv(7, padding=3), lambda x: x[:, :, :3, :3], lambda x: F.max_pool2d(x, 2)
    ),
    "columns that are cropped": Around(
        conv(padding=1), lambda x: x[:, :, :, :2], lambda x: x[:, :, :, :1]
    ),
    "a padding that takes away": Around(
        conv(padding=1), lambda x: x[:, :, :2, :2], lambda x: F.pad(x, [0, -1, -1, 0])
    ),
    "every second position": Around(
        conv(5, padding=2), lambda x: x[:, :, :2, :2], lambda x: x[:, :, ::2, ::2]
    ),
    "a transposed convolution, cropped": Around(
        nn.ConvTranspose2d(4, 4, 4, stride=2), behind=lambda x: x[:, :, :, :1]
    ),
    "the same, trimmed by a padding": Around(
        nn.ConvTranspose2d(4, 4, 4, stride=4), behind=lambda x: F.pad(x, [-1, -13, 0, 0])
    ),
    "all but a corner, by two readers": Around(
        conv(padding=1),
        lambda x: x[:, :, :2, :2],
        lambda x: torch.cat([x[:, :, 0], x[:, :, :, 0]], 2),
    ),
}


@pytest.mark.parametrize("kind", UNREAD)
def test_taps_whose_results_nobody_reads_are_dead(kind: str) -> None:
    model = UNREAD[kind]
    dead = dead_by_gradient(model)
    assert told(model) == dead > 0


def test_a_finding_says_that_nobody_reads() -> None:
    both = the_finding(UNREAD["every second position"]).message
    unread = the_finding(UNREAD["a transposed convolution, cropped"]).message
    assert "only ever meet zero padding, or are used at positions that nobody reads (" in both
    assert "are only used at positions that nobody reads (" in unread


class CropsInEvaluation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x[:, :, :, :2])
        return x if self.training else x[:, :, :, :1]


class NormalisesWhatIsCropped(nn.Module):
    """In training, the statistics of the batch read every position."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = conv(padding=1), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x[:, :, :, :2]))[:, :, :, :1]


@pytest.mark.parametrize("build", [CropsInEvaluation, NormalisesWhatIsCropped])
def test_what_training_reads_is_alive(build: Callable[[], nn.Module]) -> None:
    assert dead_by_gradient(build()) == told(build()) == 0


def test_a_convolution_whose_result_is_thrown_away_is_not_for_this_rule() -> None:
    """RF302 says of it that no output depends on it."""

    class Forgotten(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.spare = conv(padding=1), conv(padding=1)

        def forward(self, x: Tensor) -> Tensor:
            self.spare(x)
            return self.conv(x)

    assert told(Forgotten()) == 0


# -- maps that are zero at known positions


def pad(x: Tensor) -> Tensor:
    return F.pad(x[:, :, :1, :1], [2, 2, 2, 2])


def spread_out(x: Tensor) -> Tensor:
    """Zeros between the positions of a map."""
    wide = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    wide[:, :, ::2, ::2] = x
    return wide


def spread_by_views(x: Tensor) -> Tensor:
    return torch.stack([x, torch.zeros_like(x)], -1).flatten(-2)


ZERO: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda x: F.relu(pad(x)),
    "relu in place": lambda x: F.relu_(pad(x)),
    "leaky relu": lambda x: F.leaky_relu(pad(x), 0.1),
    "gelu": lambda x: F.gelu(pad(x)),
    "tanh": lambda x: pad(x).tanh(),
    "dropout": lambda x: F.dropout(pad(x), 0.5, training=False),
    "clamp": lambda x: pad(x).clamp(-1, 1),
    "scaled": lambda x: pad(x) * 3 / 2,
    "gated": lambda x: pad(x) * x.sigmoid().mean((2, 3), keepdim=True),
    "added": lambda x: pad(x) + pad(x).relu(),
    "average pooling": lambda x: F.avg_pool2d(pad(x), 2, stride=1),
    "maximum pooling": lambda x: F.max_pool2d(pad(x), 2, stride=1),
    "adaptive pooling": lambda x: F.adaptive_avg_pool2d(F.pad(x[:, :, :1, :1], [4, 4, 4, 4]), 4),
    "padded and cropped": lambda x: pad(x)[:, :, 1:4, :],
    "padded and turned": lambda x: pad(x).transpose(2, 3).flip(2),
    "joined with zeros": lambda x: torch.cat([x[:, :, :1], torch.zeros_like(x[:, :, :3])], 2),
    "zeros in front": lambda x: torch.cat([x.new_zeros(2, 4, 4, 3), x[..., :1]], 3),
    "through views": lambda x: pad(x).flatten(2).view(2, 4, 5, 5).contiguous(),
    "branches padded alike": lambda x: torch.cat([pad(x)[:, :2], pad(x).relu()[:, 2:]], 1),
    "spread out": spread_out,
    "spread out by views": spread_by_views,
    "spread out by a transposed convolution": lambda x: F.conv_transpose2d(
        x, torch.ones(4, 1, 1, 1, dtype=x.dtype), stride=2, groups=4
    ),
}
"""What is in front of a kernel of three, dilated by two."""


@pytest.mark.parametrize("front", ZERO)
@pytest.mark.parametrize("dilation", [1, 2])
def test_taps_that_meet_only_zeros_are_dead(front: str, dilation: int) -> None:
    model = Around(conv(stride=2, padding=dilation - 1, dilation=dilation), ZERO[front])
    assert told(model) == dead_by_gradient(model)


def test_kernels_on_spread_maps_are_among_these() -> None:
    """Strides as wide as the gaps: every window begins at a position that holds something."""
    for front in ("spread out", "spread out by a transposed convolution"):
        model = Around(conv(2, stride=2), ZERO[front])
        assert told(model) == dead_by_gradient(model) == 4 * 4 * 3
        assert "weights only ever meet zeros (" in the_finding(model).message


NOT_ZERO: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": lambda x: pad(x).sigmoid(),
    "clamped away from zero": lambda x: pad(x).clamp(min=0.5),
    "added to a number": lambda x: pad(x) + 1,
    "subtracted from a number": lambda x: 1 - pad(x),
    "added to what is not zero there": lambda x: pad(x) + x.mean((2, 3), keepdim=True),
    "padded with a number later": lambda x: F.pad(pad(x)[..., 1:-1, 1:-1], [1, 1, 1, 1], value=0.5),
    "divided by something": lambda x: 1 / (1 + pad(x)),
    "alpha dropout": lambda x: F.alpha_dropout(pad(x), 0.9, training=True),
    "written into": lambda x: written(pad(x)),
    "written into through a view": lambda x: written_through_a_view(pad(x)),
    "zeros that were overwritten": lambda x: torch.cat([x[:, :, :1], no_zeros(x)], 2),
    "a maximum with a number": lambda x: torch.maximum(pad(x), torch.ones_like(pad(x))),
}


def written(x: Tensor) -> Tensor:
    x[:, :, 0] = 1.0
    x[:, :, -1] = 1.0
    x[..., 0] = 1.0
    x[..., -1] = 1.0
    return x


def written_through_a_view(x: Tensor) -> Tensor:
    view = x[:, :, :]
    view += 1
    return x


def no_zeros(x: Tensor) -> Tensor:
    zeros = torch.zeros(2, 4, 3, 4, dtype=x.dtype)
    zeros += 1
    return zeros


@pytest.mark.parametrize("front", NOT_ZERO)
def test_what_is_not_zero_is_data(front: str) -> None:
    model = Around(conv(stride=2), NOT_ZERO[front])
    assert told(model) == 0
    assert dead_by_gradient(model) < dead_by_gradient(Around(conv(stride=2), pad))


def test_a_bias_fills_what_is_spread_out() -> None:
    spread = nn.ConvTranspose2d(4, 4, 1, stride=2)
    model = Around(conv(2, stride=2), spread)
    assert told(model) == dead_by_gradient(model) == 0
    without = Around(conv(2, stride=2), nn.ConvTranspose2d(4, 4, 1, stride=2, bias=False))
    assert told(without) == dead_by_gradient(without) == 48


def test_zeros_in_front_are_no_reason_to_say_that_a_smaller_kernel_computes_the_same() -> None:
    """Where something lies between the padding and the kernel, RF201 has nothing to advise."""
    model = Around(conv(3), lambda x: F.avg_pool2d(F.pad(x[:, :, :1, :1], [4, 4, 4, 4]), 3))
    (report,) = rflint.lint(model, input=SHAPE, select="RF201,RF301").models
    assert {finding.code for finding in report.findings} == {"RF301"}
    assert "kernel_size" not in report.findings[0].message


# -- kernels that are used in two orders


class TwoOrders(nn.Module):
    """A kernel as it is and rearranged, both on maps of two positions."""

    def __init__(self, rearranged: Callable[[Tensor], Tensor], **options: object) -> None:
        super().__init__()
        self.conv, self.rearranged = conv(**options), rearranged  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :2, :2]
        other = F.conv2d(x, self.rearranged(self.conv.weight), padding=self.conv.padding)
        return self.conv(x).sum((2, 3)) + other.sum((2, 3))


ORDERS: dict[str, Callable[[Tensor], Tensor]] = {
    "flipped": lambda w: w.flip(2),
    "flipped twice": lambda w: w.flip(3).flip(-1),
    "turned": lambda w: w.transpose(2, 3),
    "flipped and turned": lambda w: w.flip(2).permute(0, 1, 3, 2),
    "channels too": lambda w: w.transpose(0, 1).flip((2, 3)),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [(3, 3), (3, 5), (5, 3), (4, 4)])
def test_a_kernel_in_two_orders_is_dead_where_it_is_in_both(
    order: str, size: tuple[int, int]
) -> None:
    """An even kernel reaches further on one side, and the other one when it is flipped."""
    model = TwoOrders(ORDERS[order], size=size, padding=(2, 2))
    assert told(model) == dead_by_gradient(model)


def test_orders_that_are_not_followed_are_not_judged() -> None:
    model = TwoOrders(lambda w: w.roll(1, 2), size=5, padding=2)
    assert told(model) == 0


def test_a_kernel_in_two_orders_has_no_smaller_one() -> None:
    model = TwoOrders(ORDERS["flipped"], size=7, padding=3)
    assert "kernel_size" not in the_finding(model).message
    assert told(model) == dead_by_gradient(model) == 16 * (49 - 9)


class State(nn.Module):
    """A state of zeros, where none is given."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.of_state = conv(padding=1), conv(padding=1, bias=False)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        return self.conv(x) + self.of_state(torch.zeros_like(x) if state is None else state)


def test_what_is_zero_altogether_is_not_judged() -> None:
    """It is there for a state or an input that this call does not give."""
    assert told(State()) == 0
    assert (
        told(Around(conv(padding=1), lambda x: torch.cat([x[:, :2], x.new_zeros(2, 2, 4, 4)], 1)))
        == 0
    )
