"""A layer of the graph: one operation of the model, and the edges that lead into it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rflint.graph.exact import Number
from rflint.graph.sizing import Sizing
from rflint.graph.source_location import SourceLocation
from rflint.graph.taps import Taps
from rflint.graph.traits import Trait
from rflint.graph.windows import Reach, Resampling, Window

INPUT = -1
"""Source index of an edge that comes from the model's input."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One input of a layer: the layer it comes from, and what of it is read, per spatial axis."""

    source: int
    reach: tuple[Reach, ...]
    is_gate: bool = False
    """Whether an attention gate ends here: it weights features, and is no path of features."""


class Kind(str, Enum):
    """What a layer does, in the words of the report."""

    CONV = "conv"
    CONV_TRANSPOSE = "conv_transpose"
    POOL = "pool"
    LINEAR = "linear"
    NORM = "norm"
    ACTIVATION = "activation"
    ARITHMETIC = "arithmetic"
    MERGE = "merge"
    REDUCE = "reduce"
    ATTENTION = "attention"
    MEASURED = "measured"
    """In no table, but a probe of the operator showed what it reads."""
    TAUGHT = "taught"
    """In no table, but a user has said what it reads."""
    EMBEDDING = "embedding"
    """Looks numbers up in a table."""
    RECURRENT = "recurrent"
    MIX = "mix"
    UPSAMPLE = "upsample"
    PAD = "pad"
    SLICE = "slice"
    RESHAPE = "reshape"
    INPUT = "input"
    """A further input of the model, whose axes or sizes are not those of the first."""
    UNKNOWN = "unknown"

    @property
    def is_convolution(self) -> bool:
        """Whether layers of this kind are judged against the input size."""
        return self in (Kind.CONV, Kind.CONV_TRANSPOSE)


@dataclass(frozen=True, slots=True)
class Geometry:
    """A layer's nominal hyper-parameters, one entry per spatial axis; None stands for unbounded."""

    kernel: tuple[Number | None, ...]
    stride: tuple[Number | None, ...]
    dilation: tuple[int, ...]
    padding: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Rearrangement:
    """How the numbers of a tensor were put elsewhere in another one."""

    spelling: str
    """The function that did it, with all that it was given; or just flip or permute."""
    flipped: tuple[int, ...] = ()
    """Of a flip: the dimensions."""
    order: tuple[int, ...] = ()
    """Of a permutation: which dimension has come to be each of the result's."""

    @property
    def is_known(self) -> bool:
        """Whether it is told where the numbers have gone."""
        return bool(self.flipped or self.order)


