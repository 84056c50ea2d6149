"""Edits that dilate what follows, instead of strides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from torch import nn

from rflint.graph.layer import Layer
from rflint.repair.change import layer_key
from rflint.repair.edit import Edit
from rflint.repair.edits.kind import KindEdits
from rflint.repair.edits.writer import Inexpressible
from rflint.repair.kinds.dilate import Dilation

_DILATABLE = (nn.modules.conv._ConvNd, nn.modules.pooling._MaxPoolNd)

_WHY = "sees as far as it did, on a larger map"


class Edits(KindEdits[Dilation]):
    """Writes strides that go, and dilations that follow from it."""

    @cached_property
    def dilated(self) -> dict[str, tuple[int, ...]]:
        """By layer, by how much its dilation is multiplied along each axis."""
        return dict(self.candidate.dilation)

    def concerns(self, layer: Layer) -> bool:
        """Also what lies behind the layers whose stride goes."""
        return super().concerns(layer) or layer_key(layer) in self.dilated

    def of_module(self, layer: Layer, path: str) -> Iterator[Edit]:
        """A stride of one, a dilation and the padding for it, or all of that."""
        if super().concerns(layer):
            yield self.unit_stride(path)
        if layer_key(layer) in self.dilated:
            yield from self._dilated(path, self.dilated[layer_key(layer)])

    def _dilated(self, path: str, times: Sequence[int]) -> Iterator[Edit]:
        module = self.modules[path]
        pads_with_zeros = getattr(module, "padding_mode", "zeros") == "zeros"
        if not isinstance(module, _DILATABLE) or not pads_with_zeros:
            raise Inexpressible(f"{path} ({type(module).__name__}) cannot be dilated")
        spatial = self.by_name[path].geometry.kernel
        along = times[-len(spatial) :]
        dilation = _times(module.dilation, along)
        yield self.edit(path, f"{self.expression(path)}.dilation = {dilation!r}", _WHY)
        if not isinstance(module.padding, str):
            padding = _times(module.padding, along)
            if any(padding):
                yield self.edit(path, f"{self.expression(path)}.padding = {padding!r}", _WHY)


def _times(numbers: int | Sequence[int], times: Sequence[int]) -> tuple[int, ...]:
    """Hyper-parameters along the axes, multiplied."""
    each = (numbers,) * len(times) if isinstance(numbers, int) else numbers
    return tuple(number * factor for number, factor in zip(each, times, strict=True))
