"""A layer of an architecture together with its receptive fields, its role and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rflint.analysis.input_sizes import Comparison
from rflint.analysis.receptive_field import ReceptiveField
from rflint.analysis.roles import Role
from rflint.graph.layer import Edge, Geometry, Kind, Layer
from rflint.graph.source_location import SourceLocation
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.graph.windows import Extent


class Verdict(str, Enum):
    """What a convolution can still do at this input size."""

    PRODUCTIVE = "productive"
    CRITICAL = "critical"
    """It reads a receptive field no larger than the input, and makes a larger one: it crosses."""
    PARTIAL = "partial"
    """The receptive field of what it reads is larger than the input along some axes only."""
    UNPRODUCTIVE = "unproductive"
    """The receptive field of what it reads is larger than the input along every axis."""
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class AnalysedLayer:
    """A layer of the graph, its receptive fields, and how they compare with the input size.

    What rules ask of the graph's layer most often can be asked of this one directly.
    """

    layer: Layer
    role: Role
    input_field: ReceptiveField
    """The receptive field of what it reads, r_{l-1}, per axis."""
    output_field: ReceptiveField
    """The receptive field of what it writes, r_l, per axis."""
    verdict: Verdict
    comparisons: tuple[Comparison, ...]
    """Per axis, the smallest receptive field of what it reads against the size of the input."""
    dead_weights: int = 0
    """Weights of its kernel that do nothing at this input size: they meet zeros, or nobody reads.

    Those of a kernel that several calls share count once, with the first, and only if they do so
    in all of them.
    """
    erf: tuple[float | None, ...] = ()
    """Per axis, the standard deviation in input pixels of what one of its outputs is made of at
    initialisation (effective_field.py); None where that is unbounded or not known."""
    unjudged_because: str = ""
    """Of a convolution that is not judged: why its receptive field says nothing of it."""

    @property
    def is_judged(self) -> bool:
        """Whether it is a convolution whose receptive field is compared with the input size."""
        return self.verdict is not Verdict.NOT_JUDGED

    @property
    def is_unknown(self) -> bool:
        """Whether its operator is unknown, and what it reads still had a bounded receptive field.

        Layers behind it may not be known either, but for no other reason.
        """
        return any(
            reach is Extent.UNKNOWN and field.spans
            for edge in self.layer.inputs
            for reach, field in zip(edge.reach, self.input_field, strict=True)
        )

    @property
    def input_sizes(self) -> tuple[int, ...]:
        """Per axis, the size of the input that its receptive field is compared with."""
        return tuple(comparison.input_size for comparison in self.comparisons)

    @property
    def compared_axes(self) -> tuple[Comparison, ...]:
        """The comparisons along the axes that what it reads has."""
        return tuple(comparison for comparison in self.comparisons if comparison.has_axis)

    @property
    def exceeded_axes(self) -> tuple[int, ...]:
        """The axes along which the receptive field of what it reads is larger than the input."""
        return tuple(x.axis for x in self.comparisons if x.exceeds_input)

    def has_axis(self, axis: int) -> bool:
        """Whether an axis has begun in front of it, or begins with it; where none has: True."""
        field = self.input_field[axis]
        return not field.is_empty or all(one.is_empty for one in self.input_field)

    @property
    def name(self) -> str:
        """The path of its module; of a function, its name in the graph."""
        return self.layer.name

    @property
    def call(self) -> int:
        """Which call of its module this is, counted from 0."""
        return self.layer.call

    @property
    def title(self) -> str:
        """Its name, with the call where there are several."""
        return self.layer.title

    @property
    def described(self) -> str:
        """Its title; of a function, with the module that calls it."""
        return self.layer.described

    @property
    def label(self) -> str:
        """As described, and of a function with the line of the call too."""
        return self.layer.label

    @property
    def scope(self) -> str:
        """The path of the module in whose forward it is called."""
        return self.layer.scope

    @property
    def caller(self) -> str:
        """Of a function, the path of the module in whose forward it is called."""
        return self.layer.caller

    @property
    def is_module(self) -> bool:
        """Whether it is a module, and not a function that is called."""
        return self.layer.is_module

    @property
    def kind(self) -> Kind:
        """What it does, in the words of the report."""
        return self.layer.kind

    @property
    def op(self) -> str:
        """Its operator, as the code spells it."""
        return self.layer.op

    @property
    def traits(self) -> frozenset[Trait]:
        """What its operator declares of itself."""
        return self.layer.traits

    @property
    def inputs(self) -> tuple[Edge, ...]:
        """Where its inputs come from, and what it reads of each."""
        return self.layer.inputs

    @property
    def geometry(self) -> Geometry:
        """Its kernel, stride, dilation and padding, per axis."""
        return self.layer.geometry

    @property
    def in_shape(self) -> tuple[int, ...]:
        """The shape of its first input, with the batch."""
        return self.layer.in_shape

    @property
    def out_shape(self) -> tuple[int, ...]:
        """The shape of its output, with the batch."""
        return self.layer.out_shape

    @property
    def positions(self) -> tuple[int, ...]:
        """How many positions its output has, per axis."""
        return self.layer.positions

    @property
    def taps(self) -> tuple[Taps, ...]:
        """Which positions its window meets, per dimension that it works along."""
        return self.layer.taps

    def taps_along(self, axis: int) -> Taps | None:
        """How its window lies along an axis, where it has one input and that is known."""
        return self.layer.taps_along(axis)

    @property
    def downsamples(self) -> bool:
        """Whether it leaves out positions along some axis."""
        return self.layer.downsamples

    @property
    def upsamples(self) -> bool:
        """Whether it makes more positions than it reads."""
        return self.layer.upsamples

    @property
    def in_place(self) -> bool:
        """Whether it writes its result over its first input."""
        return self.layer.in_place

    @property
    def params(self) -> int:
        """The scalars of its own parameters, counted with its first call."""
        return self.layer.params

    @property
    def parameters(self) -> tuple[tuple[str, int], ...]:
        """Name and size of every parameter that it uses, on every call."""
        return self.layer.parameters

    @property
    def bias(self) -> tuple[str, ...]:
        """The parameters that it adds to every position of its output."""
        return self.layer.bias

    @property
    def macs(self) -> int:
        """Its multiply-accumulates, for a batch of one."""
        return self.layer.macs

    @property
    def source(self) -> SourceLocation | None:
        """The line to edit: where the user built it, else where they called it."""
        return self.layer.source

    @property
    def places(self) -> tuple[SourceLocation, ...]:
        """Every line of the user's that built or called it."""
        return self.layer.places

    @property
    def unknown_because(self) -> str:
        """Of an unknown operator, why it could not be measured either."""
        return self.layer.unknown_because
