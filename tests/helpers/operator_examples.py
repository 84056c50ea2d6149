"""A call of every operator in the table, under each of the names that the table knows.

Used to hold shapes against PyTorch (test_operators.py) and what is read against a probe
(test_probe.py). A row without an example fails both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.helpers.aten_calls import EQUIVALENTS
from zoo.torchvision_import import import_torchvision

Function = Callable[..., Any]


class Prepared(nn.Module):
    """A module behind a function that brings an image into the shape that the module wants."""

    def __init__(self, module: nn.Module, prepare: Function) -> None:
        super().__init__()
        self.module = module
        self.prepare = prepare

    def forward(self, x: Tensor) -> Any:
        return self.module(*self.prepare(x))


def tokens(x: Tensor) -> Tensor:
    """(batch, positions, channels)."""
    return x.flatten(2).transpose(1, 2)


def recurrent_weights(gates: int) -> list[Tensor]:
    """Of a network from four features to five, for so many gates."""
    out = 5 * gates
    return [torch.ones(out, 4), torch.ones(out, 5), torch.ones(out), torch.ones(out)]


def prepared_unpool(axes: int) -> nn.Module:
    pool = getattr(F, f"max_pool{axes}d")
    unpool = getattr(nn, f"MaxUnpool{axes}d")(2)
    return Prepared(unpool, lambda x: pool(x, 2, return_indices=True))


def unpooled(axes: int) -> Function:
    pool, unpool = getattr(F, f"max_pool{axes}d"), getattr(F, f"max_unpool{axes}d")
    return lambda x: unpool(*pool(x, 2, return_indices=True), 2)


def image(axes: int, size: int = 6, channels: int = 4) -> Tensor:
    return torch.rand(2, channels, *(size,) * axes)


_MODULES: dict[str, tuple[Any, ...]] = {
    "AdaptiveAvgPool": (3,),
    "AdaptiveMaxPool": (3,),
    "AvgPool": (2,),
    "BatchNorm": (4,),
    "CircularPad": (1,),
    "ConstantPad": (1, 0.5),
    "ChannelShuffle": (2,),
    "Fold": ((7, 7), (2, 2), 1, 0, 1),
    "FractionalMaxPool": (2, 3),
    "Unflatten": (1, (2, 2)),
    "Unfold": (3, 1, 1, 2),
    "Conv": (4, 8, 3),
    "ConvTranspose": (4, 8, 3, 2),
    "CrossMapLRN": (2,),
    "GLU": (1,),
    "GroupNorm": (2, 4),
    "InstanceNorm": (4,),
    "LayerNorm": (6,),
    "Linear": (6, 5),
    "LocalResponseNorm": (2,),
    "LogSoftmax": (1,),
    "LPPool": (2, 2),
    "MaxPool": (2,),
    "NonDynamicallyQuantizableLinear": (6, 5),
    "PixelShuffle": (2,),
    "PixelUnshuffle": (3,),
    "ReflectionPad": (1,),
    "ReplicationPad": (2,),
    "RMSNorm": (6,),
    "Softmax": (1,),
    "Softmax2d": (),
    "Softmin": (1,),
    "SyncBatchNorm": (4,),
    "Threshold": (0.5, 2.0),
    "Upsample": (None, 2),
    "UpsamplingBilinear": (None, 2),
    "UpsamplingNearest": (None, 2),
    "ZeroPad": (2,),
}
"""Arguments of the modules that need some, by class name less its dimensionality."""

_OWN_INPUTS: dict[str, Callable[[], nn.Module]] = {
    "Bilinear": lambda: Prepared(nn.Bilinear(6, 6, 3), lambda x: (x, x)),
    "DeformConv2d": lambda: Prepared(_deformable(), lambda x: (x, x.new_zeros(2, 18, 6, 6))),
    "Embedding": lambda: Prepared(nn.Embedding(5, 3), lambda x: (codes(x),)),
    "EmbeddingBag": lambda: Prepared(nn.EmbeddingBag(5, 3), lambda x: (codes(x)[0],)),
    "MSELoss": lambda: Prepared(nn.MSELoss(), lambda x: (x, x * _ROW)),
    "L1Loss": lambda: Prepared(nn.L1Loss(), lambda x: (x, x * _ROW)),
    "SmoothL1Loss": lambda: Prepared(nn.SmoothL1Loss(), lambda x: (x, x * _ROW)),
    "HuberLoss": lambda: Prepared(nn.HuberLoss(), lambda x: (x, x * _ROW)),
    "BCELoss": lambda: Prepared(nn.BCELoss(), lambda x: (x, torch.rand(x.shape))),
    "KLDivLoss": lambda: Prepared(nn.KLDivLoss(), lambda x: (x, torch.rand(x.shape))),
    "BCEWithLogitsLoss": lambda: Prepared(
        nn.BCEWithLogitsLoss(), lambda x: (x, torch.rand(x.shape))
    ),
    "SoftMarginLoss": lambda: Prepared(nn.SoftMarginLoss(), lambda x: (x, torch.ones(x.shape))),
    "PoissonNLLLoss": lambda: Prepared(nn.PoissonNLLLoss(), lambda x: (x, torch.rand(x.shape))),
    "MarginRankingLoss": lambda: Prepared(
        nn.MarginRankingLoss(), lambda x: (x, x * _ROW, torch.ones(x.shape))
    ),
    "HingeEmbeddingLoss": lambda: Prepared(
        nn.HingeEmbeddingLoss(), lambda x: (x, torch.ones(x.shape))
    ),
    "CrossEntropyLoss": lambda: Prepared(
        nn.CrossEntropyLoss(), lambda x: (x, torch.zeros(2, 6, 6, dtype=torch.int64))
    ),
    "NLLLoss": lambda: Prepared(
        nn.NLLLoss(), lambda x: (x, torch.zeros(2, 6, 6, dtype=torch.int64))
    ),
    "MultiMarginLoss": lambda: Prepared(
        nn.MultiMarginLoss(), lambda x: (x[:, :, 0, 0], torch.zeros(2, dtype=torch.int64))
    ),
    "MultiLabelMarginLoss": lambda: Prepared(
        nn.MultiLabelMarginLoss(), lambda x: (x[:, :, 0, 0], torch.zeros(2, 4, dtype=torch.int64))
    ),
    "MultiLabelSoftMarginLoss": lambda: Prepared(
        nn.MultiLabelSoftMarginLoss(), lambda x: (x[:, :, 0, 0], torch.ones(2, 4))
    ),
    "CosineEmbeddingLoss": lambda: Prepared(
        nn.CosineEmbeddingLoss(), lambda x: (x[:, :, 0, 0], torch.rand(2, 4), torch.ones(2))
    ),
    "TripletMarginLoss": lambda: Prepared(
        nn.TripletMarginLoss(), lambda x: (x[:, :, 0, 0], torch.rand(2, 4), torch.rand(2, 4))
    ),
    "CosineSimilarity": lambda: Prepared(nn.CosineSimilarity(), lambda x: (x, x + _ROW)),
    "PairwiseDistance": lambda: Prepared(nn.PairwiseDistance(), lambda x: (x, x + _ROW)),
    "Fold": lambda: Prepared(nn.Fold((6, 6), 2, stride=2), lambda x: (F.unfold(x, 2, stride=2),)),
    "GRU": lambda: Prepared(nn.GRU(4, 5, 2, batch_first=True), lambda x: (tokens(x),)),
    "GRUCell": lambda: Prepared(nn.GRUCell(4, 5), lambda x: (tokens(x)[:, 0],)),
    "LSTM": lambda: Prepared(nn.LSTM(4, 5, bidirectional=True), lambda x: (tokens(x),)),
    "LSTMCell": lambda: Prepared(nn.LSTMCell(4, 5), lambda x: (tokens(x)[:, 0],)),
    "MaxUnpool1d": lambda: prepared_unpool(1),
    "MaxUnpool2d": lambda: prepared_unpool(2),
    "MaxUnpool3d": lambda: prepared_unpool(3),
    "MultiheadAttention": lambda: Prepared(
        nn.MultiheadAttention(4, 2, batch_first=True), lambda x: (tokens(x),) * 3
    ),
    "RNN": lambda: Prepared(nn.RNN(4, 5), lambda x: (tokens(x),)),
    "RNNCell": lambda: Prepared(nn.RNNCell(4, 5), lambda x: (tokens(x)[:, 0],)),
    "QuantStub": lambda: Prepared(torch.ao.quantization.QuantStub(), lambda x: (x,)),
    **{
        name: lambda name=name: Prepared(getattr(torch.ao.quantization, name)(), lambda x: (x,))
        for name in (
            *("FakeQuantize", "FusedMovingAvgObsFakeQuantize", "MinMaxObserver"),
            *("MovingAverageMinMaxObserver", "PerChannelMinMaxObserver", "HistogramObserver"),
            *("MovingAveragePerChannelMinMaxObserver", "PlaceholderObserver", "NoopObserver"),
            *("RecordingObserver", "ReuseInputObserver"),
        )
    },
    "FixedQParamsObserver": lambda: Prepared(
        torch.ao.quantization.FixedQParamsObserver(0.01, 0), lambda x: (x,)
    ),
    "FixedQParamsFakeQuantize": lambda: Prepared(
        torch.ao.quantization.FixedQParamsFakeQuantize(
            torch.ao.quantization.FixedQParamsObserver.with_args(scale=0.01, zero_point=0)
        ),
        lambda x: (x,),
    ),
    "_LearnableFakeQuantize": lambda: Prepared(_learnable(), lambda x: (x,)),
    "DeQuantStub": lambda: Prepared(torch.ao.quantization.DeQuantStub(), lambda x: (x,)),
}
"""Modules that want something else than one image."""


def _learnable() -> nn.Module:
    from torch.ao.quantization._learnable_fake_quantize import _LearnableFakeQuantize

    module: nn.Module = _LearnableFakeQuantize(torch.ao.quantization.MinMaxObserver)
    return module


def _deformable() -> nn.Module:
    import_torchvision()
    from torchvision.ops import DeformConv2d

    module: nn.Module = DeformConv2d(4, 8, 3, padding=1)
    return module


def deformed(x: Tensor) -> Any:
    """What torchvision.ops.deform_conv2d calls."""
    import_torchvision()
    weight, offset, mask = torch.rand(8, 4, 3, 3), x.new_zeros(2, 18, 6, 6), x.new_ones(2, 9, 6, 6)
    bias = torch.rand(8)
    return torch.ops.torchvision.deform_conv2d(
        x, weight, offset, mask, bias, 1, 1, 1, 1, 1, 1, 1, 1, True
    )


def quantised(x: Tensor) -> Tensor:
    return torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)


_QUANTISATION = torch.ones(4) * 0.01, torch.zeros(4, dtype=torch.int32)


def decomposed(name: str, x: Tensor) -> Tensor:
    """What torch.ao calls them in exported models."""
    import torch.ao.quantization.fx._decomposed  # registers them

    x = x.to(torch.int8) if name.startswith("de") else x
    where: Any = (0.01, 0) if name.endswith("tensor") else (*_QUANTISATION, 1)
    call = getattr(torch.ops.quantized_decomposed, name)
    result: Tensor = call(x, *where, -128, 127, torch.int8)
    return result


def of_quantised(name: str, x: Tensor) -> Tensor:
    result: Tensor = getattr(torch.ops.quantized, name)(quantised(x), quantised(x), 0.1, 0)
    return result.dequantize()


def attended(x: Tensor) -> Any:
    """Attention between positions, without the module."""
    positions = x.flatten(2).permute(2, 0, 1)
    weights = torch.rand(12, 4), torch.rand(12), None, None, False, 0.0, torch.rand(4, 4), None
    return F.multi_head_attention_forward(positions, positions, positions, 4, 2, *weights)


def _positive(x: Tensor) -> Tensor:
    """Something symmetric of which there are roots."""
    return x @ x.mT + 6 * torch.eye(6)


def _matrix(x: Tensor) -> Tensor:
    """One affine map for every sample."""
    return x.mean((2, 3))[:, :1, None].expand(2, 2, 3)


def written(x: Tensor) -> Tensor:
    y = x.clone()
    y[:, :, ::2] = x[:, :, 1::2]
    return y


def overlaid_view(x: Tensor) -> Tensor:
    y = x.clone()
    y[:, :2].mul_(2.0)
    return y


_ROW = torch.rand(6) + 0.5
_TRUTH = torch.rand(6) > 0.5
_TABLE = torch.rand(5, 3)


def codes(x: Tensor) -> Tensor:
    """Which of five entries of a table every position is to have."""
    return (x[:, 0].nan_to_num(0.0).clamp(0, 1) * 4).long()


_FUNCTIONS: dict[str, Function] = {
    "adaptive_avg_pool1d": lambda x: F.adaptive_avg_pool1d(x, 3),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, (3, None)),
    "adaptive_avg_pool3d": lambda x: F.adaptive_avg_pool3d(x, (3, 2, 1)),
    "adaptive_max_pool1d": lambda x: F.adaptive_max_pool1d(x, 3),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, (3, 2)),
    "adaptive_max_pool3d": lambda x: F.adaptive_max_pool3d(x, 2),
    "adaptive_max_pool1d_with_indices": lambda x: F.adaptive_max_pool1d(x, 3, True),
    "adaptive_max_pool2d_with_indices": lambda x: F.adaptive_max_pool2d(x, 3, True),
    "adaptive_max_pool3d_with_indices": lambda x: F.adaptive_max_pool3d(x, 3, True),
    "quantize_per_tensor": lambda x: quantised(x).dequantize(),
    "quantize_per_channel": lambda x: torch.quantize_per_channel(
        x, torch.ones(4), torch.zeros(4), 1, torch.qint8
    ).dequantize(),
    "quantize_per_tensor_dynamic": lambda x: torch.quantize_per_tensor_dynamic(
        x, torch.quint8, False
    ).dequantize(),
    "aminmax": lambda x: torch.aminmax(x, dim=1),
    "fake_quantize_per_tensor_affine": lambda x: torch.fake_quantize_per_tensor_affine(
        x, 0.01, 0, 0, 255
    ),
    "fake_quantize_per_channel_affine": lambda x: torch.fake_quantize_per_channel_affine(
        x, *_QUANTISATION, 1, 0, 255
    ),
    "fake_quantize_learnable_per_tensor_affine": lambda x: (
        torch._fake_quantize_learnable_per_tensor_affine(
            x, torch.ones(1) * 0.01, torch.zeros(1), 0, 255, 1.0
        )
    ),
    "fake_quantize_learnable_per_channel_affine": lambda x: (
        torch._fake_quantize_learnable_per_channel_affine(
            x, torch.ones(4) * 0.01, torch.zeros(4), 1, 0, 255, 1.0
        )
    ),
    "fake_quantize_per_tensor_affine_cachemask": lambda x: (
        torch.ops.aten.fake_quantize_per_tensor_affine_cachemask(x, 0.01, 0, 0, 255)
    ),
    "fake_quantize_per_channel_affine_cachemask": lambda x: (
        torch.ops.aten.fake_quantize_per_channel_affine_cachemask(x, *_QUANTISATION, 1, 0, 255)
    ),
    "fused_moving_avg_obs_fake_quant": lambda x: torch.fused_moving_avg_obs_fake_quant(
        x,
        *(torch.ones(1), torch.ones(1), torch.zeros(1), torch.ones(1)),
        *(torch.ones(1), torch.zeros(1, dtype=torch.int32), 0.01, 0, 255, -1),
    ),
    "quantized_decomposed::quantize_per_tensor": lambda x: decomposed("quantize_per_tensor", x),
    "quantized_decomposed::dequantize_per_tensor": lambda x: decomposed("dequantize_per_tensor", x),
    "quantized_decomposed::quantize_per_channel": lambda x: decomposed("quantize_per_channel", x),
    "quantized_decomposed::dequantize_per_channel": lambda x: decomposed(
        "dequantize_per_channel", x
    ),
    "dequantize": lambda x: quantised(x).dequantize(),
    "quantized::add": lambda x: of_quantised("add", x),
    "quantized::add_relu": lambda x: of_quantised("add_relu", x),
    "quantized::mul": lambda x: of_quantised("mul", x),
    "quantized::cat": lambda x: torch.ops.quantized.cat([quantised(x)] * 2, 1, 0.1, 0).dequantize(),
    "affine_grid": lambda x: F.affine_grid(_matrix(x), [2, 1, 5, 4], align_corners=False),
    "affine_grid_generator": lambda x: torch.affine_grid_generator(_matrix(x), [2, 1, 5, 4], False),
    "slice_scatter": lambda x: torch.slice_scatter(x, x[:, :, :2], 2, 0, 2),
    "select_scatter": lambda x: torch.select_scatter(x, x[:, 1], 1, 0),
    "hsplit": lambda x: x.hsplit(2),
    "vsplit": lambda x: x.vsplit(2),
    "dsplit": lambda x: x.dsplit([2]),
    "quantile": lambda x: torch.quantile(x, torch.tensor([0.1, 0.5]), dim=1),
    "nanquantile": lambda x: torch.nanquantile(x, 0.5, 1, True),
    "nanmedian": lambda x: x.nanmedian(1),
    "index_fill": lambda x: x.index_fill(1, torch.tensor([0]), 0.5),
    "isin": lambda x: torch.isin(x, _ROW),
    "mvlgamma": lambda x: torch.mvlgamma(x + 2, 2),
    "polygamma": lambda x: torch.polygamma(1, x),
    "igamma": lambda x: torch.igamma(x, _ROW),
    "igammac": lambda x: torch.igammac(x, _ROW),
    "nextafter": lambda x: torch.nextafter(x, _ROW),
    "special_xlog1py": lambda x: torch.special.xlog1py(x, _ROW),
    "special_zeta": lambda x: torch.special.zeta(x + 2, _ROW),
    "cauchy": lambda x: x.cauchy_(),
    "geometric": lambda x: x.geometric_(0.5),
    "cfloat": lambda x: x.cfloat().real,
    "cdouble": lambda x: x.cdouble().real,
    "chalf": lambda x: x.chalf().real,
    "trace": lambda x: x[0, 0].trace(),
    "dist": lambda x: torch.dist(x, _ROW),
    "cross": lambda x: torch.cross(x[:, :3], x[:, 1:], dim=1),
    "linalg_cross": lambda x: torch.linalg.cross(x[:, :3], x[:, 1:], dim=1),
    "diag": lambda x: torch.diag(x[0, 0, 0]),
    "diag_embed": lambda x: torch.diag_embed(x),
    "diagonal": lambda x: x.diagonal(0, 0, 1),
    "linalg_diagonal": lambda x: torch.linalg.diagonal(x, dim1=0, dim2=1),
    "cholesky": lambda x: torch.linalg.cholesky(_positive(x)),
    "linalg_cholesky": lambda x: torch.linalg.cholesky(_positive(x)),
    "linalg_cholesky_ex": lambda x: torch.linalg.cholesky_ex(_positive(x)),
    "linalg_eigh": lambda x: torch.linalg.eigh(_positive(x)),
    "linalg_eigvalsh": lambda x: torch.linalg.eigvalsh(_positive(x)),
    "linalg_ldl_factor": lambda x: torch.linalg.ldl_factor(_positive(x)),
    "cholesky_inverse": lambda x: torch.cholesky_inverse(x),
    "cholesky_solve": lambda x: torch.cholesky_solve(x, torch.eye(6)),
    "linalg_solve": lambda x: torch.linalg.solve(torch.eye(6) * 2, x),
    "linalg_solve_triangular": lambda x: torch.linalg.solve_triangular(torch.eye(6), x, upper=True),
    "triangular_solve": lambda x: torch.triangular_solve(x, torch.eye(6)),
    "linalg_lu_solve": lambda x: torch.linalg.lu_solve(*torch.linalg.lu_factor(torch.eye(6)), x),
    "lu_solve": lambda x: torch.lu_solve(x, *torch.linalg.lu_factor(torch.eye(6))),
    "linalg_norm": lambda x: torch.linalg.norm(x, dim=(2, 3)),
    "linalg_matrix_norm": lambda x: torch.linalg.matrix_norm(x),
    "frobenius_norm": lambda x: torch.frobenius_norm(x, (1, 2), True),
    "nuclear_norm": lambda x: torch.nuclear_norm(x, (2, 3)),
    "mse_loss": lambda x: F.mse_loss(x, x * _ROW, reduction="none"),
    "l1_loss": lambda x: F.l1_loss(x, x * _ROW),
    "smooth_l1_loss": lambda x: F.smooth_l1_loss(x, x * _ROW, reduction="none"),
    "huber_loss": lambda x: F.huber_loss(x, x * _ROW),
    "binary_cross_entropy": lambda x: F.binary_cross_entropy(
        x, torch.rand(x.shape), reduction="none"
    ),
    "kl_div": lambda x: F.kl_div(x, torch.rand(x.shape), reduction="none"),
    "binary_cross_entropy_with_logits": lambda x: F.binary_cross_entropy_with_logits(
        x, torch.rand(x.shape)
    ),
    "soft_margin_loss": lambda x: F.soft_margin_loss(x, torch.ones(x.shape), reduction="none"),
    "poisson_nll_loss": lambda x: F.poisson_nll_loss(x, torch.rand(x.shape), reduction="none"),
    "margin_ranking_loss": lambda x: F.margin_ranking_loss(
        x, x * _ROW, torch.ones(x.shape), reduction="none"
    ),
    "hinge_embedding_loss": lambda x: F.hinge_embedding_loss(
        x, torch.ones(x.shape), reduction="none"
    ),
    "cross_entropy": lambda x: F.cross_entropy(
        x, torch.zeros(2, 6, 6, dtype=torch.int64), reduction="none"
    ),
    "nll_loss": lambda x: F.nll_loss(x, torch.zeros(2, 6, 6, dtype=torch.int64), reduction="none"),
    "multi_margin_loss": lambda x: F.multi_margin_loss(
        x[:, :, 0, 0], torch.zeros(2, dtype=torch.int64)
    ),
    "multilabel_margin_loss": lambda x: F.multilabel_margin_loss(
        x[:, :, 0, 0], torch.zeros(2, 4, dtype=torch.int64)
    ),
    "multilabel_soft_margin_loss": lambda x: F.multilabel_soft_margin_loss(
        x[:, :, 0, 0], torch.ones(2, 4)
    ),
    "cosine_embedding_loss": lambda x: F.cosine_embedding_loss(
        x[:, :, 0, 0], torch.rand(2, 4), torch.ones(2)
    ),
    "triplet_margin_loss": lambda x: F.triplet_margin_loss(
        x[:, :, 0, 0], torch.rand(2, 4), torch.rand(2, 4)
    ),
    "addcdiv": lambda x: torch.addcdiv(x, _ROW, _ROW),
    "addcmul": lambda x: torch.addcmul(x, _ROW, _ROW),
    "alias": lambda x: torch.ops.aten.alias(x),
    "all": lambda x: (x > 0).all(1),
    "amax": lambda x: x.amax((1, 2)),
    "amin": lambda x: x.amin((1, 2), keepdim=True),
    "and": lambda x: (x > 0.5) & _TRUTH,
    "any": lambda x: (x > 0).any(),
    "avg_pool1d": lambda x: F.avg_pool1d(x, 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, 1),
    "avg_pool3d": lambda x: F.avg_pool3d(x, 2),
    "bucketize": lambda x: torch.bucketize(x, torch.linspace(0, 1, 4)),
    "embedding": lambda x: F.embedding(codes(x), _TABLE),
    "embedding_bag": lambda x: F.embedding_bag(codes(x)[0], _TABLE),
    "one_hot": lambda x: F.one_hot(codes(x), 5),
    "searchsorted": lambda x: torch.searchsorted(torch.linspace(0, 1, 4), x, right=True),
    "take": lambda x: torch.take(_TABLE, codes(x)),
    "batch_norm": lambda x: F.batch_norm(x, torch.zeros(4), torch.ones(4)),
    "bernoulli": lambda x: torch.bernoulli(x),
    "bitwise_and": lambda x: torch.bitwise_and(x > 0.5, _TRUTH),
    "bitwise_not": lambda x: torch.bitwise_not(x > 0.5),
    "bitwise_or": lambda x: torch.bitwise_or(x > 0.5, _TRUTH),
    "bmm": lambda x: torch.bmm(x.flatten(2), x.flatten(2).transpose(1, 2)),
    "cat": lambda x: torch.cat([x, x], 1),
    "clamp": lambda x: x.clamp(0, 1),
    "clamp_max": lambda x: x.clamp_max(1),
    "clamp_min": lambda x: x.clamp_min(0),
    "clip": lambda x: torch.clip(x, 0, 1),
    "concat": lambda x: torch.concat([x, x], -1),
    "concatenate": lambda x: torch.concatenate([x, x, x]),
    "conv1d": lambda x: F.conv1d(x, torch.rand(8, 4, 3)),
    "conv2d": lambda x: F.conv2d(x, torch.rand(8, 2, 3, 1), None, 2, 1, 1, 2),
    "conv3d": lambda x: F.conv3d(x, torch.rand(8, 4, 3, 3, 3), padding="same"),
    "conv_transpose1d": lambda x: F.conv_transpose1d(x, torch.rand(4, 8, 3), stride=2),
    "conv_transpose2d": lambda x: F.conv_transpose2d(
        x, torch.rand(4, 3, 3, 3), None, 2, 1, 1, 2, 1
    ),
    "conv_transpose3d": lambda x: F.conv_transpose3d(x, torch.rand(4, 8, 3, 3, 3)),
    "count_nonzero": lambda x: x.count_nonzero(1),
    "data": lambda x: x.data,
    "fill": lambda x: x.fill_(1.0),
    "glu": lambda x: F.glu(x, 1),
    "floor_divide": lambda x: torch.floor_divide(x, _ROW),
    "group_norm": lambda x: F.group_norm(x, 2),
    "gumbel_softmax": lambda x: F.gumbel_softmax(x, dim=1),
    "identity": lambda x: nn.Identity()(x),
    "interpolate": lambda x: F.interpolate(x, scale_factor=2),
    "instance_norm": lambda x: F.instance_norm(x),
    "layer_norm": lambda x: F.layer_norm(x, (6,)),
    "lerp": lambda x: torch.lerp(x, _ROW, 0.5),
    "linear": lambda x: F.linear(x, torch.rand(5, 6), torch.rand(5)),
    "local_response_norm": lambda x: F.local_response_norm(x, 2),
    "log_softmax": lambda x: F.log_softmax(x, 1),
    "logical_and": lambda x: torch.logical_and(x, _ROW),
    "logit": lambda x: torch.logit(x, 0.1),
    "logsumexp": lambda x: torch.logsumexp(x, 1),
    "lp_pool1d": lambda x: F.lp_pool1d(x, 2, 2),
    "lp_pool2d": lambda x: F.lp_pool2d(x, 2, (3, 2), 2),
    "lp_pool3d": lambda x: F.lp_pool3d(x, 2, 2),
    "masked_fill": lambda x: x.masked_fill(_TRUTH, 0.0),
    "matmul": lambda x: x @ x,
    "max_pool1d": lambda x: F.max_pool1d(x, 2),
    "max_pool2d": lambda x: F.max_pool2d(x, (3, 2), 2, 1),
    "max_pool3d": lambda x: F.max_pool3d(x, 2),
    "max_pool1d_with_indices": lambda x: F.max_pool1d(x, 2, return_indices=True),
    "max_pool2d_with_indices": lambda x: F.max_pool2d(x, 2, return_indices=True),
    "max_pool3d_with_indices": lambda x: F.max_pool3d(x, 2, return_indices=True),
    "max": lambda x: x.max(1),
    "mean": lambda x: x.mean((2, 3)),
    "median": lambda x: x.median(-1),
    "min": lambda x: x.min(dim=1, keepdim=True),
    "mm": lambda x: torch.mm(x.flatten(1), x.flatten(1).t()),
    "mode": lambda x: x.mode(1),
    "nanmean": lambda x: x.nanmean(1),
    "nansum": lambda x: x.nansum(),
    "normalize": lambda x: F.normalize(x, dim=1),
    "or": lambda x: (x > 0.5) | _TRUTH,
    "pad": lambda x: F.pad(x, (1, 2, 3, 4)),
    "pixel_shuffle": lambda x: F.pixel_shuffle(x, 2),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "prelu": lambda x: F.prelu(x, torch.rand(4)),
    "prod": lambda x: x.prod(1, keepdim=True),
    "rand": lambda x: True & (x > 0.5),
    "rmatmul": lambda x: x.new_ones(6, 6).__rmatmul__(x),
    "rms_norm": lambda x: F.rms_norm(x, (6,)),
    "ror": lambda x: True | (x > 0.5),
    "rxor": lambda x: True ^ (x > 0.5),
    "scaled_dot_product_attention": lambda x: F.scaled_dot_product_attention(x, x, x),
    "softmax": lambda x: F.softmax(x, dim=1),
    "softmin": lambda x: F.softmin(x, 1),
    "stack": lambda x: torch.stack([x, x], -1),
    "sum": lambda x: x.sum(),
    "threshold": lambda x: F.threshold(x, 0.5, 2.0),
    "to": lambda x: x.to(torch.double),
    "type": lambda x: x.type(torch.double),
    "type_as": lambda x: x.type_as(_ROW),
    "upsample": lambda x: F.interpolate(x, (9, 7)),
    "bitwise_xor": lambda x: torch.bitwise_xor(x > 0.5, _TRUTH),
    "log_sigmoid": F.logsigmoid,
    "where": lambda x: torch.where(x > 0.5, x, _ROW),
    "xor": lambda x: (x > 0.5) ^ _TRUTH,
    "zero": lambda x: x.zero_(),
    "addmm": lambda x: torch.addmm(torch.rand(6, 6), x[0, 0], x[0, 1]),
    "addmv": lambda x: torch.addmv(torch.rand(6), x[0, 0], x[0, 1, 0]),
    "baddbmm": lambda x: torch.baddbmm(x[0], x[0], x[1]),
    "bilinear": lambda x: F.bilinear(x, x, torch.rand(3, 6, 6)),
    "bool": lambda x: x.bool(),
    "broadcast_to": lambda x: x.mean(1, keepdim=True).broadcast_to(2, 4, 6, 6),
    "cdist": lambda x: torch.cdist(tokens(x), tokens(x)),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 2),
    "native_channel_shuffle": lambda x: F.native_channel_shuffle(x, 2),
    "chunk": lambda x: x.chunk(2, 1),
    "complex": lambda x: torch.complex(x, x).real,
    "copy": lambda x: torch.empty_like(x).copy_(x),
    "cummax": lambda x: x.cummax(2),
    "cummin": lambda x: x.cummin(-1),
    "cumprod": lambda x: x.cumprod(1),
    "cumsum": lambda x: x.cumsum(2),
    "cumulative_trapezoid": lambda x: torch.cumulative_trapezoid(x, dim=2),
    "gcd": lambda x: torch.gcd(x.int(), x.int() + 1),
    "gru": lambda x: torch.gru(
        tokens(x), torch.zeros(1, 2, 5), recurrent_weights(3), True, 1, 0.0, False, False, True
    ),
    "lcm": lambda x: torch.lcm(x.int(), x.int() + 1),
    "lstm": lambda x: torch.lstm(
        tokens(x).transpose(0, 1),
        (torch.zeros(1, 2, 5), torch.zeros(1, 2, 5)),
        recurrent_weights(4),
        True,
        1,
        0.0,
        False,
        False,
        False,
    ),
    "rnn_relu": lambda x: torch.rnn_relu(
        tokens(x), torch.zeros(1, 2, 5), recurrent_weights(1), True, 1, 0.0, False, False, True
    ),
    "rnn_tanh": lambda x: torch.rnn_tanh(
        tokens(x), torch.zeros(1, 2, 5), recurrent_weights(1), True, 1, 0.0, False, False, True
    ),
    "argsort": lambda x: x.argsort(1),
    "torchvision::deform_conv2d": deformed,
    "dstack": lambda x: torch.dstack([x, x]),
    "einsum": lambda x: torch.einsum("bchw,bdhw->bcd", x, x),
    "expand": lambda x: x.mean(1, keepdim=True).expand(-1, 3, -1, -1),
    "expand_as": lambda x: x.mean(1, keepdim=True).expand_as(x),
    "exponential": lambda x: x.exponential_(),
    "fft_fft": lambda x: torch.fft.fft(x).real,
    "fft_fft2": lambda x: torch.fft.fft2(x).real,
    "fft_fftn": lambda x: torch.fft.fftn(x).real,
    "fft_fftshift": lambda x: torch.fft.fftshift(x),
    "fft_hfft": lambda x: torch.fft.hfft(torch.complex(x, x)),
    "fft_ifft": lambda x: torch.fft.ifft(x, dim=2).real,
    "fft_ifft2": lambda x: torch.fft.ifft2(x).real,
    "fft_ifftn": lambda x: torch.fft.ifftn(x, dim=(2,)).real,
    "fft_ifftshift": lambda x: torch.fft.ifftshift(x),
    "fft_ihfft": lambda x: torch.fft.ihfft(x).real,
    "fft_irfft": lambda x: torch.fft.irfft(torch.complex(x, x)),
    "fft_irfft2": lambda x: torch.fft.irfft2(torch.complex(x, x), s=(6, 6)),
    "fft_irfftn": lambda x: torch.fft.irfftn(torch.complex(x, x)),
    "fft_rfft": lambda x: torch.fft.rfft(x).real,
    "fft_rfft2": lambda x: torch.fft.rfft2(x, norm="ortho").real,
    "fft_rfftn": lambda x: torch.fft.rfftn(x, s=(6, 6)).real,
    "fill_diagonal": lambda x: x[0, 0].fill_diagonal_(0.0),
    "flip": lambda x: x.flip(-1),
    "float_power": lambda x: torch.float_power(x, _ROW),
    "col2im": lambda x: torch.ops.aten.col2im(
        F.unfold(x, 2, stride=2), (6, 6), (2, 2), (1, 1), (0, 0), (2, 2)
    ),
    "fold": lambda x: F.fold(F.unfold(x, 2, stride=2), (6, 6), 2, stride=2),
    "fractional_max_pool2d": lambda x: F.fractional_max_pool2d(x, 2, (3, 4)),
    "fractional_max_pool2d_with_indices": lambda x: F.fractional_max_pool2d(
        x, 2, output_ratio=(0.5, 0.7), return_indices=True
    ),
    "fractional_max_pool3d": lambda x: F.fractional_max_pool3d(x, 2, 3),
    "fractional_max_pool3d_with_indices": lambda x: F.fractional_max_pool3d(
        x, 2, 3, return_indices=True
    ),
    "gather": lambda x: x.gather(1, torch.zeros(2, 3, 6, 6, dtype=torch.int64)),
    "getitem": lambda x: x[..., ::2, 1:],
    "grid_sample": lambda x: F.grid_sample(x, torch.rand(2, 5, 4, 2), align_corners=False),
    "grid_sampler": lambda x: torch.grid_sampler(x, torch.rand(2, 5, 4, 2), 0, 0, False),
    "heaviside": lambda x: torch.heaviside(x, _ROW),
    "hstack": lambda x: torch.hstack([x, x]),
    "im2col": lambda x: torch.ops.aten.im2col(x, (3, 3), (1, 1), (1, 1), (2, 2)),
    "imag": lambda x: torch.complex(x, x).imag,
    "real": lambda x: torch.complex(x, x).real,
    "index_add": lambda x: x.index_add(1, torch.tensor([0, 2]), x[:, :2]),
    "index_copy": lambda x: x.index_copy(1, torch.tensor([0, 2]), x[:, :2]),
    "index_put": lambda x: x.index_put((torch.tensor([0]),), x[1:]),
    "index_select": lambda x: x.index_select(1, torch.tensor([0, 2, 1])),
    "int": lambda x: x.int(),
    "invert": lambda x: ~(x > 0.5),
    "kthvalue": lambda x: x.kthvalue(2, 1),
    "ldexp": lambda x: torch.ldexp(x, torch.ones(6, dtype=torch.int64)),
    "logaddexp": lambda x: torch.logaddexp(x, _ROW),
    "logaddexp2": lambda x: torch.logaddexp2(x, _ROW),
    "logcumsumexp": lambda x: x.logcumsumexp(2),
    "long": lambda x: x.long(),
    "lshift": lambda x: (x * 9).long() << 1,
    "rshift": lambda x: (x * 9).long() >> 1,
    "mH": lambda x: x.mH,
    "mT": lambda x: x.mT,
    "H": lambda x: x[0, 0].H,
    "T": lambda x: x[0, 0].T,
    "t": lambda x: x[0, 0].t(),
    "masked_scatter": lambda x: x.masked_scatter(_TRUTH, x),
    "max_unpool1d": unpooled(1),
    "max_unpool2d": unpooled(2),
    "max_unpool3d": unpooled(3),
    "moveaxis": lambda x: x.moveaxis(1, -1),
    "movedim": lambda x: x.movedim((2, 3), (0, 1)),
    "narrow": lambda x: x.narrow(2, 1, 3),
    "overlaid": overlaid_view,
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "polar": lambda x: torch.polar(x, x).real,
    "pos": lambda x: +x,
    "random": lambda x: x.random_(),
    "renorm": lambda x: x.renorm(2, 1, 1.0),
    "repeat": lambda x: x.repeat(1, 2, 1, 1),
    "repeat_interleave": lambda x: x.repeat_interleave(2, dim=3),
    "reshape": lambda x: x.reshape(2, 2, 2, 36),
    "reshape_as": lambda x: x.reshape_as(torch.rand(2, 4, 36)),
    "roll": lambda x: x.roll((1, -2), (2, 3)),
    "rot90": lambda x: x.rot90(1, (2, 3)),
    "row_stack": lambda x: torch.vstack([x, x]),
    "scatter": lambda x: x.scatter(1, torch.zeros(2, 1, 6, 6, dtype=torch.int64), x[:, :1]),
    "scatter_add": lambda x: x.scatter_add(1, torch.zeros(2, 1, 6, 6, dtype=torch.int64), x),
    "scatter_reduce": lambda x: x.scatter_reduce(
        1, torch.zeros(2, 1, 6, 6, dtype=torch.int64), x, "sum"
    ),
    "select": lambda x: x.select(1, 2),
    "setitem": written,
    "special_expit": lambda x: torch.special.expit(x),
    "split": lambda x: x.split(2, 2),
    "split_with_sizes": lambda x: x.split_with_sizes([1, 3], 1),
    "squeeze": lambda x: x.mean(1, keepdim=True).squeeze(1),
    "stft": lambda x: torch.view_as_real(
        torch.stft(x[0, 0], 4, 2, window=torch.ones(4), return_complex=True)
    ),
    "istft": lambda x: torch.istft(torch.complex(x, x)[0], 2 * x.shape[2] - 2, 3, center=False),
    "fft_hfft2": lambda x: torch.fft.hfft2(torch.complex(x, x)),
    "fft_ihfft2": lambda x: torch.fft.ihfft2(x).real,
    "fft_hfftn": lambda x: torch.fft.hfftn(torch.complex(x, x)),
    "fft_ihfftn": lambda x: torch.fft.ihfftn(x).real,
    "multi_head_attention_forward": attended,
    "tensordot": lambda x: torch.tensordot(x, torch.rand(6, 5), dims=([2], [0])),
    "inner": lambda x: torch.inner(x, torch.rand(5, 6)),
    "outer": lambda x: torch.outer(x[0, 0, 0], _ROW),
    "ger": lambda x: torch.ger(_ROW, x[0, 0, 0]),
    "addr": lambda x: torch.addr(torch.rand(6, 6), x[0, 0, 0], _ROW),
    "kron": lambda x: torch.kron(x, torch.rand(1, 2)),
    "linalg_multi_dot": lambda x: torch.linalg.multi_dot([_ROW, x[0, 0], torch.rand(6, 5)]),
    "chain_matmul": lambda x: torch.chain_matmul(x[0, 0], torch.rand(6, 5), torch.rand(5, 2)),
    "matrix_power": lambda x: x.matrix_power(3),
    "linalg_matrix_power": lambda x: torch.linalg.matrix_power(x, 5),
    "matrix_exp": lambda x: x.matrix_exp(),
    "linalg_matrix_exp": lambda x: torch.linalg.matrix_exp(x),
    "linalg_inv": lambda x: torch.linalg.inv(x),
    "linalg_matmul": lambda x: torch.linalg.matmul(x, torch.rand(6, 5)),
    "linalg_vecdot": lambda x: torch.linalg.vecdot(x, x, dim=1),
    "mv": lambda x: torch.mv(x[0, 0], _ROW),
    "dot": lambda x: torch.dot(x[0, 0, 0], _ROW),
    "vdot": lambda x: torch.vdot(x[0, 0, 0], _ROW),
    "addbmm": lambda x: torch.addbmm(torch.rand(6, 6), x[0], x[0]),
    "cov": lambda x: torch.cov(x[0, 0]),
    "corrcoef": lambda x: torch.corrcoef(x[0, 0]),
    "cosine_similarity": lambda x: F.cosine_similarity(x, _ROW + x),
    "pairwise_distance": lambda x: F.pairwise_distance(x, x + _ROW, keepdim=True),
    "swapaxes": lambda x: x.swapaxes(1, 2),
    "swapdims": lambda x: x.swapdims(0, 3),
    "take_along_dim": lambda x: x.take_along_dim(torch.zeros(2, 1, 6, 6, dtype=torch.int64), 1),
    "tensor_split": lambda x: x.tensor_split(3, 1),
    "tile": lambda x: x.tile(1, 2, 1, 1),
    "topk": lambda x: x.topk(2, 1),
    "transpose": lambda x: x.transpose(1, -1),
    "unflatten": lambda x: x.unflatten(1, (2, 2)),
    "unfold": lambda x: x.unfold(2, 3, 2),
    "uniform": lambda x: x.uniform_(),
    "normal": lambda x: x.normal_(),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "view": lambda x: x.view(2, 4, 36),
    "view_as": lambda x: x.view_as(torch.rand(2, 4, 36)),
    "view_as_complex": lambda x: torch.view_as_complex(x.unflatten(3, (3, 2))).abs(),
    "view_as_real": lambda x: torch.view_as_real(torch.complex(x, x)),
    "vstack": lambda x: torch.vstack([x, x]),
    "xlogy": lambda x: torch.xlogy(x, _ROW),
}
"""Calls of the functions that take more than one image."""

_TWO_OPERANDS = frozenset(
    {"add", "sub", "subtract", "mul", "multiply", "div", "divide", "true_divide", "pow", "fmod"}
    | {"remainder", "maximum", "minimum", "fmax", "fmin", "atan2", "copysign", "hypot", "isclose"}
    | {"eq", "ne", "lt", "le", "gt", "ge", "logical_or", "logical_xor"}
)
_OPERATORS = frozenset(
    {"radd", "rsub", "rmul", "rdiv", "rtruediv", "rpow", "rmod", "rfloordiv", "mod"}
    | {"iadd", "isub", "imul", "idiv", "itruediv", "ipow", "truediv", "floordiv"}
)

_METHODS = {name: name for name in ("bfloat16", "cpu", "double", "float", "half", "short")}
_METHODS["requires_grad"] = "requires_grad_"


def example(spelling: str) -> Function:
    """A call of the operator with this name."""
    if spelling in _FUNCTIONS:
        return _FUNCTIONS[spelling]
    if spelling in EQUIVALENTS:
        return EQUIVALENTS[spelling][0]
    if spelling in _OWN_INPUTS:
        return _OWN_INPUTS[spelling]()
    base = re.sub(r"\dd$", "", spelling)
    module = getattr(nn, spelling, getattr(nn.modules.linear, spelling, None))
    if module is not None:
        return module(*_MODULES.get(spelling, _MODULES.get(base, ())))
    if spelling in _TWO_OPERANDS:
        return lambda x: getattr(torch, spelling)(x, _ROW)
    if spelling in _OPERATORS:
        return lambda x: getattr(x, f"__{spelling}__")(_ROW)
    if spelling in _METHODS:
        return lambda x: getattr(x, _METHODS[spelling])()
    if spelling.startswith("special_"):
        return getattr(torch.special, spelling.removeprefix("special_"))
    if spelling.startswith("linalg_"):
        return getattr(torch.linalg, spelling.removeprefix("linalg_"))
    for namespace in (F, torch):
        if hasattr(namespace, spelling):
            return getattr(namespace, spelling)
    return lambda x: getattr(x, spelling)()


def axes_in(spelling: str) -> int:
    found = re.search(r"(\d)d(_with_indices)?$", spelling)
    if spelling == "bmm" or spelling == "cdist":
        return 1
    return int(found.group(1)) if found else 2


ELSEWHERE = {"cuda", "DeformConv2d", "torchvision::deform_conv2d"}
"""What cannot run here: it wants an accelerator, or torchvision's compiled operators."""
ELSEWHERE |= {f"QuantizedConvReLU{n}d" for n in (1, 2, 3)} | {"QuantizedLinearReLU"}
"""Fused modules, tested as parts of a quantised model."""
GONE = {"qr"} if tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 14) else set[str]()
"""What PyTorch has taken out, all but the name."""
ELSEWHERE |= GONE
