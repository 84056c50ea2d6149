"""What a row of the operator table is, and how it is found.

A row answers two questions about a call: which shape comes out (while the model is being
recorded), and what of each input every output position reads (when the recording is lowered to an
architecture). A row names the spellings it covers, modules and functions alike:

    @operator("conv2d", "Conv2d", kind=Kind.CONV, shape=conv_shape)
    def conv(call: Call) -> Effect: ...

Shapes are computed here, and not by running the operator on meta tensors, because the first such
run costs more than everything else rflint does together: it loads PyTorch's Python
decompositions, half a second to two seconds and some eighty megabytes. Operators without a shape
function (views, which are cheap, and whatever is in no table) do run on meta tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

from rflint.graph.architecture import POINTWISE, Geometry, Kind, Number, Reach, Rearrangement
from rflint.graph.sizing import Sizing
from rflint.graph.taps import Taps
from rflint.operators.dimensions import Layout

Shape: TypeAlias = tuple[int, ...]

Zeros: TypeAlias = tuple[int, ...]
"""Per dimension the positions at which all is zero, whatever the data: sets, as bits (zeros.py).

Nothing is known of a tensor where there are none."""

Shapes: TypeAlias = "Shape | list[Any]"
"""Of one result, or of several, nested as the operator nests them; None where it returns None."""


class ShapeError(ValueError):
    """An operator cannot run on tensors of these shapes."""


@dataclass(frozen=True, slots=True, eq=False)
class Origins:
    """The parameters that a constant is made of.

    What is computed from other constants refers to theirs, so that a sum over all parameters, one
    by one, does not keep the names of all before in every partial sum.
    """

    own: tuple[str, ...] = ()
    parts: tuple[Origins, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.own or self.parts)

    def names(self) -> frozenset[str]:
        """All of them."""
        found: set[str] = set()
        seen: set[int] = set()
        pending = [self]
        while pending:
            origins = pending.pop()
            if id(origins) not in seen:
                seen.add(id(origins))
                found.update(origins.own)
                pending += origins.parts
        return frozenset(found)


NOTHING = Origins()


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where the numbers of parameters lie in a constant that holds each of them once."""

    orders: tuple[tuple[str, tuple[Rearrangement, ...]], ...] = ()
    """The parameters, and how each was rearranged; not at all, if that is empty."""
    mixed: bool = False
    """Whether numbers have an influence on others, too: their mean was subtracted, say."""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor, as the lowering sees it.

    `source` is the index of the layer that made it, INPUT for the model's input, or None for what
    does not depend on the input; `parameters` are those that such a constant is made of, and
    `arrangement` says how, if every number of theirs still has a place of its own.
    """

    shape: Shape
    layout: Layout
    source: int | None = None
    parameters: Origins = NOTHING
    arrangement: Arrangement | None = None
    zeros: Zeros = ()


@dataclass(frozen=True)
class Call:
    """One call of an operator, as a module or as a function.

    Tensors among the arguments are torch tensors while recording and `Value`s while lowering;
    both have a `.shape`, and rows look at nothing else of them.
    """

    name: str
    """The spelling under which the table knows it."""
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    module: Any = None
    axes: int = 0
    result: Any = None
    """What the recorded call returned, while lowering: a `.shape`, or a sequence of them."""

    def arg(self, name: str, position: int | None = None, default: Any = None) -> Any:
        """A hyper-parameter, wherever this spelling of the operator keeps it."""
        if name in self.kwargs:
            return self.kwargs[name]
        if self.module is not None:
            return getattr(self.module, name, default)
        if position is not None and position < len(self.args):
            return self.args[position]
        return default

    @property
    def spatial(self) -> int:
        """The dimensionality that the name tells: 2 for max_pool2d and AvgPool2d."""
        digits = [letter for letter in self.name if letter.isdigit()]
        return int(digits[-1])

    @property
    def input(self) -> Any:
        """The first tensor."""
        return self.tensors[0]

    @cached_property
    def tensors(self) -> list[Any]:
        """All tensors among the arguments, in order, lists included."""
        return tensors_in((self.args, self.kwargs))

    @cached_property
    def data(self) -> list[Value]:
        """The tensors that depend on the model's input (while lowering)."""
        return [value for value in self.tensors if value.source is not None]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a call does to layouts and receptive fields.

    `layout` is that of the output, or of every output where there are several. `reaches` has
    one entry per value of `call.data`: what is read of it, per spatial axis.
    """

    layout: Layout
    reaches: tuple[tuple[Reach, ...], ...]
    geometry: Geometry
    macs: int = 0
    """For the whole batch."""
    taps: tuple[Taps, ...] = ()
    """Of windows, pads and slices that are known exactly: what meets what, per dimension."""
    weights: int = 0
    """The scalars of the kernel."""
    zeros: Zeros = ()
    """Positions of the result that are zero whatever the data."""
    statistics: frozenset[int] = frozenset()
    """Axes over which a normalisation takes statistics of the very sample that it normalises."""
    moves: bool = False
    """It reads other positions than it writes, though no window says so: it mirrors."""
    covers_map: bool = False
    """One window that covers all positions of an unpadded map."""
    sizing: Mapping[int, Sizing] = field(default_factory=dict)
    """How many positions there would be on other inputs, for axes whose positions do not stay."""
    gathered: tuple[Reach, ...] = ()
    """What views have gathered in the channels of a layer that mixes them: read before the rest."""
    unknown_because: str = ""
    """Why it could not even be measured what an unknown operator reads."""
    parts: tuple[Effect, ...] = ()
    """For an operator with several results that lie in different places: what each of them is."""


@dataclass(frozen=True, slots=True)
class Row:
    """A family of operators."""

    name: str
    kind: Kind
    effect: Callable[[Call], Effect]
    shape: Callable[[Call], Shapes] | None


_TABLE: dict[str, Row] = {}


def operator(
    *spellings: str, kind: Kind, shape: Callable[[Call], Shapes] | None = None
) -> Callable[[Callable[[Call], Effect]], Callable[[Call], Effect]]:
    """Enter a row into the table, under function names and class names of torch.nn."""

    def register(effect: Callable[[Call], Effect]) -> Callable[[Call], Effect]:
        for spelling in spellings:
            if spelling in _TABLE:
                raise ValueError(f"operator {spelling!r} is in the table twice")
            _TABLE[spelling] = Row(_function_name(spelling, spellings), kind, effect, shape)
        return effect

    return register


def find(spelling: str) -> Row | None:
    """The row for a function's or a module class's name."""
    return _TABLE.get(spelling)


def spellings() -> frozenset[str]:
    """Everything that the table knows."""
    return frozenset(_TABLE)


def geometry(
    axes: int,
    kernel: Mapping[int, Number | None] = {},
    stride: Mapping[int, Number | None] = {},
    dilation: Mapping[int, int] = {},
    padding: Mapping[int, int | None] = {},
) -> Geometry:
    """Per-axis hyper-parameters from those of the axes that an operator works on."""
    return Geometry(
        tuple(kernel.get(axis, 1) for axis in range(axes)),
        tuple(stride.get(axis, 1) for axis in range(axes)),
        tuple(dilation.get(axis, 1) for axis in range(axes)),
        tuple(padding.get(axis, 0) for axis in range(axes)),
    )


def pointwise(call: Call, layout: Layout) -> Effect:
    """An operator that reads, of every input, the same position that it writes."""
    reach = (POINTWISE,) * call.axes
    return Effect(layout, (reach,) * len(call.data), geometry(call.axes))


def reach_of(axes: int, reaches: Mapping[int, Reach]) -> tuple[Reach, ...]:
    """A reach per axis, pointwise where nothing else is said."""
    return tuple(reaches.get(axis, POINTWISE) for axis in range(axes))


def tensors_in(argument: Any) -> list[Any]:
    """The tensors (or values) in nested arguments, in order."""
    found: list[Any] = []
    _collect(argument, found)
    return found


def _collect(argument: Any, found: list[Any]) -> None:
    kind = type(argument)
    if kind in _PLAIN:  # most arguments, by far
        return
    if isinstance(argument, (tuple, list)):
        for item in argument:
            _collect(item, found)
    elif isinstance(argument, dict):
        for item in argument.values():
            _collect(item, found)
    elif kind is slice:
        _collect((argument.start, argument.stop, argument.step), found)
    elif kind.__module__ != "numpy" and _has_shape(argument):
        found.append(argument)


def _has_shape(argument: Any) -> bool:
    """Whether it is a tensor or a value; a stand-in for a missing package refuses to say."""
    try:
        return hasattr(argument, "shape")
    except Exception:  # __getattr__ of the user's raises what it likes
        return False


_PLAIN = frozenset({int, float, bool, str, type(None)})


def mapped(argument: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    """Nested arguments with everything of a type changed: tensors to nodes, nodes to values."""
    if isinstance(argument, kind):
        return change(argument)
    if isinstance(argument, tuple):
        items = [mapped(item, kind, change) for item in argument]
        return type(argument)(*items) if hasattr(argument, "_fields") else tuple(items)
    if isinstance(argument, list):
        return [mapped(item, kind, change) for item in argument]
    if isinstance(argument, Mapping):
        return {key: mapped(item, kind, change) for key, item in argument.items()}
    if isinstance(argument, slice):
        bounds = (argument.start, argument.stop, argument.step)
        return slice(*(mapped(bound, kind, change) for bound in bounds))
    return argument


def shape_of(tensor: Any) -> Shape:
    """A tensor's or value's shape, as plain integers."""
    return tuple(tensor.shape)


def checked_dim(dim: int, rank: int) -> int:
    """A dimension counted from the front; raises ShapeError where there is none."""
    if not -max(rank, 1) <= dim < max(rank, 1):
        raise ShapeError(f"there is no dimension {dim} in a tensor of {rank}")
    return dim % max(rank, 1)


def broadcast(*shapes: Sequence[int]) -> Shape:
    """The shape that PyTorch's broadcasting gives; raises ShapeError where there is none."""
    rank = max((len(shape) for shape in shapes), default=0)
    result = [1] * rank
    for shape in shapes:
        for position, size in enumerate(shape, start=rank - len(shape)):
            if size == 1 or size == result[position]:
                continue
            if result[position] != 1:
                rendered = " and ".join(show(shape) for shape in shapes)
                raise ShapeError(f"shapes {rendered} do not fit together")
            result[position] = size
    return tuple(result)


