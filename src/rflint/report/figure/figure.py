"""What the figure of a model shows, whoever draws it (paper, Figs. 4, 8 and 9).

Layers stand along x in execution order. Over each stands the receptive field of what it reads,
r_{l-1}: the smallest over all paths, and the largest. A line marks the size of the input, a bar the
border layer b_min.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.analysis import Analysis
from rflint.analysis.roles import Role
from rflint.graph.exact import Number
from rflint.graph.layer import Kind
from rflint.measurement.results import Measured
from rflint.report.figure.fields import FieldMap, field_maps
from rflint.report.units import PIXELS, main_unit, units_of_layers
from rflint.text.cut import cut_middle
from rflint.text.escape import one_line
from rflint.text.numbers import abbreviated_count, axis_names, decimal, plural, size


@dataclass(frozen=True, slots=True)
class Point:
    """A layer of the figure: a convolution or a pooling of the trunk."""

    name: str
    """As people are told of it; never markup, whatever the model calls its modules."""
    kind: Kind
    r_min: Number | None
    """The receptive field of what it reads along the shortest path; None: unbounded, or unknown."""
    r_max: Number | None
    """The same along the longest path."""
    is_unknown: bool
    """Whether the receptive field depends on an operator that nobody knows."""
    input_size: int
    """The size of the input that it is compared with."""
    verdict: Verdict
    params: int
    macs: int
    dead_weights: int
    unjudged_because: str = ""
    """Of a convolution that is not judged: why."""
    saturation: float | None = None
    """Of a trained model that was measured: s_l."""
    probe: float | None = None
    """The same: p_l, the accuracy of a linear classifier on what it writes."""
    unit: str = PIXELS
    """What its receptive field is counted in."""

    @property
    def is_judged(self) -> bool:
        """Whether it is a convolution that is compared with the input: poolings are not."""
        return self.verdict is not Verdict.NOT_JUDGED

    @property
    def is_unproductive(self) -> bool:
        """Whether nothing is left for it to integrate."""
        return self.verdict is Verdict.UNPRODUCTIVE

    @property
    def description(self) -> str:
        """What is told of it where somebody points at it, in lines."""
        facts = [
            abbreviated_count(self.params, "parameter"),
            abbreviated_count(self.macs, "MAC"),
            *([abbreviated_count(self.dead_weights, "dead weight")] if self.dead_weights else []),
        ]
        judged = (
            [f"{self.verdict.value} at {self.input_size} {self.unit}"] if self.is_judged else []
        )
        if self.unjudged_because:
            judged = [f"not judged: {self.unjudged_because}"]
        measured = [
            *([f"saturation {self.saturation:.2f}"] if self.saturation is not None else []),
            *([f"probe {100 * self.probe:.1f} %"] if self.probe is not None else []),
        ]
        told = [*judged, ", ".join(facts), *([", ".join(measured)] if measured else [])]
        return "\n".join((one_line(self.name), f"reads {self._seen}", *told))

    @property
    def _seen(self) -> str:
        if self.is_unknown:
            return "what an unknown operator makes"
        low, high = ("all" if x is None else decimal(x) for x in (self.r_min, self.r_max))
        if low == high:
            return "all of the input" if low == "all" else f"a receptive field of {low} {self.unit}"
        return f"receptive fields of {low} to {high} {self.unit}"


@dataclass(frozen=True, slots=True)
class Figure:
    """The figure of one model at one size of its input, along one axis of it."""

    title: str
    points: tuple[Point, ...]
    """In execution order."""
    resolution: tuple[int, ...]
    axis: int
    """Which of the input's axes is shown."""
    border: int | None
    """The place of the border layer b_min among the points."""
    border_max: int | None
    """The same over the largest receptive fields; for information."""
    unit: str = PIXELS
    """What lengths are counted in."""
    left_out: int = 0
    """Judged convolutions along the axis of another input, which cannot stand beside these."""
    fields: tuple[FieldMap, ...] = ()
    """Of a trained model: the effective receptive fields that were measured."""

    @property
    def input_size(self) -> int:
        """The input's size along the axis that is shown; 1 where it has no axes."""
        return self.resolution[self.axis] if self.resolution else 1

    def heading(self, most: int) -> str:
        """The model and the size of its input, as a title of so many letters."""
        at = f" at {size(self.resolution, '×')}" if self.resolution else ""
        return f"{cut_middle(one_line(self.title), max(8, most - len(at)))}{at}"

    @property
    def summary(self) -> str:
        """What it shows, in a sentence."""
        judged = sum(point.is_judged for point in self.points)
        if not judged:
            return "No convolution is judged."
        wasted = sum(point.is_unproductive for point in self.points)
        told = f"{wasted or 'None'} of {plural(judged, 'convolution')} unproductive"
        border = (
            f"; border layer {self.points[self.border].name}" if self.border is not None else ""
        )
        along = f" Shown along the {self.axis_name}." if self.axis_name else ""
        others = f" Without {self.omission}." if self.left_out else ""
        return f"{told}{border}.{along}{others}"

    @property
    def omission(self) -> str:
        """What is left out, in words."""
        return f"{plural(self.left_out, 'convolution')} along another axis"

    @property
    def axis_name(self) -> str:
        """Which axis is shown, in a word; empty where all are of the same size."""
        if len(set(self.resolution)) <= 1:
            return ""
        return axis_names(len(self.resolution))[self.axis]

    @property
    def largest(self) -> Number:
        """The largest length in it."""
        lengths = [x for point in self.points for x in (point.r_min, point.r_max) if x is not None]
        return max([self.input_size, *(point.input_size for point in self.points), *lengths])

    @property
    def deciding(self) -> Number:
        """The largest length along the shortest paths, which decide; its input's without any."""
        return max((x.r_min for x in self.points if x.r_min is not None), default=self.input_size)

    @property
    def has_branches(self) -> bool:
        """Whether the shortest and the longest path to some layer differ."""
        return any(point.r_min != point.r_max for point in self.points)

    @property
    def is_measured(self) -> bool:
        """Whether a trained model was measured."""
        return any(x is not None for point in self.points for x in (point.saturation, point.probe))

    @property
    def has_unbounded(self) -> bool:
        """Whether some receptive field has no size."""
        return any(point.r_min is None or point.r_max is None for point in self.points)


