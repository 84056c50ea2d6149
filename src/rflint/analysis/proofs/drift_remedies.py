"""What brings branches together that drift apart: another way to resize, or another input size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from rflint.analysis.proofs.alignment import misalignments
from rflint.analysis.proofs.drift import Drift, apart_with_corners, drifts
from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number


def corners_that_agree(
    architecture: Architecture, there: Sequence[Drift], at_most: Fraction
) -> bool | None:
    """Whether to align corners, or not to, so that branches are no further apart than this.

    In positions of the merged map, along all axes along which they drift. None: neither helps.
    """
    for aligned in (True, False):
        apart = [apart_with_corners(architecture, drift, aligned) for drift in there]
        if all(found is not None and found <= at_most for found in apart):
            return aligned
    return None


def is_aligned(architecture: Architecture, name: str, call: int, at_most: Fraction) -> bool:
    """Whether a merge, wherever it is in this architecture, brings together what lies together."""
    numbers = [i for i, x in enumerate(architecture.layers) if (x.name, x.call) == (name, call)]
    apart = [
        *((found.layer, found.positions) for found in misalignments(architecture)),
        *((found.layer, found.positions) for found in drifts(architecture)),
    ]
    return len(numbers) == 1 and all(
        positions <= at_most for layer, positions in apart if layer == numbers[0]
    )


def sizes_that_may_agree(
    resolution: Sequence[int], there: Sequence[Drift]
) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Pairs of neighbouring sizes of the input, a smaller and a larger one, best first.

    Multiples of the coarsest step, as poolings 2x2 ask for, and one pixel more, as strided
    convolutions 3x3 do that are resized with their corners aligned.
    """
    coarsest = {drift.axis: _whole(drift.coarsest) for drift in there}
    if 1 in coarsest.values():
        return
    for more in (0, 1):
        yield tuple(
            tuple(
                _neighbour(length, coarsest[axis], more, way) if axis in coarsest else length
                for axis, length in enumerate(resolution)
            )
            for way in (0, 1)
        )


def _whole(step: Number) -> int:
    """The step, if it is a whole number of pixels; else 1."""
    return int(step) if step == int(step) else 1


def _neighbour(length: int, step: int, more: int, way: int) -> int:
    """The next smaller (0) or larger (1) multiple of a step, and so many pixels more."""
    multiples = (length - more) // step
    if way == 0 and multiples * step + more == length:
        multiples -= 1
    return (multiples + way) * step + more
