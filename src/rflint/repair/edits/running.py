"""Whether a changed model runs, forward and backward, as PyTorch itself runs it.

Tracing replaces torch's layers and values by stand-ins. What is written into a file is run without
them before it is called good: on the meta device, or on random weights where the model
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
from rflint.inputs.forward_call import BY_POSITION, ForwardCall
from rflint.tracing.model.lightning import keep_from_logging, trainers_of
from rflint.tracing.model.meta_device import META
from rflint.tracing.model.tree import modules
from rflint.tracing.recording.tensors import tensors_of

_MOST_ELEMENTS = 1 << 27
"""A model with more elements than this is not given weights for a trial."""

Shapes = tuple[tuple[int, ...], ...]


class Trial(Enum):
    """A way to run a model without the weights that it was trained to have."""

    ON_META = "on the meta device"
    WITH_RANDOM_WEIGHTS = "with random weights"
    """For models that read values on their way."""


def check_runs(
    original: nn.Module,
    changed: nn.Module,
    inputs: Sequence[torch.Tensor],
    *,
    train: bool,
    call: ForwardCall = BY_POSITION,
) -> None:
    """Run a changed model wherever the original runs: in evaluation, in training, and backward.

    Both models, and `inputs`, have their storage on meta; they are copied. `train`: the inputs are
    those of training already. Raises RepairFailed where the changed model fails, or returns
    something else in evaluation.
    """
    for training in (False, True):
        # batch normalisation in training needs more than one value
        given = (
            inputs
            if train or not training
            else [torch.cat([x, x]) if x.dim() else x for x in inputs]
        )
        expected = _first_trial(original, given, call, train=training)
        if expected is None:
            continue  # nor does the original run
        trial, shapes = expected
        when = "in training" if training else "in evaluation"
        try:
            returned = _run(changed, given, call, trial, train=training)
        except Exception as error:
            raise RepairFailed(f"the changed model fails {when}: {error_text(error)}") from error
        # auxiliary heads, which training returns, may have gone
        if returned != (shapes[: len(returned)] if training else shapes):
            raise RepairFailed(f"the changed model returns other shapes {when}")


def _first_trial(
    model: nn.Module, inputs: Sequence[torch.Tensor], call: ForwardCall, *, train: bool
) -> tuple[Trial, Shapes] | None:
    """How a model runs, and the shapes that it returns; None where it does not run."""
    for trial in Trial:
        try:
            return trial, _run(model, inputs, call, trial, train=train)
        except Exception:  # of whatever kind: then the model does not run that way
            continue
    return None


def _run(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    call: ForwardCall,
    trial: Trial,
    *,
    train: bool,
) -> Shapes:
    """Run a copy of a model forward, and in training backward too; the shapes that it returns."""
    device = META if trial is Trial.ON_META else torch.device("cpu")
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        running = _made_ready(copy.deepcopy(model, trainers_of(modules(model))), trial)
        keep_from_logging(modules(running))
        for module in running.modules():
            module.training = train
        args, kwargs = call.with_inputs([_placed(tensor, trial) for tensor in inputs])
        with device, torch.set_grad_enabled(train):
            returned = list(tensors_of(running(*args, **kwargs)))
            losses = [
                tensor.sum()
                for tensor in returned
                if tensor.requires_grad and (tensor.is_floating_point() or tensor.is_complex())
            ]
            if losses:
                torch.autograd.backward(losses, [torch.ones_like(loss) for loss in losses])
    return tuple(tuple(tensor.shape) for tensor in returned)


def _made_ready(model: nn.Module, trial: Trial) -> nn.Module:
    """Put all tensors that a model holds, in parameters, buffers, attributes, where it is run."""
    elements = sum(tensor.numel() for tensor in model.state_dict().values())
    if trial is Trial.WITH_RANDOM_WEIGHTS and elements > _MOST_ELEMENTS:
        raise MemoryError(f"{elements} elements are too many for a trial")
    moved: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for held in (module._parameters, module._buffers, vars(module)):
            for name, value in list(held.items()):
                if isinstance(value, torch.Tensor):
                    if id(value) not in moved:
                        moved[id(value)] = _moved(value, trial)
                    held[name] = moved[id(value)]  # type: ignore[assignment]
    return model


def _moved(tensor: torch.Tensor, trial: Trial) -> torch.Tensor:
    """A tensor of a model, still a parameter where it is one."""
    placed = _placed(tensor.detach(), trial)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(placed, requires_grad=tensor.requires_grad)
    return placed


def _placed(tensor: torch.Tensor, trial: Trial) -> torch.Tensor:
    """A copy of a tensor, with values of its own where it had none and needs some."""
    if trial is Trial.ON_META:
        return tensor.to(META)
    if tensor.device.type != "meta":
        return tensor.clone()
    if tensor.is_floating_point():
        return torch.rand(tensor.shape).to(tensor.dtype)
    return torch.zeros(tensor.shape, dtype=tensor.dtype)
