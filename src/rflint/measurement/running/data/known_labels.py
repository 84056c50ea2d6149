"""The labels of a data set that has them apart from its samples: reading images takes long."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, Subset, TensorDataset

_LISTS = ("targets", "labels")
"""What data sets call the list of their labels: those of torchvision, and others after them."""
_PAIRS = ("samples", "imgs")
"""What they call lists of a file and its label."""


@runtime_checkable
class LabelsKnown(Protocol):
    """A data set of rflint's own whose labels are known without reading the samples."""

    @property
    def known_labels(self) -> Tensor:
        """The class of each sample."""


def known_labels(source: Any) -> Tensor | None:
    """The class of each sample, as the data set itself lists them; None where it does not.

    A list may mean something else than what its samples come with: who asks has to compare.
    """
    if isinstance(source, LabelsKnown):
        return source.known_labels
    if isinstance(source, Subset):
        known = known_labels(source.dataset)
        return None if known is None else known[torch.as_tensor(source.indices, dtype=torch.long)]
    if isinstance(source, ConcatDataset):
        parts = [known_labels(part) for part in source.datasets]
        there = [part for part in parts if part is not None]
        return torch.cat(there) if len(there) == len(parts) else None
    if isinstance(source, TensorDataset):
        return _as_classes(source.tensors[-1], len(source))
    if getattr(source, "target_transform", None) is not None:
        return None
    for name in _LISTS:
        found = _as_classes(_attribute(source, name), len(source))
        if found is not None:
            return found
    for name in _PAIRS:
        listed = _attribute(source, name)
        if isinstance(listed, list) and all(isinstance(x, tuple) and len(x) == 2 for x in listed):
            return _as_classes([label for _, label in listed], len(source))
    return None


def _attribute(source: Any, name: str) -> Any:
    with suppress(Exception):  # a property of the user's may raise: the samples will tell
        return getattr(source, name, None)
    return None


def _as_classes(listed: Any, number: int) -> Tensor | None:
    """Whole numbers from 0, one for each sample; None for anything else."""
    if listed is None or callable(listed):
        return None
    try:
        found = torch.as_tensor(listed)
    except (TypeError, ValueError, RuntimeError):
        return None
    if found.dim() == 2 and found.shape[1] == 1:
        found = found[:, 0]
    is_whole = not (found.is_floating_point() or found.is_complex())
    if not is_whole or found.shape != (number,) or (number and int(found.min()) < 0):
        return None
    return found.long().cpu()
