"""Positions of a feature map that are computed, and that nobody reads.

What it is
    All layers that compute with a map leave out some of its positions: a stride that is larger than
    the kernel jumps over them (a 1x1 convolution with stride 2 reads one position in four), or a
    crop, a step or an index cuts them off.

Why it matters
    What was computed there is thrown away. In the original ResNet bottleneck "the convolution in
    path A ignores three-quarters of the input feature map because it uses a kernel size 1x1 with a
    stride of 2" (T. He et al., "Bag of Tricks for Image Classification", 2019, section 4.1). Of the
    model's input, nothing is thrown away but pixels.

    It is a warning where at least 1 % of the model's multiply-accumulates serve nothing but such
    positions, and information below. It is information, too, where a causal network (a TCN) is read
    at its last steps only: in use, the steps before were the last ones once. Nothing is said where
    no work is lost (overhanging ends of transposed convolutions, frames of an STFT), of class
    tokens, and behind a Fourier transform, where an index is a frequency.

How to fix it
    Where a stride jumps: move it to a convolution whose kernel covers it (a 3x3 one), or pool by
    averaging in front of it. Where a convolution alone is in front of it, the message says with
    which strides the network computes the same, without the work.

    Where a crop cuts off what a convolution made: the message says how to pad in front of the
    convolution instead, so that it makes no more than is read. Convolutions that pad both ends and
    cut one off to be causal compute the same with all of the padding in front.

    Where a map is padded to whole windows, and cropped again: a size that needs no padding. The
    message names some that were tried.

When to ignore it
    Where pretrained weights want the network as it is.

How it is computed
    From the outputs back to the input: which positions of every map does somebody read? Tap by tap
    for convolutions, pooling, slices, indices and padding; whatever else moves positions around
    counts as reading all of them. A map counts for the layer that computes it, and is judged by
    what all its readers read together: the activations, normalisations, slices and paddings between
    compute nothing of their own. So a shortcut that skips positions is no finding where the branch
    beside it reads them. Ends of a map that no window reaches are RF203. What only evaluation
    leaves out (training crops less, or takes statistics of the whole map) is said of evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.unread_maps import (
    UnreadMap,
    is_unread_in,
    jumping_readers,
    macs_for_unread,
    partial_readers,
    unread_maps,
)
from rflint.analysis.proofs.unread_remedies import (
    padded_in_front,
    padding_instead,
    strides_instead,
    unpadded_sizes,
)
from rflint.graph.taps import everything
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.other_passes import limited_to_valid_passes
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import abbreviated, first_few, percent, size

_WORTH_A_WARNING = 100
"""The work that is wasted is worth a warning where it is at least one part in so many."""

_MOST_TRIED = 4
"""At most so many sizes are tried, larger ones and smaller ones each."""


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each map: at the layer whose stride jumps, else at the one that makes it."""
    found = list(unread_maps(analysis.architecture))
    padded = {x.value for x in found if padded_in_front(analysis.architecture, x) is not None}
    remedy = _unpadded(analysis, [x for x in found if x.value in padded]) if padded else ""
    for leftover in found:
        layer, message = layer_and_message(analysis, leftover)
        whole_message = f"{message}{remedy}" if leftover.value in padded else message
        places = (x for y in _involved(analysis, leftover) for x in y.places)
        finding = replace(
            RULE.finding(layer, whole_message, message),
            severity=RULE.severity if _is_worth_a_warning(analysis, leftover) else Severity.INFO,
            places=tuple(dict.fromkeys(places)),
        )
        yield from limited_to_valid_passes(finding, analysis, partial(_holds, analysis, leftover))


def _is_worth_a_warning(analysis: Analysis, leftover: UnreadMap) -> bool:
    wastes_enough = leftover.macs * _WORTH_A_WARNING >= analysis.totals.macs
    is_input = analysis.architecture.is_input(leftover.value)
    return wastes_enough and not is_input and not _is_intended(analysis, leftover)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """What the work on unread positions costs, of those that are listed."""
    listed_here = [
        x for x in unread_maps(analysis.architecture) if _is_listed(analysis, x, findings)
    ]
    wasted = macs_for_unread(analysis.architecture, {x.value for x in listed_here})
    subject = f"{len(findings)} maps have" if len(findings) > 1 else "A map has"
    of_all = percent(wasted, analysis.totals.macs)
    cost = f" {abbreviated(wasted)} MACs ({of_all}) compute what is thrown away." if wasted else ""
    jumps = any(jumping_readers(analysis.architecture, x) for x in listed_here)
    remedy = " Move strides to kernels that cover them, or average in front." if jumps else ""
    return f"{subject} positions that nobody reads.{cost}{remedy}"


def _holds(analysis: Analysis, leftover: UnreadMap, there: Analysis) -> bool:
    return is_unread_in(analysis.architecture, leftover, there.architecture)


def _unpadded(analysis: Analysis, padded: Sequence[UnreadMap]) -> str:
    """Input sizes that need no padding, as messages name them; each was tried."""
    found = []
    for likely in unpadded_sizes(analysis.architecture, padded):
        for wanted in likely[:_MOST_TRIED]:
            there = analysis.retracer.at_size(wanted)
            if there is not None and not any(
                padded_in_front(there.architecture, x) is not None
                for x in unread_maps(there.architecture)
            ):
                found.append(size(wanted))
                break
    return f"; inputs of {' or '.join(found)} need none" if found else ""


def _is_listed(analysis: Analysis, leftover: UnreadMap, findings: Sequence[Finding]) -> bool:
    layer, message = layer_and_message(analysis, leftover)
    return any(x.layer == layer.name and message in x.message for x in findings)


