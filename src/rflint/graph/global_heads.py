"""Heads that are written as windows: a window over a whole map is global pooling, or linear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rflint.graph.layer import INPUT, Layer
from rflint.graph.windows import Extent, Window


def with_global_heads(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The same layers; such windows read the whole axis (Extent.GLOBAL)."""
    result = list(layers)
    for index in global_head_layers(layers):
        edges = tuple(
            replace(edge, reach=(Extent.GLOBAL,) * len(edge.reach)) for edge in layers[index].inputs
        )
        result[index] = replace(layers[index], inputs=edges)
    return tuple(result)


def global_head_layers(layers: Sequence[Layer]) -> list[int]:
    """The layers whose one window covers their map and is the last to integrate.

    AvgPool2d(7) on a 7x7 map is global pooling, and a 7x7 convolution on it is a fully connected
    layer (as in VGG's convolutional form). But a small window may cover a map only because the
    input is small. It stays a window where convolutions follow that integrate further, and where it
    is merged with another branch, which sees less: in a shortcut.
    """
    integrates_later = [False] * len(layers)
    convolves_later = [False] * len(layers)
    found = []
    for index in reversed(range(len(layers))):
        layer = layers[index]
        ends = layer.covers_map and convolves_later[index] and not integrates_later[index]
        if ends and not _meets_another(layers, index):
            found.append(index)
        for edge in layer.inputs:
            if edge.source == INPUT:
                continue
            windows = [reach for reach in edge.reach if isinstance(reach, Window)]
            integrates_later[edge.source] |= integrates_later[index] or any(
                window.size > 1 for window in windows
            )
            convolves_later[edge.source] |= convolves_later[index] or layer.kind.is_convolution
    return found


def _meets_another(layers: Sequence[Layer], index: int) -> bool:
    """Whether what depends on a layer is merged with what does not."""
    dependent = {index}
    for later in range(index + 1, len(layers)):
        from_it = [edge.source in dependent for edge in layers[later].inputs]
        if any(from_it):
            if not all(from_it):
                return True
            dependent.add(later)
    return False
