"""A model that has been traced, and can be traced again: in other passes, or at other sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from rflint.errors import (
    DataDependent,
    InputMismatch,
    RflintError,
    TraceFailed,
    UnsupportedByTracer,
)
from rflint.graph.architecture import Architecture
from rflint.inputs.tracing_options import TracingOptions
from rflint.operators.shapes import shape_text
from rflint.tracing.example_inputs.build import as_meta, example_inputs
from rflint.tracing.example_inputs.candidates import possible_inputs
from rflint.tracing.example_inputs.variants import resized
from rflint.tracing.passes import later_passes, passes_in_mode
from rflint.tracing.trace import trace


@dataclass(frozen=True, slots=True, eq=False)
class TracedModel:
    """A model, the inputs that it was traced with, and the architecture that was found."""

    model: nn.Module
    inputs: tuple[torch.Tensor, ...]
    architecture: Architecture
    options: TracingOptions

    def architecture_of(
        self, model: nn.Module, inputs: Sequence[torch.Tensor] | None = None
    ) -> Architecture:
        """Another model traced in the same way, or this one with other inputs."""
        return trace(model, self.inputs if inputs is None else inputs, self.options)

    def later_passes(self) -> tuple[Architecture, ...] | None:
        """What further passes in the same mode do; None where nobody can know."""
        return later_passes(self.model, self.inputs, self.architecture, self.options)

    def passes_in_other_mode(self) -> tuple[Architecture, ...] | None:
        """What passes in training do, or in evaluation; None where nobody can know."""
        options = replace(self.options, train=not self.options.train)
        return passes_in_mode(self.model, self.inputs, self.architecture, options)

    def at_size(self, size: tuple[int, ...]) -> Architecture | None:
        """The same model with its inputs at another size; None where it does not run there."""
        here = self.architecture
        inputs = resized(self.inputs, here.axes_of_dimensions, here.resolution, size)
        if inputs is None:
            return None
        try:
            there = self.architecture_of(self.model, inputs)
        except RflintError:
            return None  # it is made for one size, say, or for those that divide
        return there if there.resolution == size else None


def trace_model(
    model: nn.Module, resolution: tuple[int, ...] | None, given: Any, options: TracingOptions
) -> TracedModel:
    """Trace a model with the first inputs that fit: those given, or inferred from its layers.

    `given` are shapes or example tensors. Raises the error of the first inputs if none fit.
    """
    attempts = _attempts(model, resolution, given, options)
    first: RflintError | None = None
    for inputs in attempts:
        try:
            return TracedModel(model, inputs, trace(model, inputs, options), options)
        except (InputMismatch, TraceFailed) as error:
            if isinstance(error, DataDependent | UnsupportedByTracer):
                raise  # whatever the input is
            first = first or error
    assert first is not None
    if given is None and not first.hint:
        first.hint = (
            f"The input {shape_text(attempts[0][0].shape)} was inferred from the model's first "
            "layer; give --input if it should be another."
        )
    raise first


def _attempts(
    model: nn.Module, resolution: tuple[int, ...] | None, given: Any, options: TracingOptions
) -> list[tuple[torch.Tensor, ...]]:
    """The inputs to try, in turn."""
    if given is None:
        batch = 2 if options.train else 1  # batch normalisation in training needs several values
        return possible_inputs(model, resolution, batch=batch, layouts=options.layouts)
    if _are_tensors(given):
        return [as_meta(given)]
    shapes = [given] if given and isinstance(given[0], int) else list(given)
    return [example_inputs(model, resolution, shapes, layouts=options.layouts)]


def _are_tensors(given: Any) -> bool:
    return isinstance(given, tuple | list) and bool(given) and isinstance(given[0], torch.Tensor)
