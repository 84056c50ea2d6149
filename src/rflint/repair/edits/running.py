"""Whether a changed model runs, forward and backward, as PyTorch itself runs it.

The recorder has stand-ins for torch's layers and for values. What is written into a file is run
without them before it is called good: on the meta device, or on random weights where the model
reads values. (Not in every lint: the first batch normalisation on meta loads a good part of
torch's compiler, which takes seconds.)
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from enum import Enum

import torch
from torch import nn

from rflint.errors import RepairFailed, error_text
from rflint.tracing.model.meta_device import META
from rflint.tracing.recording.tensors import tensors_of

_MOST_ELEMENTS = 1 << 27
"""A model with more elements than this is not given weights for a trial."""

Shapes = tuple[tuple[int, ...], ...]


class Ground(Enum):
    """Where a model can be run without the weights that it was trained to have."""

    META = "meta"
    VALUES = "values"
    """With random weights: it reads values on its way."""


def check_runs(
    original: nn.Module, changed: nn.Module, inputs: Sequence[torch.Tensor], *, train: bool
) -> None:
    """Run a changed model wherever the original runs: in evaluation, in training, and backward.

    Both models, and `inputs`, have their storage on meta; they are copied. `train`: the inputs are
    those of training already. Raises RepairFailed where the changed model fails, or returns
    something else in evaluation.
    """
    for training in (False, True):
        # batch normalisation in training needs more than one value
        given = inputs if train or not training else [torch.cat([x, x]) for x in inputs]
        expected = _somewhere(original, given, train=training)
        if expected is None:
            continue  # nor does the original run
        ground, shapes = expected
        when = "in training" if training else "in evaluation"
        try:
            returned = _run(changed, given, ground, train=training)
        except Exception as error:
            raise RepairFailed(f"the changed model fails {when}: {error_text(error)}") from error
        # auxiliary heads, which training returns, may have gone
        if returned != (shapes[: len(returned)] if training else shapes):
            raise RepairFailed(f"the changed model returns other shapes {when}")


def _somewhere(
    model: nn.Module, inputs: Sequence[torch.Tensor], *, train: bool
) -> tuple[Ground, Shapes] | None:
    """Where a model runs, and the shapes that it returns; None where it does not run."""
    for ground in Ground:
        try:
            return ground, _run(model, inputs, ground, train=train)
        except Exception:  # of whatever kind: then this is no ground to run it on
            continue
    return None


def _run(
    model: nn.Module, inputs: Sequence[torch.Tensor], ground: Ground, *, train: bool
) -> Shapes:
    """Run a copy of a model forward, and in training backward too; the shapes that it returns."""
    device = META if ground is Ground.META else torch.device("cpu")
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        running = _put(copy.deepcopy(model), ground)
        for module in running.modules():
            module.training = train
        given = [_placed(tensor, ground) for tensor in inputs]
        with device, torch.set_grad_enabled(train):
            returned = list(tensors_of(running(*given)))
            losses = [
                tensor.sum()
                for tensor in returned
                if tensor.requires_grad and (tensor.is_floating_point() or tensor.is_complex())
            ]
            if losses:
                torch.autograd.backward(losses, [torch.ones_like(loss) for loss in losses])
    return tuple(tuple(tensor.shape) for tensor in returned)


def _put(model: nn.Module, ground: Ground) -> nn.Module:
    """Move all tensors that a model holds, parameters and buffers and attributes, to a ground."""
    elements = sum(tensor.numel() for tensor in model.state_dict().values())
    if ground is Ground.VALUES and elements > _MOST_ELEMENTS:
        raise MemoryError(f"{elements} elements are too many for a trial")
    twins: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for held in (module._parameters, module._buffers, vars(module)):
            for name, value in list(held.items()):
                if isinstance(value, torch.Tensor):
                    if id(value) not in twins:
                        twins[id(value)] = _twin(value, ground)
                    held[name] = twins[id(value)]  # type: ignore[assignment]
    return model


def _twin(tensor: torch.Tensor, ground: Ground) -> torch.Tensor:
    placed = _placed(tensor.detach(), ground)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(placed, requires_grad=tensor.requires_grad)
    return placed


def _placed(tensor: torch.Tensor, ground: Ground) -> torch.Tensor:
    if ground is Ground.META:
        return tensor.to(META)
    if tensor.device.type != "meta":
        return tensor.clone()
    if tensor.is_floating_point():
        return torch.rand(tensor.shape).to(tensor.dtype)
    return torch.zeros(tensor.shape, dtype=tensor.dtype)
