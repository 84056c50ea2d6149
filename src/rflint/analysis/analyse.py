"""From an architecture to its analysis: receptive fields, roles, verdicts and totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.analysis import Analysis
from rflint.analysis.drawing import drawing
from rflint.analysis.feasible_sizes import feasible_max, feasible_min
from rflint.analysis.gates import with_gates
from rflint.analysis.input_sizes import Comparison, InputSizes
from rflint.analysis.options import DEFAULT_OPTIONS, AnalysisOptions
from rflint.analysis.passes import is_repeatable, other_architectures
from rflint.analysis.proofs.dead_weights import dead_weights
from rflint.analysis.receptive_field import LayerField, propagate
from rflint.analysis.roles import Role, roles
from rflint.analysis.totals import totals
from rflint.analysis.unjudged import why_unjudged
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind, Layer


def analyse(architecture: Architecture, options: AnalysisOptions = DEFAULT_OPTIONS) -> Analysis:
    """Receptive fields, roles, verdicts and totals of an architecture."""
    architecture = with_gates(architecture)
    fields = propagate(architecture)
    inputs = InputSizes(architecture, fields)
    drawn = drawing(architecture)
    layers = []
    for index, (layer, role, sight, dead) in enumerate(
        zip(
            architecture.layers,
            roles(architecture, fields),
            fields,
            dead_weights(architecture),
            strict=True,
        )
    ):
        compared = inputs.comparisons(index)
        judged = verdict(layer, role, sight, compared, inputs.comparisons(index, behind=True))
        past = judged in (Verdict.UNPRODUCTIVE, Verdict.PARTIAL)
        draws = index in drawn.draws or (past and index in drawn.may_draw)
        left_alone = not options.judges_pointwise and set(layer.geometry.kernel) == {1}
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
        totals=totals(architecture, layers),
        border_min=next((x for x in layers if x.verdict is Verdict.UNPRODUCTIVE), None),
        border_max=next((x for x in layers if x.is_judged and _sees_all_at_most(x)), None),
        feasible_min=feasible_min(layers, inputs, drawn.may_draw),
        feasible_max=feasible_max(layers, inputs, architecture.axes),
        unjudged=_unjudged(architecture, layers),
        options=options,
    )


def _unjudged(architecture: Architecture, layers: Sequence[AnalysedLayer]) -> str:
    if any(x.is_judged or x.is_unknown for x in layers):
        return ""
    return why_unjudged(architecture) if any(x.layer.kind.is_convolution for x in layers) else ""


def confirm_dead_weights(analysis: Analysis) -> Analysis:
    """The same without dead weights that other passes of the model use."""
    if not analysis.totals.dead_weights:
        return analysis
    if not is_repeatable(analysis):
        dead: Sequence[int] = [0] * len(analysis.layers)
    else:
        dead = dead_weights(analysis.architecture, *other_architectures(analysis))
    if list(dead) == [x.dead_weights for x in analysis.layers]:
        return analysis
    layers = tuple(
        replace(x, dead_weights=number) for x, number in zip(analysis.layers, dead, strict=True)
    )
    borders = {id(old): new for old, new in zip(analysis.layers, layers, strict=True)}
    return replace(
        analysis,
        layers=layers,
        totals=totals(analysis.architecture, layers),
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
