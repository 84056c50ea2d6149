"""What a repaired model must be, held against the model itself and not against rflint."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from rflint.tracing.recording.tensors import tensors_of


def faults(original: nn.Module, repaired: nn.Module, inputs: Sequence[torch.Tensor]) -> list[str]:
    """Everything that is wrong with a repaired model; nothing for a good one.

    It must return what the original returns, in shape; keep the weights of what it keeps; take the
    original's state dict; and be trained: gradients reach every parameter that it has left, but for
    those that they do not reach in the original either.
    """
    found = [*_wrong_weights(original, repaired), *_wrong_state_dict(original, repaired)]
    for train in (False, True):
        # batch normalisation in training needs more than one value
        batch = [torch.cat([x, x]) if train else x for x in inputs]
        expected = _shapes(original.train(train), batch)
        if expected is None:
            continue  # nor does the original run
        try:
            shapes = _shapes(repaired.train(train), batch, again=True)
        except Exception as error:
            found.append(f"fails with train={train}: {type(error).__name__}: {error}")
            continue
        # auxiliary heads may have gone, and return nothing in training then
        returned = expected[: len(shapes or ())] if train else expected
        if shapes != returned:
            found.append(f"returns {shapes} and not {expected}, with train={train}")
    before = _unreached(original, inputs)
    try:
        unreached = _unreached(repaired, inputs) - before
    except RuntimeError as error:
        return [*found, f"gradients fail: {error}"]
    return found + [f"no gradient for {name}" for name in sorted(unreached)]


def _wrong_weights(original: nn.Module, repaired: nn.Module) -> list[str]:
    before = original.state_dict()
    return [
        f"{name} has changed"
        for name, tensor in repaired.state_dict().items()
        if name in before and not _equal(tensor, before[name])
    ]


def _equal(a: Any, b: Any) -> bool:
    """Bit by bit: weights that are not initialised may be NaN."""
    if not isinstance(a, torch.Tensor):
        return bool(a == b)
    if a.is_quantized:
        return torch.equal(a.int_repr(), b.int_repr())
    return torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))


def _wrong_state_dict(original: nn.Module, repaired: nn.Module) -> list[str]:
    before, after = original.state_dict(), repaired.state_dict()
    try:
        missing, unexpected = repaired.load_state_dict(before, strict=False)
    except RuntimeError as error:
        return [f"the state dict does not load: {error}"]
    new, gone = after.keys() - before.keys(), before.keys() - after.keys()
    if (set(missing), set(unexpected)) == (new, gone):
        return []
    return [f"of the state dict, {missing} are missing and {unexpected} unexpected"]


def _shapes(
    model: nn.Module, inputs: Sequence[torch.Tensor], *, again: bool = False
) -> list[tuple[int, ...]] | None:
    try:
        with torch.no_grad():
            return [tuple(tensor.shape) for tensor in tensors_of(model(*inputs))]
    except Exception:
        if again:
            raise
        return None


def _unreached(model: nn.Module, inputs: Sequence[torch.Tensor]) -> set[str]:
    """Parameters without a gradient, in training and in evaluation."""
    names = {name for name, p in model.named_parameters() if p.requires_grad}
    for train in (False, True):
        model.train(train).zero_grad(set_to_none=True)
        batch = [torch.cat([x, x]) if train else x for x in inputs]
        try:
            total = sum(t.float().sum() for t in tensors_of(model(*batch)) if t.is_floating_point())
        except Exception:  # judged elsewhere
            continue
        if isinstance(total, torch.Tensor) and total.requires_grad:
            torch.autograd.backward(total)
        names -= {name for name, p in model.named_parameters() if p.grad is not None}
    return names


def random_inputs(shapes: Sequence[Sequence[int]], like: nn.Module) -> list[torch.Tensor]:
    """Random images of these shapes, in the model's type of numbers."""
    kinds = (p.dtype for p in itertools.chain(like.parameters(), like.buffers()))
    dtype = next((kind for kind in kinds if kind.is_floating_point), torch.float32)
    return [torch.randn(*shape).to(dtype) for shape in shapes]
