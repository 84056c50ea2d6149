"""The graph of a model for the page: layers with what they read, in which modules they lie."""

from __future__ import annotations

from dataclasses import dataclass

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Edge, Kind
from rflint.report.page.snippets import Snippets
from rflint.report.schema import JsonObject
from rflint.text.numbers import size


def inputs_and_layers(
    analysis: Analysis, snippets: Snippets
) -> tuple[list[JsonObject], list[JsonObject], list[int]]:
    """The inputs, the layers, and which layers' results the model returns.

    Layers are numbered as in the JSON report, which has no layers for inputs; input k is -1-k. The
    first stands for all inputs that are as large as it.
    """
    graph = _Graph.of(analysis.architecture)
    layers = [_layer_entry(graph, x, snippets) for x in analysis.layers if x.kind is not Kind.INPUT]
    returned = (graph.numbers[index] for index in analysis.architecture.outputs)
    outputs = sorted({number for number in returned if number >= 0})
    return [{"label": label} for label in graph.labels], layers, outputs


@dataclass(frozen=True, slots=True)
class _Graph:
    """How values are numbered on the page, and the shapes that they have."""

    numbers: dict[int, int]
    """By value: INPUT, or the index of a layer."""
    shapes: dict[int, tuple[int, ...] | None]
    """By value; None where several inputs of different shapes are one value."""
    labels: tuple[str, ...]
    """Of the inputs."""

    @classmethod
    def of(cls, architecture: Architecture) -> _Graph:
        layers = architecture.layers
        further = [i for i, layer in enumerate(layers) if layer.kind is Kind.INPUT]
        alike = list(architecture.inputs)
        for index in further:
            if layers[index].out_shape in alike[1:]:
                alike.reverse()
                alike.remove(layers[index].out_shape)
                alike.reverse()
        ordinary = [i for i, layer in enumerate(layers) if layer.kind is not Kind.INPUT]
        numbers = {index: number for number, index in enumerate(ordinary)}
        numbers |= {index: -2 - k for k, index in enumerate(further)}
        shapes: dict[int, tuple[int, ...] | None] = {
            index: layer.out_shape for index, layer in enumerate(layers)
        }
        return cls(
            {INPUT: -1, **numbers},
            {INPUT: alike[0] if len(set(alike)) == 1 else None, **shapes},
            (
                f"{'inputs' if len(alike) > 1 else 'input'} {', '.join(map(size, alike))}",
                *(f"input {size(layers[i].out_shape)}" for i in further),
            ),
        )

    def edge_entry(self, edge: Edge) -> JsonObject:
        """What a layer reads."""
        shape = self.shapes[edge.source]
        return {
            "from": self.numbers[edge.source],
            "gate": edge.is_gate,
            "shape": None if shape is None else list(shape),
        }


def _layer_entry(graph: _Graph, analysed: AnalysedLayer, snippets: Snippets) -> JsonObject:
    layer = analysed.layer
    around = layer.modules_around
    axes = _axes_of(analysed)
    return {
        "title": layer.described,
        "path": list(around[:-1] if layer.is_module else around),
        "axes": axes,
        "map": [layer.positions[axis] for axis in axes] if layer.has_positions else [],
        "channels": layer.out_shape[1] if layer.is_map else None,
        "inputs": [graph.edge_entry(edge) for edge in layer.inputs],
        "snippet": snippets.at(layer.source),
        "called": snippets.at(layer.called),
    }


def _axes_of(analysed: AnalysedLayer) -> list[int]:
    """The axes that have begun in front of a layer, or begin with it; where none has, all."""
    fields = list(zip(analysed.input_field, analysed.output_field, strict=True))
    begun = [axis for axis, pair in enumerate(fields) if not all(x.is_empty for x in pair)]
    return begun or list(range(len(fields)))
