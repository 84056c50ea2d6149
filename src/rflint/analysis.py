"""An architecture judged against its input: verdicts, border layers, feasible sizes, totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from math import ceil

from rflint.architecture import Architecture, Extent, Kind, Layer, Number
from rflint.passes import Passes, is_steady, layers_of_others
from rflint.proofs.dead_weights import dead_weights
from rflint.receptive_field import Field, LayerField, propagate
from rflint.roles import Role, attention_gates, roles


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
    """A layer with what its input and output see."""

    layer: Layer
    role: Role
    seen: Field
    """Of its input: r_{l-1}."""
    out: Field
    """Of its output: r_l."""
    verdict: Verdict
    dead_weights: int = 0
    """Weights of its kernel that only ever meet zero padding at this input size.

    Those of a kernel that several calls share count once, with the first, and only if they do so
    in all of them.
    """

    @property
    def unknown(self) -> bool:
        """Whether nobody knows what it reads of a value that still had a bounded field.

        Layers behind it may not be known either, but for no other reason.
        """
        return any(
            reach is Extent.UNKNOWN and seen.spans
            for edge in self.layer.inputs
            for reach, seen in zip(edge.reach, self.seen, strict=True)
        )

    @property
    def is_judged(self) -> bool:
        """Whether it is a convolution that is held against the input size."""
        return self.verdict is not Verdict.NOT_JUDGED


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the model; `params` counts parameters that no layer uses, too."""

    params: int
    macs: int
    layers: int
    convs: int
    unproductive: int
    unproductive_params: int
    unproductive_macs: int
    dead_weights: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that rules and reports are made from."""

    architecture: Architecture
    layers: tuple[AnalysedLayer, ...]
    totals: Totals
    border_min: AnalysedLayer | None
    """b_min, the first unproductive convolution: the one that predicts (paper, section IV)."""
    border_max: AnalysedLayer | None
    """The same over the largest receptive fields; for information."""
    feasible_min: tuple[int, ...]
    """The smallest input without unproductive layers: max r_{l-1,min} over judged convolutions."""
    feasible_max: tuple[int | None, ...] | None
    """Beyond this size no unit of a judged convolution sees the whole input; None: unbounded."""
    gates: frozenset[tuple[int, int]]
    passes: Passes = field(default_factory=Passes, compare=False, repr=False)
    """Other passes of the same model, for claims that one pass does not prove."""

    @property
    def mode(self) -> str:
        """In words, what the analysed pass is."""
        return "training" if self.architecture.training else "evaluation"

    @property
    def complete(self) -> bool:
        """Whether every operator that matters was known, and the model followed to its end."""
        return self.architecture.left_out is None and not any(x.unknown for x in self.layers)

    @property
    def unproductive(self) -> tuple[AnalysedLayer, ...]:
        """The unproductive convolutions, in execution order."""
        return tuple(x for x in self.layers if x.verdict is Verdict.UNPRODUCTIVE)


def analyse(architecture: Architecture) -> Analysis:
    """Receptive fields, roles, verdicts and totals of an architecture."""
    gates = attention_gates(architecture)
    fields = propagate(architecture, gates)
    layers = tuple(
        AnalysedLayer(
            layer, role, field.seen, field.out, verdict(layer, role, field, architecture), dead
        )
        for layer, role, field, dead in zip(
            architecture.layers,
            roles(architecture, gates, fields),
            fields,
            dead_weights(architecture.layers),
            strict=True,
        )
    )
    judged = [x for x in layers if x.is_judged]
    return Analysis(
        architecture=architecture,
        layers=layers,
        totals=_totals(architecture, layers),
        border_min=next((x for x in layers if x.verdict is Verdict.UNPRODUCTIVE), None),
        border_max=next(
            (x for x in judged if _all_exceed(_r_max(x.seen), architecture.resolution)), None
        ),
        feasible_min=tuple(
            max([1, *(ceil(r) for x in judged if (r := x.seen[axis].r_min) is not None)])
            for axis in range(architecture.axes)
        ),
        feasible_max=_feasible_max(judged, architecture.axes),
        gates=gates,
    )


def in_all_passes(analysis: Analysis) -> Analysis:
    """The same without dead weights that other passes of the model use."""
    if not analysis.totals.dead_weights:
        return analysis
    if not is_steady(analysis):
        dead: Sequence[int] = [0] * len(analysis.layers)
    else:
        dead = dead_weights(analysis.architecture.layers, layers_of_others(analysis))
    if list(dead) == [x.dead_weights for x in analysis.layers]:
        return analysis
    layers = tuple(
        replace(x, dead_weights=number) for x, number in zip(analysis.layers, dead, strict=True)
    )
    borders = {id(old): new for old, new in zip(analysis.layers, layers, strict=True)}
    return replace(
        analysis,
        layers=layers,
        totals=_totals(analysis.architecture, layers),
        border_min=borders.get(id(analysis.border_min)),
        border_max=borders.get(id(analysis.border_max)),
    )


def verdict(layer: Layer, role: Role, field: LayerField, architecture: Architecture) -> Verdict:
    """Hold r_{l-1,min} and r_{l,min} against the input size i, per axis (design: theory)."""
    resolution = architecture.resolution
    # a latent of one position has no context, and an upsampling is there to make positions
    draws = layer.kind is Kind.CONV_TRANSPOSE and layer.upsamples
    has_context = any(size > 1 for size in resolution) and not draws
    left_alone = not architecture.judges_pointwise and set(layer.geometry.kernel) == {1}
    judged = layer.kind.is_convolution and role is Role.TRUNK and has_context and not left_alone
    if not judged or any(axis.unknown for axis in field.seen):
        return Verdict.NOT_JUDGED
    before = [_exceeds(axis.r_min, i) for axis, i in zip(field.seen, resolution, strict=True)]
    after = [_exceeds(axis.r_min, i) for axis, i in zip(field.out, resolution, strict=True)]
    if all(before):
        return Verdict.UNPRODUCTIVE
    if any(before):
        return Verdict.PARTIAL
    return Verdict.CRITICAL if all(after) else Verdict.PRODUCTIVE


def _exceeds(r: Number | None, size: int) -> bool:
    return r is None or r > size


def _all_exceed(lengths: Sequence[Number | None], resolution: Sequence[int]) -> bool:
    return all(_exceeds(r, i) for r, i in zip(lengths, resolution, strict=True))


def _r_max(field: Field) -> list[Number | None]:
    return [axis.r_max for axis in field]


def _feasible_max(judged: Sequence[AnalysedLayer], axes: int) -> tuple[int | None, ...] | None:
    """Per axis the largest r_{l,max}; None where some convolution sees everything."""
    if not judged:
        return None
    largest: list[int | None] = []
    for axis in range(axes):
        lengths = [x.out[axis].r_max for x in judged]
        bounded = [ceil(r) for r in lengths if r is not None]
        largest.append(max(bounded) if len(bounded) == len(lengths) else None)
    return None if all(size is None for size in largest) else tuple(largest)


def useful_parameters(layers: Sequence[AnalysedLayer]) -> frozenset[str]:
    """The parameters that some layer uses which is not unproductive, in whichever call."""
    return frozenset(
        name
        for x in layers
        if x.verdict is not Verdict.UNPRODUCTIVE
        for name, _ in x.layer.parameters
    )


def wasted_parameters(layers: Sequence[AnalysedLayer], of: Sequence[AnalysedLayer]) -> int:
    """How many parameters some of the layers have that none of all layers makes good use of."""
    useful = useful_parameters(layers)
    sizes = {name: size for x in of for name, size in x.layer.parameters if name not in useful}
    return sum(sizes.values())


def _totals(architecture: Architecture, layers: Sequence[AnalysedLayer]) -> Totals:
    wasted = [x for x in layers if x.verdict is Verdict.UNPRODUCTIVE]
    return Totals(
        params=architecture.params,
        macs=sum(layer.macs for layer in architecture.layers),
        layers=len(layers),
        convs=sum(1 for x in layers if x.is_judged),
        unproductive=len(wasted),
        unproductive_params=wasted_parameters(layers, wasted),
        unproductive_macs=sum(x.layer.macs for x in wasted),
        dead_weights=sum(x.dead_weights for x in layers),
    )
