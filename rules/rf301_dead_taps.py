"""Kernel taps that only ever meet zero padding, or that only work where nobody reads.

What it is
    At this input size, some taps of a kernel lie in the zero padding in every window: the map is
    smaller than the kernel reaches, or the dilation is as large as the map. They multiply zeros,
    whatever the data. So do taps that meet nothing but zeros on the map itself: between the
    positions of a map that was spread out, say. Others meet data only in windows whose results are
    cropped, or left out by the pooling behind.

Why it matters
    The gradient of such a weight is exactly zero. It is stored, initialised, optimised, averaged
    and shipped, and never does anything. In a ResNet18 at 32x32 pixels that is 62 % of all
    convolution weights; at 224x224 it is none. For dilated convolutions the effect is known: a 3x3
    filter "degenerates to a simple 1x1 filter since only the center filter weight is effective"
    (Chen et al., "Rethinking Atrous Convolution", 2017, section 3.3).

How to fix it
    Use the kernel that is left: the message says which one, and it computes the same. Or keep the
    map larger, by downsampling less, dilating less or feeding larger inputs.

When to ignore it
    Where the same weights also see larger inputs, or where pretrained weights are kept on purpose.

How it is computed
    Tap t of window o meets position o * stride - padding + t * dilation. It is dead if that is
    outside the map, or known to be zero, for every window whose result is read by what an output
    depends on. Known to be zero are padding in front of the layer (F.pad), zeros that forward has
    made and joined to a map or written one into, and what becomes of these in functions that are
    zero at zero (relu, dropout, scaling, pooling, a convolution without a bias). Padding with
    copies of what lies inside is data, and so are whole channels of zeros: a state or an input that
    was not given. Weights that several calls share are dead if they are in all of them, each number
    looked up where flips and transpositions have put it; those that something else reads too (a sum
    over the kernel, say) are not judged. All of it is held against a pass in training, which may
    show the kernel larger maps; where training cannot be followed, findings say "in evaluation".
    Where a weight is computed from a parameter (weight standardisation), the taps are dead while
    the parameter still has a gradient, through its statistics: these findings are for information,
    and do not count as dead weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import gcd, prod
from typing import Any, NamedTuple

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import is_other_mode_known, other_architectures
from rflint.analysis.proofs.dead_weights import proved_kernels
from rflint.analysis.proofs.kernels import SharedKernel
from rflint.graph.layer import Layer
from rflint.graph.taps import Taps
from rflint.linting.finding import Evidence, Finding, Severity, layers_of
from rflint.linting.other_passes import limited_to_mode
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import percent, size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each kernel with dead taps, at the first layer that uses it."""
    for kernel in _kernels_with_dead_taps(analysis):
        live_part = _live_part(analysis, kernel)
        of_model = percent(kernel.dead, analysis.totals.params)
        found = RULE.finding(
            analysis.layers[kernel.calls[0]],
            f"{kernel.dead:,} of its {kernel.weights:,} weights {_why(kernel)} "
            f"({percent(kernel.dead, kernel.weights)} of the layer, {of_model} of the model): "
            f"{live_part}",
            live_part,
        )
        if kernel.mixed:
            found = replace(found, severity=Severity.INFO)
        yield found if is_other_mode_known(analysis) else limited_to_mode(found, analysis)


