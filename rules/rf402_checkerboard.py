"""A transposed convolution whose kernel is not divisible by its stride.

What it is
    Each output position is the sum over the taps that land on it, and neighbouring positions get
    different numbers of taps: with a kernel of 3 and a stride of 2, two and one in turn. In two
    dimensions that is a checkerboard of four, two and one.

Why it matters
    The uneven overlap shows in what is drawn, and in gradients, as a checkerboard pattern. Networks
    can learn to avoid it but rarely do completely (Odena et al., "Deconvolution and Checkerboard
    Artifacts", Distill 2016).

How to fix it
    Use a kernel that the stride divides (4 with stride 2), or resize (nn.Upsample) and convolve.

When to ignore it
    Where what is made is smoothed afterwards, or is no image (a heat map whose maximum counts).

How it is computed
    Taps are counted per output phase, along each axis: tap t lands on phase (t * dilation) mod
    stride.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis import AnalysedLayer, Analysis
from rflint.architecture import Kind
from rflint.figures import plural, size
from rflint.rule import Evidence, Example, Finding, Settings, Severity, finding
from rflint.taps import Taps

CODE = "RF402"
NAME = "checkerboard"
SEVERITY = Severity.INFO
DEFAULT = True
EVIDENCE = Evidence.PROVED


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each transposed convolution with an uneven overlap."""
    for layer in analysis.layers:
        uneven = _uneven(layer)
        if uneven:
            numbers = _in_turn(uneven[0])
            yield finding(
                globals(),
                layer,
                f"its kernel of {size(layer.layer.geometry.kernel)} is not divisible by its stride "
                f"of {size([taps.stride for taps in layer.layer.taps])}: output positions are made "
                f"of {numbers} taps in turn along an axis; kernel_size={_divisible(uneven[0])} "
                "gives all of them the same",
            )


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """What is uneven, and what would not be."""
    if len(findings) == 1:
        return f"{findings[0].layer}: {findings[0].message}."
    return (
        f"{plural(len(findings), 'transposed convolution')} have kernels that their strides do not "
        "divide: neighbouring output positions are made of different numbers of taps, which shows "
        "as a checkerboard. Use kernels that are multiples of the stride, or resize and convolve."
    )


def _uneven(layer: AnalysedLayer) -> list[Taps]:
    if layer.layer.kind is not Kind.CONV_TRANSPOSE:
        return []
    return [taps for taps in layer.layer.taps if len(set(_per_phase(taps))) > 1]


def _per_phase(taps: Taps) -> list[int]:
    """How many taps land on each of the output phases that a stride makes."""
    landed = Counter(tap * taps.dilation % taps.stride for tap in range(taps.kernel))
    return [landed[phase] for phase in range(taps.stride)]


def _in_turn(taps: Taps) -> str:
    return " and ".join(map(str, sorted(set(_per_phase(taps)), reverse=True)))


def _divisible(taps: Taps) -> int:
    """The next larger kernel that the stride divides."""
    return -(-taps.kernel // taps.stride) * taps.stride


def kernel_of_three() -> Any:
    """Output positions are made of two taps and one in turn."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 3, 3, stride=2, padding=1, output_padding=1),
    )


def kernel_of_four() -> Any:
    """Two taps everywhere, and the same sizes."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1),
    )


FAILS = [Example(kernel_of_three, 16)]
PASSES = [Example(kernel_of_four, 16)]
