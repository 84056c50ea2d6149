"""Truncation: end the network where its last useful convolution has spoken (paper, Fig. 11)."""

from __future__ import annotations

from rflint.analysis import Analysis
from rflint.architecture import Layer
from rflint.repair.plan import Plan
from rflint.roles import Role, reaching_outputs


def truncate(analysis: Analysis) -> Plan | None:
    """Cut at the last tensor before the border layer that carries everything.

    Offered for classifiers (one output of shape batch x classes); None where nothing before the
    border carries everything.
    """
    architecture = analysis.architecture
    border = next((i for i, x in enumerate(analysis.layers) if x is analysis.border_min), None)
    classifies = len(architecture.output_shapes) == 1 and len(architecture.output_shapes[0]) == 2
    if border is None or not classifies:
        return None
    rank = architecture.axes + 2
    candidates = [
        index
        for index in carrying_everything(analysis)
        if index < border
        and analysis.layers[index].role is Role.TRUNK
        and len(architecture.layers[index].out_shape) == rank
        and all(axis.spans for axis in analysis.layers[index].out)
    ]
    if not candidates:
        return None
    cut = candidates[-1]
    layer = architecture.layers[cut]
    place = block_ending_at(architecture.layers, cut)
    classes = architecture.output_shapes[0][1]
    return Plan(
        kind="truncate",
        title=f"truncate after {place}",
        edits=(
            f"keep everything up to and including {place}",
            f"end with global average pooling and nn.Linear({layer.out_shape[1]}, {classes})",
        ),
        cut=(layer.name, layer.call),
        head_features=classes,
    )


def carrying_everything(analysis: Analysis) -> list[int]:
    """The layers that every path from the input to an output passes through, in order.

    In execution order these are the layers that no edge jumps over, among the layers that reach an
    output; an output in mid-network counts as an edge to the end.
    """
    architecture = analysis.architecture
    reached = reaching_outputs(architecture)
    end = len(architecture.layers)
    jumps = [0] * (end + 2)

    def jumped(source: int, target: int) -> None:
        jumps[source + 1] += 1
        jumps[target] -= 1

    for index in reached:
        for edge in architecture.layers[index].inputs:
            jumped(edge.source, index)
    for output in architecture.outputs:
        jumped(output, end)
    carrying, over = [], 0
    for index in range(end):
        over += jumps[index]
        if over == 0 and index in reached:
            carrying.append(index)
    return carrying


def block_ending_at(layers: tuple[Layer, ...], index: int) -> str:
    """The largest block whose last layer this is, by module path; else the layer's own name."""
    layer = layers[index]
    is_function = layer.op[:1].islower()
    name = f"{layer.title} ({layer.called})" if is_function and layer.called else layer.title
    parts = layer.scope.split(".") if layer.scope else []
    for depth in range(len(parts), 0, -1):
        scope = ".".join(parts[:depth])
        inside = [
            i for i, x in enumerate(layers) if x.scope == scope or x.scope.startswith(scope + ".")
        ]
        if inside[-1] != index:
            break
        name = scope
    return name
