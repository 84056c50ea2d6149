"""Input sizes at which windows may reach every map to its end, and whether they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from math import prod

from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.certain_reads import reads_all_of_input
from rflint.analysis.proofs.unread_ends import SLIDING, unread_ends
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind
from rflint.graph.other_sizes import positions_as_traced, positions_at_size
from rflint.graph.windows import POINTWISE, Extent


def sizes_that_may_fit(
    architecture: Architecture, axis: int, most: int = 3
) -> tuple[list[int], ...]:
    """The next smaller and the next larger sizes of the input that may leave no ends unread.

    That they may follows from the architecture at the traced size. Whether they do,
    `reads_everything` tells for certain, of an architecture that was traced at such a size.
    """

    def leaves_nothing(size: int) -> bool:
        return not unread_ends(architecture, axis, size, count_jumps=True)

    return sizes_around(architecture, axis, leaves_nothing, most)


def sizes_around(
    architecture: Architecture, axis: int, suits: Callable[[int], bool], most: int = 3
) -> tuple[list[int], ...]:
    """The next smaller and the next larger sizes of the input that suit, if the model runs there.

    Nearest first, at most so many of each, between half the size and twice the size.
    """
    size = architecture.resolution[axis]
    return tuple(
        list(islice((n for n in sizes if suits(n) and _fits(architecture, axis, n)), most))
        for sizes in (range(size - 1, size // 2, -1), range(size + 1, 2 * size))
    )


def first_confirmed(
    analysis: Analysis, likely: Sequence[Sequence[int]], holds: Callable[[Architecture], bool]
) -> tuple[int, ...] | None:
    """The first of some sizes, given per axis, at which the model runs and something holds."""
    if not all(likely):
        return None
    for step in range(max(map(len, likely))):
        wanted = tuple(sizes[min(step, len(sizes) - 1)] for sizes in likely)
        there = analysis.retracer.at_size(wanted)
        if there is not None and holds(there.architecture):
            return wanted
    return None


def reads_everything(architecture: Architecture) -> bool:
    """Whether all of the input is read, and every map to its end by the windows that slide."""
    axes = range(architecture.axes)
    ends = any(unread_ends(architecture, axis, count_jumps=True) for axis in axes)
    return not ends and reads_all_of_input(architecture)


def _fits(architecture: Architecture, axis: int, size: int) -> bool:
    """Whether the model runs on inputs of this size, as far as that is known.

    It is not known where a window strides over a map whose size would not be known.
    """
    before = positions_as_traced(architecture, axis)
    sizes = positions_at_size(architecture, axis, size)
    known = positions_at_size(architecture, axis, architecture.resolution[axis]).keys()
    if sizes.keys() != known:
        return False  # some map would have no positions left
    reached = architecture.relations.live_layers
    return not any(
        _needs_its_size(architecture, index, axis, before, sizes)
        for index in reached
        if any(sizes.get(value) != before[value] for value in _around(architecture, index))
    )


def _around(architecture: Architecture, index: int) -> list[int]:
    return [index, *(edge.source for edge in architecture.layers[index].inputs)]


def _needs_its_size(
    architecture: Architecture,
    index: int,
    axis: int,
    before: Mapping[int, int],
    sizes: Mapping[int, int],
) -> bool:
    """Whether a layer may need its inputs as large as they were `before`, and not as in `sizes`.

    A linear layer behind a flatten has weights for every position, and so have parameters that are
    added to a map (an embedding of positions). Merged maps have to be of one size. How much a
    function pads may depend on the size.
    """
    layer = architecture.layers[index]
    slides = layer.kind in SLIDING and any(x.axis == axis and x.stride > 1 for x in layer.taps)
    if any(value not in sizes for value in _around(architecture, index)):
        return slides
    if layer.kind is Kind.PAD and not layer.is_module:
        return any(edge.reach[axis] != POINTWISE for edge in layer.inputs)
    if layer.kind is Kind.LINEAR:
        return any(edge.reach[axis] is Extent.GLOBAL for edge in layer.inputs)
    if layer.kind.is_convolution:
        return any(edge.reach[axis] is Extent.GLOBAL for edge in layer.inputs)
    if before[index] > 1 and any(2 * x > prod(layer.out_shape[1:]) for _, x in layer.parameters):
        return layer.kind in (Kind.ARITHMETIC, Kind.MERGE)
    merged = [(before[edge.source], sizes[edge.source]) for edge in layer.inputs]
    return len({old for old, _ in merged} - {1}) == 1 and len({new for _, new in merged} - {1}) > 1
