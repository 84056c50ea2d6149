"""A convolution that works on a single position.

What it is
    The feature map has size 1 along every axis, and a convolution with a kernel of more than one
    tap goes over it. There is one window, and one position that is not padding: the layer computes
    what a 1x1 convolution computes, with the weights of a larger one.

Why it matters
    All taps but one multiply padding: their weights can never receive a gradient, whatever the
    data. (Where padding copies the map, all taps multiply the one position, and only their sum
    counts.) A 3x3 convolution of that kind has nine times the weights that it can use. "Rethinking
    Atrous Convolution" (Chen et al., 2017, section 3.3) describes it for large dilations: the
    filter degenerates to a 1x1 filter.

How to fix it
    Make the kernel 1 (and the padding 0): the layer computes the same. Or keep the map larger, by
    downsampling less or feeding larger inputs, so that there is something to convolve.

When to ignore it
    Where the same weights also see larger inputs, as in multi-scale training, or where pretrained
    weights are kept on purpose.

How it is computed
    The sizes of the map, without explicit padding, in front of and behind the layer, in all calls
    that share its weights, in evaluation and in training. Where training cannot be followed,
    findings say "in evaluation".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import is_other_mode_known
from rflint.analysis.proofs.dead_weights import proved_kernels
from rflint.analysis.proofs.kernels import SharedKernel
from rflint.graph.layer import Kind, Layer
from rflint.linting.finding import Evidence, Finding, Severity, layers_of
from rflint.linting.other_passes import limited_to_mode
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import percent, size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each kernel of more than one tap that only works on maps of one position."""
    for kernel in _collapsed(analysis):
        layer = analysis.layers[kernel.calls[0]]
        padded = any(tap.zeros for tap in layer.taps)
        found = RULE.finding(
            layer,
            f"its kernel of {size(kernel.size)} works on a map of one position: kernel_size=1, "
            f"padding=0{', with no padding in front of it,' if padded else ''} computes the same "
            f"with 1/{prod(kernel.size)} of the weights ({kernel.weights:,} now)",
        )
        yield found if is_other_mode_known(analysis) else limited_to_mode(found, analysis)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many weights more than needed."""
    listed = layers_of(analysis, findings)
    wasted = sum(
        x.weights - x.weights // prod(x.size)
        for x in _collapsed(analysis)
        if analysis.layers[x.calls[0]] in listed
    )
    subject, are = (
        (f"{len(findings)} convolutions work", "they are pointwise convolutions")
        if len(findings) > 1
        else (f"{findings[0].title} works", "it is a pointwise convolution")
    )
    return (
        f"{subject} on a map of one position: {are} with {wasted:,} weights "
        f"({percent(wasted, analysis.totals.params)} of the parameters) more than needed. "
        "kernel_size=1, padding=0 computes the same."
    )


def _collapsed(analysis: Analysis) -> Sequence[SharedKernel]:
    return proved_kernels(analysis, _works_on_one_position)


def _works_on_one_position(kernel: SharedKernel, layers: Sequence[Layer]) -> bool:
    # of a kernel that is normalised, taps that meet nothing change those that do
    # of what lies between padding and kernel, something would be left without the padding
    plain = kernel.zeros_are_padding and not kernel.mixed
    return plain and all(_has_collapsed(layers[index]) for index in kernel.calls)


def _has_collapsed(layer: Layer) -> bool:
    """Whether its only window, of several taps, meets the only position that its map has."""
    return (
        layer.kind is Kind.CONV
        and prod(tap.kernel for tap in layer.taps) > 1
        and all(tap.data == 1 and tap.windows == 1 and tap.live for tap in layer.taps)
        # a window may lie on copies of zeros that were padded in front
        and all(tap.pads_zeros or not tap.zeros for tap in layer.taps)
    )


def downsampled_to_nothing() -> Any:
    """At 16 px the last convolution gets a 1x1 map."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 4, stride=4),
        nn.ReLU(),
        nn.Conv2d(8, 16, 4, stride=4),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


def with_a_kernel_of_one() -> Any:
    """The same, with the one tap that is left."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 4, stride=4),
        nn.ReLU(),
        nn.Conv2d(8, 16, 4, stride=4),
        nn.ReLU(),
        nn.Conv2d(16, 16, 1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


RULE = Rule(
    "RF201",
    "collapsed-map",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(downsampled_to_nothing, 16)],
    passes=[Example(with_a_kernel_of_one, 16)],
)
