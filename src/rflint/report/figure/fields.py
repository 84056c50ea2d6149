"""Measured effective receptive fields in a figure: maps, with r_min and r_max around the centre."""

from __future__ import annotations

from dataclasses import dataclass

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.graph.exact import Number
from rflint.measurement.contribution import ContributionMap
from rflint.measurement.results import Measured, MeasuredField
from rflint.text.numbers import compact_size, percent, size

_LONGEST_LINE = 26
"""Letters for which there is room below a map."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the input, from and to which position it reaches along the map's axes."""

    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class FieldMap:
    """The effective receptive field of one layer, as it was measured."""

    name: str
    """As people are told of the layer; never markup, whatever the model calls its modules."""
    map: ContributionMap
    smallest: Box
    """What r_min spans of the input around the centre."""
    largest: Box
    """The same of r_max."""
    told: tuple[str, ...]
    """The numbers beside it, in lines."""

    @property
    def width(self) -> int:
        """The input's positions from left to right."""
        return self.map.size[-1]

    @property
    def height(self) -> int:
        """The input's positions from top to bottom; those of a series are not told apart."""
        return self.map.size[0] if len(self.map.size) > 1 else 1


def field_maps(analysis: Analysis, measured: Measured, unit: str) -> tuple[FieldMap, ...]:
    """The maps of all layers that have one, in execution order."""
    found = []
    for x in analysis.layers:
        layer = measured.layer(x.name, x.call)
        if layer is not None and layer.field is not None and layer.field.map is not None:
            found.append(_field_map(x, layer.field, layer.field.map, unit))
    return tuple(found)


def _field_map(
    x: AnalysedLayer, field: MeasuredField, map_: ContributionMap, unit: str
) -> FieldMap:
    least = [axis.r_min for axis in x.output_field]
    most = [axis.r_widest for axis in x.output_field]
    spread = [f"{length:.1f}" for length in field.deviation]
    measured = spread[0] if len(set(spread)) == 1 else "×".join(spread)
    share, area, _ = field.areas[-1]
    shortest, longest = (compact_size(lengths, "×") for lengths in (least, most))
    spans = [f"r_min {shortest},", f"r_max {longest} {unit}"]
    if len(" ".join(spans)) <= _LONGEST_LINE:
        spans = [" ".join(spans)]
    return FieldMap(
        x.described,
        map_,
        _box(map_, least),
        _box(map_, most),
        (
            *spans,
            f"spread {measured} {unit}",
            f"{percent(share, 1)} in {percent(area, 1)} of the input",
            *([f"in blocks of {size(map_.block, '×')}"] if max(map_.block) > 1 else []),
        ),
    )


def _box(map_: ContributionMap, lengths: list[Number | None]) -> Box:
    """What receptive fields of such lengths, one for each axis of the input, take of the map."""
    last = lengths[-len(map_.size) :]
    left, right = map_.interval(last[-1], -1)
    top, bottom = map_.interval(last[0], 0) if len(map_.size) > 1 else (0.0, 1.0)
    return Box(left, right, top, bottom)
