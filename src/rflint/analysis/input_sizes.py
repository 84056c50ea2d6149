"""What each layer is held against: the size of the input that it sees, per axis.

With one input that is the input's size. With several of different sizes, and with axes that begin
inside of the model, it depends on the layer: each input is followed on its own, and a layer is done
along an axis once its receptive field is larger than every input that it sees at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rflint.analysis.receptive_field import NOTHING, AxisField, LayerField, beginnings, propagate
from rflint.graph.architecture import Architecture, Number


@dataclass(frozen=True, slots=True)
class Limit:
    """What a value sees along an axis, against the size of the input there.

    Where inputs of different sizes meet, this is the input of which least has been seen.
    """

    r_min: Number | None
    """None: unbounded."""
    size: int
    is_there: bool = True
    """Whether the value has the axis at all; it may begin later, as that of a spectrum does."""

    @property
    def is_exceeded(self) -> bool:
        """Whether nothing of the axis is left to be seen: r > i."""
        return self.is_there and (self.r_min is None or self.r_min > self.size)

    @property
    def share(self) -> float:
        """How much of the input is seen, as a multiple of it."""
        return float("inf") if self.r_min is None else float(self.r_min / self.size)


class InputSizes:
    """The sizes of all inputs of an architecture, and what every layer sees of each."""

    def __init__(
        self,
        architecture: Architecture,
        gates: frozenset[tuple[int, int]],
        fields: Sequence[LayerField],
    ) -> None:
        self.resolution = architecture.resolution
        self._given = {axis for axes in architecture.places for axis in axes}
        if not architecture.places:
            self._given.update(range(architecture.axes))
        begun = beginnings(architecture)
        alike: dict[tuple[tuple[int, int], ...], list[int]] = {}
        for source, sizes in begun.items():
            alike.setdefault(tuple(sorted(sizes.items())), []).append(source)
        known: dict[int, int] = dict(enumerate(self.resolution))
        if all(known[axis] == size for sizes in alike for axis, size in sizes):
            self._followed = [(known, fields)]
        else:
            self._followed = [
                (dict(sizes), propagate(architecture, gates, sources))
                for sizes, sources in alike.items()
            ]

    def limits(self, index: int, *, behind: bool = False) -> tuple[Limit, ...]:
        """Per axis, what is in front of a layer (or `behind` it) is held against."""
        return tuple(
            self._limit(index, axis, size, behind) for axis, size in enumerate(self.resolution)
        )

    def of_first(self, index: int, axis: int, *, behind: bool = False) -> AxisField:
        """What a layer sees of the first input that has an axis, or of where that is made."""
        for sizes, fields in self._followed:
            if sizes.get(axis) == self.resolution[axis]:
                return _side(fields[index], behind)[axis]
        return NOTHING

    def needed(self, index: int, axis: int) -> Number | None:
        """How long that input has to be for a layer; None where no length is enough."""
        r = self.of_first(index, axis).r_min
        fixed = axis not in self._given
        return None if fixed and r is not None and r > self.resolution[axis] else r

    def _limit(self, index: int, axis: int, size: int, behind: bool) -> Limit:
        if len(self._followed) == 1:
            field = _side(self._followed[0][1][index], behind)[axis]
            return Limit(field.r_min, size, is_there=not field.is_empty)
        seen = [
            Limit(field.r_min, sizes[axis])
            for sizes, fields in self._followed
            if not (field := _side(fields[index], behind)[axis]).is_empty and axis in sizes
        ]
        return min(seen, key=lambda one: one.share, default=Limit(None, size, is_there=False))


def sizes_of(limits: Iterable[Limit]) -> tuple[int, ...]:
    """The sizes, axis by axis."""
    return tuple(limit.size for limit in limits)


def _side(field: LayerField, behind: bool) -> tuple[AxisField, ...]:
    return field.out if behind else field.seen
