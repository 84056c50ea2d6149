"""The results of recorded calls: tensors without storage, of the shapes that PyTorch would give.

Shapes come from the operator table where it knows them (see operators/table.py for why) and from
PyTorch's meta kernels elsewhere.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import torch

from rflint.errors import TraceFailed
from rflint.graph.layer import Kind
from rflint.operators.call import Call
from rflint.operators.shapes import ShapeError, Shapes, shape_text
from rflint.operators.table import Row
from rflint.tracing.model.meta_device import META
from rflint.tracing.recording.call_site import CallSite
from rflint.tracing.recording.dtypes import result_dtype
from rflint.tracing.recording.functions import TorchCall, is_library_operator, name_of
from rflint.tracing.recording.real_runs import CannotRun, results_like
from rflint.tracing.recording.tensor_tracker import TensorTracker

_ValuesAndIndices = namedtuple("_ValuesAndIndices", ["values", "indices"])
"""Two results; where they are an extremum and its place, PyTorch gives them these names."""


class MetaExecution:
    """Computes what calls return, without storage."""

    def __init__(self, tracker: TensorTracker, call_site: CallSite) -> None:
        self.is_running = False
        """Whether PyTorch runs something that is recorded as a whole."""
        self.error: Exception | None = None
        """What PyTorch raised last, as opposed to the user's code or rflint."""
        self._tracker = tracker
        self._call_site = call_site

    def by_shape(self, call: Call, row: Row, *, in_place: bool) -> Any:
        """The result of a call of which the operator table knows the shape."""
        assert row.shape is not None
        shape = row.shape(call)
        first: torch.Tensor = call.input
        if in_place and isinstance(shape, tuple) and tuple(first.shape) != shape:
            raise ShapeError(f"the result is {shape_text(shape)} and cannot be written in place")
        if in_place and tuple(first.shape) == shape:
            self._tracker.lost_values(first)
            return first
        return empty_results(call, row, shape, META)

    def by_kernel(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of a call that PyTorch's meta kernel computes."""
        self.is_running = True
        try:
            return func(*self._tracker.on_meta(args), **self._tracker.on_meta(kwargs))
        except Exception as error:
            if is_library_operator(func):
                # there may be no kernel for tensors without storage
                return self._by_real_run(func, args, kwargs, error)
            self.error = error
            raise
        finally:
            self.is_running = False

    def on_values(self, call: TorchCall) -> Any:
        """The result of a call whose tensors have their values."""
        try:
            return call.function(*call.args, **call.kwargs)
        except Exception as error:
            self.error = error
            raise

    def on_scalars(self, func: Any, args: tuple[Any, ...]) -> Any:
        """What torch says to operands of this kind, whatever the tensors are."""
        try:
            return func(*(torch.zeros(()) if isinstance(x, torch.Tensor) else x for x in args))
        except Exception as error:
            self.error = error
            raise

    def _by_real_run(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception
    ) -> Any:
        """What a library's operator returns, found out by running it."""
        try:
            return results_like(func, args, kwargs)
        except CannotRun as reason:
            if not isinstance(error, NotImplementedError) and "fake impl" not in str(error):
                self.error = error
                raise error from reason
            name = name_of(func)
            raise TraceFailed(
                f"the shape of what {name} returns is unknown: it has no fake kernel, and {reason}",
                hint=f'Give it one with torch.library.register_fake("{name}").',
                source=self._call_site(),
            ) from error


def empty_results(call: Call, row: Row, shape: Shapes, device: torch.device) -> Any:
    """New tensors of the shapes that a row of the operator table gives."""
    dtype = result_dtype(call, row)
    if isinstance(shape, list):
        indices = torch.int64 if row.kind in (Kind.POOL, Kind.REDUCE) else dtype
        values = _empty(shape[0], dtype, device)
        return _ValuesAndIndices(values, _empty(shape[1], indices, device))
    return _empty(shape, dtype, device)


def _empty(shape: Any, dtype: torch.dtype, device: torch.device) -> Any:
    """Tensors of these shapes, nested as they are."""
    if shape is None:
        return None
    if isinstance(shape, list):
        return tuple(_empty(item, dtype, device) for item in shape)
    return torch.empty(shape, dtype=dtype, device=device)
