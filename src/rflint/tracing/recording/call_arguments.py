"""The arguments of calls with plain integers where sizes are meant that come as tensors."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch

from rflint.tracing.recording.tensor_tracker import TensorTracker
from rflint.tracing.recording.unbacked import UnbackedNumber, numbers_in

_SIZED = frozenset(
    {"pad", "view", "reshape", "expand", "repeat", "tile", "permute", "narrow", "select", "roll"}
    | {"interpolate", "upsample", "unfold", "fold", "unflatten", "flatten", "split", "chunk"}
    | {"tensor_split", "split_with_sizes", "getitem", "repeat_interleave", "flip", "unsqueeze"}
    | {"squeeze", "transpose", "movedim", "resize", "as_strided", "diagonal", "topk", "cumsum"}
    | {f"{name}{n}d" for n in (1, 2, 3) for name in ("conv", "conv_transpose")}
    | {f"{kind}_pool{n}d" for n in (1, 2, 3) for kind in ("max", "avg", "lp")}
    | {f"adaptive_{kind}_pool{n}d" for n in (1, 2, 3) for kind in ("max", "avg")}
)
"""Functions whose arguments behind the first are sizes, dimensions and positions."""

_PLAIN = (int, float, complex, str, type(None), torch.dtype, torch.device)


class CallArguments:
    """Makes known what is known of the arguments of the calls in one forward pass."""

    def __init__(self, tracker: TensorTracker) -> None:
        self.may_be_unbacked = False
        """Whether there are unbacked numbers at all, which few models have."""
        self._tracker = tracker

    def with_known_sizes(
        self, spelling: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call with plain integers in the place of those that are tensors.

        Numbers that only exist at run time become the tensors that they came from, where no size
        depends on them; else this raises DataDependent.
        """
        sized = spelling in _SIZED
        if self.may_be_unbacked:
            unbacked = numbers_in((args, kwargs))
            if unbacked and sized:
                unbacked[0].require()
            if unbacked:
                args, kwargs = _changed((args, kwargs), _tensor_of)
        if sized:
            args = (*args[:1], *_changed(args[1:], self._size))
            kwargs = _changed(kwargs, self._size)
        return args, kwargs

    def check_known(self, argument: Any) -> None:
        """Raises DataDependent where an argument is a number that only exists at run time."""
        if self.may_be_unbacked:
            for number in numbers_in(argument):
                number.require()

    def _size(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            whole = not (value.dtype.is_floating_point or value.dtype.is_complex)
            if value.dim() == 0 and whole and value.dtype is not torch.bool:
                return int(value) if self._tracker.has_values(value) else value
            return value
        if not isinstance(value, _PLAIN) and hasattr(value, "__index__") and not _rank(value):
            return operator.index(value)
        return value


def _rank(value: Any) -> int:
    return len(getattr(value, "shape", ()))


def _tensor_of(value: Any) -> Any:
    return value.tensor if isinstance(value, UnbackedNumber) else value


def _changed(argument: Any, change: Callable[[Any], Any]) -> Any:
    """Nested arguments with every leaf changed; what does not change stays the same object."""
    if type(argument) in (int, float, bool, str, type(None)):
        return argument
    if isinstance(argument, (tuple, list)):
        items = [_changed(item, change) for item in argument]
        if all(a is b for a, b in zip(items, argument, strict=True)):
            return argument
        return items if isinstance(argument, list) else tuple(items)
    if isinstance(argument, dict):
        return {key: _changed(item, change) for key, item in argument.items()}
    if isinstance(argument, slice):
        bounds = (argument.start, argument.stop, argument.step)
        return slice(*(_changed(bound, change) for bound in bounds))
    return change(argument)
