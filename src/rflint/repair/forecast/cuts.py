"""Where a network can end: at tensors that dominate everything after them (paper, Fig. 11)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from rflint.analysis.analysis import Analysis
from rflint.analysis.roles import Role
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Layer

_PLAIN_CUTS = 8
"""Of a chain without downsampling, so many places to end are weighed: the last is the paper's."""


def why_no_classifier(analysis: Analysis) -> str:
    """Why a model counts as no classifier that could end earlier; empty where it is one."""
    architecture = analysis.architecture
    if architecture.left_out is not None:
        return "the model was not followed to its end"
    if len(architecture.output_shapes) != 1:
        return f"the model has {len(architecture.output_shapes)} outputs"
    if len(architecture.output_shapes[0]) not in (1, 2):
        return "the model is no classifier: its output is not batch x classes"
    return ""


def classes_of(analysis: Analysis) -> int:
    """How many outputs a classifier has; one where it drops that dimension."""
    shape = analysis.architecture.output_shapes[0]
    return shape[1] if len(shape) > 1 else 1


def cut_points(analysis: Analysis) -> tuple[int, ...]:
    """The layers behind which the network can end, in order.

    Feature maps of the trunk that every path passes through, from the first downsampling to the
    last convolution. Of several that differ by nothing but activations and poolings, the last that
    breaks up no more modules than it has to. A chain that becomes unproductive before anything
    downsamples can end at the last few of them in front of the border layer.
    """
    layers = analysis.architecture.layers
    end = len(layers)
    border = next((i for i, x in enumerate(analysis.layers) if x is analysis.border_min), end)
    first = next((i for i, layer in enumerate(layers) if layer.downsamples), end)
    plain = first > border
    if plain:
        first = next((i for i, layer in enumerate(layers) if layer.kind.is_convolution), end)
    running = _modules_running(layers)
    found: list[int] = []
    for index in analysis.architecture.relations.dominators:
        x = analysis.layers[index]
        seen = all(axis.spans for axis in x.output_field)
        if index < first or x.role is not Role.TRUNK or not layers[index].is_map or not seen:
            continue
        if found and not any(_has_work(layer) for layer in layers[found[-1] + 1 : index + 1]):
            if running[found[-1]] < running[index]:
                continue
            found.pop()
        found.append(index)
    separable = _separable(layers)
    last = max((i for i, layer in enumerate(layers) if layer.kind.is_convolution), default=-1)
    cuts = tuple(index for index in found if separable[index] and index < last)
    return tuple(index for index in cuts if index < border)[-_PLAIN_CUTS:] if plain else cuts


def _has_work(layer: Layer) -> bool:
    return bool(layer.macs or layer.parameters)


def layers_behind(analysis: Analysis, cut: int) -> frozenset[int]:
    """The layers that go when a network ends behind a layer: all that the output needs of the rest.

    What branches off before the cut and does not reach the output (a head that only training
    returns) stays, unless it needs something that goes.
    """
    layers = analysis.architecture.layers
    reached = analysis.architecture.relations.live_layers
    gone: set[int] = set()
    for index in range(cut + 1, len(layers)):
        needs = any(edge.source in gone for edge in layers[index].inputs)
        if index in reached or needs:
            gone.add(index)
    # work on constants (a table of positions) goes with the module that it is done for
    constants = [index for index in range(cut + 1, len(layers)) if not layers[index].inputs]
    if constants:
        touched = {path for index in gone for path in layers[index].modules_around}
        served = {path for layer in layers if layer.inputs for path in layer.modules_around}
        for index in constants:
            around = next((p for p in reversed(layers[index].modules_around) if p in served), "")
            if around in touched:
                gone.add(index)
    return frozenset(gone)


def _modules_running(layers: Sequence[Layer]) -> list[int]:
    """Behind each layer, how many modules have begun and are used again."""
    change = [0] * (len(layers) + 1)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for index, layer in enumerate(layers):
        for path in layer.modules_around:
            first.setdefault(path, index)
            last[path] = index
    for path, begin in first.items():
        change[begin] += 1
        change[last[path]] -= 1
    return list(accumulate(change))[:-1]


def _separable(layers: Sequence[Layer]) -> list[bool]:
    """Per layer, whether all that has weights behind it can go without touching what stays.

    It cannot where a module, or a weight, is used on both sides of the cut.
    """
    module_from: dict[str, int] = {}
    weight_from: dict[str, int] = {}
    for index, layer in enumerate(layers):
        for path in layer.modules_around:
            module_from.setdefault(path, index)
        for name, _ in layer.parameters:
            weight_from.setdefault(name, index)
    result = [True] * len(layers)
    earliest = len(layers)
    """Where the first module or weight is used that is also used further on."""
    for index in reversed(range(len(layers))):
        result[index] = earliest > index
        if layers[index].parameters:
            # a weight of the model itself has no module: a forward that is written anew leaves it
            used_from = [module_from[path] for path in layers[index].modules_around[-1:]]
            used_from += [weight_from[name] for name, _ in layers[index].parameters]
            earliest = min(earliest, *used_from)
    return result


def block_ending_at(architecture: Architecture, index: int) -> str:
    """The largest block whose last layer this is, by module path; else the layer's own name."""
    layer = architecture.layers[index]
    name = layer.label
    for path in reversed(layer.modules_around):
        if path == layer.name and layer.is_module:
            continue
        if architecture.relations.layers_of_module[path][-1] != index:
            break
        name = path
    return name
