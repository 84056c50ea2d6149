"""Layers whose result is the same whatever they are given, and what gets no gradient therefore.

Of one number the mean is that number, and its share of a sum is the whole: a normalisation of
single values gives its bias, a softmax over one element gives 1 (its logarithm 0).
"""

from __future__ import annotations

from collections.abc import Collection

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.text.numbers import plural


def is_constant_norm(layer: Layer) -> bool:
    """Whether it normalises single values by their own statistics, so that its bias is left."""
    return layer.kind is Kind.NORM and layer.normalised_over == 1


def is_constant_softmax(layer: Layer) -> bool:
    """Whether it shares out a whole among one element."""
    return layer.kind is Kind.ACTIVATION and layer.normalised_over == 1


def is_lone_attention(layer: Layer) -> bool:
    """Whether every query is compared with one key, so that it takes that one's value as it is."""
    return layer.kind is Kind.ATTENTION and layer.normalised_over == 1


def takes_part(architecture: Architecture, index: int) -> bool:
    """Whether an output depends on a layer, though it be made of nothing but parameters.

    So is the first block of a decoder whose query is a parameter: no edge leads from it.
    """
    used = architecture.used_parameters
    own = architecture.layers[index].parameters
    return index in architecture.relations.live_layers or any(name in used for name, _ in own)


def without_gradient(architecture: Architecture, index: int) -> str:
    """Where a message goes on: how many parameters a constant layer keeps from being trained."""
    lost = sum(parameters_behind(architecture, (index,)).values())
    if not lost:
        return ""
    get = "gets" if lost == 1 else "get"
    return f", and {plural(lost, 'parameter', ',')} before it {get} no gradient"


def parameters_behind(architecture: Architecture, constant: Collection[int]) -> dict[str, int]:
    """The parameters, with their sizes, that only reach outputs through these layers' inputs.

    Where the results of those layers are constant, no gradient comes through: training leaves these
    parameters as they are. What the model reads beside its layers may reach outputs in other ways,
    and is left out.
    """
    reached: set[int] = set()
    pending = list(architecture.outputs)
    while pending:
        index = pending.pop()
        if index == INPUT or index in reached:
            continue
        reached.add(index)
        if index not in constant:
            pending += [edge.source for edge in architecture.layers[index].inputs]
    live = architecture.relations.live_layers
    sizes = {n: s for i in live if i != INPUT for n, s in architecture.layers[i].parameters}
    kept = {name for index in reached for name, _ in architecture.layers[index].parameters}
    kept |= architecture.read_outside_layers | architecture.frozen_parameters
    return {name: size for name, size in sizes.items() if name not in kept}
