"""Layers that make the result of a sample of other samples of its batch.

Asked of a pass with several samples, in which the batch is the one axis: what a layer reads along
it, beside the sample that it writes, is another sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from math import prod

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Edge, Kind, Layer
from rflint.graph.windows import POINTWISE, Extent


class Mixing(Enum):
    """In which way samples are mixed."""

    SEQUENCE = "sequence"
    """Attention or recurrence along the batch."""
    SOFTMAX = "softmax"
    """A softmax over the batch."""
    SUM = "sum"
    """A linear layer that sums over the batch: it was flattened with the rest."""


@dataclass(frozen=True, slots=True)
class MixedSamples:
    """A layer that mixes samples, and how."""

    name: str
    call: int
    mixing: Mixing


def mixed_samples(along_batch: Architecture) -> tuple[MixedSamples, ...]:
    """The layers that mix samples for certain, where the first dimension is the batch for certain.

    Some mix on purpose, and are left out: products of two computed tensors (the scores of images
    and texts), means over the batch (losses, statistics), and whatever is not known exactly.
    """
    live = along_batch.relations.live_layers
    found = [
        (index, mixing)
        for index, layer in enumerate(along_batch.layers)
        if index in live and (mixing := _mixing(along_batch, layer)) is not None
    ]
    is_batch = bool(found) and any(
        _takes_a_batch(along_batch, along_batch.layers[index]) for index in live
    )
    return tuple(
        MixedSamples(along_batch.layers[index].name, along_batch.layers[index].call, mixing)
        for index, mixing in found
        if is_batch or _is_read_as_a_batch(along_batch, index)
    )


@dataclass(frozen=True, slots=True)
class PartedSamples:
    """A linear layer that is given several rows of each sample, and how many of how many numbers.

    `x.view(-1, 512)` of a map of 512x2x2: four rows for each image, each of them a quarter of the
    channels. The batch that leaves the model is four times as large as the one that enters it.
    """

    index: int
    rows: int
    features: int


def parted_samples(architecture: Architecture) -> Iterator[PartedSamples]:
    """The linear layers whose rows cut maps across channels and positions, up to an output.

    Rows that are single positions, or whole channels, may be meant: those of a permuted map.
    """
    for index, layer in enumerate(architecture.layers):
        if index not in architecture.relations.live_layers or layer.kind is not Kind.LINEAR:
            continue
        if len(layer.inputs) != 1 or len(layer.in_shape) != 2 or layer.inputs[0].source == INPUT:
            continue
        edge = layer.inputs[0]
        shape = architecture.layers[edge.source].out_shape
        rows, features = layer.in_shape[0] // shape[0], layer.in_shape[1]
        units = {prod(shape[start:]) for start in range(2, len(shape))}
        if (
            _is_map_of_samples(architecture, edge.source)
            and rows > 1
            and rows * features == prod(shape[1:])
            and features not in units
            and features >= shape[1]
            and all(reach is Extent.GLOBAL for reach in edge.reach)
            and layer.in_shape[:1] in (shape[:1] for shape in architecture.output_shapes)
        ):
            yield PartedSamples(index, rows, prod(shape[1:]))


def _is_map_of_samples(architecture: Architecture, index: int) -> bool:
    """Whether the first dimension of a layer's result is the batch: convolutions made it."""
    layer = architecture.layers[index]
    samples = {shape[:1] for shape in architecture.inputs}
    return (
        layer.is_map
        and layer.kind in (Kind.CONV, Kind.POOL, Kind.NORM, Kind.ACTIVATION)
        and len(layer.out_shape) == 2 + len(architecture.resolution)
        and samples == {layer.out_shape[:1]}
    )


def _mixing(architecture: Architecture, layer: Layer) -> Mixing | None:
    if not any(_reads_others(architecture, edge) for edge in layer.feature_edges):
        return None
    if layer.kind is Kind.LINEAR and len(layer.inputs) == 1:
        return Mixing.SUM
    if layer.kind is Kind.ACTIVATION and layer.normalised_over > 1:
        return Mixing.SOFTMAX
    several = len(layer.in_shape) > 2 and layer.in_shape[1] > 1
    attends = layer.kind is Kind.ATTENTION and layer.normalised_over > 1
    if several and (attends or layer.kind is Kind.RECURRENT):
        return Mixing.SEQUENCE
    return None


def _reads_others(architecture: Architecture, edge: Edge) -> bool:
    return edge.reach[0] is Extent.GLOBAL and architecture.positions_of(edge.source)[0] > 1


def _takes_a_batch(architecture: Architecture, layer: Layer) -> bool:
    """Whether a layer takes the first dimension for the batch, and samples lie along it.

    Convolutions and poolings do, and what works along a sequence when it is told `batch_first`.
    """
    samples = architecture.resolution[0]
    is_along_others = layer.kind in (Kind.RECURRENT, Kind.ATTENTION) and bool(layer.inputs)
    return (
        (layer.kind.is_convolution or layer.kind is Kind.POOL or is_along_others)
        and len(layer.in_shape) > 2
        and layer.in_shape[0] == samples
        and all(
            edge.reach[0] == POINTWISE and architecture.positions_of(edge.source)[0] == samples
            for edge in layer.inputs
        )
    )


def _is_read_as_a_batch(architecture: Architecture, index: int) -> bool:
    """Whether what follows drops the second dimension, and keeps the first: for the batch.

    `x[:, -1]`, `x.mean(1)` or `x.flatten(1)` of (batch, time, features). Along (time, batch,
    features) that would drop samples.
    """
    shape = architecture.layers[index].out_shape
    if len(shape) != 3:
        return False
    without_time = {(shape[0], shape[2]), (shape[0], shape[1] * shape[2])}
    return any(
        layer.in_shape in without_time
        or (layer.kind is Kind.REDUCE and layer.out_shape in without_time)
        for layer in _following(architecture, index)
    )


def _following(architecture: Architecture, index: int) -> Iterator[Layer]:
    """The layers that read a value of the same shape that depends on this layer."""
    readers, layers = architecture.relations.live_readers, architecture.layers
    shape, seen, pending = layers[index].out_shape, {index}, [index]
    while pending:
        for reader in readers[pending.pop()]:
            if reader in seen or reader == INPUT:
                continue
            seen.add(reader)
            yield layers[reader]
            if layers[reader].out_shape[:-1] == shape[:-1]:
                pending.append(reader)
