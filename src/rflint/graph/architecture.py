"""The architecture graph: what a tracer hands over, and all that the later stages know of a model.

Plain frozen data, no torch: any front end that produces an `Architecture` gets the receptive
fields, the rules and the reports for free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from math import gcd
from typing import TypeAlias

from rflint.graph.sizing import Number as Number  # lengths and jumps are exact
from rflint.graph.sizing import Sizing
from rflint.graph.taps import Taps

INPUT = -1
"""Source index of an edge that comes from the model's input."""


@dataclass(frozen=True, slots=True)
class Window:
    """What an operator reads along one axis: output p reads `size` inputs from p*stride + start.

    `size` is the extent with dilation counted in, K = d * (k - 1) + 1 (paper, Eq. 1). `start` is
    minus the padding. A stride below one is an upsampling. A window behind an upsampling, taken
    together with it, may have a fractional size.
    """

    size: Number = 1
    stride: Number = 1
    start: Number = 0
    slack: Number = field(default=0, compare=False)
    """By how much what is read may begin earlier or end later, where `start` is nominal.

    Position p of a map that was resized reads what lies at p * stride, rounded to whole positions;
    all positions of a window of a partition read the whole window.
    """
    moves: bool = field(default=False, compare=False)
    """Whether it takes positions from elsewhere as they are: a roll, a slice, a row put elsewhere.

    By itself that is a receptive field of one position. Next to what was not moved it is a kernel,
    spelled out.
    """

    @property
    def rounding(self) -> Number:
        """The slack, which no window has less of whose positions lie between those it reads."""
        between = isinstance(self.stride, Fraction) and self.stride.denominator > 1
        return self.slack or (1 if between else 0)

    @property
    def blocks(self) -> Number:
        """How many positions of its input a block has, where groups of outputs read the same.

        Those between positions of the input, and those in the same window of a partition.
        """
        between = isinstance(self.stride, Fraction) and self.stride.denominator > 1
        return 1 if between else self.size if self.slack else 0


class Extent(Enum):
    """What an operator reads along one axis where no window describes it."""

    GLOBAL = "global"
    """The whole axis: global pooling, flatten + linear, attention over positions."""
    UNKNOWN = "unknown"
    """Nobody knows: the operator is in no table."""


Reach: TypeAlias = Window | Extent

POINTWISE = Window()


