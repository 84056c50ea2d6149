"""Reports as a lint would make them, made by hand: nothing is built, traced or imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rflint.analysis.analyse import analyse
from rflint.graph.architecture import Architecture, LeftOut
from rflint.graph.layer import INPUT, Edge, Geometry, Kind, Layer
from rflint.graph.source_location import SourceLocation
from rflint.graph.windows import Extent, Window
from rflint.linting.finding import Finding, Severity
from rflint.report.model_report import ModelReport


def conv(
    name: str, *places: SourceLocation, channels: tuple[int, int] = (8, 8), kernel: int = 3
) -> Layer:
    """A convolution that was built on these lines of the user's."""
    return Layer(
        name,
        call=0,
        kind=Kind.CONV,
        op="Conv2d",
        operation="conv2d",
        inputs=(Edge(INPUT, (Window(kernel, 1, -(kernel // 2)),) * 2),),
        geometry=Geometry((kernel,) * 2, (1, 1), (1, 1), (kernel // 2,) * 2),
        in_shape=(1, channels[0], 32, 32),
        out_shape=(1, channels[1], 32, 32),
        construction=places,
    )


def unknown(name: str, *places: SourceLocation) -> Layer:
    """An operator of which nobody knows what it reads."""
    return Layer(
        name,
        call=0,
        kind=Kind.UNKNOWN,
        op="mystery",
        operation="mystery",
        inputs=(Edge(INPUT, (Extent.UNKNOWN,) * 2),),
        geometry=Geometry((None,) * 2, (None,) * 2, (1, 1), (None,) * 2),
        in_shape=(1, 8, 32, 32),
        out_shape=(1, 8, 32, 32),
        construction=places,
    )


def found(layer: Layer, code: str = "RF101", name: str = "unproductive-layer") -> Finding:
    """A rule's finding at a layer."""
    return Finding(
        code, name, Severity.WARNING, layer.name, "nothing new", layer.source, layer.places
    )


def report(
    layers: Sequence[Layer],
    findings: Sequence[Finding] = (),
    *,
    target: str = "net.py:build",
    name: str = "",
    resolution: int = 32,
    left_out: LeftOut | None = None,
) -> ModelReport:
    """A model of these layers, one behind the other."""
    chained = tuple(
        _behind(layer, index - 1 if index else INPUT) for index, layer in enumerate(layers)
    )
    size = (resolution, resolution)
    architecture = Architecture(
        inputs=((1, 3, *size),),
        resolution=size,
        layers=chained,
        outputs=(len(layers) - 1,),
        output_shapes=((1, 8, *size),),
        params=1000,
        left_out=left_out,
    )
    return ModelReport(target, analyse(architecture), tuple(findings), name=name)


def _behind(layer: Layer, source: int) -> Layer:
    (edge,) = layer.inputs
    return replace(layer, inputs=(Edge(source, edge.reach),))
