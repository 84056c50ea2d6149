"""The side of rflint that knows torch: from a model to its architecture.

build (a module, weights on meta) -> inputs -> record (a torch.fx graph) -> lower (architecture)
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import nn

from rflint.architecture import Architecture
from rflint.errors import internal_error
from rflint.tracing.lower import lower
from rflint.tracing.meta import borrowed
from rflint.tracing.record import record
from rflint.tracing.recording import NO_EDITS, Edits


def trace(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    *,
    train: bool = False,
    edits: Edits = NO_EDITS,
) -> Architecture:
    """The architecture of `model` for these inputs; the model is left as it was.

    Raises InputMismatch or TraceFailed where the forward pass cannot be followed, InternalError
    where rflint has a bug.
    """
    with warnings.catch_warnings(), borrowed(model, train=train):
        warnings.simplefilter("ignore")
        recording = record(model, inputs, edits)
        try:
            return lower(model, recording, tuple(inputs[0].shape[2:]))
        except Exception as error:
            raise internal_error(error) from error
