"""Where code asks a tensor for its numbers, though the tensor has none.

Three ways out, before the analysis has to end there: the answer makes no difference or is meant to
hold (see guards), the number is only carried about (see unbacked.py), or it is a size that was
computed from sizes and constants, and is known after all (see call_arguments.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch

from rflint.errors import DataDependent
from rflint.graph.source_location import SourceLocation
from rflint.operators.shapes import shape_text
from rflint.tracing.recording.call_arguments import CallArguments
from rflint.tracing.recording.call_site import CallSite
from rflint.tracing.recording.failures import needs_values
from rflint.tracing.recording.guards.truth import (
    AssumedTruth,
    assumed_truth,
    is_only_reported,
    torch_assertion,
)
from rflint.tracing.recording.tensor_tracker import TensorTracker
from rflint.tracing.recording.unbacked import UnbackedNumber, printed_number
from rflint.usercode.source_lines import innermost_line


class ValueReads:
    """Answers the code of one model that asks for numbers."""

    def __init__(
        self,
        tracker: TensorTracker,
        call_site: CallSite,
        call: Callable[..., torch.Tensor],
        arguments: CallArguments,
    ) -> None:
        self._tracker = tracker
        self.assumed: dict[SourceLocation, None] = {}
        """The lines whose assertions were taken to hold, in the order in which they were met."""
        self._call_site = call_site
        self._call = call
        self._arguments = arguments

    def printed(self, tensor: torch.Tensor, args: tuple[Any, ...]) -> str:
        """A tensor without numbers, as text."""
        if tensor.dim() == 0:
            return printed_number(tensor.dtype, str(args[1]) if len(args) > 1 else "")
        return f"tensor(..., size={tuple(tensor.shape)}, dtype={tensor.dtype})"

    def read(self, spelling: str, args: tuple[Any, ...], tensor: torch.Tensor) -> Any:
        """What a call returns that reads numbers; raises DataDependent where that must be known."""
        frame = sys._getframe(1)
        what = f"{spelling}() of a {shape_text(tensor.shape)} tensor"
        failure = needs_values(what, innermost_line(frame))
        if spelling in ("bool", "is_nonzero") and tensor.numel() == 1:
            found = assumed_truth(frame)
            if found is not None:
                return self._assumes(found)
        if spelling == "item" and tensor.numel() == 1:
            checked = torch_assertion(frame)
            if checked is not None and tensor.dtype is torch.bool:
                return self._assumes(AssumedTruth(True, checked))
            return self._unbacked(tensor, failure)
        if spelling in ("equal", "allclose") and len(args) > 1:
            return self._equal(spelling, args, failure)
        if spelling in ("float", "int", "tolist", "item") and is_only_reported(frame):
            nothing = torch.zeros(tensor.shape, dtype=tensor.dtype)
            return {"float": float, "int": int}.get(spelling, torch.Tensor.tolist)(nothing)
        raise failure

    def _unbacked(self, tensor: torch.Tensor, failure: DataDependent) -> UnbackedNumber:
        self._arguments.may_be_unbacked = True
        if tensor.dim():
            tensor = self._call(torch.Tensor.reshape, "reshape", (tensor, ()), {})
        return UnbackedNumber(tensor, failure, self._assumes)

    def _equal(self, spelling: str, args: tuple[Any, ...], failure: DataDependent) -> Any:
        """Whether two tensors are the same."""
        first, second = args[:2]
        if spelling == "equal" and first.shape != second.shape:
            return False
        function, name = (torch.eq, "eq") if spelling == "equal" else (torch.isclose, "isclose")
        same = self._call(function, name, (first, second), {})
        return self._unbacked(self._call(torch.all, "all", (same,), {}), failure)

    def asserted(self) -> None:
        """Note that torch was told to assert something."""
        found = self._call_site()
        if found is not None:
            self.assumed[found] = None

    def _assumes(self, found: AssumedTruth) -> bool:
        if found.assertion is not None:
            self.assumed[found.assertion] = None
        return found.value
