"""An architecture judged against its input: verdicts, border layers, feasible sizes, totals."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from math import ceil

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.drawing import drawing
from rflint.analysis.feasible import smallest_sound_input
from rflint.analysis.input_sizes import Comparison, InputSizes
from rflint.analysis.passes import Passes, is_steady, other_passes
from rflint.analysis.proofs.dead_weights import dead_weights
from rflint.analysis.receptive_field import LayerField, propagate
from rflint.analysis.roles import Role, attention_gates, roles
from rflint.analysis.unjudged import why_unjudged
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind, Layer


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
    """The smallest input without unproductive layers, from r_{l-1,min} of judged convolutions."""
    feasible_max: tuple[int | None, ...] | None
    """Beyond this size no unit of a judged convolution sees the whole input; None: unbounded."""
    gates: frozenset[tuple[int, int]]
    unjudged: str = ""
    """Why no convolution is judged, where some should be."""
    passes: Passes = field(default_factory=Passes, compare=False, repr=False)
    """Other passes of the same model, for claims that one pass does not prove."""

    @property
    def mode(self) -> str:
        """In words, what the analysed pass is."""
        return "training" if self.architecture.training else "evaluation"

    @property
    def complete(self) -> bool:
        """Whether every operator that matters was known, and the model followed to its end."""
        followed = self.architecture.left_out is None and not self.unjudged
        return followed and not any(x.is_unknown for x in self.layers)

    @property
    def unproductive(self) -> tuple[AnalysedLayer, ...]:
        """The unproductive convolutions, in execution order."""
        return tuple(x for x in self.layers if x.verdict is Verdict.UNPRODUCTIVE)


def analyse(architecture: Architecture) -> Analysis:
    """Receptive fields, roles, verdicts and totals of an architecture."""
    gates = attention_gates(architecture)
    fields = propagate(architecture, gates)
    inputs = InputSizes(architecture, gates, fields)
    drawn = drawing(architecture, gates)
    layers = []
    for index, (layer, role, sight, dead) in enumerate(
        zip(
            architecture.layers,
            roles(architecture, gates, fields),
            fields,
            dead_weights(architecture),
            strict=True,
        )
    ):
        compared = inputs.comparisons(index)
        judged = verdict(layer, role, sight, compared, inputs.comparisons(index, behind=True))
        past = judged in (Verdict.UNPRODUCTIVE, Verdict.PARTIAL)
        draws = index in drawn.draws or (past and index in drawn.may_draw)
        left_alone = not architecture.judges_pointwise and set(layer.geometry.kernel) == {1}
        if draws or left_alone:
            judged = Verdict.NOT_JUDGED
        layers.append(
            AnalysedLayer(
                layer, role, sight.input_field, sight.output_field, judged, compared, dead
            )
        )
    return Analysis(
        architecture=architecture,
        layers=tuple(layers),
        totals=_totals(architecture, layers),
        border_min=next((x for x in layers if x.verdict is Verdict.UNPRODUCTIVE), None),
        border_max=next((x for x in layers if x.is_judged and _sees_all_at_most(x)), None),
        feasible_min=_feasible_min(layers, inputs, drawn.may_draw),
        feasible_max=_feasible_max(layers, inputs, architecture.axes),
        gates=gates,
        unjudged=_unjudged(architecture, layers),
    )


def _unjudged(architecture: Architecture, layers: Sequence[AnalysedLayer]) -> str:
    if any(x.is_judged or x.is_unknown for x in layers):
        return ""
    return why_unjudged(architecture) if any(x.layer.kind.is_convolution for x in layers) else ""


def in_all_passes(analysis: Analysis) -> Analysis:
    """The same without dead weights that other passes of the model use."""
    if not analysis.totals.dead_weights:
        return analysis
    if not is_steady(analysis):
        dead: Sequence[int] = [0] * len(analysis.layers)
    else:
        dead = dead_weights(analysis.architecture, *other_passes(analysis))
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


def verdict(
    layer: Layer,
    role: Role,
    field: LayerField,
    before: Sequence[Comparison],
    after: Sequence[Comparison],
) -> Verdict:
    """Hold r_{l-1,min} and r_{l,min} against the input size i, per axis (design: theory).

    Axes that what it reads does not have, since they begin later or with other inputs, do not
    count.
    """
    there = [
        (one.exceeds_input, other.exceeds_input, one.input_size)
        for one, other in zip(before, after, strict=True)
        if one.has_axis
    ]
    # a latent of one position has no context, and an upsampling is there to make positions
    draws = layer.kind is Kind.CONV_TRANSPOSE and layer.upsamples
    has_context = any(size > 1 for _, _, size in there) and not draws
    judged = layer.kind.is_convolution and role is Role.TRUNK and has_context
    if not judged or any(axis.unknown for axis in field.input_field):
        return Verdict.NOT_JUDGED
    if all(exceeded for exceeded, _, _ in there):
        return Verdict.UNPRODUCTIVE
    if any(exceeded for exceeded, _, _ in there):
        return Verdict.PARTIAL
    crosses = all(exceeded for _, exceeded, _ in there)
    return Verdict.CRITICAL if crosses else Verdict.PRODUCTIVE


def _sees_all_at_most(x: AnalysedLayer) -> bool:
    """Whether even its largest receptive field exceeds the input along every axis that it has."""
    return all(
        field.r_max is None or field.r_max > compared.input_size
        for field, compared in zip(x.input_field, x.comparisons, strict=True)
        if compared.has_axis
    )


def _feasible_min(
    layers: Sequence[AnalysedLayer], inputs: InputSizes, may_draw: Set[int]
) -> tuple[int, ...]:
    """The smallest size of the input in question at which no judged convolution exceeds it.

    Those that may draw are unproductive at no size. Axes that are made inside of the model stay as
    long as they are, whatever the input.
    """
    axes = range(len(inputs.resolution))
    fields = [
        tuple(inputs.needed(index, axis) for axis in axes)
        for index, x in enumerate(layers)
        if x.is_judged and index not in may_draw
    ]
    return smallest_sound_input(fields, inputs.resolution)


def _feasible_max(
    layers: Sequence[AnalysedLayer], inputs: InputSizes, axes: int
) -> tuple[int | None, ...] | None:
    """Per axis the most that any unit sees; None where some convolution sees everything."""
    judged = [index for index, x in enumerate(layers) if x.is_judged]
    largest: list[int | None] = []
    for axis in range(axes):
        seen = [inputs.of_first(index, axis, behind=True) for index in judged]
        lengths = [field.r_widest for field in seen if not field.is_empty]
        bounded = [ceil(r) for r in lengths if r is not None]
        all_bounded = bounded and len(bounded) == len(lengths)
        largest.append(max(bounded) if all_bounded else None)
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
        layers=sum(1 for x in layers if x.layer.kind is not Kind.INPUT),
        convs=sum(1 for x in layers if x.is_judged),
        unproductive=len(wasted),
        unproductive_params=wasted_parameters(layers, wasted),
        unproductive_macs=sum(x.layer.macs for x in wasted),
        dead_weights=sum(x.dead_weights for x in layers),
    )
