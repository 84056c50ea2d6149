"""A transposed convolution that sums different numbers of taps in neighbouring positions.

What it is
    Each output position is the sum over the taps that land on it. Where the kernel is not
    divisible by the stride, neighbouring positions get different numbers of taps: with a kernel of
    3 and a stride of 2, two and one in turn. In two dimensions that is a checkerboard of four, two
    and one. A dilation that shares a factor with the stride leaves some positions without any tap.

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
    stride. A map of a single position has no neighbours that could overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import gcd
from typing import Any

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.graph.layer import Kind
from rflint.graph.taps import Taps
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each transposed convolution with an uneven overlap."""
    for layer in analysis.layers:
        uneven = _uneven(layer)
        if uneven:
            message = _message(layer.taps, uneven)
            yield RULE.finding(layer, message, message)


def _message(windows: Sequence[Taps], uneven: Sequence[Taps]) -> str:
    sharing = [taps for taps in uneven if _shared(taps) > 1]
    numbers = _in_turn((sharing or uneven)[0])
    made = f"output positions are made of {numbers} taps in turn along an axis"
    stride = size([taps.stride for taps in windows])
    if sharing:
        return (
            f"its dilation of {size([taps.dilation for taps in windows])} shares the factor "
            f"{_shared(sharing[0])} with its stride of {stride}: {made}, whatever the kernel; use "
            f"{_written('dilation', [1 if x in sharing else x.dilation for x in windows])} and "
            f"{_written('kernel_size', map(_divisible, windows))}"
        )
    return (
        f"its kernel of {size([taps.kernel for taps in windows])} is not divisible by its stride "
        f"of {stride}: {made}; {_written('kernel_size', map(_divisible, windows))} gives all of "
        f"them the same{_same_size(windows)}"
    )


def _written(argument: str, values: Iterable[int]) -> str:
    """An argument as in code: one number where all axes agree."""
    per_axis = tuple(values)
    return f"{argument}={per_axis[0] if len(set(per_axis)) == 1 else per_axis}"


def _same_size(windows: Sequence[Taps]) -> str:
    """What else keeps the output's size with the larger kernel, if less output padding does."""
    extra = [x.windows - (x.positions - 1) * x.stride + 2 * x.before - x.extent for x in windows]
    less = [
        e - x.dilation * (_divisible(x) - x.kernel) for e, x in zip(extra, windows, strict=True)
    ]
    if less == extra or min(less) < 0:
        return ""
    return f", and {_written('output_padding', less)} keeps the size"


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """What is uneven, and what would not be."""
    make = "transposed convolutions make" if len(findings) > 1 else "transposed convolution makes"
    return (
        f"{len(findings)} {make} neighbouring output positions of "
        "different numbers of taps, which shows as a checkerboard. Use kernels that are multiples "
        "of the stride and dilations without a factor of it, or resize and convolve."
    )


def _uneven(layer: AnalysedLayer) -> list[Taps]:
    if layer.kind is not Kind.CONV_TRANSPOSE:
        return []
    return [x for x in layer.taps if x.positions > 1 and len(set(_per_phase(x))) > 1]


def _shared(taps: Taps) -> int:
    """The factor that dilation and stride have in common: taps land on some phases only."""
    return gcd(taps.dilation, taps.stride)


def _per_phase(taps: Taps) -> list[int]:
    """How many taps land on each of the output phases that a stride makes."""
    landed = Counter(tap * taps.dilation % taps.stride for tap in range(taps.kernel))
    return [landed[phase] for phase in range(taps.stride)]


def _in_turn(taps: Taps) -> str:
    return " and ".join(map(str, sorted(set(_per_phase(taps)), reverse=True)))


def _divisible(taps: Taps) -> int:
    """The smallest kernel, at least as large, that the stride divides."""
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


RULE = Rule(
    "RF402",
    "checkerboard",
    Severity.INFO,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(kernel_of_three, 16)],
    passes=[Example(kernel_of_four, 16)],
)
