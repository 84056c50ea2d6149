"""At which size a model runs that does not run at the one that was asked for: found by trying.

Heads behind a flatten, tables of positions, and assertions hold a model to one size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any, TypeAlias

import torch
from torch import nn

from rflint.errors import RflintError
from rflint.inputs.notation import InputShape
from rflint.inputs.tracing_options import TracingOptions
from rflint.operators.shapes import shape_text
from rflint.tracing.example_inputs.build import SizeMissing
from rflint.tracing.example_inputs.proposals import stated
from rflint.tracing.example_inputs.said_sizes import (
    is_about_sizes,
    numbers_that_differ,
    sizes_in_message,
    sizes_said_by,
    sizes_that_fill_a_linear_layer,
)
from rflint.tracing.example_inputs.variants import groups_of_one_size, with_size
from rflint.tracing.model.signature import parameter_names
from rflint.tracing.recording.failures import ONE_POSITION_APART, SMALL_MAP
from rflint.tracing.trace import trace
from rflint.tracing.traced_model import inputs_in_turn

_USUAL = (28, 32, 64, 96, 128, 160, 192, 224, 256, 288, 299, 320, 384, 448, 512)
_ASSUMED = 224
"""Where no size was asked for."""
_BUDGET = 5.0
"""Seconds for everything that is tried."""
_STEPS = 8
_NEAR = 0.1
"""A usual size so near to a computed one is meant, in parts of it."""

RunInputs: TypeAlias = "tuple[tuple[torch.Tensor, ...], TracingOptions]"
"""Inputs, and how they are handed to the model."""

Attempt: TypeAlias = Callable[[int], "RflintError | None"]
"""Runs a model at a size; None where it runs, else why it does not."""


def say_where_it_runs(
    error: RflintError,
    model: nn.Module,
    resolution: tuple[int, ...] | None,
    given: Any,
    options: TracingOptions,
) -> None:
    """Say in the hint of an error at which size the model runs, if its mistake is one of sizes."""
    if not isinstance(error, SizeMissing) and not is_about_sizes(error):
        return
    if options.tracer == "auto":  # torch.export takes seconds
        options = replace(options, tracer="symbolic")
    search = _Search(error, model, monotonic() + _BUDGET)
    if given and resolution is None:
        found = _with_other_inputs(search, model, given, options)
    else:
        found = _with_other_resolution(search, model, resolution, given, options)
    if found:
        why = f"{error.hint} " if error.hint.startswith((SMALL_MAP, ONE_POSITION_APART)) else ""
        error.hint = f"{why}{found}"


def _with_other_resolution(
    search: _Search,
    model: nn.Module,
    resolution: tuple[int, ...] | None,
    given: Any,
    options: TracingOptions,
) -> str:
    axes = len(resolution or (0,))
    asked = max(resolution or (_ASSUMED,))
    shapes: dict[int, str] = {}

    def in_turn(size: int) -> Iterator[RunInputs]:
        return (x[:2] for x in inputs_in_turn(model, (size,) * axes, given, options))

    def attempt(size: int, kind: Sequence[int] | None) -> RflintError | None:
        first: RflintError | None = None
        try:
            for inputs, handed in in_turn(size):
                if kind is not None and _kind(inputs) != kind:
                    continue
                error = _error_of(model, inputs, handed)
                if error is None:
                    shapes[size] = shape_text(_largest(inputs).shape)
                    return None
                first = first or error
        except RflintError as cannot_infer:
            return cannot_infer
        return first or search.error

    try:
        kinds = [_kind(next(in_turn(asked))[0]), None]
    except RflintError:
        kinds = [None]
    for kind in kinds:  # what the first layer expects, and only then what else may be tried
        size = search.size(partial(attempt, kind=kind), asked, axes if axes > 1 else 2)
        if size:
            return f"It runs on {shapes[size]}, found by trying: --res {size}"
    return ""


def _largest(inputs: Sequence[torch.Tensor]) -> torch.Tensor:
    return max(inputs, key=torch.Tensor.dim)


def _kind(inputs: Sequence[torch.Tensor]) -> tuple[int, ...]:
    """Channels and number of dimensions."""
    shape = _largest(inputs).shape
    return (len(shape), *shape[1:2])


def _with_other_inputs(
    search: _Search, model: nn.Module, given: Any, options: TracingOptions
) -> str:
    inputs, handed, _ = next(inputs_in_turn(model, None, given, options))
    for places in groups_of_one_size(inputs, handed.layouts):
        sizes = [inputs[i].shape[dim] for i, dims in places.items() for dim in dims]

        def attempt(size: int, places: dict[int, list[int]] = places) -> RflintError | None:
            return _error_of(model, with_size(inputs, places, size), handed)

        size = search.size(attempt, max(sizes), max(map(len, places.values())))
        if size:
            found = with_size(inputs, places, size)
            return f"It runs with {_as_options(model, found, handed)}, found by trying."
    return ""


def _as_options(model: nn.Module, inputs: Sequence[torch.Tensor], options: TracingOptions) -> str:
    names, layouts = parameter_names(model), [*options.layouts, *[""] * len(inputs)]
    texts = []
    for i, tensor in enumerate(inputs):
        path = options.call.path_of(i, names) if len(inputs) > 1 else options.call.keyword_of(i)
        shape = stated(tensor, path)
        layout = layouts[i] or shape.layout
        texts.append(repr(InputShape(shape, shape.dtype, layout, shape.name, shape.value)))
    return " ".join(f"--input {text}" for text in texts)


def _error_of(
    model: nn.Module, inputs: Sequence[torch.Tensor], options: TracingOptions
) -> RflintError | None:
    try:
        trace(model, inputs, options)
    except RflintError as error:
        return error
    return None


class _Search:
    """Looks for a size at which a model runs, for so long as there is time."""

    def __init__(self, error: RflintError, model: nn.Module, deadline: float) -> None:
        self.error = error
        self.model = model
        self.deadline = deadline

    def size(self, attempt: Attempt, asked: int, axes: int) -> int | None:
        """A size at which an attempt succeeds, most likely the one that a model is made for."""
        outcomes: dict[int, RflintError | None] = {}

        def runs(size: int) -> bool:
            if size not in outcomes:
                if monotonic() > self.deadline:
                    return False
                outcomes[size] = attempt(size)
            return outcomes[size] is None

        if isinstance(self.error, SizeMissing):
            if runs(asked) and runs(96):
                return None  # at any size, it seems: which is up to the user
            error = outcomes.get(asked)
        else:
            error = outcomes[asked] = self.error
        likely = [*sizes_said_by(self.model), *sizes_that_fill_a_linear_layer(self.model)]
        if error is not None:
            likely += sizes_in_message(error, asked)
        found = next(filter(runs, likely), None)
        numbers = numbers_that_differ(error) if error is not None else None
        if found is None and numbers:
            found, depends = _measured(runs, outcomes, asked, numbers, axes)
            if not depends:
                return None
        return found or next(filter(runs, _nearest_first(_USUAL, asked)), None)


def _nearest_first(sizes: Iterable[int], size: int) -> list[int]:
    return sorted(sizes, key=lambda other: max(other / size, size / other))


def _measured(
    runs: Callable[[int], bool],
    outcomes: dict[int, RflintError | None],
    asked: int,
    numbers: tuple[int, int],
    axes: int,
) -> tuple[int | None, bool]:
    """The size at which two numbers that differ become the same, and whether they depend on it.

    One of the two grows with the input, about as the number of its positions: so its root over the
    axes is a line, which two sizes give, as in the secant method.
    """
    size, gap = asked, _gap(numbers, axes)
    following = round(asked * (numbers[0] / max(numbers[1], 1)) ** (1 / axes))
    known = {asked: numbers}
    for _ in range(_STEPS):
        if following in known or following < 1:
            break
        usual = _nearest_first(_USUAL, following)[0]
        if abs(usual - following) <= _NEAR * following and runs(usual):
            return usual, True
        if runs(following):
            return next(filter(runs, _rounder(following)), following), True
        error = outcomes.get(following)
        found = numbers_that_differ(error) if error is not None else None
        if found is None:
            break
        if found == numbers:
            return None, False
        known[following] = found
        new_gap = _gap(found, axes)
        if new_gap == gap:
            break
        step = new_gap * (following - size) / (new_gap - gap)
        size, gap, following = following, new_gap, round(following - step)
    return None, True


def _rounder(size: int) -> list[int]:
    """Numbers near to a size that rather are sizes: where strides leave a rest, several fit."""
    steps = (1000, 100) if size > 1000 else (32, 16, 8)
    found = [round(size / step) * step for step in steps] + [size // 8 * 8]
    return [] if size in found else [n for n in found if n > 0]


def _gap(numbers: tuple[int, int], axes: int) -> float:
    wanted, got = (float(n ** (1 / axes)) for n in numbers)
    return got - wanted
