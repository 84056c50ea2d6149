"""Branches that are merged though they look at different places.

What it is
    Two branches are added or concatenated position by position, but what they see is centred at
    different places of the input: an even kernel, asymmetric padding or a crop has moved one of
    them by half a position of the merged map, or more. Or one of them was resized to the size of
    the other, whose step it does not fit: both are aligned in the middle of the map, or at one end,
    and drift apart on the way to the border.

Why it matters
    Features of different places meet in one position: what follows has to undo the shift, and
    boundaries blur. Whether the paths of a network are aligned is a property of its kernels,
    strides and padding (Araujo et al., "Computing Receptive Fields of Convolutional Neural
    Networks", Distill 2019); misaligned pyramids cost accuracy at boundaries (Huang et al., "FaPN:
    Feature-aligned Pyramid Network", 2021).

How to fix it
    Use odd kernels with padding (k - 1) / 2 in both branches, or the same kernels and padding. In a
    decoder, undo what the encoder did: pooling 2/2 and convolutions 4x4 with stride 2 and padding 1
    are centred on the middle of a block, and upsampling and transposed convolutions with even
    kernels bring that back. Convolutions 3x3 with stride 2 and padding 1 are centred on even
    positions instead, which is half a position off once it is upsampled again.

    `F.interpolate(x, size=skip.shape[2:])` always fits, and hides that 65 positions were made of 9
    where 72 would be right. Crop or pad the input to a multiple of the coarsest step (32, say), or
    upsample by a `scale_factor` and crop the map. With `align_corners=True` steps are (n - 1) /
    (m - 1): right for n positions out of 3x3 convolutions with stride 2 that become m = 2n - 1, and
    wrong for 2x2 poolings that become m = 2n.

When to ignore it
    Where the shift is wanted (shift convolutions), or precision at boundaries does not matter.
    Where the model sees sizes that fit, and only the linted one does not.

How it is computed
    A window of extent K that starts at `start` moves the centre by (start + (K - 1) / 2) * j, with
    the jump j in front of it. Upsampling leaves the middle of a map where it is. Branches with the
    same jump are compared where they meet; what a branch brings along is reported once, where it
    came about. Attention gates are no feature paths, shifted copies of one map that meet
    (differences, wavelets) are a window, spelled out, and only maps are looked at, not sequences of
    tokens. Along time, branches need to agree on the last moment that they see, if none of them
    sees the future of the map where they part, or looks beyond its end; frames that are joined to a
    map in front of it count as padding.

    The step of a branch, in input pixels per position, is the product of its strides and of the
    steps of its resizes, n / m or (n - 1) / (m - 1) where corners are aligned. Branches with
    different steps are compared at the first and the last position whose centres lie within every
    map on the way: how far apart, there, are the paths that stay nearest to each other? Resizing
    from n to 2n - 1 positions, as decoders do level by level at odd sizes, drifts by half a
    position at each end: at most by one and a half, where corners are aligned of what was pooled.
    That is not reported. Global pooling and pyramids of poolings have no place. Input sizes that
    the message names were tried: the model is followed at each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.alignment import Misalignment, misalignments
from rflint.analysis.proofs.drift import Drift, drifts
from rflint.analysis.proofs.drift_remedies import (
    corners_that_agree,
    is_aligned,
    sizes_that_may_agree,
)
from rflint.graph.exact import Number
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Setting, Settings
from rflint.text.numbers import along_axes, decimal, plural, size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each merge of branches whose centres lie apart, or drift apart."""
    # 0.1 as it is written, not as it is stored
    least, drift = (Fraction(str(settings[name])) for name in ("at-least", "drift"))
    merges: dict[int, list[Misalignment]] = {}
    for found in misalignments(analysis.architecture):
        if found.positions >= least:
            merges.setdefault(found.layer, []).append(found)
    drifting: dict[int, list[Drift]] = {}
    for away in drifts(analysis.architecture):
        if away.exceeds(drift):
            drifting.setdefault(away.layer, []).append(away)
    at_size = cache(analysis.retracer.at_size)
    for index in sorted({*merges, *drifting}):
        if index in drifting:  # says more than how far apart they are in the middle
            remedy = _remedy(analysis, index, drifting[index], least, at_size)
            message = f"{_drift_message(analysis, drifting[index])}{remedy}"
        else:
            message = _message(analysis, merges[index])
        yield RULE.finding(analysis.layers[index], f"merges {message}", message)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many merges, and what moves centres."""
    bring = "merges bring" if len(findings) > 1 else "merge brings"
    return (
        f"{len(findings)} {bring} together branches that look at different places of the input: an "
        "even kernel, asymmetric padding, a crop, or resizing has moved or stretched one."
    )


def _message(analysis: Analysis, there: Sequence[Misalignment]) -> str:
    widest = max(there, key=lambda x: x.pixels)
    names = [_label(analysis, value) for value in dict.fromkeys(widest.branches)]
    axes = list(dict.fromkeys(x.axis for x in there))
    where = along_axes(axes, analysis.architecture.axes)
    return (
        f"{' with '.join(names)}, whose centres lie "
        f"{_many(widest.pixels, 'input pixel')} apart{f' {where}' if where else ''} "
        f"({_many(widest.positions, 'position')} of the merged map)"
    )


def _drift_message(analysis: Analysis, there: Sequence[Drift]) -> str:
    architecture = analysis.architecture
    widest = max(there, key=lambda x: x.pixels)
    (one, other), (step, other_step) = widest.branches, widest.steps
    where = along_axes(sorted({x.axis for x in there}), architecture.axes)
    return (
        f"{_label(analysis, one)} with {_label(analysis, other)}, whose steps differ: from "
        f"position to position they go on by {_exact(step)} and {_exact(other_step)} input pixels, "
        f"so that towards the border of a {size(architecture.resolution)} input they are "
        f"{_many(widest.pixels, 'input pixel')} apart{f' {where}' if where else ''} "
        f"({_many(widest.positions, 'position')} of the merged map)"
    )


def _remedy(
    analysis: Analysis,
    index: int,
    there: Sequence[Drift],
    least: Fraction,
    at_size: Callable[[tuple[int, ...]], Analysis | None],
) -> str:
    """What brings them together: nothing is named that was not computed or tried."""
    found = []
    corners = corners_that_agree(analysis.architecture, there, least)
    if corners is not None:
        found.append(f"with align_corners={corners} they agree")
    layer, resolution = analysis.layers[index], analysis.architecture.resolution
    for pair in sizes_that_may_agree(resolution, there):
        agreeing = [
            size(lengths)
            for lengths in pair
            if (at := at_size(lengths)) is not None
            and is_aligned(at.architecture, layer.name, layer.call, least)
        ]
        if agreeing:
            found.append(f"at {' or '.join(agreeing)} they agree: crop or pad the input")
            break
    return f"; {', and '.join(found)}" if found else ""


def _label(analysis: Analysis, value: int) -> str:
    architecture = analysis.architecture
    return "the input" if architecture.is_input(value) else architecture.layers[value].label


def _exact(step: Number) -> str:
    return decimal(step) if step == int(step) else f"{float(step):.4g}"


def _many(amount: Fraction, noun: str) -> str:
    """Quarters matter here, so that one digit would not do."""
    return plural(int(amount), noun) if amount.denominator == 1 else f"{float(amount):.3g} {noun}s"


def even_kernel() -> Any:
    """padding="same" of an even kernel pads one side more: half a pixel off."""
    from torch import Tensor, nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 4, padding="same")

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = x + self.conv(x)
            return out

    return Block()


def odd_kernel() -> Any:
    """Centred on the pixel that it is added to."""
    from torch import Tensor, nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding="same")

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = x + self.conv(x)
            return out

    return Block()


def resized_to_the_skip() -> Any:
    """Of 100 pixels three poolings leave 12 positions, which are made 50 and not 48."""
    from torch import Tensor, nn
    from torch.nn.functional import interpolate

    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fine = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2))
            self.deep = nn.Sequential(nn.MaxPool2d(2), nn.MaxPool2d(2), nn.Conv2d(8, 8, 1))

        def forward(self, x: Tensor) -> Tensor:
            fine = self.fine(x)
            deep = interpolate(self.deep(fine), size=fine.shape[2:], mode="bilinear")
            out: Tensor = fine + deep
            return out

    return Decoder()


RULE = Rule(
    "RF403",
    "misaligned-merge",
    Severity.INFO,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    settings={
        "at-least": Setting(
            0.5,
            "how far apart centres have to be, in positions of the merged map. Below half a "
            "position no other position would be nearer.",
        ),
        "drift": Setting(
            1.5,
            "how far branches with different steps may lie apart at the border, in positions of "
            "the merged map. Decoders that double their map level by level never exceed it.",
        ),
    },
    fails=[Example(even_kernel, 16), Example(resized_to_the_skip, 100)],
    passes=[
        Example(odd_kernel, 16),
        Example(even_kernel, 16, {"at-least": 1.0}),
        Example(resized_to_the_skip, 96),
    ],
)
