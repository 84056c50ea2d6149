"""From an architecture to its analysis: receptive fields, roles, verdicts and totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.analysis import Analysis
from rflint.analysis.decoders import Decoders, find_decoders
from rflint.analysis.effective_field import effective_fields
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
from rflint.analysis.verdicts import exceeds_at_most, verdict, why_not_judged
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Layer


def analyse(architecture: Architecture, options: AnalysisOptions = DEFAULT_OPTIONS) -> Analysis:
    """Receptive fields, roles, verdicts and totals of an architecture."""
    architecture = with_gates(architecture)
    fields = propagate(architecture)
    inputs = InputSizes(architecture, fields)
    decoders = find_decoders(architecture)
    layers = []
    stages = zip(
        architecture.layers,
        roles(architecture, fields),
        fields,
        dead_weights(architecture),
        effective_fields(architecture),
        strict=True,
    )
    for index, (layer, role, field, dead, erf) in enumerate(stages):
        before, after = inputs.comparisons(index), inputs.comparisons(index, behind=True)
        judged, reason = judgement(index, layer, role, field, before, after, decoders, options)
        layers.append(
            AnalysedLayer(
                layer,
                role,
                field.input_field,
                field.output_field,
                judged,
                before,
                dead,
                erf,
                reason,
            )
        )
    return Analysis(
        architecture=architecture,
        layers=tuple(layers),
        totals=totals(architecture, layers),
        border_min=next((x for x in layers if x.verdict is Verdict.UNPRODUCTIVE), None),
        border_max=next((x for x in layers if x.is_judged and exceeds_at_most(x)), None),
        feasible_min=feasible_min(layers, inputs, decoders.possible),
        feasible_max=feasible_max(layers, inputs, architecture.axes),
        unjudged=_unjudged(architecture, layers),
        options=options,
    )


def judgement(
    index: int,
    layer: Layer,
    role: Role,
    field: LayerField,
    before: Sequence[Comparison],
    after: Sequence[Comparison],
    decoders: Decoders,
    options: AnalysisOptions,
) -> tuple[Verdict, str]:
    """The verdict on a layer, and why a convolution is not judged; `index` is among the decoders'.

    `before` compares what it reads with the size of the input, `after` what it writes.
    """
    judged = verdict(layer, role, field, before, after)
    if not layer.kind.is_convolution:
        return judged, ""
    reason = why_not_judged(layer, role, field, before) or _why_left_alone(
        index, layer, judged, decoders, options
    )
    return Verdict.NOT_JUDGED if reason else judged, reason


def _why_left_alone(
    index: int, layer: Layer, judged: Verdict, decoders: Decoders, options: AnalysisOptions
) -> str:
    """Why a convolution is not to be judged: it decodes, or is pointwise and not asked for."""
    if not options.judges_pointwise and set(layer.geometry.kernel) == {1}:
        return "it is pointwise, and the settings ignore those"
    if index in decoders.certain:
        return "it decodes: it makes positions of what was integrated before"
    past_the_border = judged in (Verdict.UNPRODUCTIVE, Verdict.PARTIAL)
    if past_the_border and index in decoders.possible:
        return "it may belong to the decoder"
    return ""


def _unjudged(architecture: Architecture, layers: Sequence[AnalysedLayer]) -> str:
    if any(x.is_judged or x.is_unknown for x in layers):
        return ""
    return why_unjudged(architecture) if any(x.kind.is_convolution for x in layers) else ""


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
