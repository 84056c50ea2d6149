"""Random small networks whose weights are shared, flipped, normalised and returned; what is claimed
of their parameters is tried.

`python -m tests.helpers.parameter_claims 1000` tries that many; `make fuzz` does so.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.report.model_report import ModelReport

CHANNELS = 4
SIZE = 8

MODES = ("zeros", "zeros", "zeros", "reflect", "replicate", "circular")


class Drawn(nn.Module):
    """A chain of drawn steps; each is made once, and may be called again later on."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        draw = random.Random(seed)
        self.convs = nn.ModuleList(_convolution(draw) for _ in range(draw.randint(1, 4)))
        self.norms = nn.ModuleList(_normalisation(draw) for _ in self.convs)
        self.spare = nn.Conv2d(CHANNELS, CHANNELS, draw.choice([1, 3]))
        self.steps = [
            (draw.randrange(len(self.convs)), draw.choice(list(FRONTS)), draw.choice(list(WAYS)))
            for _ in range(draw.randint(1, 4))
        ]
        self.ends = draw.choice(["map", "penalty", "pooled", "penalty in training", "spare"])
        self.whole_in_training = draw.random() < 0.2

    def forward(self, x: Tensor) -> Any:
        """The steps, and what they end in."""
        for index, front, way in self.steps:
            if not (self.training and self.whole_in_training):
                x = FRONTS[front](x)
            x = WAYS[way](x, self.convs[index], self.norms[index])
        if self.ends == "pooled":
            return x.mean((2, 3))
        if self.ends == "penalty" or (self.ends == "penalty in training" and self.training):
            return x, sum(p.square().sum() for p in self.convs.parameters())
        return self.spare(F.pad(x, (1, 1, 1, 1))) if self.ends == "spare" else x


def _convolution(draw: random.Random) -> nn.Conv2d:
    return nn.Conv2d(
        CHANNELS,
        CHANNELS,
        draw.choice([1, 2, 3, 3, 5]),
        stride=draw.choice([1, 1, 2]),
        padding=draw.choice([0, 1, 1, 2]),
        dilation=draw.choice([1, 1, 2, 3]),
        groups=draw.choice([1, 1, 2]),
        bias=draw.random() < 0.8,
        padding_mode=draw.choice(MODES),
    )


def _normalisation(draw: random.Random) -> nn.Module:
    kinds: list[Callable[[], nn.Module]] = [
        nn.Identity,
        lambda: nn.BatchNorm2d(CHANNELS),
        lambda: nn.BatchNorm2d(CHANNELS, momentum=0.0),
        lambda: nn.GroupNorm(2, CHANNELS),
        lambda: nn.GroupNorm(CHANNELS, CHANNELS),
        nn.ReLU,
    ]
    return draw.choice(kinds)()


FRONTS: dict[str, Callable[[Tensor], Tensor]] = {
    "nothing": lambda x: x,
    "pooled to one": lambda x: F.adaptive_avg_pool2d(x, 1),
    "pooled to two": lambda x: F.adaptive_avg_pool2d(x, 2),
    "pooled to rows": lambda x: F.adaptive_avg_pool2d(x, (1, 3)),
    "halved": lambda x: F.avg_pool2d(x, 2, ceil_mode=True),
    "upsampled": lambda x: F.interpolate(x, scale_factor=2),
    "cropped": lambda x: x[:, :, : max(1, x.shape[2] // 2)],
    "padded": lambda x: F.pad(x, (1, 0, 0, 1)),
}

WAYS: dict[str, Callable[[Tensor, Any, nn.Module], Tensor]] = {
    "called": lambda x, conv, norm: norm(conv(x)),
    "called twice": lambda x, conv, norm: norm(conv(x)) + norm(conv(x)).flip(2),
    "functional": lambda x, conv, norm: norm(_run(x, conv, conv.weight)),
    "flipped": lambda x, conv, norm: norm(_run(x, conv, conv.weight.flip(2))),
    "both ways": lambda x, conv, norm: norm(conv(x) + _run(x, conv, conv.weight.flip(3))),
    "turned": lambda x, conv, norm: norm(_run(x, conv, conv.weight.transpose(2, 3))),
    "symmetric": lambda x, conv, norm: norm(_run(x, conv, conv.weight + conv.weight.flip(2))),
    "scaled": lambda x, conv, norm: norm(_run(x, conv, conv.weight * 0.5)),
    "transposed": lambda x, conv, norm: norm(
        F.conv_transpose2d(x, conv.weight, conv.bias, padding=conv.kernel_size[0] // 2)
        if conv.groups == 1
        else conv(x)
    ),
    "frozen": lambda x, conv, norm: norm.eval()(conv(x)),
}


def _run(x: Tensor, conv: nn.Conv2d, weight: Tensor) -> Tensor:
    options = (conv.stride, conv.padding, conv.dilation, conv.groups)
    return F.conv2d(x, weight, conv.bias, *options)


def runs(model: nn.Module) -> bool:
    """Whether torch runs it, in both modes."""
    try:
        for training in (False, True):
            model.train(training)(torch.rand(2, CHANNELS, SIZE, SIZE, dtype=torch.double))
    except (RuntimeError, ValueError):
        return False
    return True


def linted(model: nn.Module) -> ModelReport:
    """What is claimed."""
    (report,) = rflint.lint(
        model, input=(2, CHANNELS, SIZE, SIZE), select="RF201,RF301,RF302,RF303"
    ).models
    return report


def refuted(seed: int) -> Iterator[str]:
    """The claims about a drawn network that its gradients refute."""
    torch.manual_seed(seed)
    model = Drawn(seed).double()
    if not runs(model):
        return
    report = linted(model)
    claimed = [finding for finding in report.findings if finding.severity.value != "info"]
    biases = {x.layer for x in report.findings if x.code == "RF303"}
    dead = {x.layer.name: x.dead_weights for x in report.layers if x.dead_weights}
    for training in (False, True):
        gradients = gradients_of(model, training)
        for finding in claimed:
            if finding.code == "RF302":
                names = [n for n in gradients if f"{n}.".startswith(f"{finding.layer}.")]
                if any(gradients[name] is not None for name in names):
                    yield f"{seed}: {finding.layer} has a gradient: {finding.message}"
        zeros = sum(
            int((gradient == 0).sum())
            for name, gradient in gradients.items()
            if gradient is not None and gradient.dim() == 4
        )
        if zeros < sum(dead.values()):
            yield f"{seed}: {sum(dead.values())} weights are called dead, {zeros} are ({training=})"
        for layer in biases if training else ():
            gradient = gradients.get(f"{layer}.bias")
            if gradient is not None and float(gradient.abs().max()) > 1e-9:
                yield f"{seed}: the bias of {layer} has a gradient of {gradient.abs().max()}"


def gradients_of(model: nn.Module, training: bool) -> dict[str, Tensor | None]:
    """Of a weighted sum of all that the model returns."""
    model.train(training)
    model.zero_grad(set_to_none=True)
    returned = model(torch.rand(2, CHANNELS, SIZE, SIZE, dtype=torch.double))
    outputs = returned if isinstance(returned, tuple) else (returned,)
    torch.stack([(x * torch.rand_like(x)).sum() for x in outputs]).sum().backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}


if __name__ == "__main__":
    wrong = [claim for seed in range(int(sys.argv[1])) for claim in refuted(seed)]
    sys.stdout.write("\n".join(wrong) + "\n" if wrong else "no claim is refuted\n")
    sys.exit(bool(wrong))
