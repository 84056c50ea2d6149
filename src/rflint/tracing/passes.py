"""Further forward passes of a model that was followed once: in the other mode, and the next one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from rflint.errors import RflintError
from rflint.graph.architecture import Architecture
from rflint.tracing.example_inputs.variants import batch_dimensions, doubled
from rflint.tracing.trace import trace


def later_passes(
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
        layouts = first.declared
        second = trace(model, inputs, train=train, tracer=tracer, number=2, layouts=layouts)
    except RflintError:
        return None
    return None if second.by_chance or second.changes_state else (second,)


def passes_in_mode(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    known: Architecture,
    *,
    train: bool,
    tracer: str,
) -> tuple[Architecture, ...] | None:
    """What all passes in a mode do, of a model that is `known` in another; None: nobody knows."""
    layouts = known.declared
    for batch in _batches(inputs, known.layouts, train=train):
        try:
            first = trace(model, batch, train=train, tracer=tracer, layouts=layouts)
        except RflintError:
            continue
        if first.left_out is not None:
            return None
        more = later_passes(model, batch, first, train=train, tracer=tracer)
        return None if more is None else (first, *more)
    return None


def _batches(
    inputs: Sequence[torch.Tensor], layouts: Sequence[str], *, train: bool
) -> list[Sequence[torch.Tensor]]:
    """Batch normalisation in training needs more than one value; some code takes one image only."""
    at = batch_dimensions(inputs, layouts)
    alone = any(x.dim() for x in inputs) and all(
        dim is None or x.shape[dim] == 1 for x, dim in zip(inputs, at, strict=True)
    )
    return [doubled(inputs, layouts), inputs] if train and alone else [inputs]
