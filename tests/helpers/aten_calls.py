"""A call of every ATen spelling in the operator table, and a call in torch that does the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

aten = torch.ops.aten

Call = Callable[[Tensor], Any]

_KERNEL = torch.rand(8, 4, 3, 3)
_BACK = torch.rand(4, 8, 3, 3)
_COLUMN = torch.rand(6)
_LINEAR = torch.rand(5, 6)
_ORDER = torch.tensor([2, 0, 1])
_TABLE = torch.rand(5, 3)
_STATISTICS = torch.rand(4), torch.rand(4)


def _resized(mode: str, size: Any, factors: Any = None) -> Call:
    return lambda x: F.interpolate(x, size, factors, mode)


def _padded(pads: list[int], mode: str = "constant") -> Call:
    return lambda x: F.pad(x, pads, mode)


EQUIVALENTS: dict[str, tuple[Call, Call]] = {
    "constant_pad_nd": (lambda x: aten.constant_pad_nd(x, [1, 2], 0.5), _padded([1, 2])),
    "convolution": (
        lambda x: aten.convolution(x, _KERNEL, None, [2, 1], [1, 0], [1, 2], False, [0, 0], 1),
        lambda x: F.conv2d(x, _KERNEL, None, (2, 1), (1, 0), (1, 2)),
    ),
    "feature_dropout": (lambda x: aten.feature_dropout(x, 0.5, False), lambda x: x),
    "fused_rms_norm": (
        lambda x: aten._fused_rms_norm(x, [6], None, 1e-5)[0],
        lambda x: F.rms_norm(x, (6,)),
    ),
    "index": (lambda x: aten.index(x, [None, _ORDER]), lambda x: x[:, _ORDER]),
    "lift": (aten.lift, lambda x: x),
    "lift_fresh": (aten.lift_fresh, lambda x: x),
    "lift_fresh_copy": (aten.lift_fresh_copy, lambda x: x),
    "linalg_vector_norm": (
        lambda x: aten.linalg_vector_norm(x, 2, [2, 3], True),
        lambda x: x.norm(dim=(2, 3), keepdim=True),
    ),
    "log_sigmoid_forward": (lambda x: aten.log_sigmoid_forward(x)[0], F.logsigmoid),
    "matrix_H": (lambda x: aten.matrix_H(x[0, 0]), lambda x: x[0, 0].t()),
    "native_batch_norm": (
        lambda x: aten.native_batch_norm(x, None, None, *_STATISTICS, False, 0.1, 1e-5)[0],
        lambda x: F.batch_norm(x, *_STATISTICS),
    ),
    "native_batch_norm_legit": (
        lambda x: aten._native_batch_norm_legit(x, None, None, *_STATISTICS, False, 0.1, 1e-5)[0],
        lambda x: F.batch_norm(x, *_STATISTICS),
    ),
    "native_batch_norm_legit_no_training": (
        lambda x: aten._native_batch_norm_legit_no_training(x, None, None, *_STATISTICS, 0.1, 1e-5)[
            0
        ],
        lambda x: F.batch_norm(x, *_STATISTICS),
    ),
    "native_dropout": (lambda x: aten.native_dropout(x, 0.5, False)[0], lambda x: x),
    "native_group_norm": (
        lambda x: aten.native_group_norm(x, None, None, 2, 4, 36, 2, 1e-5)[0],
        lambda x: F.group_norm(x, 2),
    ),
    "native_layer_norm": (
        lambda x: aten.native_layer_norm(x, [6], None, None, 1e-5)[0],
        lambda x: F.layer_norm(x, (6,)),
    ),
    "numpy_T": (lambda x: aten.numpy_T(x[0]), lambda x: x[0].permute(2, 1, 0)),
    "prelu_kernel": (
        lambda x: aten._prelu_kernel(x, torch.rand(1, 4, 1, 1)),
        lambda x: F.prelu(x, torch.rand(4)),
    ),
    "reflection_pad1d": (
        lambda x: aten.reflection_pad1d(x, [1, 2]),
        _padded([1, 2], "reflect"),
    ),
    "reflection_pad2d": (
        lambda x: aten.reflection_pad2d(x, [1, 2, 3, 0]),
        _padded([1, 2, 3, 0], "reflect"),
    ),
    "reflection_pad3d": (
        lambda x: aten.reflection_pad3d(x, [1] * 6),
        _padded([1] * 6, "reflect"),
    ),
    "replication_pad1d": (
        lambda x: aten.replication_pad1d(x, [1, 2]),
        _padded([1, 2], "replicate"),
    ),
    "replication_pad2d": (
        lambda x: aten.replication_pad2d(x, [1, 2, 3, 0]),
        _padded([1, 2, 3, 0], "replicate"),
    ),
    "replication_pad3d": (
        lambda x: aten.replication_pad3d(x, [2] * 6),
        _padded([2] * 6, "replicate"),
    ),
    "reshape_alias": (
        lambda x: aten._reshape_alias(x, [2, 4, 36], [144, 36, 1]),
        lambda x: x.reshape(2, 4, 36),
    ),
    "slice": (lambda x: aten.slice(x, -1, 1, 5, 2), lambda x: x[..., 1:5:2]),
    "table_embedding": (
        lambda x: torch.embedding(_TABLE, x[:, 0].long()),
        lambda x: F.embedding(x[:, 0].long(), _TABLE),
    ),
    "table_embedding_bag": (
        lambda x: torch.embedding_bag(_TABLE, x[0, 0].flatten().long(), torch.arange(4))[0],
        lambda x: F.embedding_bag(x[0, 0].flatten().long(), _TABLE, torch.arange(4)),
    ),
    "to_copy": (lambda x: aten._to_copy(x, dtype=torch.double), lambda x: x.double()),
    "transposed_convolution": (
        lambda x: torch.convolution(x, _BACK, None, [2, 1], [1, 0], [1, 1], True, [1, 0], 1),
        lambda x: F.conv_transpose2d(x, _BACK, None, (2, 1), (1, 0), (1, 0)),
    ),
    "unsafe_chunk": (lambda x: torch.unsafe_chunk(x, 2, 1)[1], lambda x: x.chunk(2, 1)[1]),
    "unsafe_split": (lambda x: torch.unsafe_split(x, 2, 1)[1], lambda x: x.split(2, 1)[1]),
    "unsafe_split_with_sizes": (
        lambda x: aten.unsafe_split_with_sizes(x, [1, 3], 1)[1],
        lambda x: x.split([1, 3], 1)[1],
    ),
    "unsafe_view": (lambda x: aten._unsafe_view(x, [2, 4, 36]), lambda x: x.view(2, 4, 36)),
    "upsample_bicubic2d": (
        lambda x: aten.upsample_bicubic2d(x, [9, 12], False),
        _resized("bicubic", (9, 12)),
    ),
    "upsample_bilinear2d": (
        lambda x: aten.upsample_bilinear2d(x, None, False, [2.0, 1.5]),
        _resized("bilinear", None, (2.0, 1.5)),
    ),
    "upsample_linear1d": (lambda x: aten.upsample_linear1d(x, [9], False), _resized("linear", 9)),
    "upsample_nearest1d": (
        lambda x: aten.upsample_nearest1d(x, None, [2.0]),
        _resized("nearest", None, 2),
    ),
    "upsample_nearest2d": (
        lambda x: aten.upsample_nearest2d(x, [9, 12], 1.5, 2.0),
        _resized("nearest", (9, 12)),
    ),
    "upsample_nearest3d": (
        lambda x: aten.upsample_nearest3d(x, [7, 8, 9]),
        _resized("nearest", (7, 8, 9)),
    ),
    "upsample_nearest_exact1d": (
        lambda x: aten._upsample_nearest_exact1d(x, [9]),
        _resized("nearest-exact", 9),
    ),
    "upsample_nearest_exact2d": (
        lambda x: aten._upsample_nearest_exact2d(x, None, [2.0, 2.0]),
        _resized("nearest-exact", None, 2),
    ),
    "upsample_nearest_exact3d": (
        lambda x: aten._upsample_nearest_exact3d(x, [7, 8, 9]),
        _resized("nearest-exact", (7, 8, 9)),
    ),
    "upsample_trilinear3d": (
        lambda x: aten.upsample_trilinear3d(x, [7, 8, 9], False),
        _resized("trilinear", (7, 8, 9)),
    ),
    "view_copy": (lambda x: aten.view_copy(x, [2, 4, 36]), lambda x: x.view(2, 4, 36)),
}
