"""Downsampling with a kernel too small to low-pass what it samples.

What it is
    A layer with stride s > 1 and fewer than 2s - 1 taps along an axis: max pooling 2/2, a strided
    1x1 convolution, a patch embedding, a strided slice. Average pooling over at least s positions
    is a low-pass filter, and no finding.

Why it matters
    What varies faster than once in 2s positions can not be told from something slower once only
    every s-th position is left: shifting the image by a pixel changes the output. Blurring before
    sampling makes networks more consistent under shifts, and more accurate (Zhang, "Making
    Convolutional Networks Shift-Invariant Again", ICML 2019; Azulay and Weiss, "Why do deep
    convolutional networks generalize so poorly to small image transformations?", JMLR 2019). The
    smallest filter that gives every position the same weight and interpolates between samples, the
    triangle, has 2s - 1 taps.

How to fix it
    Blur before sampling: max pooling with stride 1, then a fixed blur (1, 2, 1) with stride 2; or
    average pooling; or a 3x3 convolution with stride 2, which can learn to low-pass.

When to ignore it
    Where shifts do not matter, or are augmented for. Most networks in use do alias, so the rule is
    off by default.

How it is computed
    Taps and strides along every axis of convolutions, pooling and slices that some output depends
    on. A large enough kernel is no proof of a low-pass filter; a small one is proof that there is
    none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.graph.layer import Kind
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import along_axes, plural

_SAMPLING = (Kind.CONV, Kind.POOL, Kind.SLICE)


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each layer that samples without a filter."""
    reached = analysis.architecture.relations.live_layers
    for index, layer in enumerate(analysis.layers):
        aliases = [taps for taps in layer.taps if _aliases(layer, taps)]
        if index in reached and layer.kind in _SAMPLING and aliases:
            message = _message(aliases, analysis.architecture.axes)
            yield RULE.finding(layer, message, message)


def _message(aliases: Sequence[Taps], of: int) -> str:
    axes: dict[tuple[int, int], list[int | None]] = {}
    for taps in aliases:
        axes.setdefault((taps.stride, taps.kernel), []).append(taps.axis)
    parts = []
    for (stride, kernel), there in axes.items():
        known = [axis for axis in there if axis is not None]
        where = along_axes(known, of) if known else ""
        parts.append(
            f"takes every {_ordinal(stride)} position{f' {where}' if where else ''} through "
            f"{plural(kernel, 'tap')}, where a low-pass filter has at least {2 * stride - 1}"
        )
    return "; ".join(parts)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many, and the remedy."""
    subject = f"{len(findings)} layers sample" if len(findings) > 1 else "A layer samples"
    return (
        f"{subject} with a kernel too small to low-pass: small shifts of the image change the "
        "output. Blur, or average, before sampling."
    )


def _aliases(layer: AnalysedLayer, taps: Taps) -> bool:
    averages = Trait.AVERAGES in layer.traits and taps.kernel >= taps.stride
    small = taps.kernel < 2 * taps.stride - 1
    # one window over a whole map samples nothing
    return taps.stride > 1 and taps.windows > 1 and small and not averages


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")


def max_pooling() -> Any:
    """Max pooling 2/2 takes one value of each block, whichever is largest."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1),
    )


def average_pooling() -> Any:
    """Averages are a low-pass filter."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1),
    )


RULE = Rule(
    "RF404",
    "aliased-downsampling",
    Severity.INFO,
    check=check,
    summarise=summarise,
    on_by_default=False,
    evidence=Evidence.PREDICTED,
    fails=[Example(max_pooling, 16)],
    passes=[Example(average_pooling, 16)],
)
