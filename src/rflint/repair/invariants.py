"""What a changed architecture still has to be: what a repair must not break without being seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer


def final_activations(architecture: Architecture) -> list[str]:
    """What a model does to each of its outputs at the very end: log_softmax, sigmoid."""
    found: list[str] = []
    index = architecture.outputs[0] if len(architecture.outputs) == 1 else INPUT
    while index != INPUT:
        layer = architecture.layers[index]
        if layer.kind is not Kind.ACTIVATION or len(layer.inputs) != 1:
            break
        found.append(layer.operation)
        index = layer.inputs[0].source
    return found


def newly_overwritten(after: Architecture, before: Architecture) -> str:
    """A layer that writes over a value that somebody else still needs, where it did not before.

    That is the result of an activation, which its own gradient is computed from, or a value that
    other layers read as well.
    """
    known = {(before.layers[source].title, layer.title) for source, layer in _writes(before)}
    origins = _origins(after)
    readers = Counter(
        origins[edge.source]
        for layer in after.layers
        for edge in layer.inputs
        if edge.source != INPUT and not _is_view(layer)
    )
    for source, layer in _writes(after):
        is_known = (after.layers[source].title, layer.title) in known
        needed = after.layers[source].kind is Kind.ACTIVATION or readers[source] > 1
        if needed and not is_known:
            return layer.title
    return ""


def _writes(architecture: Architecture) -> Iterator[tuple[int, Layer]]:
    """Layers that write in place, and whose result they write over."""
    origins = _origins(architecture)
    for layer in architecture.layers:
        source = layer.inputs[0].source if layer.inputs else INPUT
        if layer.in_place and source != INPUT and origins[source] != INPUT:
            yield origins[source], layer


def _origins(architecture: Architecture) -> list[int]:
    """By layer, the one that made its value: itself, or what a view passes on."""
    origins: list[int] = []
    for index, layer in enumerate(architecture.layers):
        source = layer.inputs[0].source if _is_view(layer) else index
        origins.append(source if source in (INPUT, index) else origins[source])
    return origins


def _is_view(layer: Layer) -> bool:
    return layer.kind is Kind.RESHAPE and len(layer.inputs) == 1
