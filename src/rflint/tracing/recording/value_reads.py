"""Where code asks a tensor for its numbers, though the tensor has none.

Three ways out, before the analysis has to end there: the answer makes no difference or is meant to
hold (see branches.py), the number is only carried about (see unread.py), or it is a size that was
computed from sizes and constants, and is known after all.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

import torch

from rflint.errors import DataDependent
from rflint.graph.source_location import SourceLocation
from rflint.operators.shapes import show
from rflint.tracing.recording.branches import Answer, answer, asserts, only_reports
from rflint.tracing.recording.call_site import CallSite
from rflint.tracing.recording.failures import needs_values
from rflint.tracing.recording.tensor_tracker import TensorTracker
from rflint.tracing.recording.unbacked import UnbackedNumber, numbers_in, shown
from rflint.usercode.source_lines import innermost_line

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


class ValueReads:
    """Answers for the code of one model."""

    def __init__(
        self,
        tracker: TensorTracker,
        call_site: CallSite,
        call: Callable[..., torch.Tensor],
    ) -> None:
        self._tracker = tracker
        self.assumed: dict[SourceLocation, None] = {}
        """The lines whose assertions were taken to hold, in the order in which they were met."""
        self._call_site = call_site
        self._call = call
        self._has_unread = False

    # -- what is asked

    def printed(self, tensor: torch.Tensor, args: tuple[Any, ...]) -> str:
        """A tensor without numbers, as text."""
        if tensor.dim() == 0:
            return shown(tensor.dtype, str(args[1]) if len(args) > 1 else "")
        return f"tensor(..., size={tuple(tensor.shape)}, dtype={tensor.dtype})"

    def read(self, spelling: str, args: tuple[Any, ...], tensor: torch.Tensor) -> Any:
        """What a call returns that reads numbers; raises DataDependent where that must be known."""
        frame = sys._getframe(1)
        what = f"{spelling}() of a {show(tensor.shape)} tensor"
        failure = needs_values(what, innermost_line(frame))
        if spelling in ("bool", "is_nonzero") and tensor.numel() == 1:
            found = answer(frame)
            if found is not None:
                return self._assumes(found)
        if spelling == "item" and tensor.numel() == 1:
            checked = asserts(frame)
            if checked is not None and tensor.dtype is torch.bool:
                return self._assumes(Answer(True, checked))
            return self._unread(tensor, failure)
        if spelling in ("equal", "allclose") and len(args) > 1:
            return self._alike(spelling, args, failure)
        if spelling in ("float", "int", "tolist", "item") and only_reports(frame):
            nothing = torch.zeros(tensor.shape, dtype=tensor.dtype)
            return {"float": float, "int": int}.get(spelling, torch.Tensor.tolist)(nothing)
        raise failure

    def _unread(self, tensor: torch.Tensor, failure: DataDependent) -> UnbackedNumber:
        self._has_unread = True
        if tensor.dim():
            tensor = self._call(torch.Tensor.reshape, "reshape", (tensor, ()), {})
        return UnbackedNumber(tensor, failure, self._assumes)

    def _alike(self, spelling: str, args: tuple[Any, ...], failure: DataDependent) -> Any:
        """Whether two tensors are the same."""
        first, second = args[:2]
        if spelling == "equal" and first.shape != second.shape:
            return False
        function, name = (torch.eq, "eq") if spelling == "equal" else (torch.isclose, "isclose")
        same = self._call(function, name, (first, second), {})
        return self._unread(self._call(torch.all, "all", (same,), {}), failure)

    def asserted(self) -> None:
        """Note that torch was told to assert something."""
        found = self._call_site()
        if found is not None:
            self.assumed[found] = None

    def _assumes(self, found: Answer) -> bool:
        if found.assumed is not None:
            self.assumed[found.assumed] = None
        return found.value

    # -- what is passed on

    def with_known_sizes(
        self, spelling: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call with plain integers in the place of those that are tensors.

        Numbers that only exist at run time become the tensors that they came from, where no size
        depends on them; else this raises DataDependent.
        """
        sized = spelling in _SIZED
        if self._has_unread:
            unread = numbers_in((args, kwargs))
            if unread and sized:
                unread[0].needed()
            if unread:
                args, kwargs = _changed((args, kwargs), _tensor_of)
        if sized:
            args = (*args[:1], *_changed(args[1:], self._size))
            kwargs = _changed(kwargs, self._size)
        return args, kwargs

    def check_known(self, argument: Any) -> None:
        """Raises DataDependent where an argument is a number that only exists at run time."""
        if self._has_unread:
            for number in numbers_in(argument):
                number.needed()

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
