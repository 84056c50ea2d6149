"""What a call of an operator reads of its inputs, and what lies where in its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from rflint.graph.exact import Number
from rflint.graph.layer import Geometry
from rflint.graph.sizing import Sizing
from rflint.graph.taps import Taps
from rflint.graph.windows import POINTWISE, Reach, Resampling
from rflint.operators.call import Call
from rflint.operators.dimensions import Dimensions
from rflint.operators.values import Zeros


@dataclass(frozen=True, slots=True)
class Effect:
    """What a call makes of dimensions, and what it reads.

    `dimensions` are those of the output, or of every output where there are several. `reaches` has
    one entry per value of `call.data`: what is read of it, per spatial axis.
    """

    dimensions: Dimensions
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
    subtracts_mean: bool = False
    """Whether a normalisation subtracts from every channel its own mean, whatever that is."""
    normalised_over: int = 0
    """Of a normalisation by what it is given, a softmax or attention: how many numbers (attention:
    positions) of one sample are held against each other. 0: none, or it is not known."""
    reorders_positions: bool = False
    """It reads other positions than it writes, though no window says so: it mirrors."""
    covers_map: bool = False
    """One window that covers all positions of an unpadded map."""
    sizing: Mapping[int, Sizing] = field(default_factory=dict)
    """How many positions there would be on other inputs, for axes whose positions do not stay."""
    resampling: Mapping[int, Resampling] = field(default_factory=dict)
    """Of a resize: by axis, where its positions lie in what it reads."""
    gathered: tuple[Reach, ...] = ()
    """What views have gathered in the channels of a layer that mixes them: read before the rest."""
    absolute: frozenset[int] = frozenset()
    """Axes along which what it does depends on where in the map a position lies: it writes over
    some positions, or what it pads with comes from the other end."""
    unknown_because: str = ""
    """Why it could not even be measured what an unknown operator reads."""
    states: Dimensions | None = None
    """Of a recurrent network: what lies along the states that it returns beside its output."""
    parts: tuple[Effect, ...] = ()
    """For an operator with several results that lie in different places: what each of them is."""


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


def pointwise(call: Call, dimensions: Dimensions) -> Effect:
    """An operator that reads, of every input, the same position that it writes."""
    reach = (POINTWISE,) * call.axes
    return Effect(dimensions, (reach,) * len(call.data), geometry(call.axes))


def reach_per_axis(axes: int, reaches: Mapping[int, Reach]) -> tuple[Reach, ...]:
    """A reach per axis, pointwise where nothing else is said."""
    return tuple(reaches.get(axis, POINTWISE) for axis in range(axes))


def as_number(value: Fraction) -> Number:
    """An integer where it is one: integers are faster, and read better."""
    return int(value) if value.denominator == 1 else value
