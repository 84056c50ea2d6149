"""Branches that are merged though they look at different places.

What it is
    Two branches are added or concatenated position by position, but what they see is centred at
    different places of the input: an even kernel, asymmetric padding or a crop has moved one of
    them by half a position of the merged map, or more.

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

When to ignore it
    Where the shift is wanted (shift convolutions), or precision at boundaries does not matter.

How it is computed
    A window of extent K that starts at `start` moves the centre by (start + (K - 1) / 2) * j, with
    the jump j in front of it. Upsampling leaves the middle of a map where it is. Branches with the
    same jump are compared where they meet; what a branch brings along is reported once, where it
    came about. Attention gates are no feature paths, shifted copies of one map that meet
    (differences, wavelets) are a window, spelled out, and only maps are looked at, not sequences of
    tokens. Along time, branches need to agree on the last moment that they see, if none of them
    sees the future of the map where they part, or looks beyond its end; frames that are joined to a
    map in front of it count as padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.alignment import Misalignment, misalignments
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Setting, Settings
from rflint.text.numbers import along_axes, plural


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each merge of branches whose centres lie apart."""
    merges: dict[int, list[Misalignment]] = {}
    least = Fraction(str(settings["at-least"]))  # 0.1 as it is written, not as it is stored
    for found in misalignments(analysis.architecture):
        if found.positions >= least:
            merges.setdefault(found.layer, []).append(found)
    for index, there in sorted(merges.items()):
        message = _message(analysis, there)
        yield RULE.finding(analysis.layers[index], f"merges {message}", message)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many merges, and what moves centres."""
    bring = "merges bring" if len(findings) > 1 else "merge brings"
    return (
        f"{len(findings)} {bring} together branches that look at different places of the input: an "
        "even kernel, asymmetric padding, a crop, or resizing between strided maps has moved one."
    )


def _message(analysis: Analysis, there: Sequence[Misalignment]) -> str:
    layers = analysis.architecture.layers
    widest = max(there, key=lambda x: x.pixels)
    names = [
        "the input" if analysis.architecture.is_input(value) else layers[value].label
        for value in dict.fromkeys(widest.branches)
    ]
    axes = list(dict.fromkeys(x.axis for x in there))
    where = along_axes(axes, analysis.architecture.axes)
    return (
        f"{' with '.join(names)}, whose centres lie "
        f"{_many(widest.pixels, 'input pixel')} apart{f' {where}' if where else ''} "
        f"({_many(widest.positions, 'position')} of the merged map)"
    )


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
        )
    },
    fails=[Example(even_kernel, 16)],
    passes=[Example(odd_kernel, 16), Example(even_kernel, 16, {"at-least": 1.0})],
)
