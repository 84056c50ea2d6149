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
from dataclasses import replace

import torch
from torch import nn

from rflint.errors import RflintError, UnsupportedByTracer, UsageError, internal_error
from rflint.graph.architecture import Architecture
from rflint.inputs.layouts import check_layouts
from rflint.linting.options import TRACERS
from rflint.tracing.lowering.axes import find_axes
from rflint.tracing.lowering.lower import lower
from rflint.tracing.lowering.parameters import Parameters
from rflint.tracing.model.borrow import borrowed
from rflint.tracing.model.state import drawn_from, state_of
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
    if tracer == "export":
        return _traced(model, inputs, tracer, layouts, train=train, number=number)
    try:
        return _traced(model, inputs, "symbolic", layouts, train=train, number=number)
    except UnsupportedByTracer as first:
        if tracer == "symbolic":
            first.hint = first.hint or "torch.export may be able to: take another --tracer."
            raise
        try:
            return _traced(model, inputs, "export", layouts, train=train, number=number)
        except RflintError as second:
            first.hint = first.hint or "Nor can torch.export follow it; --debug shows what it says."
            raise first from second


def _traced(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    tracer: str,
    layouts: Sequence[str],
    *,
    train: bool,
    number: int,
) -> Architecture:
    known = len(sys.modules)
    found = _traced_once(model, inputs, tracer, layouts, train=train, number=number)
    if found.by_chance and len(sys.modules) > known:
        # it may have been an import that drew numbers: PyTorch loads parts of itself late
        found = _traced_once(model, inputs, tracer, layouts, train=train, number=number)
    return found


def _traced_once(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    tracer: str,
    layouts: Sequence[str],
    *,
    train: bool,
    number: int,
) -> Architecture:
    with warnings.catch_warnings(), borrowed(model, train=train):
        warnings.simplefilter("ignore")
        for _ in range(number - 1):
            _recorded(model, inputs, tracer)
        before, drawn = state_of(model), drawn_from()
        recording = _recorded(model, inputs, tracer)
        after, draws = state_of(model), drawn_from() != drawn
        changes = after.structure != before.structure or (
            recording.reads_values and after.values != before.values
        )
        try:
            parameters = Parameters(model, recording)
            shapes = [tuple(tensor.shape) for tensor in inputs]
            axes = find_axes(recording, parameters, shapes, layouts)
            architecture = lower(model, recording, parameters, axes, train=train)
        except RflintError:
            raise
        except Exception as error:
            raise internal_error(error) from error
        return replace(
            architecture,
            tracer=tracer,
            training=train,
            by_chance=recording.by_chance or draws,
            changes_state=changes,
        )


def _recorded(model: nn.Module, inputs: Sequence[torch.Tensor], tracer: str) -> Recording:
    if tracer == "symbolic":
        return record(model, inputs)
    # loading torch.export takes a second that most models need not wait for
    from rflint.tracing.recording.export import record as record_exported

    return record_exported(model, inputs)
