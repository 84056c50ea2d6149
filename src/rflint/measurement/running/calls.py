"""How a model is called with a batch, and what it gives."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rflint.errors import RflintError, error_text
from rflint.measurement.running.data.split import IMAGES
from rflint.measurement.running.failures import MeasurementFailed
from rflint.text.numbers import plural, size
from rflint.usercode.source_lines import innermost_user_line_of


def called(model: nn.Module, inputs: Any) -> Any:
    """What a model gives for the inputs of a batch. Raises MeasurementFailed if it does not run."""
    positional, named = _arguments(model, inputs)
    _check_complete(model, positional, named)
    try:
        return model(*positional, **named)
    except RflintError:
        raise
    except Exception as error:
        raise MeasurementFailed(
            f"the model does not run on a batch of {_shapes(inputs)}: {error_text(error)}",
            hint="The data has to give what the model takes: check the size, the channels and "
            "the transform.",
            source=innermost_user_line_of(error),
        ) from error


def moved(inputs: Any, model: nn.Module, device: torch.device) -> Any:
    """Inputs on a device, and in the model's precision where that is another."""
    if isinstance(inputs, Tensor):
        precision = _precision(model) if inputs.is_floating_point() else None
        return inputs.to(device, precision or inputs.dtype)
    if isinstance(inputs, Mapping):
        return {name: moved(value, model, device) for name, value in inputs.items()}
    if isinstance(inputs, tuple | list):
        return tuple(moved(value, model, device) for value in inputs)
    return inputs


def only_input(model: nn.Module, inputs: Any) -> Tensor | None:
    """The tensor that a model is called with; None if it takes several."""
    positional, named = _arguments(model, inputs)
    given = (*positional, *named.values())
    return given[0] if len(given) == 1 and isinstance(given[0], Tensor) else None


def check_sizes(model: nn.Module, inputs: Any, analysed: Sequence[tuple[int, ...]]) -> None:
    """Raise MeasurementFailed where the images of a batch are not of the size that was analysed.

    Asked of models with one input: receptive fields would be held against another picture.
    """
    given = only_input(model, inputs)
    if given is None or len(analysed) != 1 or given.dim() != len(analysed[0]):
        return  # what a model takes in other ways it may bring to a size of its own
    if given.dim() < 3 or not given.is_floating_point():
        return  # sequences of tokens are as long as they are
    sample, expected = tuple(given.shape[1:]), tuple(analysed[0][1:])
    if sample != expected:
        raise MeasurementFailed(
            f"the samples are {size(sample)}, and the model was analysed at {size(expected)}: "
            "what is measured would be of another input than what is predicted",
            hint=_same_size(sample, expected),
        )


def _same_size(sample: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if sample[1:] == expected[1:]:
        return f"Build the model for {plural(sample[0], 'channel')}, or give it other data."
    sides = sample[1:]
    res = size(sides) if len(set(sides)) > 1 else str(sides[0])
    return f"Analyse it at that size, --res {res}, or resize the data."


def scores_of(output: Any) -> Tensor | None:
    """The scores of classes, among what a classifier returns."""
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping):
        output = output.get("logits", next(iter(output.values()), None))
    elif isinstance(output, tuple | list):
        output = output[0] if output else None
    else:
        output = getattr(output, "logits", None)
    return output if isinstance(output, Tensor) else None


def _precision(model: nn.Module) -> torch.dtype | None:
    """The type of all floating-point parameters; None where they differ."""
    found = {x.dtype for x in model.parameters() if x.is_floating_point()}
    return found.pop() if len(found) == 1 else None


def _arguments(model: nn.Module, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Of a mapping, what forward has parameters for; else the one that is called like an image."""
    if isinstance(inputs, tuple):
        return inputs, {}
    if not isinstance(inputs, Mapping):
        return (inputs,), {}
    taken = inspect.signature(model.forward).parameters
    named = {name: value for name, value in inputs.items() if name in taken}
    if named:
        return (), named
    if len(inputs) == 1:
        return tuple(inputs.values()), {}
    image = next((name for name in IMAGES if name in inputs), None)
    if image is not None:
        return (inputs[image],), {}
    if any(x.kind is x.VAR_KEYWORD for x in taken.values()):
        return (), dict(inputs)
    raise MeasurementFailed(
        f"a batch has the keys {', '.join(map(str, inputs))}, and forward takes "
        f"{', '.join(taken)}: which of them is the input is not told",
        hint="Call the keys what the parameters are called.",
    )


def _check_complete(
    model: nn.Module, positional: tuple[Any, ...], named: Mapping[str, Any]
) -> None:
    """Raise MeasurementFailed where forward cannot be called with so many inputs."""
    signature = inspect.signature(model.forward)
    try:
        signature.bind(*positional, **named)
    except TypeError as error:
        given = plural(len(positional), "input") if positional else ", ".join(named)
        raise MeasurementFailed(
            f"the model takes {', '.join(signature.parameters)}, and the data gives {given}: "
            f"{error}",
            hint="The data has to give all inputs and then the labels, (a, b, labels), or a "
            "dictionary with the names of the parameters, and labels.",
        ) from error


def _shapes(inputs: Any) -> str:
    """The shapes of a batch, for a message."""
    if isinstance(inputs, Tensor):
        return size(inputs.shape)
    values = inputs.values() if isinstance(inputs, Mapping) else inputs
    tensors = [value for value in values if isinstance(value, Tensor)]
    return f"{plural(len(tensors), 'input')} ({', '.join(size(x.shape) for x in tensors)})"
