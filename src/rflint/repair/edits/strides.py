"""Edits that take downsampling away: strides, poolings, dilation, the stem's kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn

from rflint.graph.layer import Layer
from rflint.repair.change import layer_key
from rflint.repair.edits.writer import Inexpressible, Writer
from rflint.repair.forecast.axis import SMALL_STEM
from rflint.repair.forecast.cuts import behind
from rflint.repair.forecast.downsampling import module_of
from rflint.repair.repair import Edit
from rflint.text.numbers import compact_size, size

_DILATABLE = (nn.modules.conv._ConvNd, nn.modules.pooling._MaxPoolNd)

_DILATED = "sees as far as it did, on a larger map"


class Strides(Writer):
    """Writes what becomes of the layers that downsample, where modules are those layers."""

    def removals(self, without: str = "") -> Iterator[Edit]:
        """Strides set to one, poolings taken out; the module `without` is seen to elsewhere."""
        change = self.candidate.change
        dilation = dict(self.candidate.dilation)
        named = change.without_downsampling | dilation.keys() | {change.small_stem}
        for layer in self.by_name.values():
            name = layer_key(layer)
            if name not in named or not self.is_edited(layer):
                continue
            path = module_of(self.layers, layer)
            if path == without:
                continue
            if name == change.small_stem:
                stride = compact_size(layer.geometry.stride)
                was = f"was {size(layer.geometry.kernel)}, stride {stride}"
                yield Edit(self.assigned(path, self._small_stem(path)), f"{was}; has new weights")
            elif name in change.removed:
                was = f"was {layer.op}, stride {compact_size(layer.geometry.stride)}"
                yield Edit(self.assigned(path, "nn.Identity()"), was)
            elif name in change.without_downsampling:
                yield self._unit_stride(path)
            if name in dilation:
                yield from self._dilated(path, dilation[name])

    def is_edited(self, layer: Layer) -> bool:
        """Whether a layer is changed by changing its module: all calls of that, or none.

        Calls that a truncation takes away do not count.
        """
        if not module_of(self.layers, layer):
            return False
        change, cut = self.candidate.change, self.candidate.change.cut
        gone = behind(self.analysis, cut) if cut is not None else frozenset()
        calls = [x for i, x in enumerate(self.layers) if x.name == layer.name and i not in gone]
        changed = {layer_key(x) in change.without_downsampling for x in calls}
        return len(changed) < 2

    def _unit_stride(self, path: str) -> Edit:
        module = self.modules[path]
        stride = getattr(module, "stride", None)
        if isinstance(stride, tuple | list):
            ones = (1,) * len(stride)
            return Edit(f"{self.expression(path)}.stride = {ones!r}", f"was {tuple(stride)!r}")
        if stride is None:
            raise Inexpressible(f"{path} ({type(module).__name__}) has no stride that could be set")
        return Edit(f"{self.expression(path)}.stride = 1", f"was {stride!r}")

    def _dilated(self, path: str, times: Sequence[int]) -> Iterator[Edit]:
        module = self.modules[path]
        pads_with_zeros = getattr(module, "padding_mode", "zeros") == "zeros"
        if not isinstance(module, _DILATABLE) or not pads_with_zeros:
            raise Inexpressible(f"{path} ({type(module).__name__}) cannot be dilated")
        spatial = self.by_name[path].geometry.kernel
        along = times[-len(spatial) :]
        dilation = _times(module.dilation, along)
        yield Edit(f"{self.expression(path)}.dilation = {dilation!r}", _DILATED)
        if not isinstance(module.padding, str):
            padding = _times(module.padding, along)
            if any(padding):
                yield Edit(f"{self.expression(path)}.padding = {padding!r}", _DILATED)

    def _small_stem(self, path: str) -> str:
        stem = self.modules[path]
        if type(stem) not in (nn.Conv1d, nn.Conv2d, nn.Conv3d):
            raise Inexpressible(f"{path} is a {type(stem).__name__}, whose kernel may not shrink")
        assert isinstance(stem, nn.modules.conv._ConvNd)
        options = {"padding": "1"}
        if stem.groups != 1:
            options["groups"] = str(stem.groups)
        if stem.bias is None:
            options["bias"] = "False"
        if stem.padding_mode != "zeros":
            options["padding_mode"] = repr(stem.padding_mode)
        listed = "".join(f", {name}={value}" for name, value in options.items())
        shape = f"{stem.in_channels}, {stem.out_channels}, {SMALL_STEM}"
        return f"nn.Sequential(nn.{type(stem).__name__}({shape}{listed}{self.keywords}))"


def _times(numbers: int | Sequence[int], times: Sequence[int]) -> tuple[int, ...]:
    """Hyper-parameters along the axes, multiplied."""
    each = (numbers,) * len(times) if isinstance(numbers, int) else numbers
    return tuple(number * factor for number, factor in zip(each, times, strict=True))
