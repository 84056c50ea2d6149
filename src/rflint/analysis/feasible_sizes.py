"""Which input sizes an architecture is made for: the smallest and the largest that make sense."""

from __future__ import annotations

from collections.abc import Sequence, Set
from math import ceil, prod

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.input_sizes import InputSizes
from rflint.graph.exact import Number

RequiredSizes = tuple[Number | None, ...]
"""The receptive field r_{l-1,min} of a convolution's input, per axis.

None: it is unbounded, or has no such axis; no size of it is large enough.
"""


def feasible_min(
    layers: Sequence[AnalysedLayer], inputs: InputSizes, decoders: Set[int]
) -> tuple[int, ...]:
    """The smallest size of the input in question at which no judged convolution exceeds it.

    Those that may belong to a decoder are unproductive at no size. Axes that are made inside of the
    model stay as long as they are, whatever the input.
    """
    axes = range(len(inputs.resolution))
    fields = [
        tuple(inputs.required_size(index, axis) for axis in axes)
        for index, x in enumerate(layers)
        if x.is_judged and index not in decoders
    ]
    return smallest_feasible_input(fields, inputs.resolution)


def feasible_max(
    layers: Sequence[AnalysedLayer], inputs: InputSizes, axes: int
) -> tuple[int | None, ...] | None:
    """Per axis the most that any unit sees; None where some convolution sees everything."""
    judged = [index for index, x in enumerate(layers) if x.is_judged]
    largest: list[int | None] = []
    for axis in range(axes):
        seen = [inputs.field_of_first(index, axis, behind=True) for index in judged]
        lengths = [field.r_widest for field in seen if not field.is_empty]
        bounded = [ceil(r) for r in lengths if r is not None]
        all_bounded = bounded and len(bounded) == len(lengths)
        largest.append(max(bounded) if all_bounded else None)
    return None if all(size is None for size in largest) else tuple(largest)


def smallest_feasible_input(
    fields: Sequence[RequiredSizes], given: Sequence[int]
) -> tuple[int, ...]:
    """The smallest size, per axis, at which none of these exceeds the input along all axes.

    A convolution is unproductive where r_{l-1,min} > i along every axis, so that it is enough to be
    large along one. Square inputs stay square: what receptive fields ask for, axis by axis. Of
    others, each axis keeps the size that is `given` as far as it is needed, and those grow that
    make the fewest pixels.
    """
    needs = {tuple(None if r is None else ceil(r) for r in lengths) for lengths in fields}
    needs.discard((None,) * len(given))  # they see another input
    largest = [max((n[a] or 1 for n in needs), default=1) for a in range(len(given))]
    if len(set(given)) == 1:
        return tuple(largest)
    least = [min(size, largest[axis]) for axis, size in enumerate(given)]
    found = _fewest_pixels(frozenset(needs), tuple(least))
    assert found is not None  # along some axis each of them has a size that is enough
    return found


def _fewest_pixels(
    needs: frozenset[tuple[int | None, ...]], least: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The best sizes along these axes, the first one chosen and the others for what is left."""
    if not least:
        return None if needs else ()
    wanted = {need[0] for need in needs if need[0] is not None and need[0] > least[0]}
    best: tuple[int, ...] | None = None
    for size in sorted({least[0], *wanted}):
        left = frozenset(need[1:] for need in needs if need[0] is None or need[0] > size)
        rest = _fewest_pixels(left, least[1:])
        if rest is not None and (best is None or size * prod(rest) < prod(best)):
            best = (size, *rest)
    return best
