"""The same inputs with another batch, or at another resolution."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from rflint.inputs.layouts import resizable_dimensions
from rflint.tracing.model.meta_device import META

Places = dict[int, list[int]]
"""Dimensions of inputs, by the number of the input."""


def batch_dimensions(inputs: Sequence[torch.Tensor], layouts: Sequence[str]) -> list[int | None]:
    """Where the batch lies in each input: in front, unless its layout says something else."""
    found: list[int | None] = []
    for index, tensor in enumerate(inputs):
        letters = layouts[index] if index < len(layouts) else ""
        at = letters.find("B") if letters else 0
        found.append(at if 0 <= at < tensor.dim() else None)
    return found


def with_batch(
    inputs: Sequence[torch.Tensor], layouts: Sequence[str], times: int
) -> list[torch.Tensor]:
    """The same inputs with so many times the batch."""
    return [
        tensor if dim is None else _repeated(tensor, dim, times)
        for tensor, dim in zip(inputs, batch_dimensions(inputs, layouts), strict=True)
    ]


def _repeated(tensor: torch.Tensor, dim: int, times: int) -> torch.Tensor:
    if tensor.device.type != "meta":  # its numbers are known
        return torch.cat([tensor] * times, dim)
    shape = [size * (times if d == dim else 1) for d, size in enumerate(tensor.shape)]
    return torch.empty(shape, dtype=tensor.dtype, device=META)


def resized(
    inputs: Sequence[torch.Tensor],
    places: Sequence[Sequence[int | None]],
    resolution: Sequence[int],
    size: Sequence[int],
) -> tuple[torch.Tensor, ...] | None:
    """The inputs with every axis that had the old resolution at the new size; None if none had it.

    `places` say which axis lies along which dimension of which input.
    """
    found = []
    for tensor, axes in zip(inputs, places, strict=True):
        shape = [
            n if axis is None or n != resolution[axis] else size[axis]
            for n, axis in zip(tensor.shape, axes, strict=True)
        ]
        same = shape == list(tensor.shape)
        found.append(tensor if same else torch.empty(shape, dtype=tensor.dtype, device=META))
    changed = any(new.shape != old.shape for new, old in zip(found, inputs, strict=True))
    return tuple(found) if changed else None


def groups_of_one_size(
    inputs: Sequence[torch.Tensor], layouts: Sequence[str], *, volumes: bool = False
) -> list[Places]:
    """The axes of all inputs, those together that are of one size.

    Of an input without a layout they lie behind batch and channels; where the last two are alike,
    as in images, another in front of them is something else, like frames, unless these are
    `volumes`.
    """
    groups: dict[tuple[int, ...], Places] = {}
    for index, tensor in enumerate(inputs):
        letters = layouts[index] if index < len(layouts) else ""
        dims = list(resizable_dimensions(letters) if letters else range(2, tensor.dim()))
        sizes = [tensor.shape[dim] for dim in dims]
        if sizes[-2:-1] == sizes[-1:] and not volumes:
            dims = [dim for dim in dims if tensor.shape[dim] == sizes[-1]]
        if sizes and tensor.dtype.is_floating_point:
            key = tuple(tensor.shape[dim] for dim in dims)
            groups.setdefault(key, {})[index] = dims
    return list(groups.values())


def with_sizes(
    inputs: Sequence[torch.Tensor], places: Places, sizes: Sequence[int]
) -> tuple[torch.Tensor, ...]:
    """The inputs with each of these of their dimensions at another size."""
    found = list(inputs)
    for index, dims in places.items():
        new = dict(zip(dims, sizes, strict=True))
        shape = [new.get(dim, n) for dim, n in enumerate(inputs[index].shape)]
        found[index] = torch.empty(shape, dtype=inputs[index].dtype, device=META)
    return tuple(found)
