"""The model has convolutions, and none of them could be judged, though some should be.

What it is
    None of the model's convolutions is held against the input's size. Either all of them slide over
    dimensions of the input that were said to be something else: channels, or a batch. Or views in
    front of them mix dimensions, so that nobody can tell which positions a window covers. Or what
    the model is given never reaches them, and they only work on constants. "complete" is false.

Why it matters
    A report without findings would say that all is well, when nothing was looked at.

How to fix it
    Say how the input is laid out, with --layout (one letter a dimension: B for the batch, C for
    channels, T for time or frames, D, H, W), with `layout` in the configuration, or behind the
    shape: --input 1x200x80:BTC. Or say nothing: then the axes are the dimensions that convolutions
    slide over. Where views mix dimensions (a `reshape` that should be a `permute` does), mend that,
    or lint what stands behind them on its own.

When to ignore it
    Where the convolutions are not what the model is linted for.

How it is computed
    Every dimension of every input is followed to the convolutions, through views, permutes and
    whatever else stands in front. Convolutions that see all of the input already (heads,
    generators, decoders behind a bottleneck), gates, and what makes positions (transposed
    convolutions) are rightly not judged, and are no reason for this finding. Nor is an operator
    that nobody knows in front of all of them, or data that the analysis ends at: RF901 and RF902
    tell of those.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.linting.finding import Finding, Severity
from rflint.linting.rule import Example, Rule, Settings


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding, at the first convolution, where none is judged though the axes are known."""
    convolutions = [x for x in analysis.layers if x.kind.is_convolution]
    if not analysis.unjudged:
        return
    number = len(convolutions)
    subject = "its one convolution" if number == 1 else f"none of its {number} convolutions"
    yield RULE.finding(
        convolutions[0],
        f"{subject} could {'not ' if number == 1 else ''}be judged: {analysis.unjudged}",
    )


def sequence() -> Any:
    """A convolution over the steps of (batch, steps, features)."""
    from torch import Tensor, nn

    class Sequence(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(16, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x.transpose(1, 2))
            return out

    return Sequence()


def generator() -> Any:
    """From a latent of one position: nothing is there to be seen."""
    from torch import nn

    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(3, 8, 1),
        nn.ConvTranspose2d(8, 8, 4),
        nn.Conv2d(8, 3, 3, padding=1),
    )


def mixed_up() -> Any:
    """Rows and columns mixed by a reshape that should be a transposition."""
    from torch import Tensor, nn

    class MixedUp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            batch, channels, height, width = x.shape
            out: Tensor = self.conv(x.reshape(batch, channels, width, height))
            return out

    return MixedUp()


RULE = Rule(
    "RF903",
    "unjudged-convolutions",
    Severity.WARNING,
    check=check,
    fails=[Example(sequence, 16, layout="BCT"), Example(mixed_up, (12, 20))],
    passes=[Example(sequence, 16, layout="BTC"), Example(generator, 16)],
)
