"""Views that put dimensions into another order, which no view can do.

A view leaves the numbers where they are. It can merge neighbouring dimensions and split them again,
and then the products of the last sizes, before and behind it, divide each other: rows of the one
hold whole rows of the other. Where they do not, rows of the result begin in the middle of a row:
numbers of several channels, at several steps, lie in a row that is taken for one step. If the sizes
are those of the input in another order (merged or split), a transpose was meant.

Where rows happen to hold whole rows, since sizes divide each other, it may be meant: four steps
put together in one. That the sizes are those of a transpose is by chance then, and is no more at
another size of the input; a view that was meant to transpose cuts through rows there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import mul

from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind
from rflint.graph.views import Shape, View


def permuting_views(architecture: Architecture) -> Iterator[View]:
    """The views that cut through rows, and have the sizes of a transpose."""
    for view in architecture.views:
        if not _may_be_reported(view) or not cuts_rows(view.before, view.after):
            continue
        # what further views make of it is what is read in the end: flattened, say
        if any(cuts_rows(view.original, end) for end in view.ends):
            yield view


def possibly_permuting_views(architecture: Architecture) -> Iterator[View]:
    """The views that have the sizes of a transpose, and do not cut through rows at this size."""
    for view in architecture.views:
        if _may_be_reported(view) and not cuts_rows(view.before, view.after):
            yield view


def _may_be_reported(view: View) -> bool:
    if view.shifts or meant(view.before, view.after) is None:
        return False
    # rows of a linear layer that take in the batch are samples that were cut: RF503
    takes_in_batch = len(view.after) == 2 and view.before[0] != view.after[0]
    return not (takes_in_batch and Kind.LINEAR in view.read_by)


def cuts_rows(before: Shape, after: Shape) -> bool:
    """Whether rows of the one shape, along some dimension, hold no whole rows of the other."""
    found = sorted({*_units(before), *_units(after)})
    return any(larger % smaller for smaller, larger in pairwise(found))


def _units(shape: Shape) -> list[int]:
    """How many numbers lie behind one index of each dimension, the last one first."""
    return list(accumulate(reversed(shape), mul, initial=1))


def row_that_is_cut(before: Shape, after: Shape) -> tuple[Shape, Shape, Shape]:
    """Of the result's rows the first that was meant to hold something else than it does.

    Its index, and the indices of its first and last number in the input. Of dimensions whose rows
    hold no whole rows of the input, if there are any, the outermost.
    """
    behind = _units(after)[-2::-1]
    whole = _units(before)
    cut = [
        dim
        for dim, unit in enumerate(behind)
        if after[dim] > 1 and any(max(unit, x) % min(unit, x) for x in whole)
    ]
    differing = [dim for dim, size in enumerate(after) if size > 1]
    dim = (cut or differing)[0]
    return (0,) * (dim + 1), (0,) * len(before), _index(behind[dim] - 1, before)


def _index(number: int, shape: Shape) -> Shape:
    found: list[int] = []
    for size in reversed(shape):
        found.append(number % size)
        number //= size
    return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class Reordering:
    """What makes one shape of another by putting dimensions into another order."""

    split: Shape
    """The shape in which the dimensions that are split are so."""
    order: tuple[int, ...]
    """The dimensions of that shape, in their new order."""
    result: Shape

    @property
    def swapped(self) -> tuple[int, int] | None:
        """The two dimensions that are swapped, if that is all."""
        moved = [at for at, dim in enumerate(self.order) if at != dim]
        return (moved[0], moved[1]) if len(moved) == 2 else None

    @property
    def reordered(self) -> Shape:
        """The shape when the dimensions are in their order."""
        return tuple(self.split[dim] for dim in self.order)


def meant(before: Shape, after: Shape) -> Reordering | None:
    """The transpose that has the shapes of a view; None: they have nothing of a transpose.

    Sizes that are in both stand for the same dimension. What is left is merged or split in order.
    """
    ours = [(dim, size) for dim, size in enumerate(before) if size > 1]
    theirs = [(dim, size) for dim, size in enumerate(after) if size > 1]
    pairs = _same(ours, theirs)
    rest = _refined(
        [x for x in ours if x[0] not in {a for a, _ in pairs}],
        [x for x in theirs if x[0] not in {b for _, b in pairs}],
    )
    if rest is None:
        return None
    parts = [*((a, b, before[a]) for a, b in pairs), *rest]
    # of one dimension, and of one result, the parts lie in the order in which they were found
    parts.sort(key=lambda part: part[0])
    behind = sorted(range(len(parts)), key=lambda number: parts[number][1])
    if behind == list(range(len(parts))):
        return None
    return _with_ones(before, after, parts, behind)


def _with_ones(
    before: Shape, after: Shape, parts: Sequence[tuple[int, int, int]], behind: Sequence[int]
) -> Reordering:
    """Dimensions of size one stay where they are."""
    split: list[int] = []
    places: list[int] = []
    for dim, size in enumerate(before):
        if size == 1:
            split.append(1)
        for part in parts:
            if part[0] == dim:
                places.append(len(split))
                split.append(part[2])
    order = list(range(len(split)))
    for place, number in zip(places, behind, strict=True):
        order[place] = places[number]
    return Reordering(tuple(split), tuple(order), after)


def _same(
    ours: Sequence[tuple[int, int]], theirs: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Pairs of dimensions of one size: those at both ends first, the others in order."""
    ours, theirs = list(ours), list(theirs)
    pairs: list[tuple[int, int]] = []
    for end in (0, -1):
        while ours and theirs and ours[end][1] == theirs[end][1]:
            pairs.append((ours.pop(end)[0], theirs.pop(end)[0]))
    for dim, size in ours:
        same = next((x for x in theirs if x[1] == size), None)
        if same is not None:
            theirs.remove(same)
            pairs.append((dim, same[0]))
    return pairs


def _refined(
    ours: Sequence[tuple[int, int]], theirs: Sequence[tuple[int, int]]
) -> list[tuple[int, int, int]] | None:
    """Parts (dimension before, dimension behind, size) that both are made of; None: none fit."""
    parts: list[tuple[int, int, int]] = []
    left, right = list(ours), list(theirs)
    while left and right:
        (a, n), (b, m) = left.pop(), right.pop()
        if max(n, m) % min(n, m):
            return None
        part = min(n, m)
        parts.append((a, b, part))
        if n > part:
            left.append((a, n // part))
        if m > part:
            right.append((b, m // part))
    return None if left or right else parts[::-1]
