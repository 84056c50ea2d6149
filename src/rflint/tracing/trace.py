"""The side of rflint that knows torch: from a model to its architecture.

build (a module, weights on meta) -> inputs -> record (a torch.fx graph) -> lower (architecture)

There are two ways to record: following the model's own code (record.py, "symbolic"), which is
quick, and following what it does inside PyTorch (export.py, "export"), which needs no code that
can be followed.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from rflint.errors import RflintError, UnsupportedByTracer, UsageError, internal_error
from rflint.graph.architecture import Architecture
from rflint.inputs.layouts import check_layouts
from rflint.inputs.tracing_options import TRACERS
from rflint.tracing.lowering.axes.find import find_axes
from rflint.tracing.lowering.lower import lower
from rflint.tracing.lowering.parameters import Parameters
from rflint.tracing.model.state import state_of
from rflint.tracing.model.temporary import temporarily_on_meta
from rflint.tracing.process import random_state
from rflint.tracing.recording.record import record
from rflint.tracing.recording.recording import Recording


def trace(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    *,
    train: bool = False,
    tracer: str = "auto",
    number: int = 1,
    layouts: Sequence[str] = (),
) -> Architecture:
    """The architecture of `model` for these inputs; the model is left as it was.

    `tracer` is "symbolic", "export", or "auto": symbolic, and export where that cannot follow.
    `number` says which forward pass it is, for models that keep something from one to the next.
    `layouts` say what lies along the dimensions of the inputs, in letters; of those without one it
    is found out. Raises InputMismatch or TraceFailed where the forward pass cannot be followed,
    InternalError where rflint has a bug.
    """
    if tracer not in TRACERS:
        raise UsageError(f"there is no tracer {tracer!r}", hint=f"Known are {', '.join(TRACERS)}.")
    check_layouts(layouts, [tuple(tensor.shape) for tensor in inputs])
    request = _Request(model, inputs, layouts, train, number)
    if tracer == "export":
        return _traced(request, tracer)
    try:
        return _traced(request, "symbolic")
    except UnsupportedByTracer as first:
        if tracer == "symbolic":
            first.hint = first.hint or "torch.export may be able to: take another --tracer."
            raise
        try:
            return _traced(request, "export")
        except RflintError as second:
            first.hint = first.hint or "Nor can torch.export follow it; --debug shows what it says."
            raise first from second


@dataclass(frozen=True)
class _Request:
    """What is to be traced: a forward pass of a model."""

    model: nn.Module
    inputs: Sequence[torch.Tensor]
    layouts: Sequence[str]
    train: bool
    number: int
    """Which forward pass it is, counted from 1."""


def _traced(request: _Request, tracer: str) -> Architecture:
    loaded_before = len(sys.modules)
    architecture = _traced_once(request, tracer)
    if architecture.by_chance and len(sys.modules) > loaded_before:
        # it may have been an import that drew numbers: PyTorch loads parts of itself late
        architecture = _traced_once(request, tracer)
    return architecture


def _traced_once(request: _Request, tracer: str) -> Architecture:
    model = request.model
    with warnings.catch_warnings(), temporarily_on_meta(model, train=request.train):
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
            training=request.train,
            by_chance=recording.by_chance or draws,
            changes_state=changes,
        )


def _recorded(request: _Request, tracer: str) -> Recording:
    if tracer == "symbolic":
        return record(request.model, request.inputs)
    # loading torch.export takes a second that most models need not wait for
    from rflint.tracing.recording.export.record import record as record_exported

    return record_exported(request.model, request.inputs)


def _lowered(request: _Request, recording: Recording) -> Architecture:
    try:
        parameters = Parameters(request.model, recording)
        shapes = [tuple(tensor.shape) for tensor in request.inputs]
        axes = find_axes(recording, parameters, shapes, request.layouts)
        return lower(request.model, recording, parameters, axes, train=request.train)
    except RflintError:
        raise
    except Exception as error:
        raise internal_error(error) from error
