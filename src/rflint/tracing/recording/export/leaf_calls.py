"""Calls that go into the exported graph as one node: a custom operator stands for them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from rflint.graph.architecture import DropoutMode
from rflint.graph.source_location import SourceLocation
from rflint.operators.call import Call, mapped, tensors_in
from rflint.operators.shapes import ShapeError
from rflint.operators.table import Row
from rflint.tracing.model.construction import constructed_at
from rflint.tracing.recording.failures import mismatch
from rflint.tracing.recording.leaf_modules import LeafModule
from rflint.tracing.recording.meta_execution import empty_results
from rflint.tracing.recording.tensors import tensors_of

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class _TensorAt:
    """Stands for a tensor among the arguments of a call, by its position."""

    index: int


@dataclass
class LeafCall:
    """A call of a module or a function that is one node in the exported graph."""

    spelling: str
    row: Row
    function: Any
    """The function, or a module's forward."""
    template: Any
    """Positional and keyword arguments, without their tensors."""
    scope: str
    called: SourceLocation | None
    leaf: LeafModule | None = None
    dropout_mode: DropoutMode = DropoutMode.UNKNOWN
    """Of a function that drops: what its call says of the mode."""
    parameters: tuple[nn.Parameter, ...] = ()
    """Those among its arguments that the model has not registered."""
    result: Any = None

    def arguments(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with these tensors in their places."""
        args, kwargs = mapped(self.template, _TensorAt, lambda at: tensors[at.index])
        return args, kwargs

    def check_shapes(self, tensors: Sequence[Any]) -> None:
        """Raise InputMismatch where the call cannot run on tensors of these shapes."""
        if self.row.shape is None:
            return
        call = self._call(tensors)
        try:
            self.row.shape(call)
        except ShapeError as error:
            place = self.called or (constructed_at(self.leaf.module) if self.leaf else None)
            name = self.leaf.path if self.leaf else self.spelling
            raise mismatch(name, self.spelling, call, error, place) from error

    def run(self, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """New tensors like those that the call returns."""
        if self.row.shape is not None:
            call = self._call(tensors)
            self.result = empty_results(call, self.row, self.row.shape(call), _CPU)
        else:
            args, kwargs = self.arguments(tensors)
            module = () if self.leaf is None else (self.leaf.module,)
            self.result = self.function(*module, *args, **kwargs)
        return [torch.empty_like(tensor) for tensor in tensors_of(self.result)]

    def _call(self, tensors: Sequence[Any]) -> Call:
        args, kwargs = self.arguments(tensors)
        module: nn.Module | None = None if self.leaf is None else self.leaf.module
        return Call(self.spelling, args, kwargs, module)


def without_tensors(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Arguments as the template of a LeafCall."""
    positions = itertools.count()
    return mapped((args, kwargs), torch.Tensor, lambda _: _TensorAt(next(positions)))


class LeafCalls:
    """The leaf calls of one export, by number: operators take numbers and tensors only."""

    def __init__(self) -> None:
        self.by_number: dict[int, LeafCall] = {}

    @contextmanager
    def registered(self) -> Iterator[None]:
        """Forget the calls that were made meanwhile, as far as the operators are concerned."""
        try:
            yield
        finally:
            for number in self.by_number:
                del _in_progress[number]

    def make(self, call: LeafCall, args: Any, kwargs: Any, *, writes: bool) -> Any:
        """Call the operator that stands for a call; what the call returns."""
        tensors = tensors_in((args, kwargs))
        number = next(_numbers)
        self.by_number[number] = _in_progress[number] = call
        if writes:
            torch.ops.rflint.leaf_in_place(tensors[0], tensors[1:], number)
            return tensors[0]
        made = iter(torch.ops.rflint.leaf(tensors, number))
        return mapped(call.result, torch.Tensor, lambda _: next(made))

    def called_by(self, target: Any, args: Sequence[Any]) -> tuple[LeafCall, list[Any]] | None:
        """The call for which a node of the exported graph stands, and its tensors."""
        if target is torch.ops.rflint.leaf.default:
            return self.by_number[args[1]], args[0]
        if target is torch.ops.rflint.leaf_in_place.default:
            return self.by_number[args[2]], [args[0], *args[1]]
        return None


# -- the custom operators

_in_progress: dict[int, LeafCall] = {}

_numbers = itertools.count()

_LIBRARY = torch.library.Library("rflint", "DEF")  # type: ignore[no-untyped-call]
_LIBRARY.define(  # type: ignore[no-untyped-call]
    "leaf(Tensor[] tensors, int number) -> Tensor[]"
)
_LIBRARY.define(  # type: ignore[no-untyped-call]
    "leaf_in_place(Tensor(a!) tensor, Tensor[] others, int number) -> ()"
)


def _leaf(tensors: list[torch.Tensor], number: int) -> list[torch.Tensor]:
    return _in_progress[number].run(tensors)


def _leaf_in_place(tensor: torch.Tensor, others: list[torch.Tensor], number: int) -> None:
    return None


torch.library.register_fake("rflint::leaf", _leaf, lib=_LIBRARY)
torch.library.register_fake("rflint::leaf_in_place", _leaf_in_place, lib=_LIBRARY)
