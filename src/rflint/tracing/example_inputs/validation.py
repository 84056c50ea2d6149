"""What may be given as `input=`: shapes, or example tensors, one for each input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from rflint.errors import UsageError

_WRAP = (
    "rflint gives inputs by position, and tensors only. Lint a small module around the model, "
    "whose forward takes the tensors one by one and passes them on as the model wants them."
)


def check_input_argument(value: Any) -> None:
    """Raises UsageError for what is neither shapes nor a tuple of tensors."""
    if value is None or isinstance(value, str):
        return
    if isinstance(value, torch.Tensor):
        raise UsageError("input= takes a shape or a tuple of example tensors, not one tensor")
    if isinstance(value, Mapping):
        raise _no_dictionary(value)
    if not isinstance(value, (tuple, list)):
        raise UsageError(
            f"input= takes a shape, a list of shapes or a tuple of tensors, not {value!r}"
        )
    if any(isinstance(item, torch.Tensor) for item in value):
        for item in value:
            if not isinstance(item, torch.Tensor):
                raise UsageError(
                    f"input= holds tensors, and beside them {_described(item)}",
                    hint="A number is a tensor too: torch.tensor(3)."
                    if isinstance(item, (int, float))
                    else _WRAP,
                )
        return
    if value and all(isinstance(item, int) for item in value):
        _check_shape(value)
        return
    for item in value:
        if isinstance(item, (str, torch.Size)):
            continue
        if isinstance(item, (tuple, list)) and any(isinstance(x, torch.Tensor) for x in item):
            raise UsageError("input= takes no lists of tensors within it", hint=_WRAP)
        if isinstance(item, Mapping):
            raise _no_dictionary(item)
        if not isinstance(item, (tuple, list)):
            raise UsageError(
                f"input= takes shapes or tensors, and {_described(item)} is neither",
                hint="Shapes are whole numbers, tensors are torch's: torch.from_numpy(...).",
            )
        _check_shape(item)


def _no_dictionary(value: Mapping[Any, Any]) -> UsageError:
    names = ", ".join(map(repr, value))
    return UsageError(f"input= takes no dictionary (of {names})", hint=_WRAP)


def _check_shape(shape: Any) -> None:
    if not all(isinstance(size, int) and size > 0 for size in shape):
        raise UsageError(f"a shape is made of positive whole numbers, not {tuple(shape)!r}")


def _described(item: Any) -> str:
    if item is None or isinstance(item, (int, float)):
        return repr(item)
    return f"an object of {type(item).__name__}"
