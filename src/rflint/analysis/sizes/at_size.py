"""What matters of a model at one size of its input."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from rflint.analysis.analyse import confirm_dead_weights
from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.uneven_padding import uneven_padding
from rflint.analysis.proofs.unread_ends import are_unread_in, unread_ends
from rflint.analysis.roles import Role
from rflint.analysis.sizes.facts import Size
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind, Layer


@dataclass(frozen=True, slots=True)
class AtSize:
    """A model at a size at which it runs."""

    size: Size
    unproductive: int
    """Convolutions;"""
    dead_weights: int
    """weights that do nothing."""
    macs: int
    activations: int
    """Numbers that all layers make, for one sample: what training keeps for the gradients."""
    unread_border: bool
    """Whether rows or columns at the end of some map are read by nobody."""
    uneven_padding: bool
    """Whether some strided layer reads more of its padding at one end of a map."""
    sees_all: bool
    """Whether some receptive field spans the whole input, along every axis."""

    @property
    def is_sound(self) -> bool:
        """Whether no convolution is unproductive, and some receptive field spans the input."""
        return not self.unproductive and self.sees_all

    @property
    def is_tidy(self) -> bool:
        """Whether it wastes nothing at the border, and pads evenly."""
        return not self.unread_border and not self.uneven_padding


@dataclass(frozen=True, slots=True)
class Fails:
    """A model at a size at which it does not run."""

    size: Size
    why: str
    as_at: Size | None = None
    """The size that was tried and failed like this one, if this one was not tried."""


@dataclass(frozen=True, slots=True)
class NotKnown:
    """A model at a size at which nobody can say whether it runs: its code cannot be followed."""

    size: Size
    why: str


Outcome: TypeAlias = AtSize | Fails | NotKnown


def traced_at_size(analysis: Analysis) -> AtSize:
    """What matters of a model, from its analysis at that very size."""
    confirmed = confirm_dead_weights(analysis)
    architecture = analysis.architecture
    return AtSize(
        size=architecture.resolution,
        unproductive=confirmed.totals.unproductive,
        dead_weights=confirmed.totals.dead_weights,
        macs=confirmed.totals.macs,
        activations=activations(architecture),
        unread_border=has_unread_border(architecture, analysis),
        uneven_padding=has_uneven_padding(architecture),
        sees_all=sees_all(analysis, architecture.resolution),
    )


def sees_all(analysis: Analysis, size: Size) -> bool:
    """Whether some receptive field spans an input of this size.

    That is one of a judged convolution, or of attention over all positions, say: of units that
    still are several. What a pooling makes of the whole map in the end sees everything in every
    model. A field that spans as much need not lie over the input: near its ends, it looks beyond.
    """
    most = analysis.feasible_max
    if most is None or all(
        reach is None or n <= reach for n, reach in zip(size, most, strict=True)
    ):
        return True
    return any(_mixes_all_positions(x, size) for x in analysis.layers)


def _mixes_all_positions(x: AnalysedLayer, size: Size) -> bool:
    if x.role is not Role.TRUNK:
        return False
    if x.kind is Kind.ATTENTION:
        # tokens beside a class token are positions of no axis any more
        pairs = zip(x.output_field, size, strict=True)
        return all(f.unbounded or (f.r_widest or 0) >= n for f, n in pairs)
    return prod(x.positions) > 1 and all(field.unbounded for field in x.output_field)


def has_unread_border(architecture: Architecture, analysis: Analysis) -> bool:
    """Whether ends of some map are unread, in every pass of this mode.

    `architecture` is that of the analysed pass, maybe at another size than it was analysed at.
    """
    ends = [unread_ends(architecture, axis) for axis in range(architecture.axes)]
    values = {value for along in ends for value in along}
    same_mode = analysis.retracer.other_passes().same_mode if values else ()
    if same_mode is None:
        return False  # the next pass may read them
    return any(
        all(
            are_unread_in(
                architecture,
                value,
                {axis: along[value] for axis, along in enumerate(ends) if value in along},
                there.architecture,
            )
            for there in same_mode
        )
        for value in values
    )


def has_uneven_padding(architecture: Architecture) -> bool:
    """Whether padding is read unevenly along some axis that begins with the input."""
    axes = (axis for axis in range(architecture.axes) if architecture.input_has(axis))
    return any(uneven_padding(architecture, axis) for axis in axes)


def activations(architecture: Architecture) -> int:
    """How many numbers its layers make, for one sample."""
    batch = batch_size(architecture)
    return sum(numbers_made(x, batch) for x in architecture.layers if makes_numbers(x))


def batch_size(architecture: Architecture) -> int:
    """How many samples it was traced with."""
    if not architecture.inputs or not architecture.inputs[0]:
        return 1
    letters = architecture.layouts[0] if architecture.layouts else ""
    dim = letters.find("B") if letters else 0
    return max(1, architecture.inputs[0][dim]) if dim >= 0 else 1


def makes_numbers(layer: Layer) -> bool:
    """Whether it makes a tensor of its own: views, and what is written over another, do not."""
    views = layer.kind in (Kind.RESHAPE, Kind.SLICE, Kind.INPUT)
    return not views and not layer.in_place


def numbers_made(layer: Layer, batch: int) -> int:
    """How many numbers a layer makes, for one of so many samples."""
    return prod(layer.out_shape) // batch
