"""An operator that rflint does not know.

What it is
    The model calls an operator that is in none of rflint's tables, and that could not be measured
    either: rflint runs such an operator on real tensors, with a NaN at one position, and looks
    where it comes out. What it reads of its input is unknown, so everything that depends on it is
    "not judged", and the report says "complete": false.

Why it matters
    A layer behind such an operator may be unproductive without rflint saying so. It never guesses.

How to fix it
    Nothing is wrong with your model. Tell rflint what the operator reads, in the model's own file:
    `rflint.operator("mylib::filter", reads=rflint.Window(3))` (docs/operators.md). If it is a
    public one, please report it, so that it enters the table.

When to ignore it
    Where the unknown operator sits behind everything that you want judged. With
    `--allow-unknown OPERATOR` it is not reported; what depends on it stays unjudged.

How it is computed
    Every call is looked up in rflint's table of operators; what is not there is run on small
    tensors, with a NaN at one position after another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.linting.finding import Finding, Severity
from rflint.linting.rule import Example, Rule, Settings


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each call whose reach nobody knows."""
    for layer in analysis.layers:
        if layer.is_unknown and layer.op not in settings.allow_unknown:
            yield RULE.finding(
                layer,
                f"rflint does not know what {layer.op} reads of its input"
                + (f" ({layer.unknown_because})" if layer.unknown_because else "")
                + ": what depends on it is not judged (`rflint rule RF901` says what to do)",
            )


def needs_an_accelerator() -> Any:
    """An operator that neither the table knows nor this machine can run."""
    import torch
    from torch import Tensor, nn

    @torch.library.custom_op(
        "rflint_example::accelerated", mutates_args=(), schema="(Tensor x) -> Tensor"
    )
    def accelerated(x: Tensor) -> Tensor:
        raise RuntimeError("there is a kernel for an accelerator only")

    @accelerated.register_fake
    def accelerated_shape(x: Tensor) -> Tensor:
        return torch.empty_like(x)

    class Accelerated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(accelerated(x))
            return out

    return Accelerated()


def known_operators() -> Any:
    """Everything is in the table."""
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())


RULE = Rule(
    "RF901",
    "unknown-operator",
    Severity.WARNING,
    check=check,
    fails=[Example(needs_an_accelerator, 16)],
    passes=[Example(known_operators, 16)],
)
