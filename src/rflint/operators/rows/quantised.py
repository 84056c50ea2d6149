"""Quantised, fake-quantised and observed numbers: as far as a receptive field goes, the same ones.

Rounding is a function of one number. Scales that are taken from the very map that is rounded (by
observers, while a model is prepared) are no path for features, as statistics of a normalisation.
"""

from __future__ import annotations

from rflint.graph.layer import Kind
from rflint.operators.broadcasting import same_shape
from rflint.operators.call import Call
from rflint.operators.effect import Effect, pointwise
from rflint.operators.shapes import Shape, shape_of
from rflint.operators.table import operator

_ROUNDING = ("per_tensor", "per_channel")


@operator(
    *("quantize_per_tensor", "quantize_per_channel", "quantize_per_tensor_dynamic", "dequantize"),
    *(f"fake_quantize_{how}_affine" for how in _ROUNDING),
    *(f"fake_quantize_learnable_{how}_affine" for how in _ROUNDING),
    "fused_moving_avg_obs_fake_quant",
    *(
        f"quantized_decomposed::{what}_{how}"
        for what in ("quantize", "dequantize")
        for how in _ROUNDING
    ),
    *("QuantStub", "DeQuantStub", "FakeQuantize", "FusedMovingAvgObsFakeQuantize"),
    *("FixedQParamsFakeQuantize", "_LearnableFakeQuantize"),
    *("MinMaxObserver", "MovingAverageMinMaxObserver", "PerChannelMinMaxObserver"),
    *("MovingAveragePerChannelMinMaxObserver", "HistogramObserver", "FixedQParamsObserver"),
    *("PlaceholderObserver", "NoopObserver", "RecordingObserver", "ReuseInputObserver"),
    kind=Kind.RESHAPE,
    shape=same_shape,
)
def rounded(call: Call) -> Effect:
    """Every number rounded by itself."""
    return pointwise(call, call.input.dimensions)


def masked_shape(call: Call) -> list[Shape]:
    """The input's shape twice: the rounded numbers, and which of them were in range."""
    return [shape_of(call.input)] * 2


@operator(
    *(f"fake_quantize_{how}_affine_cachemask" for how in _ROUNDING),
    kind=Kind.RESHAPE,
    shape=masked_shape,
)
def rounded_with_mask(call: Call) -> Effect:
    """What ATen makes of fake quantisation."""
    return pointwise(call, call.input.dimensions)
