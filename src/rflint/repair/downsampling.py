"""Removing downsampling: let the receptive field grow more slowly (paper, section V).

Layers that downsample from the same jump move together: a residual block's strided convolution and
its projection shortcut must keep the same size. Levels are removed from the input on, as
the paper does with ResNet's stem, as many as it takes.
"""

from __future__ import annotations

from dataclasses import replace

from rflint.analysis import Analysis, Verdict, verdict
from rflint.architecture import (
    POINTWISE,
    Architecture,
    Edge,
    Kind,
    Layer,
    Number,
    Window,
)
from rflint.receptive_field import propagate
from rflint.repair.plan import Plan
from rflint.roles import Role, roles

_NAMED = 4
"""So many layers are named in a title; the edits name them all."""


def remove_downsampling(analysis: Analysis) -> Plan | None:
    """The fewest early downsamplings whose removal leaves the fewest unproductive layers."""
    if _upsamples(analysis):
        return None  # a decoder undoes what the encoder does: one cannot change alone
    levels = downsampling_levels(analysis)
    best: tuple[int, int] | None = None
    for count in range(1, len(levels) + 1):
        names = frozenset().union(*levels[:count])
        left = unproductive_without(analysis, names)
        if left < (best[0] if best else analysis.totals.unproductive):
            best = (left, count)
        if left == 0:
            break
    if best is None:
        return None
    names = frozenset().union(*levels[: best[1]])
    layers = list(
        {x.layer.name: x.layer for x in analysis.layers if x.layer.name in names}.values()
    )
    convolutions = [layer for layer in layers if layer.kind.is_convolution]
    poolings = [layer for layer in layers if not layer.kind.is_convolution]
    level = "the first downsampling" if best[1] == 1 else f"the first {best[1]} downsamplings"
    return Plan(
        kind="remove-downsampling",
        title=f"remove {level}: {_listed([layer.name for layer in layers])}",
        edits=tuple(
            _edit(layer, sum(x.layer.name == layer.name for x in analysis.layers))
            for layer in layers
        ),
        unit_stride=frozenset(layer.name for layer in convolutions),
        removed=frozenset(layer.name for layer in poolings),
    )


def _upsamples(analysis: Analysis) -> bool:
    return any(layer.upsamples for layer in analysis.architecture.layers)


def downsampling_levels(analysis: Analysis) -> list[frozenset[str]]:
    """Names of the trunk's strided convolutions and poolings, grouped by the jump before them."""
    levels: dict[tuple[Number, ...], set[str]] = {}
    for x in analysis.layers:
        if x.role is not Role.TRUNK or x.layer.kind not in (Kind.CONV, Kind.POOL):
            continue
        strides = [
            reach.stride
            for edge in x.layer.inputs
            for reach in edge.reach
            if isinstance(reach, Window)
        ]
        jumps = [axis.jump for axis in x.seen]
        if any(stride > 1 for stride in strides) and all(jump is not None for jump in jumps):
            key = tuple(jump for jump in jumps if jump is not None)
            levels.setdefault(key, set()).add(x.layer.name)
    return [frozenset(levels[key]) for key in sorted(levels)]


def unproductive_without(analysis: Analysis, names: frozenset[str]) -> int:
    """How many convolutions stay unproductive once these layers no longer downsample.

    Computed on the architecture graph, to choose; what is reported comes from the changed model.
    """
    architecture = replace(
        analysis.architecture,
        layers=tuple(
            _without_stride(layer) if layer.name in names else layer
            for layer in analysis.architecture.layers
        ),
    )
    return count_unproductive(architecture, analysis.gates)


def count_unproductive(architecture: Architecture, gates: frozenset[tuple[int, int]]) -> int:
    """The number of unproductive convolutions."""
    fields = propagate(architecture, gates)
    return sum(
        verdict(layer, role, field, architecture.resolution) is Verdict.UNPRODUCTIVE
        for layer, role, field in zip(
            architecture.layers, roles(architecture, gates, fields), fields, strict=True
        )
    )


def _without_stride(layer: Layer) -> Layer:
    edges = tuple(
        Edge(
            edge.source,
            tuple(
                (replace(reach, stride=1) if layer.kind.is_convolution else POINTWISE)
                if isinstance(reach, Window)
                else reach
                for reach in edge.reach
            ),
        )
        for edge in layer.inputs
    )
    return replace(layer, inputs=edges)


def _listed(names: list[str]) -> str:
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    return ", ".join(names)


def _edit(layer: Layer, uses: int) -> str:
    everywhere = f" (all {uses} uses)" if uses > 1 else ""
    if not layer.op[:1].isupper():
        place = f" ({layer.called})" if layer.called else ""
        what = "stride=1" if layer.kind.is_convolution else "leave it out"
        return f"{layer.name}{place}: {what}"
    if layer.kind.is_convolution:
        spatial = max(1, len(layer.out_shape) - 2)  # of the layer: the model may have more axes
        ones = ", ".join(["1"] * spatial)
        comma = "," if spatial == 1 else ""
        return f"{layer.name}.stride = ({ones}{comma}){everywhere}"
    return f"{layer.name} = nn.Identity(){everywhere}"