def _involved(analysis: Analysis, leftover: UnreadMap) -> Iterator[AnalysedLayer]:
    """The layers at whose lines a comment can suppress the finding."""
    jumping = jumping_readers(analysis.architecture, leftover)
    given = analysis.architecture.is_input(leftover.value)
    maker = () if given or jumping else (leftover.value,)
    for index in (*maker, *(leftover.readers if jumping else leftover.passed)):
        yield analysis.layers[index]


def _is_intended(analysis: Analysis, leftover: UnreadMap) -> bool:
    """Whether it is by design that they are not read.

    They come from padding, or they are the past of a causal network.
    """
    if _is_causal_past(analysis, leftover):
        return True
    padding = padding_instead(analysis.architecture, leftover)
    if padding is not None and min(min(ends) for ends in padding) >= 0:
        return not jumping_readers(analysis.architecture, leftover)
    return padded_in_front(analysis.architecture, leftover) is not None


def _is_causal_past(analysis: Analysis, leftover: UnreadMap) -> bool:
    """Whether only the last steps are read, along axes along which nothing sees the future.

    A causal network is asked for its last step only: at run time, the earlier steps were asked for
    before.
    """
    if analysis.architecture.is_input(leftover.value):
        return False
    for axis, places in enumerate(leftover.region.sizes):
        rows = leftover.region.along(axis)
        field = analysis.layers[leftover.value].output_field[axis]
        if rows == everything(places):
            continue
        first = (rows & -rows).bit_length() - 1
        bounded = field.spans and not field.unbounded and not field.unknown
        causal = all(s.first < 0 and s.last <= jump - 1 for jump, s in field.spans.items())
        if rows != everything(places) >> first << first or not (bounded and causal):
            return False
    return True


def layer_and_message(analysis: Analysis, leftover: UnreadMap) -> tuple[AnalysedLayer, str]:
    """The layer that a finding is about, and what it says."""
    whole = prod(leftover.region.sizes)
    left = f"{leftover.region.outside:,} of the {whole:,} positions"
    left += f" ({percent(leftover.region.outside, whole)})"
    jumping = jumping_readers(analysis.architecture, leftover)
    if jumping or analysis.architecture.is_input(leftover.value):
        readers = [analysis.layers[index] for index in jumping or leftover.readers]
        return readers[0], _jumped(analysis, leftover, readers, left)
    maker = analysis.layers[leftover.value]
    if (padded := padded_in_front(analysis.architecture, leftover)) is not None:
        padding = analysis.architecture.layers[padded]
        before = analysis.architecture.positions_of(padding.inputs[0].source)
        return maker, (
            f"{left} of the map that it makes are padding, computed and cropped again: "
            f"{padding.label} pads {size(before)} to {size(padding.positions)}"
        )
    takers = [
        analysis.layers[index].layer.label
        for index in partial_readers(analysis.architecture, leftover)
    ]
    by = first_few(list(dict.fromkeys(takers)), 2)
    only = f" ({by} {'reads' if len(takers) == 1 else 'read'} the rest)"
    remedy = _padding(padding_instead(analysis.architecture, leftover))
    return maker, f"{left} of the map that it makes are computed and never read{only}{remedy}"


def _jumped(
    analysis: Analysis, leftover: UnreadMap, readers: Sequence[AnalysedLayer], left: str
) -> str:
    reader = readers[0].layer
    others = list(dict.fromkeys(x.label for x in readers if x.title != reader.title))
    how = (
        f"reads with stride {size(reader.geometry.stride)} and a kernel of "
        f"{size(reader.geometry.kernel)}"
    )
    beside = (
        f", and the other readers leave them out too ({first_few(others, 2)})" if others else ""
    )
    if analysis.architecture.is_input(leftover.value):
        return f"{how}: {left} of the input are never read{beside}"
    maker = analysis.layers[leftover.value].layer
    strides = strides_instead(analysis.architecture, leftover)
    here = "here" if not others else "in its readers"
    remedy = ""
    if strides is not None:
        stride, padding = (size(x) for x in zip(*strides, strict=True))
        remedy = (
            f"; stride {stride} and padding {padding} there and stride 1 {here} compute the same"
        )
    return (
        f"{how}: {left} of the map that {maker.label} makes are computed and never read"
        f"{beside}{remedy}"
    )


def _padding(padding: Sequence[tuple[int, int]] | None) -> str:
    if padding is None:
        return ""
    amounts = [amount for ends in reversed(padding) for amount in ends]
    while amounts and amounts[-2:] == [0, 0]:
        del amounts[-2:]
    if not amounts:
        return "; padding=0 computes the same without them"
    crops = ", which crops," if max(amounts) <= 0 else ""
    return (
        f"; F.pad(x, ({', '.join(map(str, amounts))})) in front of it{crops} and padding=0 compute "
        "the same without them"
    )


def strided_bottleneck() -> Any:
    """A 1x1 convolution with stride 2 behind a 3x3 one reads a quarter of what that computes."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 4, 1, stride=2),
        nn.ReLU(),
        nn.Conv2d(4, 8, 3, padding=1),
    )


def stride_on_the_larger_kernel() -> Any:
    """The stride moved to the 3x3 convolution, whose windows overlap."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 4, 1),
        nn.ReLU(),
        nn.Conv2d(4, 8, 3, stride=2, padding=1),
    )


def shortcut() -> Any:
    """A strided 1x1 shortcut skips what the branch beside it reads: that is no finding."""
    from torch import Tensor, nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1)
            self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
            self.downsample = nn.Conv2d(3, 8, 1, stride=2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv2(self.conv1(x).relu()) + self.downsample(x)
            return out

    return Block()


RULE = Rule(
    "RF202",
    "unread-positions",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(strided_bottleneck, 16)],
    passes=[Example(stride_on_the_larger_kernel, 16), Example(shortcut, 16)],
)
