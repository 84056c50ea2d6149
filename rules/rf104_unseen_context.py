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
    The largest receptive field over all paths (Eq. 1), and, where branches are shifted against each
    other, the distance between the outermost pixels that any of them sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rflint.analysis import AnalysedLayer, Analysis
from rflint.architecture import Number
from rflint.figures import along, size
from rflint.receptive_field import AxisField
from rflint.rule import Evidence, Example, Finding, Settings, Severity, finding

CODE = "RF104"
NAME = "unseen-context"
SEVERITY = Severity.INFO
DEFAULT = False
EVIDENCE = Evidence.PROVED


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding, at the output that sees most, if that does not see everything."""
    architecture = analysis.architecture
    outputs = [analysis.layers[index] for index in architecture.outputs]
    if not outputs or not analysis.complete:
        return
    short = [
        [axis for axis in range(architecture.axes) if _misses(analysis, x, axis)] for x in outputs
    ]
    if not all(short):
        return
    fewest = min(range(len(outputs)), key=lambda i: len(short[i]))
    output, axes = outputs[fewest], short[fewest]
    where = f" {along(axes, architecture.axes)}" if len(axes) < architecture.axes else ""
    yield finding(
        globals(),
        output,
        f"no position of the output sees the whole {size(architecture.resolution)} input{where}: "
        f"the largest receptive field is {size([_sees(field) for field in output.out])}, and "
        "nothing global follows",
    )


def _misses(analysis: Analysis, output: AnalysedLayer, axis: int) -> bool:
    sees = _sees(output.out[axis])
    return sees is not None and sees < analysis.architecture.resolution[axis]


def _sees(field: AxisField) -> Number | None:
    if field.unbounded or field.unknown:
        return None
    return max((span.last - span.first + 1 for span in field.spans.values()), default=None)


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


FAILS = [Example(fully_convolutional, 16)]
PASSES = [Example(with_global_pooling, 16), Example(fully_convolutional, 7)]
