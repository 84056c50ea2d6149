"""The convolution behind which receptive fields are larger than the input.

What it is
    The first layer, in execution order, that reads a receptive field no larger than the input and
    makes a larger one, even on the shortest path: r_{l-1,min} <= i < r_{l,min} (the receptive field
    r of what it reads and of what it makes, the input size i). It crosses. It does useful work;
    what comes behind it works past the border.

Why it matters
    This is the last layer that the theory counts on. It shows how deep a network for this input
    size needs to be, and where a new head would go (Richter et al., "Should You Go Deeper?",
    section III).

How to fix it
    There is nothing to fix. Networks whose critical layer is near the end use what they have: the
    paper's heuristic is to move the border as close to the output as possible.

When to ignore it
    Always, unless you asked: the rule is there for designing, and is off by default.

How it is computed
    Eq. 1 of the paper along every path and axis. The smallest receptive field over all paths is
    kept for each distinct product of strides, which is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rflint.analysis.analysed_layer import Verdict
from rflint.analysis.analysis import Analysis
from rflint.analysis.receptive_field import ReceptiveField
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding, at the first critical layer."""
    layer = next((x for x in analysis.layers if x.verdict is Verdict.CRITICAL), None)
    if layer is not None:
        before, behind = _sees(layer.input_field), _sees(layer.output_field)
        whole = size(x.input_size for x in layer.compared_axes)
        yield RULE.finding(
            layer,
            f"here receptive fields outgrow the {whole} input: "
            f"{before} in front of it, {behind} behind it",
        )


def _sees(field: ReceptiveField) -> str:
    """The smallest receptive field over all paths; 'all' where it is unbounded."""
    return size((axis.r_min for axis in field), unbounded="all")


def crosses() -> Any:
    """Its second convolution sees 10 pixels in front, 18 behind."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 9, padding=4),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 5, padding=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


RULE = Rule(
    "RF102",
    "critical-layer",
    Severity.INFO,
    check=check,
    on_by_default=False,
    evidence=Evidence.PREDICTED,
    fails=[Example(crosses, 16)],
    passes=[Example(crosses, 32)],
)
