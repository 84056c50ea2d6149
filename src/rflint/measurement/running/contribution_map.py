"""From gradients to the small map of contributions that reports and figures show."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from rflint.analysis.receptive_field import ReceptiveField
from rflint.measurement.contribution import LARGEST_SIDE, ContributionMap

_DIGITS = 4


def contribution_map(contribution: Tensor, centre: Sequence[float]) -> ContributionMap | None:
    """The map of what each position of the input contributes; None where nothing does.

    `centre` says for each axis over which point of the input the middle of the output lies.
    """
    # the last two axes: of a volume the plane in the middle, of a series a single row
    plane = contribution
    while plane.dim() > 2:
        plane = plane[len(plane) // 2]
    size = tuple(plane.shape)
    block = tuple(-(-positions // LARGEST_SIDE) for positions in size)
    rows = plane.reshape(-1, size[-1])
    window = (1,) * (2 - len(block)) + block
    # blocks at the end that are not whole are the mean of what they have
    means = functional.avg_pool2d(rows[None, None], window, ceil_mode=True)[0, 0]
    largest = float(means.max())
    if not largest > 0:
        return None
    return ContributionMap(
        tuple(tuple(round(x, _DIGITS) for x in row) for row in (means / largest).tolist()),
        block,
        size,
        tuple(round(x, _DIGITS) for x in centre[-len(size) :]),
    )


def centre_of(
    field: ReceptiveField, output: Sequence[int], inputs: Sequence[int]
) -> tuple[float, ...]:
    """Per axis, over which point of the input the middle of an output lies.

    `output` and `inputs` are their sizes. What sees all of an axis looks at its middle.
    """
    found = []
    for axis, (positions, size) in enumerate(zip(output, inputs, strict=True)):
        spans = field[axis].spans if len(field) == len(inputs) else {}
        jump = max(spans, default=None)
        if jump is None:
            found.append(size / 2)
            continue
        # where the first position of the output looks, and how far the middle is from there
        looks_at = float(spans[jump].first + spans[jump].last + 1) / 2
        found.append(looks_at + (positions // 2) * float(jump))
    return tuple(found)
