"""The passes of a model at other sizes, from their architectures at one: what they never read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import is_repeatable, other_architectures
from rflint.analysis.proofs.dead_weights import dead_weights
from rflint.analysis.proofs.uneven_padding import padded_alike, padding_around
from rflint.analysis.proofs.unread_ends import SLIDING, ends_early, unread_end, unread_ends
from rflint.analysis.sizes.facts import Size
from rflint.analysis.sizes.positions import Positions, positions_along_axes, why_unpredictable
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT
from rflint.graph.resized import resized
from rflint.graph.taps import Taps


class Resizer:
    """An architecture, at any size at which it behaves as it was traced."""

    def __init__(self, architecture: Architecture, axes: Sequence[Positions]) -> None:
        self.architecture = architecture
        self.axes = axes

    def at(self, size: Size) -> Architecture | None:
        """The architecture at a size; None where that is not known."""
        return resized(self.architecture, size, self.positions(size))

    def positions(self, size: Size) -> list[dict[int, int]]:
        """Per axis, how many positions the input and every layer have at a size."""
        return [self.along(axis, n) for axis, n in enumerate(size)]

    def along(self, axis: int, size: int) -> dict[int, int]:
        """The same, along one axis."""
        positions, found = self.axes[axis], self.axes[axis].at(size).positions
        traced = self.architecture.positions_of
        along = {INPUT: size}
        for index in range(len(self.architecture.layers)):
            known = found.get(positions.origin(index))
            # where the size's key decides how many there are, they are those of the trace
            along[index] = traced(index)[axis] if known is None else known
        return along


class PassesAtSize:
    """What the passes of a model leave unread, at sizes at which they behave as traced."""

    def __init__(self, analysis: Analysis, axes: Sequence[Positions]) -> None:
        self._analysis = analysis
        self._own = Resizer(analysis.architecture, axes)
        self._lines = [
            _Lines(analysis.architecture, axis, positions) for axis, positions in enumerate(axes)
        ]
        self._alike = [
            0 if lines.is_like(self._lines[0]) else axis for axis, lines in enumerate(self._lines)
        ]
        """Per axis, the first one if that says the same."""
        self._found: dict[tuple[int, int], _AlongAxis] = {}
        self._dead: dict[object, int | None] = {}

    def borders(self, size: Size) -> tuple[bool, bool] | None:
        """Whether ends of maps are unread, and whether padding is read unevenly."""
        found = [self._along(axis, n) for axis, n in enumerate(size)]
        unread = any(x.unread for x in found)
        if unread and self._analysis.retracer.other_passes().same_mode != ():
            return None  # another pass may read them
        return unread, any(x.uneven for x in found)

    def is_tidy_along(self, axis: int, length: int) -> bool:
        """Whether no end is unread along an axis of such a length, and padding is even."""
        found = self._along(axis, length)
        return not found.unread and not found.uneven

    def dead_weights(self, size: Size) -> int | None:
        """The weights that do nothing; None where that is not known."""
        key = tuple(self._along(axis, n).small for axis, n in enumerate(size))
        if key not in self._dead:
            self._dead[key] = self._dead_weights(size)
        return self._dead[key]

    def _dead_weights(self, size: Size) -> int | None:
        architecture = self._own.at(size)
        if architecture is None:
            return None
        if not sum(dead_weights(architecture)):
            return 0
        if not is_repeatable(self._analysis):
            return 0
        others = [other.at(size) if other is not None else None for other in self._others]
        known = [other for other in others if other is not None]
        if len(known) < len(others):
            return None
        return sum(dead_weights(architecture, *known)[: len(architecture.layers)])

    @cached_property
    def _others(self) -> list[Resizer | None]:
        """The other passes that are known; None in place of those that may differ at any size."""
        return [
            None if why_unpredictable(other) else Resizer(other, positions_along_axes(other))
            for other in other_architectures(self._analysis)
        ]

    def _along(self, axis: int, size: int) -> _AlongAxis:
        alike = self._alike[axis]
        if (alike, size) not in self._found:
            self._found[alike, size] = self._lines[alike].at(size, self._own.along(alike, size))
        return self._found[alike, size]


@dataclass(frozen=True, slots=True)
class _AlongAxis:
    """One axis at one size."""

    unread: bool
    uneven: bool
    small: tuple[tuple[int, int], ...]
    """Equal at sizes at which no map is too small for its windows, or the same ones are."""


@dataclass(frozen=True, slots=True)
class _SlidingWindow:
    """A window along one axis, over a map whose positions the value `source` has."""

    source: int
    index: int
    taps: Taps

    def over(self, along: Mapping[int, int]) -> Taps:
        """The same at other sizes of maps."""
        return self.taps.with_sizes(along[self.source], along[self.index])


class _Lines:
    """The windows of an architecture along one axis."""

    def __init__(self, architecture: Architecture, axis: int, positions: Positions) -> None:
        self._architecture = architecture
        self._axis = axis
        self._positions = positions
        windows = list(_windows(architecture, axis))
        self._strided = [
            x for x in windows if x.taps.stride > 1 and architecture.layers[x.index].kind in SLIDING
        ]
        self._padded = [
            _SlidingWindow(source, index, taps)
            for index, source, taps in padded_alike(architecture, axis)
        ]
        origins = positions.origin
        self._limits = {(origins(x.source), origins(x.index), _enough(x.taps)): x for x in windows}

    def is_like(self, other: _Lines) -> bool:
        """Whether the other axis says the same at every size."""
        return self is other or (
            self._positions.description == other._positions.description
            and self._limits.keys() == other._limits.keys()
            and _windows_of(self._strided) == _windows_of(other._strided)
            and _windows_of(self._padded) == _windows_of(other._padded)
        )

    def at(self, size: int, along: Mapping[int, int]) -> _AlongAxis:
        """What is known at a size, at which values have so many positions."""
        early = {x.source for x in self._strided if ends_early(x.over(along))}
        ends = {v for v in early if v != INPUT and self._is_unread(v, along)}
        uneven = [x for x in self._padded if _is_uneven(x.over(along))]
        asks_for_input = INPUT in early or any(x.source == INPUT for x in uneven)
        if early and (asks_for_input or not ends):
            ends |= unread_ends(self._architecture, self._axis, size).keys()
        return _AlongAxis(
            unread=bool(ends),
            uneven=any(x.source not in ends for x in uneven),
            small=tuple(
                (min(along[x.source], enough), min(along[x.index], enough))
                for (_, _, enough), x in self._limits.items()
            ),
        )

    def _is_unread(self, value: int, along: Mapping[int, int]) -> bool:
        return unread_end(self._architecture, self._axis, value, along) > 0


def _windows(architecture: Architecture, axis: int) -> Iterator[_SlidingWindow]:
    """The layers that slide, pad or crop along an axis, and how."""
    for index, layer in enumerate(architecture.layers):
        for taps in layer.taps:
            if taps.axis == axis and layer.inputs:
                yield _SlidingWindow(layer.inputs[0].source, index, taps)


def _windows_of(found: Sequence[_SlidingWindow]) -> list[tuple[int, int, Taps]]:
    return [(x.source, x.index, replace(x.taps, axis=None)) for x in found]


def _is_uneven(taps: Taps) -> bool:
    before, behind = padding_around(taps)
    return before != behind


def _enough(taps: Taps) -> int:
    """In a map of so many positions, each tap meets data in some window."""
    return taps.extent + taps.stride + abs(taps.before) + 1
