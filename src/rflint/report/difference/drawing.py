"""The receptive fields of a model before and after, in one picture."""

from __future__ import annotations

from rflint.analysis.analysed_layer import Verdict
from rflint.analysis.roles import Role
from rflint.graph.layer import Kind, titled
from rflint.report.difference.comparison import Comparison
from rflint.report.difference.layers import title_of
from rflint.report.figure.figure import Figure, Point
from rflint.report.figure.svg import svg
from rflint.report.schema import JsonObject
from rflint.report.units import PIXELS, POSITIONS

_KINDS = {kind.value: kind for kind in Kind}


def picture(comparison: Comparison) -> str:
    """An SVG; empty where there is nothing to draw: no axes, no layers, or only one side."""
    before, after = comparison.before, comparison.after
    if before is None or after is None:
        return ""
    old, new = _figure(before), _figure(after)
    pairs = comparison.layers.pairs
    called = {title_of(x.before): title_of(x.after) for x in pairs}
    return svg(new, old, called) if old.points and new.points else ""


def _figure(model: JsonObject) -> Figure:
    """The figure of an entry of `models`, along the axis that is the longest."""
    resolution = tuple(model["resolution"])
    axis = resolution.index(max(resolution)) if resolution else 0
    shown = [x for x in model["layers"] if _is_shown(x)] if resolution else []
    unit = PIXELS if len(resolution) == 2 else POSITIONS
    points = tuple(_point(x, axis, resolution[axis], unit) for x in shown)
    names = [x["name"] for x in shown]
    border, widest = (model["border"][name] for name in ("min", "max"))
    return Figure(
        title=model["name"],
        points=points,
        resolution=resolution,
        axis=axis,
        border=names.index(border) if border in names else None,
        border_max=names.index(widest) if widest in names else None,
        unit=unit,
    )


def _is_shown(layer: JsonObject) -> bool:
    """Judged convolutions, and of the trunk also the others and poolings."""
    if layer["verdict"] != Verdict.NOT_JUDGED.value:
        return True
    kind = _KINDS.get(layer["kind"])
    is_sliding = kind is not None and (kind.is_convolution or kind is Kind.POOL)
    return is_sliding and layer["role"] == Role.TRUNK.value


def _point(layer: JsonObject, axis: int, size: int, unit: str) -> Point:
    return Point(
        name=titled(layer["name"], layer["call"]),
        kind=_KINDS[layer["kind"]],
        r_min=layer["r_in_min"][axis],
        r_max=layer["r_in_max"][axis],
        is_unknown=False,
        input_size=size,
        verdict=Verdict(layer["verdict"]),
        params=layer["params"],
        macs=layer["macs"],
        dead_weights=layer["dead_weights"],
        unit=unit,
    )
