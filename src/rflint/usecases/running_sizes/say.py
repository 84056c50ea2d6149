"""Say in the hint of an error at which sizes the model runs, if its mistake is one of sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from time import process_time
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from rflint.analysis.sizes.facts import Size
from rflint.errors import RflintError, UsageError
from rflint.graph.architecture import Architecture
from rflint.inputs.layouts import resizable_dimensions
from rflint.inputs.notation import InputShape
from rflint.inputs.tracing_options import TracingOptions
from rflint.operators.shapes import shape_text
from rflint.tracing.example_inputs.build import SizeMissing
from rflint.tracing.example_inputs.proposals import stated
from rflint.tracing.example_inputs.said_sizes import is_about_sizes
from rflint.tracing.example_inputs.variants import Places, groups_of_one_size, with_sizes
from rflint.tracing.model.signature import parameter_names
from rflint.tracing.model.tree import parameters
from rflint.tracing.recording.failures import cause_in
from rflint.tracing.recording.refusal import Refuses, refusals
from rflint.tracing.trace import trace
from rflint.tracing.traced_model import TracedModel, inputs_in_turn
from rflint.usecases.running_sizes.alike import Expand
from rflint.usecases.running_sizes.likely import likely_size
from rflint.usecases.running_sizes.nearest import Nearest
from rflint.usecases.running_sizes.tries import Asked, Point, Tries
from rflint.usecases.running_sizes.wording import Found, Words, one_of_many, sentence

_ASSUMED = 224
"""Where no size was asked for."""
_SECONDS = 5.0
"""For everything that is tried."""


def say_where_it_runs(
    error: RflintError,
    model: nn.Module,
    resolution: Size | None,
    given: Any,
    options: TracingOptions,
) -> None:
    """Say it of a model that does not run with the inputs that were given, or inferred."""
    if not isinstance(error, SizeMissing) and not is_about_sizes(error):
        return
    if options.tracer == "auto":  # torch.export takes seconds
        options = replace(options, tracer="symbolic")
    until = process_time() + _SECONDS
    with _refusals(error, model, resolution, given, options) as refuses:
        search = _Search(error, model, until, refuses)
        if given and resolution is None:
            said = _with_other_inputs(search, given, options)
        else:
            said = _with_other_resolution(search, resolution, given, options)
    _say(error, said)


def say_where_else_it_runs(error: RflintError, traced: TracedModel, size: Size) -> None:
    """Say it of a model that runs at the size that it was traced at, and not at another one."""
    if not is_about_sizes(error):
        return
    own = traced.architecture.resolution
    asked = Asked.of(size, own)
    tries = Tries(partial(_at_size, traced), asked, process_time() + _SECONDS)
    runs_at = asked.point_of(own)
    tries.outcomes.update({asked.point: error, runs_at: traced.architecture})
    words = Words(tries.shape, partial(_as_resolution, "--train-res", asked))
    _say(error, _nearest(traced.model, tries, runs_at, _all_axes, words))


def _say(error: RflintError, found: str) -> None:
    if found:
        error.hint = f"{cause_in(error.hint)} {found}".strip()


@dataclass(frozen=True, slots=True)
class _Search:
    """What is to be explained, until when."""

    error: RflintError
    model: nn.Module
    until: float
    refuses: Refuses | None

    def traced(
        self, inputs: Sequence[torch.Tensor], options: TracingOptions
    ) -> Architecture | RflintError:
        """The architecture for other inputs, or why there is none."""
        if self.refuses is not None and self.refuses(inputs):
            return self.error
        try:
            return trace(self.model, inputs, options)
        except RflintError as error:
            return error

    def found(
        self, tries: Tries, expand: Expand, words: Words, others: Sequence[Point] = ()
    ) -> str:
        """Where the model runs, in words; empty where it was not found to run.

        `others` are sizes that other inputs have.
        """
        axes = len(tries.asked.size)
        runs_at = likely_size(tries, self.error, self.model, axes if axes > 1 else 2, others)
        if runs_at is None:
            return ""
        self.error.runs_on = tries.asked.size_of(runs_at)
        if isinstance(self.error, SizeMissing):
            return one_of_many(runs_at, words)
        return _nearest(self.model, tries, runs_at, expand, words)


def _refusals(
    error: RflintError,
    model: nn.Module,
    resolution: Size | None,
    given: Any,
    options: TracingOptions,
) -> AbstractContextManager[Refuses | None]:
    """Tells whether the model refuses inputs at once, as it refuses those that were asked for."""
    if isinstance(error, SizeMissing):
        return nullcontext()
    try:
        inputs, handed, _ = next(inputs_in_turn(model, resolution, given, options))
    except RflintError:  # none can be inferred: what may be tried is looked for later
        return nullcontext()
    return refusals(model, inputs, handed.call, error.source, train=options.train)


def _nearest(model: nn.Module, tries: Tries, runs_at: Point, expand: Expand, words: Words) -> str:
    lazy = any(map(is_lazy, parameters(model)))
    search = Nearest(tries, runs_at, expand, weights_are_made=lazy)
    below, above = search.sides()
    smallest = search.smallest(below, above)
    found = Found(below, above, smallest, search.is_the_only_one(), elsewhere=runs_at)
    return sentence(found, words)


def _at_size(traced: TracedModel, size: Size) -> Architecture | RflintError:
    found = traced.at_size(size)
    return UsageError(f"no input has the size {shape_text(size)}") if found is None else found


def _as_resolution(option: str, asked: Asked, point: Point) -> str:
    size = asked.size_of(point)
    return f"{option} {shape_text(size[:1] if len(set(size)) == 1 else size)}"


# -- other resolutions


def _with_other_resolution(
    search: _Search, resolution: Size | None, given: Any, options: TracingOptions
) -> str:
    asked = Asked.of(resolution or (_ASSUMED,))

    def in_turn(size: Size) -> Iterator[tuple[tuple[torch.Tensor, ...], TracingOptions]]:
        return (x[:2] for x in inputs_in_turn(search.model, size, given, options))

    def attempt(kind: _Kind | None, size: Size) -> Architecture | RflintError:
        first: RflintError | None = None
        try:
            for inputs, handed in in_turn(size):
                if kind is not None and _kind(inputs, handed) != kind:
                    continue
                found = search.traced(inputs, handed)
                if isinstance(found, Architecture):
                    return found
                first = first or found
        except RflintError as cannot_infer:
            return cannot_infer
        return first or search.error

    def found(kind: _Kind | None) -> str:
        tries = Tries(partial(attempt, kind), asked, search.until)
        words = Words(tries.shape, partial(_as_resolution, "--res", asked))
        return search.found(tries, _all_axes, words)

    try:
        expected = _kind(*next(in_turn(asked.size)))
    except RflintError:
        return found(None)
    return found(expected) or found(None)  # what the first layer expects, and then what else may be


_Kind: TypeAlias = tuple[int, ...]
"""Number of dimensions, and what the input has beside axes: its channels."""


def _kind(inputs: Sequence[torch.Tensor], options: TracingOptions) -> _Kind:
    largest = max(_shapes(inputs), key=len)
    layout = next(iter(options.layouts), "")
    if len(layout) != len(largest):
        return (len(largest), *largest[1:2])
    axes = resizable_dimensions(layout)
    return (len(largest), *(n for dim, n in enumerate(largest) if dim not in axes))


def _shapes(inputs: Sequence[torch.Tensor]) -> list[tuple[int, ...]]:
    return [tuple(tensor.shape) for tensor in inputs]


def _all_axes(architecture: Architecture, size: Size) -> Size:
    """A resolution has a length for each axis, or one for all."""
    return size * architecture.axes if len(size) == 1 else size


# -- other inputs


def _with_other_inputs(search: _Search, given: Any, options: TracingOptions) -> str:
    model = search.model
    inputs, handed, _ = next(inputs_in_turn(model, None, given, options))
    groups = groups_of_one_size(inputs, handed.layouts)
    volumes = groups_of_one_size(inputs, handed.layouts, volumes=True)
    for places in [*groups, *(x for x in volumes if x not in groups)]:
        asked = Asked.of(_sizes_at(inputs, places))
        if not asked.size:
            continue

        def attempt(size: Size, places: Places = places) -> Architecture | RflintError:
            return search.traced(with_sizes(inputs, places, size), handed)

        def options_of(point: Point, asked: Asked = asked, places: Places = places) -> str:
            found = with_sizes(inputs, places, asked.size_of(point))
            return _as_options(model, found, handed)

        def shape_of(point: Point, asked: Asked = asked, places: Places = places) -> Size:
            return _shapes(with_sizes(inputs, places, asked.size_of(point)))[min(places)]

        tries = Tries(attempt, asked, search.until)
        words = Words(shape_of, options_of)
        others = [
            asked.point_of(size)
            for other in groups
            if (size := _sizes_at(inputs, other)) != asked.size and len(size) == len(asked.size)
        ]
        if said := search.found(tries, partial(_axes_at, places), words, others):
            return said
    return ""


def _sizes_at(inputs: Sequence[torch.Tensor], places: Places) -> Size:
    return next(tuple(inputs[i].shape[dim] for dim in dims) for i, dims in places.items())


def _axes_at(places: Places, architecture: Architecture, size: Size) -> Size | None:
    """The axes that lie along some dimensions of the inputs, as long as these; the others stay."""
    found = list(architecture.resolution)
    for index, dims in places.items():
        for dim, length in zip(dims, size, strict=True):
            axis = architecture.axes_of_dimensions[index][dim]
            if axis is None:
                return None
            found[axis] = length
    return tuple(found)


def _as_options(model: nn.Module, inputs: Sequence[torch.Tensor], options: TracingOptions) -> str:
    names, layouts = parameter_names(model), [*options.layouts, *[""] * len(inputs)]
    texts = []
    for i, tensor in enumerate(inputs):
        path = options.call.path_of(i, names) if len(inputs) > 1 else options.call.keyword_of(i)
        shape = stated(tensor, path)
        layout = layouts[i] or shape.layout
        texts.append(repr(InputShape(shape, shape.dtype, layout, shape.name, shape.value)))
    return " ".join(f"--input {text}" for text in texts)
