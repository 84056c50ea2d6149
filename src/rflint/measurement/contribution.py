"""The effective receptive field as a picture: a map of numbers, small enough for a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rflint.graph.exact import Number

LARGEST_SIDE = 64
"""A map has at most so many blocks along each axis."""


@dataclass(frozen=True, slots=True)
class ContributionMap:
    """What blocks of the input contribute to the middle of a layer's output.

    It lies along the input's last two axes, or along the only one, as a single row. Of an input
    with three axes it is the plane in the middle of the first.
    """

    rows: tuple[tuple[float, ...], ...]
    """The mean of every block, divided by the largest, so that the largest is 1."""
    block: tuple[int, ...]
    """Per axis, the positions of the input that a block spans; the last one may span fewer."""
    size: tuple[int, ...]
    """Per axis, the positions of the input."""
    centre: tuple[float, ...]
    """Per axis, over which point of the input the middle of the output lies: position i of the
    input reaches from i to i + 1."""

    def interval(self, length: Number | None, axis: int) -> tuple[float, float]:
        """What a receptive field of a length takes of the input along an axis; None takes all."""
        size = float(self.size[axis])
        if length is None:
            return 0.0, size
        reach = float(length) / 2
        low, high = self.centre[axis] - reach, self.centre[axis] + reach
        return min(size, max(0.0, low)), min(size, max(0.0, high))

    def to_dict(self) -> dict[str, Any]:
        """The entry `erf_map` of a measured layer in the JSON report."""
        return {
            "block": list(self.block),
            "size": list(self.size),
            "centre": list(self.centre),
            "rows": [list(row) for row in self.rows],
        }


def contribution_map_from(entry: Mapping[str, Any] | None) -> ContributionMap | None:
    """What `to_dict` gave, read again; None where there was no map."""
    if entry is None:
        return None
    return ContributionMap(
        tuple(tuple(row) for row in entry["rows"]),
        tuple(entry["block"]),
        tuple(entry["size"]),
        tuple(entry["centre"]),
    )
