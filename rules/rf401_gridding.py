"""Dilated convolutions in a row that leave holes in what a unit sees.

What it is
    The dilations of convolutions that follow each other at one resolution share a factor (2, 2, 2
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

from collections.abc import Iterator
from typing import Any

from rflint.analysis import Analysis
from rflint.architecture import INPUT
from rflint.coverage import Row, griddings
from rflint.figures import along, listed
from rflint.rule import Evidence, Example, Finding, Settings, Severity, finding

CODE = "RF401"
NAME = "gridding"
SEVERITY = Severity.INFO
DEFAULT = True
EVIDENCE = Evidence.PROVED


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each row of dilated convolutions, at its last one."""
    architecture = analysis.architecture
    axes: dict[tuple[int, ...], dict[int, Row]] = {}
    for found in griddings(architecture, analysis.gates):
        axes.setdefault(found.row.dilated, {})[found.axis] = found.row
    for dilated, by_axis in axes.items():
        row = next(iter(by_axis.values()))
        front = (
            "of the input"
            if row.front == INPUT
            else f"of the map from {architecture.layers[row.front].title}"
        )
        where = along(list(by_axis), architecture.axes)
        names = [architecture.layers[index].title for index in dilated]
        dilations = ", ".join(map(str, row.dilations))
        yield finding(
            globals(),
            analysis.layers[dilated[-1]],
            f"the dilations {dilations} ({listed(names, 4)}) share the factor {row.factor}: a unit "
            f"sees {row.count} of the {row.span} positions {front} that it spans along "
            f"{where.removeprefix('along ') or 'each axis'}; dilations without a common factor, "
            "such as 1, 2, 5 in turn, leave no holes",
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


FAILS = [Example(same_dilation, 32)]
PASSES = [Example(sawtooth, 32)]