def whole(value: Fraction) -> Number:
    """An integer where it is one: integers are faster, and read better."""
    return int(value) if value.denominator == 1 else value


def show(shape: Sequence[int]) -> str:
    """A shape in print: 1x3x32x32."""
    return "x".join(map(str, shape)) or "scalar"


def check_mirrors(mode: str, size: int, before: int, after: int) -> None:
    """A map can be reflected by less than its size and wound round once, not more."""
    limit = {"reflect": size - 1, "circular": size}.get(mode)
    if limit is not None and max(before, after) > limit:
        raise ShapeError(f"cannot pad {size} positions by {max(before, after)} ({mode})")


def per_axis(value: Any, count: int) -> tuple[int, ...]:
    """An int-or-tuple hyper-parameter, once per axis."""
    if hasattr(value, "__index__"):  # an integer, also NumPy's
        return (int(value),) * count
    values = tuple(int(item) for item in value)
    if len(values) not in (1, count):
        raise ShapeError(f"got {len(values)} values for {count} spatial dimensions")
    return values * count if len(values) == 1 else values


def _function_name(spelling: str, row: Sequence[str]) -> str:
    """The row's word for a module class, where it spells out one: Conv2d -> conv2d."""
    folded = spelling.replace("_", "").lower()
    return next(
        (name for name in row if name.islower() and name.replace("_", "") == folded), spelling
    )
