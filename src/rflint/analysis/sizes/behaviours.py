"""Sizes at which a model behaves alike, and what it does at all sizes of such a kind."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from rflint.analysis.analyse import judgement
from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.analysis import Analysis
from rflint.analysis.decoders import Decoders, find_decoders
from rflint.analysis.input_sizes import compared_with
from rflint.analysis.receptive_field import AxisField, LayerField
from rflint.analysis.sizes.at_size import AtSize, sees_all
from rflint.analysis.sizes.facts import Size
from rflint.analysis.sizes.passes_at_size import PassesAtSize
from rflint.analysis.sizes.positions import Positions
from rflint.analysis.sizes.work import GrowingSum, PositionsByAxis, activations_of, work_of


class Behaviour:
    """What a model does at all sizes of one key, from one at which it was traced."""

    def __init__(self, analysis: Analysis, axes: Sequence[Positions]) -> None:
        self.analysis = analysis
        self._axes = axes
        self._unproductive: dict[tuple[int, ...], int] = {}

    def at(self, size: Size) -> AtSize | None:
        """What matters of the model at such a size; None where some of it is not known."""
        macs, made = self.macs(size), self._activations.at(self._positions(size))
        borders, dead = self._passes.borders(size), self._passes.dead_weights(size)
        if macs is None or made is None or borders is None or dead is None:
            return None
        unread, uneven = borders
        whole = sees_all(self.analysis, size)
        return AtSize(size, self.unproductive(size), dead, macs, made, unread, uneven, whole)

    def is_tidy_along(self, axis: int, length: int) -> bool:
        """Whether nothing is lost along one axis of such a length, and padding is even."""
        return self._passes.is_tidy_along(axis, length)

    def unproductive(self, size: Size) -> int:
        """How many convolutions are unproductive at such a size."""
        key = tuple(bisect_right(x, n) for x, n in zip(self._all_thresholds, size, strict=True))
        if key not in self._unproductive:
            verdicts = (self.verdict(index, size) for index in range(len(self.analysis.layers)))
            self._unproductive[key] = sum(x is Verdict.UNPRODUCTIVE for x in verdicts)
        return self._unproductive[key]

    def verdict(self, index: int, size: Size) -> Verdict:
        """The verdict on a layer, as an analysis at that size would give it."""
        x, axes = self.analysis.layers[index], range(len(size))
        if not x.kind.is_convolution:
            return Verdict.NOT_JUDGED
        before = [compared_with(axis, x.input_field[axis], size[axis]) for axis in axes]
        after = [compared_with(axis, x.output_field[axis], size[axis]) for axis in axes]
        field = LayerField(x.input_field, x.output_field)
        return judgement(
            index, x.layer, x.role, field, before, after, self._decoders, self.analysis.options
        )[0]

    def macs(self, size: Size) -> int | None:
        """The multiply-accumulates of the whole model; None where that is not known."""
        return self._work.at(self._positions(size))

    def thresholds(self, index: int) -> list[tuple[int, int]]:
        """Axes and sizes at which the verdict on a layer may change."""
        x = self.analysis.layers[index]
        if not x.kind.is_convolution:
            return []
        found = [(axis, 2) for axis in range(len(self._axes))]
        for field in (x.input_field, x.output_field):
            for axis, seen in enumerate(field):
                if seen.r_min is not None:
                    found.append((axis, -int(-seen.r_min // 1)))
        return found

    def is_confirmed_by(self, there: Analysis) -> bool:
        """Whether the model does at another size what this one says."""
        size = there.architecture.resolution
        if not is_like(self.analysis, there) or self.macs(size) not in (None, there.totals.macs):
            return False
        positions = self._positions(size)
        for index, (here, x) in enumerate(zip(self.analysis.layers, there.layers, strict=True)):
            if here.role is not x.role or self.verdict(index, size) is not x.verdict:
                return False
            if not has_same_fields(here, x):
                return False
            for axis, along in enumerate(self._axes):
                expected = positions[axis][along.origin(index)]
                if expected is not None and expected != x.positions[axis]:
                    return False
        return True

    @cached_property
    def _decoders(self) -> Decoders:
        return find_decoders(self.analysis.architecture)

    @cached_property
    def _work(self) -> GrowingSum:
        return work_of(self.analysis, self._axes, self._traced)

    @cached_property
    def _activations(self) -> GrowingSum:
        return activations_of(self.analysis, self._axes, self._traced)

    @cached_property
    def _passes(self) -> PassesAtSize:
        return PassesAtSize(self.analysis, self._axes)

    @cached_property
    def _all_thresholds(self) -> list[list[int]]:
        """Per axis, the sizes at which some verdict may change."""
        found: list[set[int]] = [set() for _ in self._axes]
        for index in range(len(self.analysis.layers)):
            for axis, size in self.thresholds(index):
                found[axis].add(size)
        return [sorted(sizes) for sizes in found]

    @property
    def _traced(self) -> PositionsByAxis:
        return self._positions(self.analysis.architecture.resolution)

    def _positions(self, size: Size) -> PositionsByAxis:
        return [axis.at(n).positions for axis, n in zip(self._axes, size, strict=True)]


def is_like(one: Analysis, other: Analysis) -> bool:
    """Whether both have the same layers, in the same order."""
    return len(one.layers) == len(other.layers) and all(
        a.name == b.name
        and a.call == b.call
        and a.kind is b.kind
        and [edge.source for edge in a.inputs] == [edge.source for edge in b.inputs]
        for a, b in zip(one.layers, other.layers, strict=True)
    )


def has_same_fields(one: AnalysedLayer, other: AnalysedLayer) -> bool:
    """Whether reports say the same of the receptive fields and of the kernel of a layer."""
    return one.geometry.kernel == other.geometry.kernel and all(
        _lengths(a) == _lengths(b)
        for a, b in zip(
            (*one.input_field, *one.output_field),
            (*other.input_field, *other.output_field),
            strict=True,
        )
    )


def _lengths(field: AxisField) -> tuple[object, ...]:
    return (field.r_min, field.r_widest, field.is_empty, field.unknown)
