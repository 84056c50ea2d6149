"""What to feed a model: channels and dimensions from its first layer, sizes from the user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt, prod
from typing import Any

import torch
from torch import nn

from rflint.errors import InputMismatch, UsageError
from rflint.inputs.layouts import check_layouts, places_of, sized
from rflint.inputs.notation import InputShape
from rflint.operators.shapes import show
from rflint.operators.weights import input_channels, linear_weight
from rflint.tracing.model.meta_device import META
from rflint.tracing.model.tree import modules, parameters

_TOO_LARGE = 1 << 40

_TOKENS = 2
"""Tokens come in so many dimensions, at most: batch and steps."""


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
    dtype = _dtype(model)
    dtypes: list[torch.dtype] = []
    if shapes:
        given = [x if isinstance(x, InputShape) else InputShape(x) for x in shapes]
        letters = [layouts[i] if i < len(layouts) else "" for i in range(len(given))]
        check_layouts(layouts, given)
        wanted = [_resized(x, said, resolution) for x, said in zip(given, letters, strict=True)]
        tokens = torch.int64 if begins_with_embedding(model) else dtype
        dtypes = [
            getattr(torch, x.dtype) if x.dtype else tokens if len(x) <= _TOKENS else dtype
            for x in given
        ]
    elif resolution is None:
        raise UsageError(
            "no input size", hint="Give one with --res 224 (or 32x64), or a shape with --input."
        )
    elif any(layouts):
        wanted = [_laid_out(model, layouts[0], resolution, batch)]
    else:
        channels, axes = first_layer(model, resolution)
        wanted = [(batch, channels, *_per_axis(resolution, axes))]
    for shape in wanted:
        if prod(shape) > _TOO_LARGE:
            raise UsageError(f"an input of {show(shape)} is too large to be meant")
    return tuple(
        torch.empty(shape, dtype=of_type, device=META)
        for shape, of_type in zip(wanted, dtypes or [dtype] * len(wanted), strict=True)
    )


def _laid_out(
    model: nn.Module, letters: str, resolution: Sequence[int], batch: int
) -> tuple[int, ...]:
    """An input of this layout, its channels those of the model's first layer."""
    named = _named(letters, resolution)
    if len(sized(letters)) != len(named):
        raise UsageError(
            f"how many positions the input has along T is not said by {show(resolution)}",
            hint=f"Give a size for each of {', '.join(letters[d] for d in sized(letters))}, or the "
            "whole shape with --input.",
        )
    sizes = {"B": batch}
    if "C" in letters:
        sizes["C"] = _channels(model, [named[dim] for dim in sized(letters)])
    return tuple(named.get(dim) or sizes[letter] for dim, letter in enumerate(letters))


def _named(letters: str, resolution: Sequence[int]) -> dict[int, int]:
    """The sizes that a resolution gives, by dimension.

    It names D, H and W, and T where that is the only axis, or where it has a size for all of them.
    """
    places = sized(letters)
    if len(resolution) != len(places):
        places = places_of(letters)
    return dict(zip(places, _per_axis(resolution, len(places)), strict=True))


def _channels(model: nn.Module, sizes: Sequence[int]) -> int:
    first = next(
        (x for x in modules(model) if isinstance(x, (nn.modules.conv._ConvNd, nn.Linear))), None
    )
    if isinstance(first, nn.Linear):
        return linear_weight(first)[-1]
    return first_layer(model, sizes)[0]


def batch_dimensions(inputs: Sequence[torch.Tensor], layouts: Sequence[str]) -> list[int | None]:
    """Where the batch lies in each input: in front, unless its layout says something else."""
    found: list[int | None] = []
    for index, tensor in enumerate(inputs):
        letters = layouts[index] if index < len(layouts) else ""
        at = letters.find("B") if letters else 0
        found.append(at if 0 <= at < tensor.dim() else None)
    return found


def doubled(inputs: Sequence[torch.Tensor], layouts: Sequence[str]) -> list[torch.Tensor]:
    """The same inputs with twice the batch."""
    return [
        tensor
        if dim is None
        else torch.empty(
            [size * (2 if d == dim else 1) for d, size in enumerate(tensor.shape)],
            dtype=tensor.dtype,
            device=tensor.device,
        )
        for tensor, dim in zip(inputs, batch_dimensions(inputs, layouts), strict=True)
    ]


def resized(
    inputs: Sequence[torch.Tensor],
    places: Sequence[Sequence[int | None]],
    resolution: Sequence[int],
    size: Sequence[int],
) -> tuple[torch.Tensor, ...] | None:
    """The same inputs at another resolution; those of others stay. None where none has it.

    `places` say which axis lies along which dimension of which input.
    """
    found = []
    for tensor, axes in zip(inputs, places, strict=True):
        shape = [
            n if axis is None or n != resolution[axis] else size[axis]
            for n, axis in zip(tensor.shape, axes, strict=True)
        ]
        found.append(torch.empty(shape, dtype=tensor.dtype, device=META))
    changed = any(new.shape != old.shape for new, old in zip(found, inputs, strict=True))
    return tuple(found) if changed else None


