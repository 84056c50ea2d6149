"""Run an operator for real, on made-up numbers of the shapes that it has in the model.

That is how the results of a library's operator become known where PyTorch has no kernel for
tensors without storage, and what the lowering probes operators with that are in no table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

import torch

from rflint.operators.call import mapped, tensors_in

MOST_ELEMENTS = 1 << 24
"""Operators on more elements than this, weights counted in, are not run."""

_SEED = 1


class CannotRun(Exception):
    """The operator does not run on real tensors, or is too large to; the message says which."""


def check_sizes(shapes: Iterable[Sequence[int]]) -> None:
    """Raise CannotRun where an operator's tensors take too much memory, all of them together."""
    shapes = list(shapes)
    if sum(map(prod, shapes)) > MOST_ELEMENTS:
        largest = max(shapes, key=prod)
        raise CannotRun(f"its tensors are too large ({'x'.join(map(str, largest))})")


def realistic(shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """A tensor to run an operator on: positive numbers, zeros where it must be an index."""
    check_sizes([shape])
    if dtype.is_complex:
        return torch.rand(*shape, dtype=torch.complex64)
    if dtype.is_floating_point:
        return torch.rand(*shape) + 0.5
    return torch.zeros(*shape, dtype=dtype)


def run_on_copies(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call a function on copies of its arguments, random numbers always the same.

    Raises CannotRun where the call fails.
    """
    args, kwargs = mapped((args, kwargs), torch.Tensor, torch.Tensor.clone)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(_SEED)
            return function(*args, **kwargs)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise CannotRun(f"running it gives {type(error).__name__}: {reason}") from error


def results_like(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Tensors without storage like those that a call returns, found by running it.

    Raises CannotRun where the call fails.
    """
    check_sizes(tensor.shape for tensor in tensors_in((args, kwargs)))
    args, kwargs = mapped(
        (args, kwargs), torch.Tensor, lambda tensor: realistic(tensor.shape, tensor.dtype)
    )
    return mapped(run_on_copies(function, args, kwargs), torch.Tensor, _without_storage)


def _without_storage(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
