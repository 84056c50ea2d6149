"""Losses, which some models compute in forward: one number of everything, or one a position."""

from __future__ import annotations

from rflint.graph.layer import Kind
from rflint.graph.windows import Extent, Reach
from rflint.operators.broadcasting import broadcasting
from rflint.operators.call import Call
from rflint.operators.dimensions import all_axes, plain_dimensions
from rflint.operators.effect import Effect, reach_per_axis
from rflint.operators.reaches import mixing_geometry, mixing_reaches, without_inner_part
from rflint.operators.shapes import shape_of
from rflint.operators.table import operator

_BY_POSITION = (
    *("mse_loss", "MSELoss", "l1_loss", "L1Loss", "smooth_l1_loss", "SmoothL1Loss"),
    *("huber_loss", "HuberLoss", "binary_cross_entropy", "BCELoss", "kl_div", "KLDivLoss"),
    *("binary_cross_entropy_with_logits", "BCEWithLogitsLoss", "soft_margin_loss"),
    *("SoftMarginLoss", "poisson_nll_loss", "PoissonNLLLoss"),
    *("margin_ranking_loss", "MarginRankingLoss", "hinge_embedding_loss"),
    "HingeEmbeddingLoss",
)
_BY_CLASS = (
    *("cross_entropy", "CrossEntropyLoss", "nll_loss", "NLLLoss", "multi_margin_loss"),
    *("MultiMarginLoss", "multilabel_margin_loss", "MultiLabelMarginLoss"),
    *("multilabel_soft_margin_loss", "MultiLabelSoftMarginLoss", "cosine_embedding_loss"),
    *("CosineEmbeddingLoss", "triplet_margin_loss", "TripletMarginLoss"),
)


@operator(*_BY_POSITION, *_BY_CLASS, kind=Kind.REDUCE)
def loss(call: Call) -> Effect:
    """One number of everything, or one for each position, which reads all classes there."""
    shape = shape_of(call.result)
    if shape and call.name in _BY_POSITION:
        return broadcasting(call)
    read: list[dict[int, Reach]] = []
    dimensions = plain_dimensions(shape)
    for value in call.data:
        rank = len(value.dimensions)
        classes = (1 if rank > 1 else 0,)
        if not shape:
            read.append(dict.fromkeys(all_axes(value.dimensions), Extent.GLOBAL))
        elif rank > len(shape):
            read.append(mixing_reaches(value.dimensions, classes))
            dimensions = tuple(
                without_inner_part(carried, read[-1])
                for dim, carried in enumerate(value.dimensions)
                if dim not in classes
            )[: len(shape)]
        else:
            read.append({})
    everything = {axis: reach for axes in read for axis, reach in axes.items()}
    return Effect(
        dimensions if len(dimensions) == len(shape) else plain_dimensions(shape),
        tuple(reach_per_axis(call.axes, axes) for axes in read),
        mixing_geometry(call.axes, everything),
    )
