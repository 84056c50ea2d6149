"""Random chains of convolutions in one to three dimensions, plain and transposed, behind maps that
are padded, spread out and joined with zeros, in front of what crops and pools; the kernels that are
called dead are tried.

`python -m tests.helpers.kernel_claims 1000` tries that many; `make fuzz` does so.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint

CHANNELS = 2

Step = Callable[[Tensor, int], Tensor]
"""What is done to a map; the number is how far."""


def _every_axis(x: Tensor, pads: tuple[int, int]) -> list[int]:
    return [*pads] * (x.dim() - 2)


def _pooling(name: str) -> Step:
    def pool(x: Tensor, n: int) -> Tensor:
        function = getattr(F, f"{name}{x.dim() - 2}d")
        y: Tensor = function(x, n + 1 if name.startswith("adaptive") else 2)
        return y

    return pool


def spread_out(x: Tensor, n: int) -> Tensor:
    """Zeros between all positions."""
    axes = x.dim() - 2
    wide = x.new_zeros(*x.shape[:2], *(size * (n + 1) for size in x.shape[2:]))
    wide[(slice(None), slice(None), *(slice(None, None, n + 1),) * axes)] = x
    return wide


STEPS: Mapping[str, Step] = {
    "padded": lambda x, n: F.pad(x, _every_axis(x, (n, 1))),
    "padded with ones": lambda x, n: F.pad(x, _every_axis(x, (0, n)), value=1.0),
    "cropped by padding": lambda x, n: F.pad(x, [-min(n, x.shape[-1] - 1), 0]),
    "relu": lambda x, n: F.relu(x),
    "gelu": lambda x, n: F.gelu(x),
    "scaled": lambda x, n: x.tanh() * (n + 1) / 2,
    "clamped": lambda x, n: x.clamp(-1, 1),
    "gated": lambda x, n: x * x.sigmoid(),
    "added": lambda x, n: x + F.leaky_relu(x, 0.1),
    "moved up": lambda x, n: x + n,
    "spread out": spread_out,
    "spread out by views": lambda x, n: torch.stack([x, torch.zeros_like(x)], -1).flatten(-2),
    "zeros behind": lambda x, n: torch.cat([x, torch.zeros_like(x)], 2),
    "zeros in front": lambda x, n: torch.cat([x.new_zeros(x.shape), x], -1),
    "cropped in front": lambda x, n: x[:, :, min(n, x.shape[2] - 1) :],
    "cropped behind": lambda x, n: x[..., : max(1, x.shape[-1] - n)],
    "every second": lambda x, n: x[..., ::2],
    "flipped": lambda x, n: x.flip(2),
    "turned": lambda x, n: x.transpose(2, -1),
    "average": _pooling("avg_pool"),
    "maximum": _pooling("max_pool"),
    "adaptive average": _pooling("adaptive_avg_pool"),
    "adaptive maximum": _pooling("adaptive_max_pool"),
    "one row changed": lambda x, n: with_a_row_moved_up(x),
    "through views": lambda x, n: x.flatten(2).view(x.shape).unsqueeze(2).squeeze(2),
}


def with_a_row_moved_up(x: Tensor) -> Tensor:
    """In place, through a view."""
    x = x.clone()
    row = x[:, :, :1]
    row += 1
    return x


WAYS: Mapping[str, Callable[[Tensor, Any], Tensor]] = {
    "called": lambda x, conv: conv(x),
    "flipped": lambda x, conv: _run(x, conv, conv.weight.flip(2)),
    "both ways": lambda x, conv: conv(x) + _run(x, conv, conv.weight.flip(-1)),
    "turned too": lambda x, conv: (
        conv(x).mean() + _run(x, conv, conv.weight.transpose(2, -1).flip(2))
    ),
}


def _run(x: Tensor, conv: Any, weight: Tensor) -> Tensor:
    name = f"conv{'_transpose' if conv.transposed else ''}{x.dim() - 2}d"
    first = (x, weight, conv.bias, conv.stride, conv.padding)
    rest = (conv.output_padding, conv.groups) if conv.transposed else ()
    y: Tensor = getattr(F, name)(*first, *rest, conv.dilation, *(() if rest else (conv.groups,)))
    return y


class DrawnMaps(nn.Module):
    """Steps, then a convolution, again and again; and steps at the end."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        draw = random.Random(seed)
        self.axes = draw.choice([1, 2, 2, 2, 3])
        self.size = tuple(draw.randint(1, 5) for _ in range(self.axes))
        self.convs = nn.ModuleList(_convolution(draw, self.axes) for _ in range(draw.randint(1, 3)))
        self.ways = [draw.choice(["called", "called", *WAYS]) for _ in self.convs]
        self.norm = getattr(nn, f"BatchNorm{self.axes}d")(CHANNELS)
        self.normalises = draw.random() < 0.2
        self.fronts = [_steps(draw, 4) for _ in self.convs]
        self.behind = _steps(draw, 3)

    def forward(self, x: Tensor) -> Tensor:
        """The last map."""
        for conv, way, steps in zip(self.convs, self.ways, self.fronts, strict=True):
            for name, n in steps:
                x = STEPS[name](x, n)
            x = WAYS[way](x, conv)
        x = self.norm(x) if self.normalises else x
        for name, n in self.behind:
            x = STEPS[name](x, n)
        return x

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its input."""
        return (2, CHANNELS, *self.size)


def _steps(draw: random.Random, most: int) -> list[tuple[str, int]]:
    return [(draw.choice([*STEPS]), draw.randint(0, 2)) for _ in range(draw.randint(0, most))]


def _convolution(draw: random.Random, axes: int) -> nn.Module:
    def each(numbers: list[int]) -> tuple[int, ...]:
        return tuple(draw.choice(numbers) for _ in range(axes))

    transposed = "Transpose" if draw.random() < 0.3 else ""
    module: nn.Module = getattr(nn, f"Conv{transposed}{axes}d")(
        CHANNELS,
        CHANNELS,
        each([1, 2, 3, 3, 4, 5]),
        stride=each([1, 1, 2, 3]),
        padding=each([0, 0, 1, 2]),
        dilation=each([1, 1, 1, 2, 3]),
        groups=draw.choice([1, 1, 2]),
        bias=draw.random() < 0.4,
    )
    return module


def live_taps(model: DrawnMaps) -> dict[str, Tensor] | None:
    """By kernel, the taps that have a gradient for some pair of channels; None if nothing runs."""
    found: dict[str, Tensor] = {}
    try:
        for training in (False, True):
            model.train(training).zero_grad(set_to_none=True)
            y = model(torch.rand(model.shape, dtype=torch.double) + 0.1)
            (y * torch.rand_like(y)).sum().backward()
            for name, weight in model.named_parameters():
                if weight.dim() > 2 and weight.grad is not None:
                    taps = weight.grad.abs().sum((0, 1)) > 0
                    found[name] = taps | found.get(name, torch.zeros_like(taps))
    except (RuntimeError, ValueError):
        return None
    return found


def counted(seed: int) -> Iterator[tuple[str, int, int]]:
    """Of the kernels of a drawn network: a title, how many weights are called dead, and are."""
    torch.manual_seed(seed)
    model = DrawnMaps(seed).double()
    live = live_taps(model)
    if live is None:
        return
    (report,) = rflint.lint(model.eval(), input=model.shape, select="RF301").models
    weights = dict(model.named_parameters())
    for name, taps in live.items():
        called = sum(x.dead_weights for x in report.layers if name in x.layer.weight)
        dead = int((~taps).sum()) * weights[name].numel() // taps.numel()
        yield f"{seed}: {name}", called, dead


def refuted(seed: int) -> list[str]:
    """The kernels of which more is called dead than is."""
    return [
        f"{title}: {called} called dead, {dead} are"
        for title, called, dead in counted(seed)
        if called > dead
    ]


if __name__ == "__main__":
    kernels = [kernel for seed in range(int(sys.argv[1])) for kernel in counted(seed)]
    wrong = [kernel for kernel in kernels if kernel[1] > kernel[2]]
    dead = [kernel for kernel in kernels if kernel[2]]
    untold = [kernel for kernel in dead if kernel[1] < kernel[2]]
    sys.stdout.write("".join(f"{a}: {b} called dead, {c} are\n" for a, b, c in wrong))
    sys.stdout.write(f"{len(kernels)} kernels, {len(dead)} with dead taps, ")
    sys.stdout.write(f"{len(untold)} of them not wholly told, {len(wrong)} claims refuted\n")
    sys.exit(bool(wrong))
