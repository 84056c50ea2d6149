"""Multiply-accumulates of whatever PyTorch computes as products of matrices.

torch.utils.flop_counter sees the products that PyTorch makes of a call, two operations each. What
it does not count (products with vectors, bilinear forms, decompositions) has none here either.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import rflint

Product = Callable[[Tensor, Tensor], Tensor]
"""Of a map of 1x4x16x16 and a parameter of 16x16."""

linalg = torch.linalg


def attended(queries: slice, need_weights: bool = True, added: bool = False) -> Product:
    def forward(x: Tensor, w: Tensor) -> Tensor:
        extra = (torch.ones(1, 1, 16), torch.ones(1, 1, 16), True) if added else (None, None, False)
        packed = torch.cat([w, w, w]), torch.ones(48)
        return F.multi_head_attention_forward(
            *(x[0][queries], x[0], x[0], 16, 4, *packed, *extra, 0.0, w, w[0]),
            need_weights=need_weights,
        )[0]

    return forward


def attended_apart(x: Tensor, w: Tensor) -> Tensor:
    """Keys and values of other features, as in the attention pools of CLIP."""
    return F.multi_head_attention_forward(
        query=x[0][:1],
        key=x[0][..., :12],
        value=x[0][..., :10],
        embed_dim_to_check=16,
        num_heads=4,
        in_proj_weight=None,
        in_proj_bias=torch.ones(48),
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=w[:7],
        out_proj_bias=None,
        need_weights=False,
        use_separate_proj_weight=True,
        q_proj_weight=w,
        k_proj_weight=w[:, :12],
        v_proj_weight=w[:, :10],
    )[0]


PRODUCTS: dict[str, Product] = {
    "tensordot": lambda x, w: torch.tensordot(x, w, dims=([2], [0])),
    "tensordot, the last with the first": lambda x, w: torch.tensordot(x, w, dims=1),
    "tensordot of two maps": lambda x, w: torch.tensordot(x, x, dims=([2, 3], [2, 3])),
    "tensordot of two dimensions": lambda x, w: torch.tensordot(
        x, w.expand(4, 16, 16), dims=([1, 3], [0, 2])
    ),
    "tensordot of none": lambda x, w: torch.tensordot(x[0, 0], w, dims=0),
    "inner": torch.inner,
    "inner of vectors": lambda x, w: torch.inner(x[0, 0, 0], w[0]),
    "multi_dot": lambda x, w: linalg.multi_dot([x[0, 0], w, w]),
    "multi_dot in the cheapest order": lambda x, w: linalg.multi_dot(
        [x[0, 0][:3], w[:, :5], w[:5], w[:, :7]]
    ),
    "multi_dot between vectors": lambda x, w: linalg.multi_dot([x[0, 0, 0], w, w[:, 0]]),
    "chain_matmul": lambda x, w: torch.chain_matmul(x[0, 0], w, w[:, :3]),
    **{
        f"matrix_power {n}": lambda x, w, n=n: linalg.matrix_power(x, n)  # type: ignore[misc]
        for n in (1, 2, 3, 4, 5, 7, 11, -2)
    },
    "cov": lambda x, w: torch.cov(x[0, 0]),
    "einsum": lambda x, w: torch.einsum("bchw,wk->bchk", x, w),
    "einsum of three": lambda x, w: torch.einsum("bchw,hk,wl->bckl", x, w, w),
    "einsum of four": lambda x, w: torch.einsum("bchw,hk,wl,cm->bmkl", x, w, w, w[:4]),
    "einsum of three maps": lambda x, w: torch.einsum("bchw,bchv,bcvw->bcw", x, x, x),
    "einsum that only multiplies": lambda x, w: torch.einsum("bchw,bchw->bchw", x, x),
    "einsum of outer products": lambda x, w: torch.einsum(
        "bc,bh,bw->bchw", x.mean((2, 3)), x.mean((1, 3)), x.mean((1, 2))
    ),
    "einsum that sums before": lambda x, w: torch.einsum("bchw,hk->bck", x, w),
    "einsum of a diagonal": lambda x, w: torch.einsum("bchh,hk->bck", x, w),
    "einsum of one": lambda x, w: torch.einsum("bchw->bwhc", x),
    "einsum that broadcasts": lambda x, w: torch.einsum("bchw,bcwk->bchk", x, x[:, :1]),
    "einsum with an ellipsis": lambda x, w: torch.einsum("...hw,wk->...hk", x, w),
    "einsum with numbers": lambda x, w: torch.einsum(x, [0, 1, 2, 3], w, [3, 4], [0, 1, 2, 4]),
    "a quadratic form": lambda x, w: torch.einsum("i,ij,j->", w[0], x[0, 0], w[1]),
    "matmul": torch.matmul,
    "linalg.matmul": linalg.matmul,
    "matmul that broadcasts": lambda x, w: x[:, :1] @ w.expand(4, -1, -1),
    "matmul with a vector": lambda x, w: x @ w[0],
    "a vector matmul": lambda x, w: w[0] @ x,
    "mv": lambda x, w: torch.mv(x[0, 0], w[0]),
    "dot": lambda x, w: torch.dot(x[0, 0, 0], w[0]),
    "outer": lambda x, w: torch.outer(x[0, 0, 0], w[0]),
    "kron": lambda x, w: torch.kron(x, w[:2, :2]),
    "addmm": lambda x, w: torch.addmm(w, x[0, 0], w),
    "addmv": lambda x, w: torch.addmv(w[0], x[0, 0], w[0]),
    "addbmm": lambda x, w: torch.addbmm(w, x[0], x[0]),
    "baddbmm": lambda x, w: torch.baddbmm(x[0], x[0], x[0]),
    "linear": F.linear,
    "linear to one number": lambda x, w: F.linear(x, w[0]),
    "bilinear": lambda x, w: F.bilinear(x, x, w.expand(3, -1, -1)),
    "cdist": lambda x, w: torch.cdist(x, w),
    "vecdot": lambda x, w: linalg.vecdot(x, x),
    "cosine_similarity": lambda x, w: F.cosine_similarity(x, x),
    "matrix_exp": lambda x, w: linalg.matrix_exp(x),
    "attention": lambda x, w: F.scaled_dot_product_attention(x, x, x),
    "attention to fewer keys": lambda x, w: F.scaled_dot_product_attention(
        x, x[:, :, :5], x[:, :, :5, :7]
    ),
    "causal attention": lambda x, w: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "attention in groups": lambda x, w: F.scaled_dot_product_attention(
        x, x[:, :2], x[:, :2], enable_gqa=True
    ),
    "heads": attended(slice(None), need_weights=False),
    "heads and their weights": attended(slice(None)),
    "heads of one query": attended(slice(1)),
    "heads with added keys": attended(slice(1), added=True),
    "heads of separate projections": attended_apart,
}


class Multiplied(nn.Module):
    def __init__(self, product: Product) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.weight = nn.Parameter(torch.rand(16, 16))
        self.product = product

    def forward(self, x: Tensor) -> Tensor:
        return self.product(self.conv(x), self.weight)


@pytest.mark.filterwarnings("ignore:torch.chain_matmul is deprecated")
@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_products_count_as_the_flop_counter_counts_them(product: Product) -> None:
    with (
        FlopCounterMode(display=False) as counter,
        torch.no_grad(),
        sdpa_kernel(SDPBackend.MATH),
    ):
        expected = Multiplied(product)(torch.rand(1, 3, 16, 16))
    (model,) = rflint.lint(lambda: Multiplied(product), input=(1, 3, 16, 16)).models
    assert model.analysis.totals.macs == counter.get_total_flops() // 2
    assert model.analysis.architecture.output_shapes == (tuple(expected.shape),)
    assert model.analysis.complete
    assert not {x.layer.kind.value for x in model.layers} & {"measured", "unknown"}


class Pool(nn.Module):
    """One query, the mean of all positions, attends to all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2048, 8, stride=8)
        self.q, self.k, self.v, self.c = (nn.Linear(2048, 2048) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).flatten(2).permute(2, 0, 1)
        x = torch.cat([x.mean(0, keepdim=True), x])
        bias = torch.cat([self.q.bias, self.k.bias, self.v.bias])
        pooled, _ = F.multi_head_attention_forward(
            *(x[:1], x, x, x.shape[-1], 32, None, bias, None, None, False, 0.0),
            *(self.c.weight, self.c.bias),
            use_separate_proj_weight=True,
            q_proj_weight=self.q.weight,
            k_proj_weight=self.k.weight,
            v_proj_weight=self.v.weight,
            need_weights=False,
        )
        return pooled[0]


def test_an_attention_pool_is_attention_with_its_parameters() -> None:
    layers = rflint.lint(Pool, res=64).layers
    (attention,) = (x for x in layers if x.layer.kind.value == "attention")
    assert attention.layer.params == 4 * (2048 * 2048 + 2048)
    assert [axis.r_max for axis in attention.output_field] == [None, None]