def adaptive_window(n: int, m: int) -> Window:
    """What adaptive pooling from n to m positions reads.

    Output p reads inputs floor(p * n / m) to ceil((p + 1) * n / m) - 1: the widest such window.
    """
    phases = range(m // gcd(n, m))
    size = max(-((-(p + 1) * n) // m) - p * n // m for p in phases)
    stride = Fraction(n, m)
    return Window(size, int(stride) if stride.denominator == 1 else stride)


@dataclass(frozen=True, slots=True)
class Edge:
    """One input of a layer: the layer it comes from, and what of it is read, per spatial axis."""

    source: int
    reach: tuple[Reach, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a source file; `path` as a person would type it, `line` counted from 1."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


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
    """Whether, in training, it subtracts from every channel of what a layer wrote that channel's
    mean: nothing is in between."""
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
    is_map: bool = False
    """Whether the output is laid out as (batch, channels, *positions)."""
    moves: bool = False
    """Whether it reads other positions than it writes, though no window says so: it mirrors."""
    covers_map: bool = False
    """Whether its one window covers the whole map, at this input size."""
    construction: tuple[Source, ...] = ()
    """The user's lines through which the module was built, innermost first."""
    called: Source | None = None
    """The user's line that called it."""
    unknown_because: str = ""
    """Of an unknown operator: why it could not be measured either."""
    begins: tuple[tuple[int, int], ...] = ()
    """Axes that begin here, and their sizes: those of a further input, or of a spectrum."""

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
    def title(self) -> str:
        """Its name, with the call where there are several."""
        return titled(self.name, self.call)

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
    def constructed(self) -> Source | None:
        """The user's line that built the module, where there is one."""
        return self.construction[0] if self.construction else None

    @property
    def places(self) -> tuple[Source, ...]:
        """Every line of the user's that built or called it."""
        return (*self.construction, *([self.called] if self.called else []))

    @property
    def source(self) -> Source | None:
        """The line to edit: where the user built the layer, else where they called it."""
        return self.constructed or self.called


def titled(name: str, call: int = 0, caller: str = "") -> str:
    """What people are told of a layer: 'conv1 (call 2)', or 'conv2d_4 in layer3.mix'."""
    again = f" (call {call + 1})" if call else ""
    return f"{name}{again}{f' in {caller}' if caller else ''}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Where a trace ends before the model does, since what follows depends on data."""

    reason: str
    scope: str
    """Path of the module in whose forward that is; empty for the model itself."""
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the model."""

    name: str
    size: int
    construction: tuple[Source, ...] = ()
    """The user's lines through which its module was built, innermost first."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A traced model at one input resolution."""

    inputs: tuple[tuple[int, ...], ...]
    resolution: tuple[int, ...]
    layers: tuple[Layer, ...]
    outputs: tuple[int, ...]
    """Indices of the layers whose values the model returns; where `left_out`, of the last ones."""
    output_shapes: tuple[tuple[int, ...], ...]
    params: int
    tracer: str = "symbolic"
    training: bool = False
    """Whether the pass is one of training, and not of evaluation."""
    left_out: LeftOut | None = None
    assumed: tuple[Source, ...] = ()
    """Lines that assert something about data, which was taken to hold."""
    unused: tuple[Parameter, ...] = ()
    """Parameters that no layer uses."""
    used: frozenset[str] = frozenset()
    """Parameters that some output depends on, by whatever way: a table that is indexed, say."""
    read_otherwise: frozenset[str] = frozenset()
    """Parameters that are read beside layers: returned in a penalty, or read as numbers."""
    not_given: tuple[str, ...] = ()
    """Optional inputs of the model that the pass does without."""
    used_elsewhere: frozenset[str] = frozenset()
    """Of the parameters that no output depends on, those that other methods of the model use."""
    losses: frozenset[str] = frozenset()
    """Of the same, those of losses, which whoever trains the model calls."""
    frozen: frozenset[str] = frozenset()
    """Parameters that are not to be trained (`requires_grad` is False)."""
    unregistered: tuple[Parameter, ...] = ()
    """Parameters that layers use, and that the model does not know of (in a plain list, say)."""
    by_chance: bool = False
    """Whether the pass read numbers that it had drawn: the next may take another way."""
    changes_state: bool = False
    """Whether it left the model's state (a counter, a table of masks) other than it was."""
    returns_input: bool = False
    """Whether the input itself is among what the model returns."""
    layouts: tuple[str, ...] = ()
    """What lies along the dimensions of each input, in letters (layouts.py)."""
    declared: tuple[str, ...] = ()
    """What the user said of that, if anything."""
    places: tuple[tuple[int | None, ...], ...] = ()
    """Per input and dimension, the axis that lies there; None: no axis."""
    carried: tuple[int, ...] | None = None
    """The axes that INPUT has; None: all. The others begin with further inputs, or inside."""
    unplaced: str = ""
    """Why no convolution slides over any axis, where that contradicts what the user said."""
    judges_pointwise: bool = True
    """Whether 1x1 convolutions are held against the input size; a user may not want it."""

    @property
    def axes(self) -> int:
        """The number of spatial axes of the input."""
        return len(self.resolution)

    def is_input(self, value: int) -> bool:
        """Whether a value is given to the model, and not made by it."""
        return value == INPUT or self.layers[value].kind is Kind.INPUT

    def positions_of(self, value: int) -> tuple[int, ...]:
        """How many positions a value has per axis: a layer's output, or the model's input."""
        return self.resolution if value == INPUT else self.layers[value].positions


def users_of_parameters(layers: Sequence[Layer]) -> dict[str, set[int]]:
    """By name of a parameter, the indices of the layers that use it."""
    users: dict[str, set[int]] = {}
    for index, layer in enumerate(layers):
        for name, _ in layer.parameters:
            users.setdefault(name, set()).add(index)
    return users
