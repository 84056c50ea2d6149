"""Further forward passes of a model that was followed once: in the other mode, and the next one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from rflint.architecture import Architecture
from rflint.errors import RflintError
from rflint.tracing import trace


def next_passes(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    first: Architecture,
    *,
    train: bool,
    tracer: str,
) -> tuple[Architecture, ...] | None:
    """What passes after the first do, in the same mode, if they may do something else.

    A pass that leaves the model's state as it was is what the next one will be. One that stores
    something (the size that it met, a mask) may lead to another, which is followed. None where that
    one changes the state again, or where numbers were drawn to decide what to do.
    """
    if first.by_chance:
        return None
    if not first.changes_state:
        return ()
    try:
        second = trace(model, inputs, train=train, tracer=tracer, number=2)
    except RflintError:
        return None
    return None if second.by_chance or second.changes_state else (second,)


def passes_in(
    model: nn.Module, inputs: Sequence[torch.Tensor], *, train: bool, tracer: str
) -> tuple[Architecture, ...] | None:
    """What all passes in a mode do; None where that cannot be known."""
    for batch in _batches(inputs, train=train):
        try:
            first = trace(model, batch, train=train, tracer=tracer)
        except RflintError:
            continue
        if first.left_out is not None:
            return None
        more = next_passes(model, batch, first, train=train, tracer=tracer)
        return None if more is None else (first, *more)
    return None


def _batches(inputs: Sequence[torch.Tensor], *, train: bool) -> list[Sequence[torch.Tensor]]:
    """Batch normalisation in training needs more than one value; some code takes one image only."""
    twice = [
        torch.empty((2, *x.shape[1:]), dtype=x.dtype, device=x.device) if x.dim() else x
        for x in inputs
    ]
    alone = all(x.dim() and x.shape[0] == 1 for x in inputs)
    return [twice, inputs] if train and alone else [inputs]