@dataclass(frozen=True, slots=True)
class Layer:
    """One operation of the model, in execution order.

    Shapes include the batch. `params` counts the scalars of its own parameters, on the first call
    only, so that sums over layers count a shared module once; `macs` are multiply-accumulates
    for a batch of one.
    """

    name: str
    call: int
    kind: Kind
    op: str
    """As the code spells it: the module's class or the function's name."""
    operation: str
    """As the operator table spells it: one word whatever the spelling in the code."""
    inputs: tuple[Edge, ...]
    geometry: Geometry
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    params: int = 0
    macs: int = 0
    taps: tuple[Taps, ...] = ()
    """Of windows, pads and slices: exactly what meets what, per dimension that they work along."""
    weights: int = 0
    """The scalars of a convolution's kernel, which `weight` names."""
    weight: tuple[str, ...] = ()
    """The parameters that a convolution's kernel is made of."""
    weight_order: tuple[Rearrangement, ...] | None = ()
    """How the numbers of its parameter are rearranged to be the kernel: flipped, transposed. None
    where the kernel is computed from them in another way."""
    weight_mixed: bool = False
    """Whether numbers of its parameter have an influence on several of the kernel's: it is
    normalised."""
    bias: tuple[str, ...] = ()
    """The parameters that a convolution or linear layer adds to every position of its output."""
    statistics: tuple[int, ...] = ()
    """Axes over which a normalisation takes statistics of the very sample that it normalises."""
    subtracts_mean: bool = False
    """Whether, in training, it subtracts the mean of every channel from the output of a layer
    directly in front of it."""
    normalised_over: int = 0
    """Of a normalisation by what it is given, a softmax or attention: how many numbers (attention:
    positions) of one sample are held against each other. 0: none, or it is not known."""
    scope: str = ""
    """Path of the module in whose forward it is called."""
    parameters: tuple[tuple[str, int], ...] = ()
    """Name and size of every parameter it uses, on every call."""
    is_module: bool = False
    """Whether a module by this name is it, and not a function that is called."""
    in_place: bool = False
    """Whether it writes its result over its first input."""
    positions: tuple[int, ...] = ()
    """Of the output, per spatial axis: one where an axis is gone."""
    sizing: tuple[Sizing | None, ...] = ()
    """Per axis, how many positions there would be on other inputs; None where that is not known."""
    resampling: tuple[tuple[int, Resampling], ...] = ()
    """Of a resize: the axes that it works along, and where its positions lie in what it reads."""
    is_map: bool = False
    """Whether the output is laid out as (batch, channels, *positions)."""
    reorders_positions: bool = False
    """Whether it may read other positions than it writes, though no window says so: a flip, say."""
    covers_map: bool = False
    """Whether its one window covers the whole map, at this input size."""
    construction: tuple[SourceLocation, ...] = ()
    """The user's lines through which the module was built, innermost first."""
    called: SourceLocation | None = None
    """The user's line that called it."""
    unknown_because: str = ""
    """Of an unknown operator: why it could not be measured either."""
    traits: frozenset[Trait] = frozenset()
    """What its operator declares of itself; nothing, of one that is in no table."""
    absolute: tuple[int, ...] = ()
    """Axes along which what it does depends on where in the map a position lies: it uses a table
    with a number for each, writes over some, or what it pads with comes from the other end."""
    new_axes: tuple[tuple[int, int], ...] = ()
    """Axes that begin here, and their sizes: those of a further input, or of a spectrum."""

    @property
    def has_positions(self) -> bool:
        """Whether what it makes still has places: not where all of them were brought together."""
        return self.is_map or any(count != 1 for count in self.positions)

    @property
    def feature_edges(self) -> tuple[Edge, ...]:
        """The inputs that features come from: all but attention gates."""
        return tuple(edge for edge in self.inputs if not edge.is_gate)

    def taps_along(self, axis: int) -> Taps | None:
        """How its window lies along an axis, where it has one input and that is known."""
        if len(self.inputs) != 1:
            return None
        return next((taps for taps in self.taps if taps.axis == axis), None)

    def resampling_along(self, axis: int) -> Resampling | None:
        """Of a resize, where its positions lie in what it reads, along an axis."""
        return next((found for along, found in self.resampling if along == axis), None)

    @property
    def upsamples(self) -> bool:
        """Whether it makes more positions than it reads."""
        return any(
            isinstance(reach, Window) and reach.stride < 1
            for edge in self.inputs
            for reach in edge.reach
        )

    @property
    def downsamples(self) -> bool:
        """Whether it leaves out positions along some axis."""
        return any(
            isinstance(reach, Window) and reach.stride > 1
            for edge in self.inputs
            for reach in edge.reach
        )

    @property
    def is_standard_module(self) -> bool:
        """Whether it is a module with torch.nn's own forward: its attributes say what it does."""
        has_own_forward = self.scope and self.scope == self.name
        return self.is_module and not has_own_forward

    @property
    def title(self) -> str:
        """Its name, with the call where there are several."""
        return titled(self.name, self.call)

    @property
    def modules_around(self) -> tuple[str, ...]:
        """The paths of the modules that it lies in, outermost first, itself included."""
        innermost = self.name if self.is_module else self.scope
        parts = innermost.split(".") if innermost else []
        return tuple(".".join(parts[: depth + 1]) for depth in range(len(parts)))

    @property
    def caller(self) -> str:
        """Of a function: path of the module in whose forward it is called."""
        return "" if self.is_module else self.scope

    @property
    def described(self) -> str:
        """Its title; of a function, whose name is nobody's, with the module that calls it."""
        return titled(self.name, self.call, self.caller)

    @property
    def label(self) -> str:
        """As described, and of a function with the line of the call too."""
        place = f" ({self.called})" if self.called and not self.is_module else ""
        return f"{self.described}{place}"

    @property
    def constructed(self) -> SourceLocation | None:
        """The user's line that built the module, where there is one."""
        return self.construction[0] if self.construction else None

    @property
    def places(self) -> tuple[SourceLocation, ...]:
        """Every line of the user's that built or called it."""
        return (*self.construction, *([self.called] if self.called else []))

    @property
    def source(self) -> SourceLocation | None:
        """The line to edit: where the user built the layer, else where they called it."""
        return self.constructed or self.called


def titled(name: str, call: int = 0, caller: str = "") -> str:
    """What people are told of a layer: 'conv1 (call 2)', or 'conv2d_4 in layer3.mix'."""
    again = f" (call {call + 1})" if call else ""
    return f"{name}{again}{f' in {caller}' if caller else ''}"
