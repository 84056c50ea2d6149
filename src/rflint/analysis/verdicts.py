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
    axes = [
        (one.exceeds_input, other.exceeds_input, one.input_size)
        for one, other in zip(before, after, strict=True)
        if one.has_axis
    ]
    # a latent of one position has no context, and an upsampling is there to make positions
    upsamples = layer.kind is Kind.CONV_TRANSPOSE and layer.upsamples
    has_context = any(size > 1 for _, _, size in axes) and not upsamples
    judged = layer.kind.is_convolution and role is Role.TRUNK and has_context
    if not judged or any(axis.unknown for axis in field.input_field):
        return Verdict.NOT_JUDGED
    if all(exceeded for exceeded, _, _ in axes):
        return Verdict.UNPRODUCTIVE
    if any(exceeded for exceeded, _, _ in axes):
        return Verdict.PARTIAL
    crosses = all(exceeded for _, exceeded, _ in axes)
    return Verdict.CRITICAL if crosses else Verdict.PRODUCTIVE


def exceeds_at_most(x: AnalysedLayer) -> bool:
    """Whether even its largest receptive field exceeds the input along every axis that it has."""
    return all(
        field.r_max is None or field.r_max > compared.input_size
        for field, compared in zip(x.input_field, x.comparisons, strict=True)
        if compared.has_axis
    )
