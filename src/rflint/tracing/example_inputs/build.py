"""What to feed a model: channels and dimensions from its first layer, sizes from the user."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import nn

from rflint.errors import UsageError
from rflint.inputs.layouts import check_layouts, resizable_dimensions
from rflint.inputs.notation import InputShape
from rflint.operators.shapes import shape_text
from rflint.tracing.example_inputs.first_layer import (
    begins_with_embedding,
    expected_channels,
    first_layer,
)
from rflint.tracing.example_inputs.sizes import named_sizes, size_per_axis
from rflint.tracing.model.meta_device import META
from rflint.tracing.model.tree import parameters

_TOO_LARGE = 1 << 40

MAX_TOKEN_DIMENSIONS = 2
"""Tokens come in so many dimensions, at most: batch and steps."""


class SizeMissing(UsageError):
    """Nobody has said how large the input is."""


def example_inputs(
    model: nn.Module,
    resolution: Sequence[int] | None,
    shapes: Sequence[Sequence[int]],
    *,
    batch: int = 1,
    layouts: Sequence[str] = (),
) -> tuple[torch.Tensor, ...]:
    """Meta tensors of the inputs' shapes: (batch, channels, *spatial), unless `layouts` differ.

    `shapes` are explicit shapes, whose spatial sizes a `resolution` replaces; without any, channels
    and dimensionality come from the model's first layer. A resolution of one number holds for all
    axes. Raises InputMismatch where nothing can be inferred, UsageError for impossible sizes.
    """
    default = _dtype_of_weights(model)
    if shapes:
        given = [x if isinstance(x, InputShape) else InputShape(x) for x in shapes]
        letters = [layouts[i] if i < len(layouts) else "" for i in range(len(given))]
        check_layouts(layouts, given)
        wanted = _all_resized(given, letters, resolution)
        tokens = torch.int64 if begins_with_embedding(model) else default
        dtypes = [_dtype(shape, default, tokens) for shape in given]
        values = [shape.value if shape.is_scalar else None for shape in given]
    else:
        wanted = [_inferred(model, resolution, batch, layouts)]
        dtypes, values = [default], [None]
    for shape in wanted:
        if prod(shape) > _TOO_LARGE:
            raise UsageError(f"an input of {shape_text(shape)} is too large to be meant")
    return tuple(
        torch.empty(shape, dtype=dtype, device=META)
        if value is None
        else torch.tensor(value, dtype=dtype)
        for shape, dtype, value in zip(wanted, dtypes, values, strict=True)
    )


def inputs_to_try(
    model: nn.Module,
    resolution: Sequence[int] | None,
    values: Sequence[InputShape | torch.Tensor],
    layouts: Sequence[str],
) -> list[tuple[torch.Tensor, ...]]:
    """Inputs of given shapes, or like given tensors, whose storage nobody needs.

    A scalar is given as one number; where a model cannot run on that, as one for each image.
    """
    shapes = [(i, x) for i, x in enumerate(values) if isinstance(x, InputShape)]
    letters = [layouts[i] if i < len(layouts) else "" for i, _ in shapes]
    made = dict(
        zip(
            [i for i, _ in shapes],
            example_inputs(model, resolution, [x for _, x in shapes], layouts=letters)
            if shapes
            else (),
            strict=True,
        )
    )
    inputs = tuple(
        made[i] if isinstance(x, InputShape) else torch.empty(x.shape, dtype=x.dtype, device=META)
        for i, x in enumerate(values)
    )
    if not any(x.is_scalar for _, x in shapes):
        return [inputs]
    batch = next((tensor.shape[0] for tensor in inputs if tensor.dim() > 1), 1)
    return [inputs, tuple(x.expand(batch).clone() if _is_known(x) else x for x in inputs)]


def _is_known(tensor: torch.Tensor) -> bool:
    """Whether it is a scalar whose value was given."""
    return tensor.dim() == 0 and tensor.device.type != "meta"


def _inferred(
    model: nn.Module, resolution: Sequence[int] | None, batch: int, layouts: Sequence[str]
) -> tuple[int, ...]:
    """The shape of an only input that the model's first layer expects."""
    if resolution is None:
        if begins_with_embedding(model):  # of which any number will do, so none is looked for
            raise UsageError(
                "no input size",
                hint="It begins with a table of tokens. Say how many it reads: --input 1x128:int64",
            )
        raise SizeMissing(
            "no input size", hint="Give one with --res 224 (or 32x64), or a shape with --input."
        )
    if any(layouts):
        return _laid_out(model, layouts[0], resolution, batch)
    channels, axes = first_layer(model, resolution)
    return (batch, channels, *size_per_axis(resolution, axes))


def _laid_out(
    model: nn.Module, letters: str, resolution: Sequence[int], batch: int
) -> tuple[int, ...]:
    """An input of this layout, its channels those of the model's first layer."""
    named = named_sizes(letters, resolution)
    resizable = resizable_dimensions(letters)
    if len(resizable) != len(named):
        raise UsageError(
            f"how many positions the input has along T is not said by {shape_text(resolution)}",
            hint=f"Give a size for each of {', '.join(letters[d] for d in resizable)}, or the "
            "whole shape with --input.",
        )
    sizes = {"B": batch}
    if "C" in letters:
        sizes["C"] = expected_channels(model, [named[dim] for dim in resizable])
    return tuple(named.get(dim) or sizes[letter] for dim, letter in enumerate(letters))


def _all_resized(
    shapes: Sequence[InputShape], letters: Sequence[str], resolution: Sequence[int] | None
) -> list[tuple[int, ...]]:
    """The shapes at a resolution, which holds for images: of several inputs, those that have most
    dimensions, and those whose layout is known.
    """
    most = max(map(len, shapes))
    return [
        _resized(shape, layout, resolution if layout or len(shape) == most else None)
        for shape, layout in zip(shapes, letters, strict=True)
    ]


def _resized(
    shape: Sequence[int], letters: str, resolution: Sequence[int] | None
) -> tuple[int, ...]:
    if resolution is not None and letters:
        named = named_sizes(letters, resolution)
        return tuple(named.get(dim, size) for dim, size in enumerate(shape))
    if resolution is None or len(shape) <= 2:
        return tuple(shape)
    return (*shape[:2], *size_per_axis(resolution, len(shape) - 2))


def _dtype(shape: InputShape, default: torch.dtype, tokens: torch.dtype) -> torch.dtype:
    """The type of an input: the one that was said, or that of what has so many dimensions."""
    if shape.dtype:
        found: torch.dtype = getattr(torch, shape.dtype)
        return found
    return tokens if len(shape) <= MAX_TOKEN_DIMENSIONS else default


def _dtype_of_weights(model: nn.Module) -> torch.dtype:
    """The weights' type: a model built in half precision wants half-precision inputs."""
    for parameter in parameters(model):
        if parameter.dtype.is_floating_point:
            return parameter.dtype
    return torch.float32
