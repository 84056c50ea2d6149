"""Inputs to try where the user gives none, from what the layers of a model expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt, prod

import torch
from torch import nn

from rflint.errors import InputMismatch
from rflint.inputs.notation import InputShape
from rflint.operators.weights import input_channels, linear_weight
from rflint.tracing.example_inputs.build import MAX_TOKEN_DIMENSIONS, example_inputs
from rflint.tracing.example_inputs.first_layer import (
    begins_with_embedding,
    first_layer,
    steps_of_features,
)
from rflint.tracing.example_inputs.sizes import size_per_axis
from rflint.tracing.model.tree import modules, parameters

MOST_FRAMES_IN_A_PATCH = 16
FRAMES = 8
"""Of a clip that is tried: enough to be halved three times."""


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
    if resolution is not None and not any(layouts):
        steps = steps_of_features(model, resolution)
        if steps is not None and not begins_with_embedding(model):
            attempts.append(example_inputs(model, None, [_of_batch(steps, batch)]))
    try:
        attempts.append(example_inputs(model, resolution, (), batch=batch, layouts=layouts))
    except InputMismatch as error:
        cannot_infer = error
    assert resolution is not None
    if any(layouts) and attempts:
        return attempts
    seen = {tuple(x.shape[1:]) for (x,) in attempts}
    for shape in (
        *_of_other_convolutions(model, resolution),
        *_in_front_of(model, resolution),
        *_clips_of_patches(model, resolution),
        *_series_of_channels(model, resolution),
    ):
        if shape not in seen:
            seen.add(shape)
            attempts.append(example_inputs(model, None, [(batch, *shape)]))
    if begins_with_embedding(model):
        tokens = (batch, *(resolution if len(resolution) < MAX_TOKEN_DIMENSIONS else ()))
        attempts.append(example_inputs(model, None, [tokens]))
    if not attempts:
        assert cannot_infer is not None
        raise cannot_infer
    if len(attempts[0][0].shape) < 3:
        return attempts
    channels, *sizes = attempts[0][0].shape[1:]
    # channels last, or none: the model may bring them to where convolutions want them
    others = [(batch, *sizes), (batch, *sizes, channels)]
    return attempts + [example_inputs(model, None, [x]) for x in others[int(channels > 1) :]]


def _of_batch(steps: tuple[int, int, int], batch: int) -> tuple[int, ...]:
    """The shape with so many series, which lie where there is one."""
    return (batch, *steps[1:]) if steps[0] == 1 else (steps[0], batch, steps[2])


def clips(model: nn.Module, resolution: Sequence[int], batch: int) -> Iterator[InputShape]:
    """Clips of a few frames: one image after the other, or volumes with frames as their depth.

    For models whose first convolution reads as few channels as images have.
    """
    first = next((x for x in modules(model) if isinstance(x, nn.modules.conv._ConvNd)), None)
    if first is None or input_channels(first) not in (1, 2, 3, 4) or len(resolution) > 2:
        return
    axes = len(first.kernel_size)
    if axes not in (2, 3):
        return
    channels, sizes = input_channels(first), size_per_axis(resolution, 2)
    yield InputShape((batch, FRAMES, channels, *sizes), layout="BTCHW")
    if axes == 3:
        yield InputShape((batch, channels, FRAMES, *sizes), layout="BCTHW")


def _of_other_convolutions(
    model: nn.Module, resolution: Sequence[int]
) -> Iterator[tuple[int, ...]]:
    """What convolutions expect that read as few channels as images have."""
    for module in modules(model):
        if isinstance(module, nn.modules.conv._ConvNd) and input_channels(module) in (1, 2, 3, 4):
            axes = len(module.kernel_size)
            if len(resolution) in (1, axes):
                yield (input_channels(module), *size_per_axis(resolution, axes))


def _clips_of_patches(model: nn.Module, resolution: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Clips that fill the features of a linear layer with patches of several frames.

    How many frames there are is said by the table of positions: one entry for each patch, and
    perhaps one for a class token; or frames and patches along two dimensions.
    """
    weighted = (nn.modules.conv._ConvNd, nn.Linear)
    first = next((m for m in modules(model) if isinstance(m, weighted)), None)
    if not isinstance(first, nn.Linear) or len(resolution) > 2:
        return
    features, sizes = linear_weight(first)[-1], size_per_axis(resolution, 2)
    tables = [tuple(p.shape) for p in parameters(model) if p.dim() in (3, 4) and p.shape[0] == 1]
    for colours in (3, 1):
        for side in (n for n in range(min(sizes), 1, -1) if all(size % n == 0 for size in sizes)):
            together, rest = divmod(features, colours * side * side)
            if rest or not 1 <= together <= MOST_FRAMES_IN_A_PATCH:
                continue
            patches = prod(size // side for size in sizes)
            for positions in _numbers_of_positions(tables, patches):
                if positions % patches == 0:
                    yield (colours, positions // patches * together, *sizes)


def _numbers_of_positions(tables: Sequence[tuple[int, ...]], patches: int) -> Iterator[int]:
    for _, *lengths, _ in tables:
        if len(lengths) == 2 and lengths[1] in (patches, patches + 1):
            yield lengths[0] * patches
        elif len(lengths) == 1:
            yield from (n for n in (lengths[0], lengths[0] - 1) if n > 0)


def _series_of_channels(model: nn.Module, resolution: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Series of many channels, as of electrodes, which lie along an axis of 2D convolutions.

    A convolution over all channels at once says how many there are.
    """
    if len(resolution) != 1:
        return
    for module in modules(model):
        if isinstance(module, nn.Conv2d) and module.kernel_size[1] == 1 < module.kernel_size[0]:
            yield (module.kernel_size[0], *resolution)


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
            sizes = size_per_axis(resolution, len(resolution) if len(resolution) > 1 else 2)
            square = len(sizes) == 2 and side * side * colours == features
            if square and all(n % side == 0 for n in sizes):
                yield (colours, *sizes)
        return
    sizes = size_per_axis(resolution, axes)
    blocks = (k**axes for k in (2, 4, 8, 3) if all(n % k == 0 for n in sizes))
    for colours in (3, 1, *(channels // n for n in (2, *blocks) if channels % n == 0)):
        yield (colours, *sizes)
