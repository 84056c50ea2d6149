"""The tensors in the results of models and operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from rflint.tracing.recording.unbacked import UnbackedNumber


def tensors_of(result: Any) -> Iterator[torch.Tensor]:
    """The tensors of a model's or an operator's result, whatever holds them."""
    if isinstance(result, torch.Tensor):
        yield result
    elif isinstance(result, UnbackedNumber):
        yield result.tensor
    elif isinstance(result, Mapping):
        for item in result.values():
            yield from tensors_of(item)
    elif isinstance(result, tuple | list):
        for item in result:
            yield from tensors_of(item)
    elif hasattr(result, "__dataclass_fields__"):
        for name in result.__dataclass_fields__:
            yield from tensors_of(getattr(result, name))
    else:
        # an object of the user's own
        yield from (
            x for x in getattr(result, "__dict__", {}).values() if isinstance(x, torch.Tensor)
        )
