"""Rows or columns at the end of the input, or of a map, that no window reaches.

What it is
    A stride does not divide the size: the last window that fits ends before the map does, and what
    is left (less than a stride) is read by nobody. At the input, whole rows of pixels never
    influence the output. Inside the network, rows of a map are computed and thrown away.

Why it matters
    The output depends on where the image was cut, and what lies at the lower and right edge is
    lost. It is arithmetic: floor((i + 2p - k) / s) + 1 windows end at (windows - 1) * s + k - p
    (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, section 2.4).

How to fix it
    Feed one of the sizes that the message names, or pad the map to a multiple of the stride, or
    pool with ceil_mode=True.

When to ignore it
    Where inputs come in all sizes and a row more or less does not matter. That is why this is
    information only.

How it is computed
    The positions that every window reads, from the outputs back to the input. Other sizes are tried
    by doing the arithmetic of every layer's size again, up to twice and down to half the size; none
    is named that the model may not take (a linear layer behind a flatten wants one size). What a
    stride larger than the kernel jumps over anyway is RF202, and a crop is taken as meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rflint.analysis import AnalysedLayer, Analysis
from rflint.architecture import INPUT, POINTWISE, Architecture
from rflint.figures import axis_names, size
from rflint.proofs.borders import sizes_without_ends, unread_ends
from rflint.proofs.reads import taps_along
from rflint.roles import reaching_outputs
from rflint.rule import Evidence, Example, Finding, Settings, Severity, finding

CODE = "RF203"
NAME = "unread-border"
SEVERITY = Severity.INFO
DEFAULT = True
EVIDENCE = Evidence.PROVED


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each map with unread ends, at the layer that leaves them out."""
    architecture = analysis.architecture
    ends = [unread_ends(architecture, axis) for axis in range(architecture.axes)]
    values = sorted({value for along in ends for value in along})
    if not values:
        return
    cure = f"; {cure}" if (cure := _cure(architecture, ends)) else ""
    for value in values:
        if value != INPUT and _is_told(architecture, value, ends):
            continue
        reader = _reader(analysis, value, ends)
        there = {axis: along[value] for axis, along in enumerate(ends) if value in along}
        left = _left(architecture, value, there)
        yield finding(globals(), reader, f"{left}{cure}", left)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many maps, and which sizes would do."""
    cure = findings[0].message.removeprefix(findings[0].detail)  # the same for all of them
    maps = f"{len(findings)} maps end" if len(findings) > 1 else "a map ends"
    return (
        f"At {size(analysis.architecture.resolution)}, strides do not divide sizes: {maps} in rows "
        f"or columns that nobody reads{cure}."
    )


def _left(architecture: Architecture, value: int, ends: Mapping[int, int]) -> str:
    lengths = architecture.positions_of(value)
    names = axis_names(architecture.axes)
    lines = {"height": "row", "width": "column", "depth": "frame", "length": "position"}
    left = " and ".join(
        f"the last {'' if n == 1 else f'{n} '}{lines[names[axis]]}{'' if n == 1 else 's'}"
        for axis, n in ends.items()
    )
    if value == INPUT:
        return f"{left} of the {size(lengths)} input never influence the output"
    made = architecture.layers[value].title
    return (
        f"its windows end before {left} of the {size(lengths)} map that {made} makes: "
        "computed and never read"
    )


def _is_told(architecture: Architecture, value: int, ends: list[Mapping[int, int]]) -> bool:
    """Whether a map is the input, position by position, and leaves out what the input does."""
    source = value
    while source != INPUT:
        layer = architecture.layers[source]
        if len(layer.inputs) != 1 or set(layer.inputs[0].reach) != {POINTWISE}:
            return False
        source = layer.inputs[0].source
    return all(along.get(value) == along.get(INPUT) for along in ends)


def _cure(architecture: Architecture, ends: list[Mapping[int, int]]) -> str:
    """The sizes, along each axis that leaves something, that would leave nothing."""
    smaller, larger = list(architecture.resolution), list(architecture.resolution)
    found_smaller = found_larger = True
    for axis, along in enumerate(ends):
        if along:
            below, above = sizes_without_ends(architecture, axis)
            smaller[axis], larger[axis] = below or 0, above or 0
            found_smaller &= below is not None
            found_larger &= above is not None
    sizes = [size(x) for x, ok in ((smaller, found_smaller), (larger, found_larger)) if ok]
    return f"inputs of {' or '.join(sizes)} leave nothing out" if sizes else ""


def _reader(analysis: Analysis, value: int, ends: list[Mapping[int, int]]) -> AnalysedLayer:
    """The layer whose windows end early: of several readers, the first that strides.

    What is left of the input is often left further inside: by the first such layer.
    """
    architecture = analysis.architecture
    axes = [axis for axis, along in enumerate(ends) if value in along]
    reached = reaching_outputs(architecture)
    readers = [
        index
        for index, layer in enumerate(architecture.layers)
        if index in reached
        and (value == INPUT or any(edge.source == value for edge in layer.inputs))
    ]

    def strides(index: int) -> bool:
        windows = [taps_along(architecture.layers[index], axis) for axis in axes]
        early = any(
            edge.source in along for edge in architecture.layers[index].inputs for along in ends
        )
        return early and any(taps is not None and taps.stride > 1 for taps in windows)

    return analysis.layers[next(filter(strides, readers), readers[0])]


def patches() -> Any:
    """Patches of 4x4 pixels: 30 pixels are seven patches, and two pixels that nobody reads."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 4, stride=4),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


FAILS = [Example(patches, 30)]
PASSES = [Example(patches, 28), Example(patches, 32)]
