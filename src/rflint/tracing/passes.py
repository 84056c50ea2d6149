"""Further forward passes of a traced model: the next one, and those in the other mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from rflint.errors import RflintError
from rflint.graph.architecture import Architecture
from rflint.inputs.tracing_options import TracingOptions
from rflint.tracing.example_inputs.variants import batch_dimensions, with_batch
from rflint.tracing.trace import trace, trace_batch


def later_passes(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    first: Architecture,
    options: TracingOptions,
) -> tuple[Architecture, ...] | None:
    """What passes after the first do, in the same mode, if they may do something else.

    A pass that leaves the model's state as it was is what the next one will be. One that stores
    something (the size that it met, a mask) may lead to another, which is followed. None where that
    one changes the state again, or where numbers were drawn to decide what to do.
    """
    if first.is_random:
        return None
    if not first.changes_state:
        return ()
    try:
        second = trace(model, inputs, replace(options, layouts=first.declared_layouts), number=2)
    except RflintError:
        return None
    return None if second.is_random or second.changes_state else (second,)


def passes_in_mode(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    other: Architecture,
    options: TracingOptions,
) -> tuple[Architecture, ...] | None:
    """What all passes of a model in a mode do, if that can be known.

    `other` is its architecture in the other mode. None where a pass fails or ends before the model
    does, or where numbers are drawn to decide what to do.
    """
    options = replace(options, layouts=other.declared_layouts)
    for batch in _batches(inputs, other.layouts, train=options.train):
        try:
            first = trace(model, batch, options)
        except RflintError:
            continue
        if first.left_out is not None:
            return None
        later = later_passes(model, batch, first, options)
        return None if later is None else (first, *later)
    return None


SAMPLES = 3
"""How many times the batch is taken to see what becomes of samples."""


def pass_along_batch(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    other: Architecture,
    options: TracingOptions,
) -> Architecture | None:
    """A pass in evaluation with several samples, with the batch as its one axis.

    None where the model does not take several samples, or cannot be followed to its end.
    """
    options = replace(options, layouts=other.declared_layouts, train=False)
    try:
        found = trace_batch(model, with_batch(inputs, other.layouts, SAMPLES), options)
    except RflintError:
        return None
    return None if found.left_out is not None or found.is_random else found


def _batches(
    inputs: Sequence[torch.Tensor], layouts: Sequence[str], *, train: bool
) -> list[Sequence[torch.Tensor]]:
    """Batch normalisation in training needs more than one value; some code takes one image only."""
    at = batch_dimensions(inputs, layouts)
    alone = any(x.dim() for x in inputs) and all(
        dim is None or x.shape[dim] == 1 for x, dim in zip(inputs, at, strict=True)
    )
    return [with_batch(inputs, layouts, 2), inputs] if train and alone else [inputs]
