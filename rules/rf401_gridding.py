"""Dilated convolutions in a row that leave holes in what a unit sees.

What it is
    The dilations of convolutions that follow each other at one resolution (not in parallel
    branches, as in ASPP) share a factor (2, 2, 2
    or 2, 4, 8), and nothing in the row fills in what they jump over. A unit sees a grid of
    positions of the map in front of the row, and never those between; its neighbour sees another
    grid.

Why it matters
    Local detail is lost, and neighbouring outputs are computed from different positions, which
    shows as a grid in dense predictions (Wang et al., "Understanding Convolution for Semantic
    Segmentation", 2018, section 3.2; Yu et al., "Dilated Residual Networks", 2017, section 4).

How to fix it
    Choose dilations without a common factor, in a sawtooth (1, 2, 5 or 1, 2, 3 in turn), or put an
    undilated convolution in front of the row or behind it, with a kernel that fills the holes.

When to ignore it
    Where the signal is smooth over the holes, or where the grid is wanted (polyphase filters).

How it is computed
    The set of positions that a unit sees of the map in front of the row, along each axis, over all
    paths: through every convolution and pooling of stride 1, pointwise layers, and skip
    connections. There is a finding if that set has gaps and the dilations share a factor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.gridding import Stack, griddings
from rflint.graph.architecture import Architecture
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import along_axes, first_few


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each row of dilated convolutions, at its last one."""
    architecture = analysis.architecture
    rows: dict[tuple[int, ...], dict[Stack, list[int]]] = {}
    for found in griddings(architecture):
        rows.setdefault(found.stack.dilated, {}).setdefault(found.stack, []).append(found.axis)
    for dilated, there in rows.items():
        names = first_few([architecture.layers[index].described for index in dilated], 4)
        holes = "; ".join(_holes(architecture, row, axes) for row, axes in there.items())
        yield RULE.finding(
            analysis.layers[dilated[-1]],
            f"{holes} (the row: {names}); dilations without a common factor, such as 1, 2, 5 in "
            "turn, leave no holes",
        )


def _holes(architecture: Architecture, row: Stack, axes: Sequence[int]) -> str:
    """What a row shares and what it misses, along these axes."""
    layers = architecture.layers
    given = architecture.is_input(row.front)
    front = "the input" if given else f"the map from {layers[row.front].described}"
    each = f" {along_axes(axes, architecture.axes) or 'each axis'}".replace(" each", " along each")
    where = "" if architecture.axes == 1 else each
    return (
        f"the dilations {first_few(list(map(str, row.dilations)), 8)} "
        f"share the factor {row.factor}: "
        f"of the {row.span} positions of {front} that a unit spans{where} it sees {row.count}"
    )


def same_dilation() -> Any:
    """Three times a dilation of 2: a unit sees 7 of 13 rows, and 7 of 13 columns."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=2, dilation=2),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=2, dilation=2),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=2, dilation=2),
    )


def sawtooth() -> Any:
    """1, 2, 5: the same number of layers sees all of 17 rows."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=2, dilation=2),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=5, dilation=5),
    )


RULE = Rule(
    "RF401",
    "gridding",
    Severity.INFO,
    check=check,
    evidence=Evidence.PROVED,
    fails=[Example(same_dilation, 32)],
    passes=[Example(sawtooth, 32)],
)
