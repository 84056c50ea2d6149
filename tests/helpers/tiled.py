"""Images cut into tiles as rflint says, run by the real network, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

import rflint
from rflint.analysis.tiling.tiling import Tiling

ROUNDING = 1e-11
"""Of results that are around one, in float64, after a few dozen layers."""


def made_sensitive(model: nn.Module, seed: int) -> nn.Module:
    """The model in float64, with weights above zero whose effects do not cancel out.

    Every output then grows with every input that it reads, however far the path.
    """
    generator = torch.Generator().manual_seed(seed)
    model = model.double().eval()
    with torch.no_grad():
        for module in model.modules():
            for name, weight in module.named_parameters(recurse=False):
                weight.copy_(
                    torch.rand(weight.shape, generator=generator, dtype=weight.dtype) + 0.5
                )
                if name == "weight" and weight.dim() > 2:
                    transposed = "Transpose" in type(module).__name__
                    weight /= weight.sum(dim=[1 - transposed, *range(2, weight.dim())]).mean()
    return model


def image(size: Sequence[int], channels: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, channels, *size, generator=generator, dtype=torch.float64) + 0.5


def outputs_of(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


@torch.no_grad()
def put_together(model: nn.Module, tiling: Tiling, x: Tensor, tile: Sequence[int]) -> list[Tensor]:
    """What the tiles of an image give; not a number where none gives anything."""
    size = tuple(x.shape[2:])
    results: list[Tensor] = []
    for part in tiling.tiles(size, tuple(tile)):
        made = outputs_of(model(x[part.input]))
        if not results:
            for number, one in enumerate(made):
                shape = list(one.shape)
                lengths = tiling.output_size(size, number)
                for dim, length in zip(tiling.outputs[number].dimensions, lengths, strict=True):
                    shape[dim] = length
                results.append(torch.full(shape, torch.nan, dtype=one.dtype))
        for result, one, kept in zip(results, made, part.outputs, strict=True):
            assert result[kept.place].isnan().all(), "no position is given twice"
            result[kept.place] = one[kept.keep]
    return results


@torch.no_grad()
def deviation(model: nn.Module, tiling: Tiling, x: Tensor, tile: Sequence[int]) -> float:
    """By how much tiles put together differ from the whole, at most."""
    whole = outputs_of(model(x))
    tiled = put_together(model, tiling, x, tile)
    assert [one.shape for one in whole] == [one.shape for one in tiled]
    return max(float((a - b).abs().max()) for a, b in zip(whole, tiled, strict=True))


@torch.no_grad()
def deviation_beyond(
    model: nn.Module, tiling: Tiling, x: Tensor, tile: Sequence[int], axis: int, side: int
) -> float | None:
    """By how much the first position that is not kept, at one end of a tile inside, is off.

    Of the output of which it is off by the least; None where a tile has no such position.
    """
    size, sizes = tuple(x.shape[2:]), tuple(tile)
    begin = [(n - t) // 2 // s * s for n, t, s in zip(size, sizes, tiling.stride, strict=True)]
    assert all(b > 0 and b + t < n for b, t, n in zip(begin, sizes, size, strict=True))
    cut = x[(..., *(slice(b, b + t) for b, t in zip(begin, sizes, strict=True)))]
    found = []
    for whole, part, output in zip(
        outputs_of(model(x)), outputs_of(model(cut)), tiling.outputs, strict=True
    ):
        for a, along in enumerate(output.axes):
            dim, made = output.dimensions[a], part.shape[output.dimensions[a]]
            offset = int(begin[a] / along.jump)
            first, last = along.before, made - along.after
            if a == axis:
                beyond = first - 1 if side == 0 else last
                if not 0 <= beyond < made:
                    break
                first, last = beyond, beyond + 1
            part = part.narrow(dim, first, last - first)
            whole = whole.narrow(dim, offset + first, last - first)
        else:
            found.append(float((whole - part).abs().max()))
    return min(found, default=None)


def tiling_of(model: nn.Module, res: Any, **options: Any) -> Tiling:
    found = rflint.tiling(model, res, **options)
    assert isinstance(found, Tiling), found
    return found
