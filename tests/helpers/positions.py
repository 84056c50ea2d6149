"""Which positions of maps reach the outputs: as a running network shows, and as is said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count, product
from typing import Any

import torch
from torch import Tensor, nn

from rflint.analysis.proofs.read_positions import read_positions
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT
from rflint.tracing.trace import trace

C = 2
"""Channels of every map, where a test says nothing else."""
Position = tuple[int, ...]


def positions_of(sizes: Sequence[int]) -> list[Position]:
    return list(product(*map(range, sizes)))


def reaching(
    model: nn.Module, image: Tensor, name: str, positions: Sequence[Position], call: int = 0
) -> set[Position]:
    """Positions at which a NaN in what the module `name` makes reaches some output of the model.

    The input's, for no name; of a module that is called several times, in that call. One image of
    a batch for every position.
    """
    found: set[Position] = set()
    for start in range(0, len(positions), 64):
        some = positions[start : start + 64]
        reached = _reached(model, image, name, some, call)
        found.update(position for position, dirty in zip(some, reached, strict=True) if dirty)
    return found


def _reached(
    model: nn.Module, image: Tensor, name: str, positions: Sequence[Position], call: int
) -> list[bool]:
    calls = count()

    def spoiled(value: Tensor) -> Tensor:
        value = value.clone()
        for number, position in enumerate(positions):
            value[(number, slice(None), *position)] = torch.nan
        return value

    images = image.repeat(len(positions), *(1,) * (image.dim() - 1))
    with torch.no_grad():
        if not name:
            return _dirty(model(spoiled(images)), len(positions))
        module = model.get_submodule(name)
        handle = module.register_forward_hook(
            lambda _, inputs, value: spoiled(value) if next(calls) == call else value
        )
        try:
            return _dirty(model(images), len(positions))
        finally:
            handle.remove()


def _dirty(outputs: Any, batch: int) -> list[bool]:
    tensors = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    assert not any(value.requires_grad for value in tensors)
    flat = torch.cat([value.double().reshape(batch, -1) for value in tensors], 1)
    return [bool(x) for x in flat.isnan().any(1)]


def traced(model: nn.Module, size: Sequence[int], channels: int = C) -> Architecture:
    return trace(model, [torch.empty(1, channels, *size, device="meta")])


def maps(architecture: Architecture) -> Iterator[tuple[int, str, tuple[int, ...]]]:
    """The input and every map that a module makes in its only call: index, name and size."""
    yield INPUT, "", architecture.resolution
    names = [layer.name for layer in architecture.layers]
    for index, layer in enumerate(architecture.layers):
        alone = layer.is_module and names.count(layer.name) == 1
        if alone and layer.is_map and layer.out_shape[2:] == layer.positions:
            yield index, layer.name, layer.positions


def check_reads(model: nn.Module, size: Sequence[int], *, exact: bool, channels: int = C) -> int:
    """Hold what is read of every map against the running network; how many positions are unread."""
    # in single precision, fast convolutions spread a NaN over the tile that they work on
    model = model.double().eval()
    architecture = traced(model, size, channels)
    image = torch.rand(1, channels, *size, dtype=torch.double)
    found = read_positions(architecture).by_outputs
    unread = 0
    for index, name, sizes in maps(architecture):
        region = found[index]
        assert region.sizes == sizes
        said = {position for position in positions_of(sizes) if position in region}
        assert (region.count, region.outside) == (
            len(said),
            len(positions_of(sizes)) - len(said),
        )
        shown = reaching(model, image, name, positions_of(sizes))
        assert shown <= said, (name or "input", sorted(shown - said))
        if exact:
            assert said == shown, (name or "input", sorted(said - shown))
        unread += region.outside
    return unread


def numbers(*places: int) -> Tensor:
    return torch.tensor(places)


LAST: dict[str, Callable[[Tensor], Tensor]] = {
    "slice": lambda x: x[:, :, -1:].squeeze(2),
    "number": lambda x: x[:, :, -1],
    "number from the front": lambda x: x[:, :, 8],
    "number behind an ellipsis": lambda x: x[..., -1],
    "select": lambda x: x.select(2, -1),
    "torch.select": lambda x: torch.select(x, -1, 8),
    "unbind": lambda x: x.unbind(2)[-1],
    "split": lambda x: x.split(1, 2)[-1].squeeze(2),
    "narrow": lambda x: x.narrow(2, 8, 1).squeeze(2),
    "index_select": lambda x: x.index_select(2, numbers(8)).squeeze(2),
    "list": lambda x: x[:, :, [-1]].squeeze(2),
    "tensor": lambda x: x[:, :, numbers(8)].squeeze(2),
    "number of a transposed map": lambda x: x.transpose(1, 2)[:, -1],
    "number in front": lambda x: x.permute(2, 0, 1)[-1],
}
"""Spellings of the last of nine positions."""
