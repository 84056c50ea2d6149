"""What tells a model that was measured from another one that goes by the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number
from rflint.graph.layer import Kind, Layer
from rflint.text.numbers import first_few, size

_SHOWN = 3
"""Of names in a sentence."""

Length = int | float | None


@dataclass(frozen=True, slots=True)
class LayerShape:
    """A call of a convolution or linear layer, and what a batch has no influence on."""

    name: str
    call: int
    kind: str
    kernel: tuple[Length, ...]
    """As stride and dilation, of a convolution; empty of a linear layer."""
    stride: tuple[Length, ...]
    dilation: tuple[int, ...]
    reads: tuple[int, ...]
    """Of a convolution channels and positions, of a linear layer features: the same layer of a
    transformer may have tokens and samples along one dimension, or along two."""
    makes: tuple[int, ...]

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the other layers of its model."""
        return self.name, self.call


@dataclass(frozen=True, slots=True)
class Identity:
    """The inputs of a model, and those of its layers that can be measured.

    Other layers are left out: they come and go with what rflint can follow, and the model is still
    the same.
    """

    inputs: tuple[tuple[int, ...], ...]
    """Their shapes, without the batch."""
    layers: tuple[LayerShape, ...]
    whole: bool
    """Whether these are all layers of a pass in evaluation. In training a model may have more, and
    where values of data are read, the rest is not known."""
    arguments: Mapping[str, str]
    """What the builder was given, as --arg takes it."""

    def difference(self, other: Identity) -> str:
        """In which way another model differs, in words that go on from 'it'; empty: in none.

        Arguments do not count: a default may be given, or not.
        """
        if len(self.inputs) == len(other.inputs):
            for own, others in zip(self.inputs, other.inputs, strict=True):
                if own != others:
                    return f"gets an input of {size(others)} for each sample, not of {size(own)}"
        there = {layer.key: layer for layer in other.layers}
        for layer in self.layers:
            if layer.key in there and layer != there[layer.key]:
                return _difference(layer, there[layer.key])
        if not (self.whole and other.whole):
            return ""
        here = {layer.key for layer in self.layers}
        gone = [layer.name for layer in self.layers if layer.key not in there]
        added = [layer.name for layer in other.layers if layer.key not in here]
        if gone:
            return f"does not have {first_few(gone, _SHOWN)}"
        return f"also has {first_few(added, _SHOWN)}" if added else ""

    def to_dict(self) -> dict[str, Any]:
        """The entry `model` of a file."""
        return {
            "inputs": [list(shape) for shape in self.inputs],
            "whole": self.whole,
            "arguments": dict(self.arguments),
            "layers": [
                {
                    "name": layer.name,
                    "call": layer.call,
                    "kind": layer.kind,
                    "kernel": list(layer.kernel),
                    "stride": list(layer.stride),
                    "dilation": list(layer.dilation),
                    "reads": list(layer.reads),
                    "makes": list(layer.makes),
                }
                for layer in self.layers
            ],
        }


def is_measurable(layer: Layer) -> bool:
    """Whether it is a module that multiplies by weights; those called as functions have no name."""
    return layer.is_module and (layer.kind.is_convolution or layer.kind is Kind.LINEAR)


def identity_of(architecture: Architecture, arguments: Mapping[str, str] | None = None) -> Identity:
    """What tells a model from others, as far as its architecture does."""
    letters = architecture.layouts or ("",) * len(architecture.inputs)
    return Identity(
        tuple(map(_without_batch, architecture.inputs, letters)),
        tuple(_shape_of(layer) for layer in architecture.layers if is_measurable(layer)),
        not architecture.training and architecture.left_out is None,
        dict(arguments or {}),
    )


def identity_from(entry: Mapping[str, Any]) -> Identity:
    """What `to_dict` gave, read again. Raises KeyError or TypeError for anything else."""
    return Identity(
        tuple(tuple(shape) for shape in entry["inputs"]),
        tuple(
            LayerShape(
                one["name"],
                one["call"],
                one["kind"],
                *(tuple(one[x]) for x in ("kernel", "stride", "dilation", "reads", "makes")),
            )
            for one in entry["layers"]
        ),
        entry["whole"],
        {**entry["arguments"]},
    )


def _without_batch(shape: Sequence[int], letters: str) -> tuple[int, ...]:
    batch = max(letters.find("B"), 0)
    return (*shape[:batch], *shape[batch + 1 :])


def _shape_of(layer: Layer) -> LayerShape:
    known = (layer.name, layer.call, layer.kind.value)
    if not layer.kind.is_convolution:
        return LayerShape(*known, (), (), (), layer.in_shape[-1:], layer.out_shape[-1:])
    geometry = layer.geometry
    return LayerShape(
        *known,
        tuple(map(_length, geometry.kernel)),
        tuple(map(_length, geometry.stride)),
        geometry.dilation,
        layer.in_shape[1:],
        layer.out_shape[1:],
    )


def _length(number: Number | None) -> Length:
    """As JSON keeps it."""
    if isinstance(number, Fraction):
        return int(number) if number.denominator == 1 else float(number)
    return number


def _difference(own: LayerShape, other: LayerShape) -> str:
    """What one layer is in both models."""
    told = (
        ("reads", size(own.reads), size(other.reads)),
        ("makes", size(own.makes), size(other.makes)),
        ("is of kind", own.kind, other.kind),
        ("has a kernel of", _lengths(own.kernel), _lengths(other.kernel)),
        ("has a stride of", _lengths(own.stride), _lengths(other.stride)),
        ("has a dilation of", _lengths(own.dilation), _lengths(other.dilation)),
    )
    what, before, now = next(x for x in told if x[1] != x[2])
    return f"has a layer {own.name} that {what} {now}, not {before}"


def _lengths(numbers: Sequence[Length]) -> str:
    return "x".join("all" if number is None else f"{number:g}" for number in numbers)
