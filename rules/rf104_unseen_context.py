"""No unit of the output sees the whole image.

What it is
    Even over the longest path, the receptive field of an output is smaller than the input, and
    nothing global (pooling over the map, flatten + linear, attention) comes in between.

Why it matters
    What lies further away than the receptive field can not influence a decision, however long the
    network is trained. In practice it is worse: the effective receptive field is only a part of the
    theoretical one (Luo et al., "Understanding the Effective Receptive Field in Deep Convolutional
    Neural Networks", NeurIPS 2016).

How to fix it
    Dilate, downsample earlier, add layers, or add a branch that pools globally (as in PSPNet's and
    DeepLab's heads). Or lint at the size of what has to be recognised, instead of the whole image.

When to ignore it
    Where decisions are local: denoising, super-resolution, texture, PatchGAN discriminators. That
    is common, so the rule is off by default.

How it is computed
    The largest receptive field over all paths (Eq. 1), attention gates included, and, where
    branches are shifted against each other, the distance between the outermost pixels that any of
    them sees. Where maps are resized, or positions work in windows of a partition, units at the
    seams see more than others: what rounding can add is added. There is no finding where a map
    meets its mirror image.
    Statistics that a normalisation takes over the map (InstanceNorm, GroupNorm) carry no features
    and do not count as seeing; the message says where there are any.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.receptive_field import AxisField, propagate
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import along_axes, size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding, at the output that sees most, if that does not see everything."""
    architecture = analysis.architecture
    outputs = architecture.outputs
    if not outputs or not analysis.complete or len(architecture.inputs) > 1:
        return
    reached = architecture.relations.live_layers
    if any(architecture.layers[index].reorders_positions for index in reached if index >= 0):
        return  # beside a mirrored map a unit sees both of its ends
    # what goes through a gate influences the output as well
    fields = propagate(architecture, through_gates=True)
    lengths = [
        [
            _sees(field, size)
            for field, size in zip(
                fields[index].output_field, architecture.layers[index].positions, strict=True
            )
        ]
        for index in outputs
    ]
    short = [
        [
            axis
            for axis, (r, i) in enumerate(zip(x, architecture.resolution, strict=True))
            if r and r < i
        ]
        for x in lengths
    ]
    if not all(short):
        return
    fewest = min(range(len(outputs)), key=lambda i: len(short[i]))
    axes, sees = short[fewest], lengths[fewest]
    where = f" {along_axes(axes, architecture.axes)}" if len(axes) < architecture.axes else ""
    rounded = any(
        span.slack for x in fields[outputs[fewest]].output_field for span in x.spans.values()
    )
    at_most = "at most " if rounded else ""
    yield RULE.finding(
        analysis.layers[outputs[fewest]],
        f"no position of the output sees the whole {size(architecture.resolution)} input{where}: "
        f"the largest receptive field is {at_most}{size(sees, unbounded='all')}"
        f"{_but_for(analysis)}",
    )


def _sees(field: AxisField, positions: int) -> int | None:
    """The most pixels between the outermost ones that any of so many positions sees; None: all.

    Paths of different jumps drift apart along the map, linearly, so an end of it sees most.
    """
    if field.unbounded or field.unknown or not field.spans:
        return None
    spans = field.spans.items()
    return max(
        ceil(
            max(at * jump + span.last + span.slack for jump, span in spans)
            - min(at * jump + span.first - span.slack for jump, span in spans)
            + 1
        )
        for at in (0, positions - 1)
    )


def _but_for(analysis: Analysis) -> str:
    architecture = analysis.architecture
    reached = architecture.relations.live_layers
    if any(architecture.layers[index].statistics for index in reached if index >= 0):
        return ", but for the statistics that normalisation layers take over the map"
    return ""


def fully_convolutional() -> Any:
    """Three 3x3 convolutions see 7 pixels."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 2, 3, padding=1),
    )


def with_global_pooling() -> Any:
    """The same in front of global pooling, which sees everything."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )


RULE = Rule(
    "RF104",
    "unseen-context",
    Severity.INFO,
    check=check,
    on_by_default=False,
    evidence=Evidence.PROVED,
    fails=[Example(fully_convolutional, 16)],
    passes=[Example(with_global_pooling, 16), Example(fully_convolutional, 7)],
)
