"""Numbers that code takes out of tensors without values: what `.item()` gives.

Such a number can be printed, kept, returned, and computed with (the tensor it came from takes part
in its place). Only where a size or a branch depends on it does the analysis end.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import torch

from rflint.errors import DataDependent
from rflint.tracing.recording.guards.truth import assumed_truth, is_only_reported


class UnbackedNumber:
    """A number that only exists at run time."""

    def __init__(
        self, tensor: torch.Tensor, failure: DataDependent, note_assumption: Callable[..., bool]
    ):
        self.tensor = tensor
        """Of one element and no dimension."""
        self.failure = failure
        """What is raised where the number must be known."""
        self.note_assumption = note_assumption
        """Notes a truth value that is taken for granted, and returns it."""

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Has torch take the number where it takes a tensor; the recorder sees the call first."""
        return NotImplemented

    def require(self) -> NoReturn:
        """Raise what says that the number would have to be known."""
        raise self.failure

    def with_tensor(self, tensor: torch.Tensor) -> UnbackedNumber:
        """The number in another tensor, computed from this one."""
        return UnbackedNumber(tensor, self.failure, self.note_assumption)

    def __bool__(self) -> bool:
        found = assumed_truth(sys._getframe(1))
        if found is None:
            self.require()
        return self.note_assumption(found)

    def __float__(self) -> float:
        if not is_only_reported(sys._getframe(1)):
            self.require()
        return float("nan")

    def __int__(self) -> int:
        if not is_only_reported(sys._getframe(1)):
            self.require()
        return 0

    def __index__(self) -> int:
        self.require()

    def __complex__(self) -> complex:
        self.require()

    def __iter__(self) -> Any:
        raise TypeError("a number is not iterable")

    def __format__(self, specification: str) -> str:
        return printed_number(self.tensor.dtype, specification)

    def __repr__(self) -> str:
        return printed_number(self.tensor.dtype, "")

    def __hash__(self) -> int:
        return id(self)

    def __round__(self, digits: int | None = None) -> UnbackedNumber:
        return self

    def item(self) -> UnbackedNumber:
        """The number itself, as NumPy's numbers give it."""
        return self


def printed_number(dtype: torch.dtype, specification: str) -> str:
    """A number of this type in print, whatever it is."""
    number: Any = float("nan") if dtype.is_floating_point or dtype.is_complex else 0
    if dtype is torch.bool:
        number = False
    return format(number, specification)


def numbers_in(argument: Any) -> list[UnbackedNumber]:
    """The unbacked numbers in nested arguments."""
    if isinstance(argument, UnbackedNumber):
        return [argument]
    if isinstance(argument, (tuple, list)):
        return [found for item in argument for found in numbers_in(item)]
    if isinstance(argument, dict):
        return numbers_in(list(argument.values()))
    if isinstance(argument, slice):
        return numbers_in((argument.start, argument.stop, argument.step))
    return []


def _computed(function: Callable[..., Any], *, reflected: bool = False) -> Callable[..., Any]:
    def method(self: UnbackedNumber, *others: Any) -> Any:
        if not all(
            isinstance(x, (UnbackedNumber, int, float, complex, torch.Tensor)) for x in others
        ):
            return NotImplemented
        operands = [
            self.tensor,
            *(x.tensor if isinstance(x, UnbackedNumber) else x for x in others),
        ]
        result = function(*(reversed(operands) if reflected else operands))
        # with a tensor it makes a tensor
        is_number = not any(isinstance(x, torch.Tensor) for x in others)
        return self.with_tensor(result) if is_number else result

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    _function = getattr(operator, _name)
    setattr(UnbackedNumber, f"__{_name}__", _computed(_function))
    setattr(UnbackedNumber, f"__r{_name}__", _computed(_function, reflected=True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs"):
    setattr(UnbackedNumber, f"__{_name}__", _computed(getattr(operator, _name)))
