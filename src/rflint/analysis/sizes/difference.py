"""What arithmetic says of a model that is trained at one size and used at another.

Both are traced, and layers compared by name: how large the last map is, on which grid strided
layers lie, what adaptive pooling averages, and how much of the input a unit sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.graph.exact import Number
from rflint.graph.layer import Kind
from rflint.graph.sizing import FixedSize, Sliding

Lengths: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LastMap:
    """What the last convolution makes, at both sizes."""

    layer: str
    trained: Lengths
    used: Lengths
    seen_trained: tuple[Number | None, ...]
    """How much of the input its widest unit sees; None: all."""
    seen_used: tuple[Number | None, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A strided layer, and what is left of its map behind the last window, at both sizes.

    The rest is (i + padding - kernel) mod stride, per axis; where it changes, windows lie otherwise
    against the ends of the map.
    """

    layer: str
    trained: Lengths
    used: Lengths


@dataclass(frozen=True, slots=True)
class Pooling:
    """An adaptive pooling: the size of the map that it reads, and of the one that it makes."""

    layer: str
    trained: tuple[Lengths, Lengths]
    used: tuple[Lengths, Lengths]


@dataclass(frozen=True, slots=True)
class SizeDifference:
    """What differs between the size that a model is trained at, and the one that is linted."""

    trained: Lengths
    last_map: LastMap | None
    grids: tuple[Grid, ...]
    """The strided layers whose rest changes;"""
    same_grids: int
    """the number of the others."""
    poolings: tuple[Pooling, ...]
    """The adaptive poolings whose windows change, those to one position excepted."""
    only_trained: tuple[str, ...]
    """The layers that run at the size of training only,"""
    only_used: tuple[str, ...]
    """and those that do not run there."""


def size_difference(trained: Analysis, used: Analysis) -> SizeDifference:
    """Compare a model at the size that it is trained at with the same model at another one."""
    pairs = list(_pairs(trained, used))
    strided = [
        (there.described, _rests(trained, there), _rests(used, here))
        for there, here in pairs
        if _is_strided(here) and _is_strided(there)
    ]
    pooled = [
        Pooling(here.described, _pooled(trained, there), _pooled(used, here))
        for there, here in pairs
        if _is_adaptive(there) and _is_adaptive(here)
    ]
    both = {(x.name, x.call) for pair in pairs for x in pair}
    return SizeDifference(
        trained=trained.architecture.resolution,
        last_map=_last_map(pairs),
        grids=tuple(Grid(*x) for x in strided if x[1] != x[2]),
        same_grids=sum(x[1] == x[2] for x in strided),
        poolings=tuple(
            x for x in pooled if x.trained != x.used and max(*x.used[1], *x.trained[1]) > 1
        ),
        only_trained=tuple(x.described for x in trained.layers if (x.name, x.call) not in both),
        only_used=tuple(x.described for x in used.layers if (x.name, x.call) not in both),
    )


def _pairs(trained: Analysis, used: Analysis) -> Iterator[tuple[AnalysedLayer, AnalysedLayer]]:
    """The layers of both, by name and call."""
    there = {(x.name, x.call): x for x in trained.layers}
    for here in used.layers:
        if (here.name, here.call) in there:
            yield there[here.name, here.call], here


def _is_strided(x: AnalysedLayer) -> bool:
    sliding = x.kind in (Kind.CONV, Kind.POOL) and len(x.inputs) == 1
    return sliding and any(
        isinstance(sizing, Sliding) and sizing.stride > 1 for sizing in x.layer.sizing
    )


def _rests(analysis: Analysis, x: AnalysedLayer) -> Lengths:
    """Per axis, how many positions its last window leaves; 0 along those without a stride."""
    given = analysis.architecture.positions_of(x.inputs[0].source)
    return tuple(
        (n + sizing.before + sizing.after - sizing.extent) % sizing.stride
        if isinstance(sizing, Sliding)
        else 0
        for n, sizing in zip(given, x.layer.sizing, strict=True)
    )


def _is_adaptive(x: AnalysedLayer) -> bool:
    adapts = any(isinstance(sizing, FixedSize) for sizing in x.layer.sizing)
    return x.kind is Kind.POOL and len(x.inputs) == 1 and adapts


def _pooled(analysis: Analysis, x: AnalysedLayer) -> tuple[Lengths, Lengths]:
    return analysis.architecture.positions_of(x.inputs[0].source), x.positions


def _last_map(pairs: list[tuple[AnalysedLayer, AnalysedLayer]]) -> LastMap | None:
    convolutions = [x for x in pairs if x[1].kind is Kind.CONV and x[1].layer.has_positions]
    judged = [x for x in convolutions if x[1].is_judged]
    if not convolutions:
        return None
    there, here = (judged or convolutions)[-1]
    return LastMap(
        *(here.described, there.positions, here.positions),
        tuple(field.r_widest for field in there.output_field),
        tuple(field.r_widest for field in here.output_field),
    )


def windows_of_pooling(given: int, made: int) -> tuple[int, ...]:
    """The sizes of the windows of an adaptive pooling along one axis, ascending."""
    sizes = {-(-(i + 1) * given // made) - i * given // made for i in range(made)}
    return tuple(sorted(sizes))
