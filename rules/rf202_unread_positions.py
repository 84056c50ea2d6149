"""Positions of a feature map that are computed, and that nobody reads.

What it is
    All layers that read a map together leave out some of its positions: a stride that is larger
    than the kernel jumps over them (a 1x1 convolution with stride 2 reads one position in four), or
    a crop cuts them off.

Why it matters
    What was computed there is thrown away. In the original ResNet bottleneck "the convolution in
    path A ignores three-quarters of the input feature map because it uses a kernel size 1x1 with a
    stride of 2" (T. He et al., "Bag of Tricks for Image Classification", 2019, section 4.1). Of the
    model's input, nothing is thrown away but pixels.

How to fix it
    Move the stride to a convolution whose kernel covers it (a 3x3 one), or pool by averaging in
    front of it. To keep what the network computes and save the work, give the stride to the layer
    that makes the map instead.

When to ignore it
    Where pretrained weights want the network as it is.

How it is computed
    From the outputs back to the input: which positions of every map does somebody read? Tap by tap
    for convolutions, pooling, slices and padding; whatever else moves positions around counts as
    reading all of them. A shortcut that skips positions is no finding where the branch beside it
    reads them, also where the shortcut normalises them first. Ends of a map that no window reaches
    are RF203.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from rflint.analysis import Analysis
from rflint.architecture import INPUT, POINTWISE, Architecture, Kind, Layer
from rflint.figures import count, listed, share, size
from rflint.proofs.borders import SLIDING, ends_early
from rflint.proofs.reads import Reads, Region, reads, taps_along
from rflint.rule import Evidence, Example, Finding, Settings, Severity, finding

CODE = "RF202"
NAME = "unread-positions"
SEVERITY = Severity.WARNING
DEFAULT = True
EVIDENCE = Evidence.PROVED

_IN_PLACE = (Kind.ACTIVATION, Kind.NORM, Kind.ARITHMETIC, Kind.RESHAPE)


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each map with unread positions, at the first layer that reads it."""
    found = reads(analysis.architecture)
    for value, region in found.directly.items():
        readers = found.readers[value]
        origin = _origin(analysis.architecture, value)
        if not found.values[origin].unread:
            continue  # another branch reads what was computed; here, it was only normalised
        if not readers or not _skips(analysis.architecture, region, origin, readers):
            continue
        layer = analysis.layers[readers[0]]
        message = _message(analysis.architecture, value, readers, region)
        yield finding(globals(), layer, message, message)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """What the work on unread positions costs."""
    wasted = _macs_unread(analysis.architecture, reads(analysis.architecture))
    subject = f"{len(findings)} maps have" if len(findings) > 1 else "A map has"
    of_all = share(wasted, analysis.totals.macs)
    return (
        f"{subject} positions that nobody reads, since a stride is larger than the kernel or a "
        f"crop cuts them off. At least {count(wasted)} MACs ({of_all}) compute what is thrown "
        "away. Move the stride to a kernel that covers it, average in front, or crop first."
    )


def _origin(architecture: Architecture, value: int) -> int:
    """What a value was before it was only normalised, activated, padded and the like."""
    while value != INPUT:
        layer = architecture.layers[value]
        if len(layer.inputs) != 1:
            break
        stays = layer.kind in _IN_PLACE and set(layer.inputs[0].reach) == {POINTWISE}
        if not stays and layer.kind is not Kind.PAD:
            break
        value = layer.inputs[0].source
    return value


def _skips(architecture: Architecture, region: Region, origin: int, readers: Sequence[int]) -> bool:
    """Whether positions are left out that no remainder of a division explains."""
    layers = [architecture.layers[index] for index in readers]
    if origin == INPUT and not any(layer.kind in SLIDING for layer in layers):
        return False  # which part of its input a model takes is its own business
    trimmed = [
        region.along(axis).bit_length() if _end_early(layers, axis) else length
        for axis, length in enumerate(region.sizes)
    ]
    return 0 < region.positions < prod(trimmed)


def _end_early(layers: Sequence[Layer], axis: int) -> bool:
    """Whether windows with a stride end before the map does: that is RF203."""
    return any(
        layer.kind in SLIDING and taps is not None and taps.stride > 1 and ends_early(taps)
        for layer in layers
        for taps in [taps_along(layer, axis)]
    )


def _message(architecture: Architecture, value: int, readers: Sequence[int], region: Region) -> str:
    layers = [architecture.layers[index] for index in readers]
    reader = layers[0]
    whole = prod(region.sizes)
    where = (
        "the input" if value == INPUT else f"the map that {architecture.layers[value].title} makes"
    )
    others = list(dict.fromkeys(x.title for x in layers[1:] if x.title != reader.title))
    how = (
        f"reads with stride {size(reader.geometry.stride)} and a kernel of "
        f"{size(reader.geometry.kernel)}"
        if reader.kind in SLIDING
        else "takes only a part"
    )
    beside = f", and the other readers leave them out too ({listed(others, 2)})" if others else ""
    never = "are never read" if value == INPUT else "are computed and never read"
    return (
        f"{how}: {region.unread:,} of the {whole:,} positions ({share(region.unread, whole)}) of "
        f"{where} {never}{beside}"
    )


def _macs_unread(architecture: Architecture, found: Reads) -> int:
    """Multiply-accumulates of convolutions and linear layers for positions that nobody reads."""
    wasted = 0
    for index, layer in enumerate(architecture.layers):
        if layer.kind in (Kind.CONV, Kind.LINEAR) and found.readers[index]:
            region = found.values[index]
            wasted += layer.macs * region.unread // max(1, prod(region.sizes))
    return wasted


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


FAILS = [Example(strided_bottleneck, 16)]
PASSES = [Example(stride_on_the_larger_kernel, 16), Example(shortcut, 16)]
