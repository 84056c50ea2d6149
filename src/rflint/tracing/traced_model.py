"""A model that has been traced, and can be traced again: in other passes, or at other sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

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
from rflint.inputs.given import given_inputs
from rflint.inputs.layouts import check_layouts
from rflint.inputs.tracing_options import TracingOptions
from rflint.operators.shapes import shape_text
from rflint.tracing.example_inputs.annotated import PartsWanted
from rflint.tracing.example_inputs.arguments import arrangement, is_input
from rflint.tracing.example_inputs.build import example_inputs, inputs_to_try
from rflint.tracing.example_inputs.candidates import FRAMES, clips, possible_inputs
from rflint.tracing.example_inputs.proposals import (
    dictionary_proposal,
    parts_proposal,
    proposal,
)
from rflint.tracing.example_inputs.variants import resized
from rflint.tracing.model.signature import DictionaryWanted, InputsMissing
from rflint.tracing.model.wrappers import network_inside
from rflint.tracing.passes import later_passes, pass_along_batch, passes_in_mode
from rflint.tracing.recording.failures import SMALL_MAP
from rflint.tracing.trace import trace


@dataclass(frozen=True, slots=True, eq=False)
class TracedModel:
    """A model, the inputs that it was traced with, and the architecture that was found."""

    model: nn.Module
    inputs: tuple[torch.Tensor, ...]
    architecture: Architecture
    options: TracingOptions
    assumption: str = ""
    """What was taken to be meant, where that is not what the user or the first layer says."""

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

    def along_batch(self) -> Architecture | None:
        """A pass in evaluation with several samples, whose one axis is the batch, if it runs."""
        return pass_along_batch(self.model, self.inputs, self.architecture, self.options)

    def at_size(self, size: tuple[int, ...]) -> Architecture | RflintError | None:
        """The same model with its inputs at another size, or why it does not run there.

        None where its inputs cannot be given that size.
        """
        there = self.resized(size)
        return there.architecture if isinstance(there, TracedModel) else there

    def resized(self, size: tuple[int, ...]) -> TracedModel | RflintError | None:
        """The same, with all that further traces at that size need."""
        here = self.architecture
        inputs = resized(self.inputs, here.axes_of_dimensions, here.resolution, size)
        if inputs is None:
            return None
        try:
            there = self.architecture_of(self.model, inputs)
        except RflintError as error:
            return error  # it is made for one size, say, or for those that divide
        return (
            replace(self, inputs=inputs, architecture=there) if there.resolution == size else None
        )


def trace_model(
    model: nn.Module, resolution: tuple[int, ...] | None, given: Any, options: TracingOptions
) -> TracedModel:
    """Trace a model with the first inputs that fit: those given, or inferred from its layers.

    `given` are shapes or example tensors. If none fit, raises the error of those with which the
    model got furthest.
    """
    furthest: RflintError | None = None
    of_shape, found_by_trying = "", False
    for inputs, handed, assumption in inputs_in_turn(model, resolution, given, options):
        try:
            found = trace(model, inputs, handed)
            return TracedModel(model, inputs, found, handed, assumption)
        except (InputMismatch, TraceFailed) as error:
            _say_what_helps(error, model, inputs, handed, inferred=not given)
            hopeless = isinstance(error, DataDependent | UnsupportedByTracer)
            if hopeless and not given:  # whatever the input is
                if furthest is not None and isinstance(error, UnsupportedByTracer):
                    raise furthest from error
                raise
            if furthest is None or error.steps_before > furthest.steps_before:
                furthest, found_by_trying = error, bool(assumption) and not given
                of_shape = _origin(inputs, handed, assumption)
    assert furthest is not None
    if not given and not furthest.hint:
        furthest.hint = f"{of_shape}; give --input if it should be another."
    elif furthest.hint == SMALL_MAP and found_by_trying:
        furthest.hint = f"{SMALL_MAP} {of_shape}."
    raise furthest


def _origin(inputs: Sequence[torch.Tensor], options: TracingOptions, assumption: str) -> str:
    """Where an input comes from that nobody gave."""
    if not inputs:
        return ""
    shape = ":".join((shape_text(inputs[0].shape), *filter(None, options.layouts[:1])))
    if assumption:
        return f"The input {shape} is the one of those tried with which the model gets furthest"
    return f"The input {shape} was inferred from the model's first layer"


def _say_what_helps(
    error: RflintError,
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    options: TracingOptions,
    *,
    inferred: bool,
) -> None:
    """Say which options give a model the inputs that it lacks, or what else may be linted."""
    if isinstance(error, InputsMissing):
        options_to_give = proposal(model, inputs, options, error.names, inferred=inferred)
        error.hint = f"Give every input, with its own sizes, like {options_to_give}"
    elif isinstance(error, DictionaryWanted) and error.index is not None:
        options_to_give = dictionary_proposal(model, inputs, options, error.index, error.key)
        error.hint = (
            f"Give what is in it by names and keys, with its own sizes, like {options_to_give}"
        )
    elif isinstance(error, DataDependent | UnsupportedByTracer):
        error.hint = f"{error.hint} {network_inside(model)}".strip()


_ONE_EACH = "a scalar was given once for each image"

Attempt: TypeAlias = "tuple[tuple[torch.Tensor, ...], TracingOptions, str]"
"""Inputs, how they are handed to the model, and what was assumed."""


def inputs_in_turn(
    model: nn.Module, resolution: tuple[int, ...] | None, given: Any, options: TracingOptions
) -> Iterator[Attempt]:
    """The inputs to try, in turn: each is made when those before it did not fit."""
    if not given:
        batch = 2 if options.train else 1  # batch normalisation in training needs several values
        possible = possible_inputs(model, resolution, batch=batch, layouts=options.layouts)
        try:
            call = arrangement(model, given_inputs([possible[0][0]])).call
        except PartsWanted as error:
            parts = parts_proposal(model, possible[0][0], error.name)
            error.hint = f"Give its parts, with their own sizes, like {parts}"
            raise
        handed = replace(options, call=call)
        for i, inputs in enumerate(possible):
            yield inputs, handed, "its shape was found by trying" if i else ""
        if resolution is not None and not any(options.layouts):
            for clip in clips(model, resolution, batch):
                yield (
                    example_inputs(model, None, [clip]),
                    replace(handed, layouts=(clip.layout,)),
                    f"a clip of {FRAMES} frames ({clip!r}) was found by trying",
                )
        return
    stated = given_inputs(given)
    arranged = arrangement(model, stated)
    check_layouts(
        options.layouts,
        [tuple(getattr(x.value, "shape", x.value)) if is_input(x.value) else () for x in stated],
    )
    said = [*options.layouts, *([""] * len(stated))]
    layouts = tuple(said[i] for i in arranged.order) if options.layouts else ()
    values = [stated[i].value for i in arranged.order]
    handed = replace(options, call=arranged.call, layouts=layouts)
    for i, x in enumerate(inputs_to_try(model, resolution, values, layouts)):
        yield x, handed, "; ".join(filter(None, (arranged.assumption, _ONE_EACH if i else "")))
