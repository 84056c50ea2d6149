"""The verdict on a convolution: its receptive fields against the size of the input, per axis."""

from __future__ import annotations

from collections.abc import Sequence

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.input_sizes import Comparison
from rflint.analysis.receptive_field import LayerField
from rflint.analysis.roles import Role
from rflint.graph.layer import Kind, Layer


def verdict(
    layer: Layer,
    role: Role,
    field: LayerField,
    before: Sequence[Comparison],
    after: Sequence[Comparison],
) -> Verdict:
    """Compare r_{l-1,min} and r_{l,min} with the input size i, along every axis.

    `before` compares what the layer reads, `after` what it writes. Axes that what it reads does not
    have, since they begin later or with other inputs, do not count.
    """
    if not layer.kind.is_convolution or why_not_judged(layer, role, field, before):
        return Verdict.NOT_JUDGED
    axes = [
        (one.exceeds_input, other.exceeds_input)
        for one, other in zip(before, after, strict=True)
        if one.has_axis
    ]
    if all(exceeded for exceeded, _ in axes):
        return Verdict.UNPRODUCTIVE
    if any(exceeded for exceeded, _ in axes):
        return Verdict.PARTIAL
    crosses = all(exceeded for _, exceeded in axes)
    return Verdict.CRITICAL if crosses else Verdict.PRODUCTIVE


def why_not_judged(
    layer: Layer, role: Role, field: LayerField, before: Sequence[Comparison]
) -> str:
    """Why the receptive field of a convolution says nothing of it; empty where it does."""
    if role is Role.ATTENTION:
        return "it belongs to an attention gate"
    if role is Role.HEAD:
        return "it belongs to a head: it sees all of the input, or reads a whole map at once"
    if any(axis.unknown for axis in field.input_field):
        return "what it sees is not known: it reads what an unknown operator wrote"
    if layer.kind is Kind.CONV_TRANSPOSE and layer.upsamples:
        return "it makes positions: it is there to upsample"
    if not any(one.has_axis and one.input_size > 1 for one in before):
        return "it sees an input of one position, which has no context"
    return ""


def exceeds_at_most(x: AnalysedLayer) -> bool:
    """Whether even its largest receptive field exceeds the input along every axis that it has."""
    return all(
        field.r_max is None or field.r_max > compared.input_size
        for field, compared in zip(x.input_field, x.comparisons, strict=True)
        if compared.has_axis
    )
