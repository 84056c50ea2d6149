"""A change to a model, as data: what a repair would do, before anything is applied."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Layers to change, by name, and the change in words.

    `unit_stride` layers take stride 1, `removed` ones pass their input on. `cut` is the layer
    (name and call) behind which global average pooling and a linear layer with `head_features`
    outputs end the model.
    """

    kind: str
    title: str
    edits: tuple[str, ...]
    unit_stride: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    cut: tuple[str, int] | None = None
    head_features: int = 0