def _kernels_with_dead_taps(analysis: Analysis) -> tuple[SharedKernel, ...]:
    return proved_kernels(analysis, lambda kernel, _: kernel.dead > 0)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many weights of the model are dead."""
    dead = sum(x.dead_weights for x in layers_of(analysis, findings))
    subject = (
        f"{len(findings)} kernels have taps that" if len(findings) > 1 else "A kernel has taps that"
    )
    at = size(analysis.architecture.resolution)
    # what a finding says of its weights, where all say the same
    reasons = {_why(kernel) for kernel in _kernels_with_dead_taps(analysis)}
    why = reasons.pop() if len(reasons) == 1 else "meet only zeros, or are used where nobody reads"
    return (
        f"{subject} {why}{f' at {at}' if at else ''}: "
        f"{dead:,} weights ({percent(dead, analysis.totals.params)} of the parameters) do nothing."
    )


def _why(kernel: SharedKernel) -> str:
    """Why the dead taps do nothing."""
    zeros = "zero padding" if kernel.zeros_are_padding else "zeros"
    if kernel.meeting == kernel.taps:
        return f"only ever meet {zeros}"
    if kernel.meeting == prod(kernel.size):
        return "are only used at positions that nobody reads"
    return f"only ever meet {zeros}, or are used at positions that nobody reads"


def _live_part(analysis: Analysis, kernel: SharedKernel) -> str:
    """How many taps are alive, and the smaller kernel that has only these."""
    passes = (analysis.architecture, *other_architectures(analysis))
    layers = [layer for architecture in passes for layer in architecture.layers]
    calls = [layers[index] for index in kernel.calls]
    layer = calls[0]
    where = size([taps.data for taps in layer.taps])
    alone = len({(x.name, x.call, x.taps) for x in calls}) == 1
    on = f"on a map of {where}" if alone else "on all of its maps"
    return (
        f"{on}, {kernel.taps} of {prod(kernel.size)} taps "
        f"{'is' if kernel.taps == 1 else 'are'} alive{_remedy(calls, kernel)}"
    )


def _remedy(calls: Sequence[Layer], kernel: SharedKernel) -> str:
    """The smallest kernel that computes the same, where arguments of the layer can say it."""
    layer = calls[0]
    if kernel.mixed:
        return "; through the normalisation of the kernel its parameter still has a gradient"
    left = [_left(*along) for along in zip(layer.taps, kernel.live, strict=True)]
    smaller = [arguments for arguments in left if arguments]
    alike = kernel.in_one_order and all(call.taps == layer.taps for call in calls)
    if not alike or len(smaller) < len(left):
        return ""
    now = [
        _Arguments(taps.kernel, taps.before, taps.dilation, _extra(taps) if taps.transposed else 0)
        for taps in layer.taps
    ]
    if all(x.size == old.size for x, old in zip(smaller, now, strict=True)):
        return ""  # the dead ones are in between
    words = [f"kernel_size={_argument([x.size for x in smaller])}"]
    words.append(f"padding={_argument([x.padding for x in smaller])}")
    if any(x.dilation != old.dilation for x, old in zip(smaller, now, strict=True)):
        words.append(f"dilation={_argument([x.dilation for x in smaller])}")
    if any(x.extra != old.extra for x, old in zip(smaller, now, strict=True)):
        words.append(f"output_padding={_argument([x.extra for x in smaller])}")
    return f"; {', '.join(words)} computes the same"


class _Arguments(NamedTuple):
    """Arguments of a convolution, along one dimension."""

    size: int
    padding: int
    dilation: int
    extra: int
    """output_padding."""


def _left(taps: Taps, live: Sequence[int]) -> _Arguments | None:
    """The window without its dead taps; None if arguments of the layer cannot say it.

    Dead taps between live ones go as well where those that stay are equally far apart.
    """
    if not live or taps.zeros:
        return None
    step = gcd(*(tap - live[0] for tap in live)) or 1
    size, pad = (live[-1] - live[0]) // step + 1, taps.before - live[0] * taps.dilation
    left = replace(taps, kernel=size, before=pad, dilation=taps.dilation * step)
    extra = _extra(left)
    if pad < 0 or not 0 <= extra < (max(left.stride, left.dilation) if taps.transposed else 1):
        return None
    return _Arguments(size, pad, left.dilation, extra)


def _extra(taps: Taps) -> int:
    """How many windows there are more than kernel, stride and padding say: output_padding."""
    if taps.transposed:
        return taps.windows - ((taps.positions - 1) * taps.stride - 2 * taps.before + taps.extent)
    return taps.windows - ((taps.positions + 2 * taps.before - taps.extent) // taps.stride + 1)


def _argument(values: Sequence[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else f"({', '.join(map(str, values))})"


def dilated_too_far() -> Any:
    """At 16 px the last map is 4x4: taps four positions off the centre are always outside."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 4, stride=4),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=4, dilation=4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


def dilated_less() -> Any:
    """With a dilation of 3, every tap meets some position."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 4, stride=4),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=3, dilation=3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


RULE = Rule(
    "RF301",
    "dead-taps",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(dilated_too_far, 16)],
    passes=[Example(dilated_less, 16), Example(dilated_too_far, 32)],
)
