"""One forward pass of a model, recorded and lowered to its architecture.

There are two ways to record it: following the model's own code ("symbolic"), which is quick, and
following what it does inside PyTorch ("export"), which needs no code that can be followed.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from rflint.errors import (
    DataDependent,
    RflintError,
    UnsupportedByTracer,
    UsageError,
    internal_error,
)
from rflint.graph.architecture import Architecture
from rflint.inputs.layouts import check_layouts
from rflint.inputs.tracing_options import TRACERS, TracingOptions
from rflint.tracing.example_inputs.variants import batch_dimensions
from rflint.tracing.lowering.axes.axes import batch_axis
from rflint.tracing.lowering.axes.find import find_axes
from rflint.tracing.lowering.lower import lower
from rflint.tracing.lowering.parameters import Parameters
from rflint.tracing.model.state import state_of
from rflint.tracing.model.temporary import temporarily_on_meta
from rflint.tracing.process import one_at_a_time, random_state
from rflint.tracing.recording.recording import Recording
from rflint.tracing.recording.symbolic import record_symbolically


def trace(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    options: TracingOptions | None = None,
    *,
    number: int = 1,
) -> Architecture:
    """The architecture of `model` for these inputs; the model is left as it was.

    The tracer is "symbolic", "export", or "auto": symbolic, and export where that cannot follow.
    `number` says which forward pass it is, for models that keep something from one to the next.
    The axes of inputs without a layout are found out. Raises InputMismatch or TraceFailed where the
    forward pass cannot be followed, InternalError where rflint has a bug.
    """
    request = _Request(model, tuple(inputs), options or TracingOptions(), number)
    tracer = request.options.tracer
    if tracer not in TRACERS:
        raise UsageError(f"there is no tracer {tracer!r}", hint=f"Known are {', '.join(TRACERS)}.")
    check_layouts(request.options.layouts, request.shapes)
    if tracer == "export":
        return _traced(request, tracer)
    try:
        return _traced(request, "symbolic")
    except (UnsupportedByTracer, DataDependent) as first:
        # libraries ask their masks for values, and do without where they know of torch.export
        if tracer == "symbolic":
            first.hint = first.hint or "torch.export may be able to: take another --tracer."
            raise
        try:
            return _traced(request, "export")
        except RflintError as second:
            first.hint = first.hint or "Nor can torch.export follow it; --debug shows what it says."
            raise first from second


def trace_batch(
    model: nn.Module, inputs: Sequence[torch.Tensor], options: TracingOptions
) -> Architecture:
    """The architecture whose one axis is the batch: what layers read of other samples.

    Raises as `trace` does.
    """
    request = _Request(model, tuple(inputs), options, 1, along_batch=True)
    return _traced(request, "export" if options.tracer == "export" else "symbolic")


@dataclass(frozen=True)
class _Request:
    """What is to be traced: a forward pass of a model."""

    model: nn.Module
    inputs: tuple[torch.Tensor, ...]
    options: TracingOptions
    number: int
    """Which forward pass it is, counted from 1."""
    along_batch: bool = False
    """Whether the batch is the axis, in place of those of the input."""

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the inputs."""
        return [tuple(tensor.shape) for tensor in self.inputs]


def _traced(request: _Request, tracer: str) -> Architecture:
    loaded_before = len(sys.modules)
    architecture = _traced_once(request, tracer)
    if architecture.is_random and len(sys.modules) > loaded_before:
        # it may have been an import that drew numbers: PyTorch loads parts of itself late
        architecture = _traced_once(request, tracer)
    return architecture


def _traced_once(request: _Request, tracer: str) -> Architecture:
    model = request.model
    with (
        one_at_a_time(),
        warnings.catch_warnings(),
        temporarily_on_meta(model, train=request.options.train),
    ):
        warnings.simplefilter("ignore")
        for _ in range(request.number - 1):
            _recorded(request, tracer)
        state, generators = state_of(model), random_state()
        recording = _recorded(request, tracer)
        new_state, draws = state_of(model), random_state() != generators
        changes = new_state.structure != state.structure or (
            recording.reads_values and new_state.values != state.values
        )
        return replace(
            _lowered(request, recording),
            tracer=tracer,
            training=request.options.train,
            is_random=recording.reads_random_values or draws,
            changes_state=changes,
        )


def _recorded(request: _Request, tracer: str) -> Recording:
    if tracer == "symbolic":
        return record_symbolically(request.model, request.inputs, request.options.call)
    # loading torch.export takes a second that most models need not wait for
    from rflint.tracing.recording.export.record import record_exported

    return record_exported(request.model, request.inputs, request.options.call)


def _lowered(request: _Request, recording: Recording) -> Architecture:
    try:
        parameters = Parameters(request.model, recording)
        shapes, layouts = tuple(request.shapes), request.options.layouts
        if request.along_batch:
            axes = batch_axis(shapes, batch_dimensions(request.inputs, layouts))
        else:
            axes = find_axes(recording, parameters, shapes, layouts)
        return lower(request.model, recording, parameters, axes, request.options)
    except RflintError:
        raise
    except Exception as error:
        raise internal_error(error) from error
