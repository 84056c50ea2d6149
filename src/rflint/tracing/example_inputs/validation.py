"""What may be given as `input=`: shapes, tensors and constants, nested as forward takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from rflint.errors import UsageError
from rflint.inputs.given import is_shape
from rflint.inputs.parts import is_object_of_parts


def check_input_argument(value: Any) -> None:
    """Raises UsageError for what holds neither shapes nor tensors."""
    if value is None or isinstance(value, str):
        return
    if isinstance(value, torch.Tensor):
        raise UsageError(
            "input= takes a shape or a tuple of example tensors, not one tensor",
            hint="Write input=(tensor,).",
        )
    if is_object_of_parts(value):
        return
    if not isinstance(value, (tuple, list, Mapping)):
        raise UsageError(
            f"input= takes a shape, a list of shapes or a tuple of tensors, or a dictionary of "
            f"them by name, not {value!r}"
        )
    _check(value)


def _check(value: Any) -> None:
    if value is None or isinstance(value, (str, torch.Tensor, bool, int, float)):
        return
    if is_object_of_parts(value):
        return  # which has whatever forward wants
    if is_shape(value):
        if not all(size > 0 for size in value):
            raise _no_shape(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            _check(item)
    elif isinstance(value, (tuple, list)):
        if value and all(isinstance(item, (int, float)) for item in value):
            raise _no_shape(value)
        for item in value:
            _check(item)
    else:
        raise UsageError(
            f"input= takes shapes or tensors, and an object of {type(value).__name__} is neither",
            hint="Shapes are whole numbers, tensors are torch's: torch.from_numpy(...).",
        )


def _no_shape(shape: Any) -> UsageError:
    return UsageError(f"a shape is made of positive whole numbers, not {tuple(shape)!r}")
