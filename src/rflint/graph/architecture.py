"""The architecture graph: what a tracer hands over, and all that the later stages know of a model.

Plain frozen data, no torch: any front end that produces an `Architecture` gets the receptive
fields, the rules and the reports for free.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.relations import Relations
from rflint.graph.source_location import SourceLocation
from rflint.graph.views import View


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Where a trace ends before the model does, since what follows depends on data."""

    reason: str
    scope: str
    """Path of the module in whose forward that is; empty for the model itself."""
    source: SourceLocation | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the model."""

    name: str
    size: int
    construction: tuple[SourceLocation, ...] = ()
    """The user's lines through which its module was built, innermost first."""
    is_trained: bool = True
    """Whether it requires gradients."""


class DropoutMode(Enum):
    """What the code says of the mode where a dropout is a function, or knows none."""

    LEFT_OUT = "left out"
    """Nothing: it is the function's default that holds."""
    SAID = "said"
    """What was passed."""
    UNKNOWN = "unknown"
    """The call could not be read."""
    OF_MODULE = "of a module"
    """That of a module which is no part of the model: forward has built it, say."""
    NONE = "none"
    """The function cannot be told: attention, which drops weights."""


@dataclass(frozen=True, slots=True)
class StrayDropout:
    """A dropout that does not follow the mode of the model."""

    op: str
    """The function or the class, as the code spells it."""
    p: float
    scope: str
    """Path of the module in whose forward it is called."""
    module: str = ""
    """Its own path, where it is a module of the model that is in training mode."""
    called: SourceLocation | None = None
    mode: DropoutMode = DropoutMode.UNKNOWN
    is_active: bool = True
    """Whether it leaves out numbers in the pass that was followed; else it never does."""


class Held(Enum):
    """What a tensor is that forward uses, and that is neither a parameter nor a buffer."""

    CONSTANT = "constant"
    """It needs no gradient: a table of positions, a mask."""
    TRAINABLE = "trainable"
    """It was made with requires_grad=True, and is no nn.Parameter."""
    COMPUTED = "computed"
    """It was computed from a parameter, when the model was built."""
    CREATED = "created"
    """A parameter that forward makes anew in every pass."""


@dataclass(frozen=True, slots=True)
class LooseTensor:
    """A tensor that forward uses, and that the model has not registered."""

    name: str
    """As one would type it: `encoder.pe`; of one that forward creates, the module that does."""
    shape: tuple[int, ...]
    held: Held
    construction: tuple[SourceLocation, ...] = ()
    """The user's lines through which its module was built, or the line that created it."""


@dataclass(frozen=True, slots=True)
class RepeatedModule:
    """One module that takes several places of an nn.Sequential, nn.ModuleList or nn.ModuleDict."""

    container: str
    """Path of the container; empty for the model itself."""
    kind: str
    """The container's class."""
    places: tuple[str, ...]
    """The names of the places in it, in order."""
    size: int
    """The scalars of its parameters."""
    normalises: bool
    """Whether a batch normalisation is part of it."""
    construction: tuple[SourceLocation, ...] = ()
    """The user's lines through which the container was built, innermost first."""

    @property
    def path(self) -> str:
        """The path of the first place, by which its layers are called."""
        return f"{self.container}.{self.places[0]}" if self.container else self.places[0]


@dataclass(frozen=True)  # without slots, so that relations can be kept
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
    assumptions: tuple[SourceLocation, ...] = ()
    """Lines that assert something about data, which was taken to hold."""
    unused_parameters: tuple[Parameter, ...] = ()
    """Parameters that no layer uses."""
    used_parameters: frozenset[str] = frozenset()
    """Parameters that some output depends on, by whatever way: a table that is indexed, say."""
    read_outside_layers: frozenset[str] = frozenset()
    """Parameters that are read beside layers: returned in a penalty, or read as numbers."""
    reads_sizes: bool = field(default=False, compare=False)
    """Whether Python code asked how large a map is: at another size it may do something else."""
    omitted_inputs: tuple[str, ...] = ()
    """Optional inputs of the model that the pass does without."""
    used_by_other_methods: frozenset[str] = frozenset()
    """Of the parameters that no output depends on, those that other methods of the model use."""
    loss_parameters: frozenset[str] = frozenset()
    """Of the same, those of losses, which whoever trains the model calls."""
    frozen_parameters: frozenset[str] = frozenset()
    """Parameters that are not to be trained (`requires_grad` is False)."""
    unregistered_parameters: tuple[Parameter, ...] = ()
    """Parameters that layers use, and that the model does not know of (in a plain list, say)."""
    stray_dropouts: tuple[StrayDropout, ...] = ()
    """The dropouts that leave out numbers in this pass, and those that never do."""
    repeated_modules: tuple[RepeatedModule, ...] = ()
    """Modules with parameters that take several places of one container."""
    loose_tensors: tuple[LooseTensor, ...] = ()
    """Tensors that forward uses on whatever device they were made, since nothing moves them."""
    views: tuple[View, ...] = ()
    """The views of tensors that depend on the input, where they change several dimensions."""
    is_random: bool = False
    """Whether the pass read numbers that it had drawn: the next may take another way."""
    changes_state: bool = False
    """Whether it left the model's state (a counter, a table of masks) other than it was."""
    returns_input: bool = False
    """Whether the input itself is among what the model returns."""
    layouts: tuple[str, ...] = ()
    """What lies along the dimensions of each input, in letters (layouts.py)."""
    declared_layouts: tuple[str, ...] = ()
    """What the user said of that, if anything."""
    axes_of_dimensions: tuple[tuple[int | None, ...], ...] = ()
    """Per input and dimension, the axis that lies there; None: no axis."""
    input_axes: tuple[int, ...] | None = None
    """The axes that INPUT has; None: all. The others begin with further inputs, or inside."""
    no_axes_because: str = ""
    """Why no convolution slides over any axis, where that contradicts what the user said."""

    @cached_property
    def relations(self) -> Relations:
        """How its layers depend on each other."""
        return Relations(self.layers, self.outputs)

    def __getstate__(self) -> dict[str, Any]:
        # relations are quickly computed again, and need no room in a cache
        return {name: value for name, value in vars(self).items() if name != "relations"}

    @property
    def axes(self) -> int:
        """The number of spatial axes of the input."""
        return len(self.resolution)

    def input_has(self, axis: int) -> bool:
        """Whether an axis begins with the model's (first) input."""
        return self.input_axes is None or axis in self.input_axes

    @property
    def axis_origins(self) -> dict[int, dict[int, int]]:
        """The values that axes begin with, INPUT or layers, and the size of every axis there."""
        given = {a: size for a, size in enumerate(self.resolution) if self.input_has(a)}
        made = {i: dict(layer.new_axes) for i, layer in enumerate(self.layers) if layer.new_axes}
        return {INPUT: given, **made}

    def is_input(self, value: int) -> bool:
        """Whether a value is given to the model, and not made by it."""
        return value == INPUT or self.layers[value].kind is Kind.INPUT

    def positions_of(self, value: int) -> tuple[int, ...]:
        """How many positions a value has per axis: a layer's output, or the model's input."""
        return self.resolution if value == INPUT else self.layers[value].positions