def possible_inputs(
    model: nn.Module,
    resolution: Sequence[int] | None,
    *,
    batch: int = 1,
    layouts: Sequence[str] = (),
) -> list[tuple[torch.Tensor, ...]]:
    """Inputs to try in turn: what the first registered layer expects, then other convolutions.

    Layers are usually registered in the order in which they are called, but nothing says so. Last
    come inputs of which a stem may have moved positions into channels (space-to-depth, patches),
    and those whose channels do not lie in front.
    """
    attempts = []
    cannot_infer: InputMismatch | None = None
    try:
        attempts.append(example_inputs(model, resolution, (), batch=batch, layouts=layouts))
    except InputMismatch as error:
        cannot_infer = error
    assert resolution is not None
    if any(layouts) and attempts:
        return attempts
    seen = {tuple(attempts[0][0].shape[1:])} if attempts else set()
    for shape in (*_of_other_convolutions(model, resolution), *_in_front_of(model, resolution)):
        if shape not in seen:
            seen.add(shape)
            attempts.append(example_inputs(model, None, [(batch, *shape)]))
    if not attempts:
        assert cannot_infer is not None
        raise cannot_infer
    if begins_with_embedding(model):
        tokens = (batch, *(resolution if len(resolution) < _TOKENS else ()))
        attempts.append(example_inputs(model, None, [tokens]))
    channels, *sizes = attempts[0][0].shape[1:]
    # channels last, or none: the model may bring them to where convolutions want them
    others = [(batch, *sizes), (batch, *sizes, channels)]
    return attempts + [example_inputs(model, None, [x]) for x in others[int(channels > 1) :]]


def begins_with_embedding(model: nn.Module) -> bool:
    """Whether the first module with weights looks up a table: its inputs are whole numbers."""
    first = next((x for x in modules(model) if getattr(x, "_parameters", None)), None)
    return isinstance(first, (nn.Embedding, nn.EmbeddingBag))


def _of_other_convolutions(
    model: nn.Module, resolution: Sequence[int]
) -> Iterator[tuple[int, ...]]:
    """What convolutions expect that read as few channels as images have."""
    for module in modules(model):
        if isinstance(module, nn.modules.conv._ConvNd) and input_channels(module) in (1, 2, 3, 4):
            axes = len(module.kernel_size)
            if len(resolution) in (1, axes):
                yield (input_channels(module), *_per_axis(resolution, axes))


def _in_front_of(model: nn.Module, resolution: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Images that a stem may have turned into the channels of the first layer.

    Colour and grey images come first: a stem may also add coordinates, or copies. Then, images of
    which blocks of k positions per axis fill the channels.
    """
    try:
        channels, axes = first_layer(model, resolution)
    except InputMismatch:  # a Linear that no image fills; perhaps it reads patches
        features = next(linear_weight(m)[-1] for m in modules(model) if isinstance(m, nn.Linear))
        for colours in (3, 1):
            side = isqrt(features // colours)
            sizes = _per_axis(resolution, len(resolution) if len(resolution) > 1 else 2)
            square = len(sizes) == 2 and side * side * colours == features
            if square and all(n % side == 0 for n in sizes):
                yield (colours, *sizes)
        return
    sizes = _per_axis(resolution, axes)
    blocks = (k**axes for k in (2, 4, 8, 3) if all(n % k == 0 for n in sizes))
    for colours in (3, 1, *(channels // n for n in (2, *blocks) if channels % n == 0)):
        yield (colours, *sizes)


def first_layer(model: nn.Module, resolution: Sequence[int]) -> tuple[int, int]:
    """Channels and number of spatial axes that the model's first weighted layer expects."""
    for module in modules(model):
        if isinstance(module, nn.modules.conv._ConvNd):
            if any(map(nn.parameter.is_lazy, parameters(module))):
                return 3, _axes_of_class(module)
            return input_channels(module), len(module.kernel_size)
        if isinstance(module, nn.Linear):
            return _channels_of_linear(module, resolution)
    weights = [p for p in parameters(model) if not nn.parameter.is_lazy(p) and p.dim() >= 3]
    if weights:
        return int(weights[0].shape[1]), weights[0].dim() - 2
    return 3, len(resolution) if len(resolution) > 1 else 2


def _channels_of_linear(module: nn.Linear, resolution: Sequence[int]) -> tuple[int, int]:
    """A network that flattens images first: as many channels as fill its features."""
    axes = len(resolution) if len(resolution) > 1 else 2
    positions = prod(_per_axis(resolution, axes))
    features = linear_weight(module)[-1]
    if features % positions:
        raise InputMismatch(
            f"cannot infer the input: the first layer is a Linear with {features} features, "
            f"which no {show(_per_axis(resolution, axes))} image fills",
            hint="Give the shape with --input, for example --input "
            f"{show((1, 3, *_per_axis(resolution, axes)))}.",
        )
    return features // positions, axes


def _axes_of_class(module: nn.Module) -> int:
    digits = [letter for letter in type(module).__name__ if letter.isdigit()]
    return int(digits[-1]) if digits else 2


def _resized(
    shape: Sequence[int], letters: str, resolution: Sequence[int] | None
) -> tuple[int, ...]:
    if resolution is not None and letters:
        named = _named(letters, resolution)
        return tuple(named.get(dim, size) for dim, size in enumerate(shape))
    if resolution is None or len(shape) <= 2:
        return tuple(shape)
    return (*shape[:2], *_per_axis(resolution, len(shape) - 2))


def _per_axis(resolution: Sequence[int], axes: int) -> tuple[int, ...]:
    if len(resolution) == 1:
        return tuple(resolution) * axes
    if len(resolution) != axes:
        raise UsageError(
            f"--res {show(resolution)} has {len(resolution)} axes, but the model's input has {axes}"
        )
    return tuple(resolution)


def _dtype(model: nn.Module) -> torch.dtype:
    """The weights' type: a model built in half precision wants half-precision inputs."""
    for parameter in parameters(model):
        if parameter.dtype.is_floating_point:
            return parameter.dtype
    return torch.float32


def as_meta(tensors: Any) -> tuple[torch.Tensor, ...]:
    """Example tensors without their storage."""
    return tuple(torch.empty(t.shape, dtype=t.dtype, device=META) for t in tensors)
