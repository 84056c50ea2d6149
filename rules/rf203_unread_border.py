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
    The positions that every window reads, from the outputs back to the input. Sizes between half
    and twice as much that promise to do better are tried: the model is followed once more at each.
    None is named at which it does not run, or at which it is not certain that all of the input is
    read. What a stride larger than the kernel jumps over anyway is RF202, and a crop is taken as
    meant. What only evaluation leaves out, since batch normalisation in training takes statistics
    of the whole map, is said of evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.fitting_sizes import (
    first_confirmed,
    reads_everything,
    sizes_that_may_fit,
)
from rflint.analysis.proofs.unread_ends import are_unread_in, unread_ends
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT
from rflint.graph.windows import POINTWISE
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.other_passes import limited_to_valid_passes
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import axis_names, size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each map with unread ends, at the layer that leaves them out."""
    architecture = analysis.architecture
    ends = [unread_ends(architecture, axis) for axis in range(architecture.axes)]
    values = sorted({value for along in ends for value in along})
    if not values:
        return
    remedy = f"; {remedy}" if (remedy := _remedy(analysis, ends)) else ""
    for value in values:
        if value != INPUT and _repeats_input(architecture, value, ends):
            continue
        reader = _reader(analysis, value, ends)
        counts = {axis: along[value] for axis, along in enumerate(ends) if value in along}
        left = _unread_part(architecture, value, counts)
        found = RULE.finding(reader, f"{left}{remedy}", left)
        holds = partial(_holds, analysis, value, counts)
        yield from limited_to_valid_passes(found, analysis, holds)


def _holds(analysis: Analysis, value: int, ends: Mapping[int, int], there: Analysis) -> bool:
    return are_unread_in(analysis.architecture, value, ends, there.architecture)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many maps, and which sizes would do."""
    first = findings[0]
    remedy = first.message.removeprefix(first.detail)  # the same for all of them
    maps = f"{len(findings)} maps end" if len(findings) > 1 else "a map ends"
    return (
        f"At {size(analysis.architecture.resolution)}, strides do not divide sizes: {maps} in rows "
        f"or columns that nobody reads{remedy}."
    )


def _unread_part(architecture: Architecture, value: int, ends: Mapping[int, int]) -> str:
    lengths = architecture.positions_of(value)
    axes = tuple(range(architecture.axes))
    if value == INPUT and architecture.input_axes is not None:
        axes = architecture.input_axes  # the others begin inside of the model
    names = dict(zip(axes, axis_names(len(axes)), strict=True))
    lines = {"height": "row", "width": "column", "depth": "frame", "length": "position"}
    left = " and ".join(
        f"the last {'' if n == 1 else f'{n} '}{lines[names[axis]]}{'' if n == 1 else 's'}"
        for axis, n in ends.items()
    )
    if architecture.is_input(value):
        whole = size(lengths[axis] for axis in axes)
        return f"{left} of the {whole} input never influence the output"
    made = architecture.layers[value].label
    return (
        f"its windows end before {left} of the {size(lengths)} map that {made} makes: "
        "computed and never read"
    )


def _repeats_input(architecture: Architecture, value: int, ends: list[Mapping[int, int]]) -> bool:
    """Whether a map is the input, position by position, with the same end unread."""
    source = value
    while source != INPUT:
        layer = architecture.layers[source]
        if len(layer.inputs) != 1 or set(layer.inputs[0].reach) != {POINTWISE}:
            return False
        source = layer.inputs[0].source
    return all(along.get(value) == along.get(INPUT) for along in ends)


def _remedy(analysis: Analysis, ends: list[Mapping[int, int]]) -> str:
    """Input sizes that leave nothing unread, as messages name them; each was tried."""
    given = analysis.architecture.resolution
    likely = [
        sizes_that_may_fit(analysis.architecture, axis) if along else ([given[axis]], [given[axis]])
        for axis, along in enumerate(ends)
    ]
    ways = ([sizes[way] for sizes in likely] for way in (0, 1))
    found = [first_confirmed(analysis, way, reads_everything) for way in ways]
    sizes = [size(x) for x in found if x is not None]
    return f"inputs of {' or '.join(sizes)} leave nothing out" if sizes else ""


def _reader(analysis: Analysis, value: int, ends: list[Mapping[int, int]]) -> AnalysedLayer:
    """The layer whose windows end early: of several readers, the first that strides.

    Of the input, the first such layer in the whole model: it may lie further inside.
    """
    architecture = analysis.architecture
    axes = [axis for axis, along in enumerate(ends) if value in along]
    reached = architecture.relations.live_layers
    readers = [
        index
        for index, layer in enumerate(architecture.layers)
        if index in reached
        and (value == INPUT or any(edge.source == value for edge in layer.inputs))
    ]

    def strides(index: int) -> bool:
        windows = [architecture.layers[index].taps_along(axis) for axis in axes]
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


RULE = Rule(
    "RF203",
    "unread-border",
    Severity.INFO,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(patches, 30)],
    passes=[Example(patches, 28), Example(patches, 32)],
)
