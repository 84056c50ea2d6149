"""torch.vmap as a loop over samples, since it hides from Python what its function does."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils import _pytree as pytree

from rflint.errors import UnsupportedByTracer

_MOST = 64
"""So many samples are followed one by one."""


@contextmanager
def vmap_unrolled() -> Iterator[None]:
    """Have torch.vmap, called by this thread meanwhile, call its function once for each sample."""
    apis = sys.modules.get("torch._functorch.apis")
    vmap = sys.modules.get("torch._functorch.vmap")
    if apis is None or vmap is None:
        yield  # no code has loaded torch.vmap
        return
    original = apis.vmap_impl
    ours = threading.get_ident()

    def looping(
        function: Callable[..., Any],
        in_dims: Any,
        out_dims: Any,
        randomness: str,
        chunk_size: int | None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        if threading.get_ident() != ours:
            return original(function, in_dims, out_dims, randomness, chunk_size, *args, **kwargs)
        number, dims, leaves, spec = vmap._process_batched_inputs(in_dims, args, function)
        if number > _MOST:
            raise UnsupportedByTracer(
                f"this maps a function over {number} samples; up to {_MOST} are followed"
            )
        results = []
        for i in range(number):
            one = [
                x if dim is None else x.select(dim, i) for x, dim in zip(leaves, dims, strict=True)
            ]
            results.append(function(*pytree.tree_unflatten(one, spec), **kwargs))
        return _stacked(results, out_dims)

    apis.vmap_impl = looping  # type: ignore[attr-defined]
    try:
        yield
    finally:
        apis.vmap_impl = original  # type: ignore[attr-defined]


def _stacked(results: Sequence[Any], out_dims: Any) -> Any:
    """The results for all samples, each of their tensors with a dimension for the samples."""
    leaves = [pytree.tree_flatten(result)[0] for result in results]
    spec = pytree.tree_flatten(results[0])[1]
    alone = isinstance(results[0], torch.Tensor) and isinstance(out_dims, tuple)
    dims = pytree._broadcast_to_and_flatten(out_dims[0] if alone else out_dims, spec)
    if dims is None:
        raise ValueError(f"vmap: out_dims {out_dims} do not fit the structure of the outputs")
    stacked = [
        items[0] if dim is None else torch.stack(items, dim)
        for items, dim in zip(zip(*leaves, strict=True), dims, strict=True)
    ]
    return pytree.tree_unflatten(stacked, spec)