def unproductive_runs(points: Sequence[Point | None]) -> tuple[range, ...]:
    """Neighbouring unproductive layers, as ranges of places; what is not judged is passed over."""
    runs: list[range] = []
    is_open = False
    for place, point in enumerate(points):
        if point is None or not point.is_judged:
            continue
        if not point.is_unproductive:
            is_open = False
        elif is_open:
            runs[-1] = range(runs[-1].start, place + 1)
        else:
            runs.append(range(place, place + 1))
            is_open = True
    return tuple(runs)


def input_levels(sizes: Sequence[int]) -> tuple[tuple[range, int], ...]:
    """The size of the input over which places: one run, unless a model has inputs of several."""
    runs: list[tuple[range, int]] = []
    for place, size_there in enumerate(sizes):
        if runs and runs[-1][1] == size_there:
            runs[-1] = (range(runs[-1][0].start, place + 1), size_there)
        else:
            runs.append((range(place, place + 1), size_there))
    return tuple(runs)


def figure_of(
    analysis: Analysis, title: str, axis: int | None = None, measured: Measured | None = None
) -> Figure:
    """The figure of an analysed model along an axis, or along the one that is exceeded last.

    A layer is unproductive once its receptive field exceeds the input along every axis, so the axis
    that is exceeded last is the one whose curve tells. For square kernels it is the longest, as in
    the paper (Fig. 4). Of a branch for images beside one for a series, only one has such an axis:
    the other branch is left out.
    """
    resolution = analysis.architecture.resolution
    if not resolution:
        return Figure(title, (), resolution, 0, None, None)
    unit, units = _unit(analysis), units_of_layers(analysis.architecture)
    of_unit = [x for x, its in zip(analysis.layers, units, strict=True) if its == unit]
    shown = tuple(filter(_is_shown, of_unit))
    along = _last_exceeded(resolution, shown) if axis is None else axis
    return Figure(
        title=title,
        points=tuple(_point(x, along, unit, measured) for x in shown),
        resolution=resolution,
        axis=along,
        border=_place(shown, analysis.border_min),
        border_max=_place(shown, analysis.border_max),
        unit=unit,
        left_out=analysis.totals.convs - sum(x.is_judged for x in shown),
        fields=field_maps(analysis, measured, unit) if measured else (),
    )


def _unit(analysis: Analysis) -> str:
    """That of its judged convolutions; where they have several, that of the sizes in the title."""
    units = units_of_layers(analysis.architecture)
    found = {its for x, its in zip(analysis.layers, units, strict=True) if x.is_judged}
    return found.pop() if len(found) == 1 else main_unit(analysis.architecture)


def _is_shown(x: AnalysedLayer) -> bool:
    """Judged convolutions, and of the trunk also the others and poolings."""
    return x.is_judged or (x.role is Role.TRUNK and (x.kind.is_convolution or x.kind is Kind.POOL))


def _last_exceeded(resolution: Sequence[int], shown: Sequence[AnalysedLayer]) -> int:
    """The axis along which the fewest convolutions exceed the input; of several, the longest."""
    judged = [x for x in shown if x.is_judged]

    def order(axis: int) -> tuple[int, int, int]:
        missing = sum(not x.comparisons[axis].has_axis for x in judged)
        exceeded = sum(axis in x.exceeded_axes for x in judged)
        return missing, exceeded, -resolution[axis]

    return min(range(len(resolution)), key=order, default=0)


def _point(x: AnalysedLayer, axis: int, unit: str, measured: Measured | None) -> Point:
    shown = measured.layer(x.name, x.call) if measured else None
    compared, seen = x.comparisons[axis], x.input_field[axis]
    # an axis that only begins behind a layer: it looks at one position of what will be there
    begins_later = not x.has_axis(axis) and not x.output_field[axis].spans
    return Point(
        name=x.described,
        kind=x.kind,
        r_min=1 if begins_later else compared.r_min,
        r_max=1 if begins_later else seen.r_widest,
        is_unknown=seen.unknown and not begins_later,
        input_size=compared.input_size,
        verdict=x.verdict,
        params=x.params,
        macs=x.macs,
        dead_weights=x.dead_weights,
        unjudged_because=x.unjudged_because,
        unit=unit,
        saturation=shown.saturation if shown else None,
        probe=shown.probe if shown else None,
    )


def _place(shown: Sequence[AnalysedLayer], layer: AnalysedLayer | None) -> int | None:
    if layer is None:
        return None
    found = (i for i, x in enumerate(shown) if (x.name, x.call) == (layer.name, layer.call))
    return next(found, None)  # that of a branch that is left out is not shown
