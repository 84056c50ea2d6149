"""Edits that take downsampling away: strides, poolings, the kernel of a first convolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from rflint.graph.layer import Layer
from rflint.repair.change import layer_key
from rflint.repair.edit import Edit
from rflint.repair.edits.kind import KindEdits
from rflint.repair.edits.rewriter import ForwardChange
from rflint.repair.edits.writer import Inexpressible
from rflint.repair.kinds.remove_downsampling import SMALL_KERNEL, DownsamplingRemoval
from rflint.text.numbers import compact_size, size


class Edits(KindEdits[DownsamplingRemoval]):
    """Writes what becomes of the layers that downsampled."""

    def of_module(self, layer: Layer, path: str) -> Iterator[Edit]:
        """A stride set to one, a pooling taken out, a first convolution made anew."""
        key, stride = layer_key(layer), compact_size(layer.geometry.stride)
        if key == self.transformation.small_stem:
            was = f"was {size(layer.geometry.kernel)}, stride {stride}; has new weights"
            yield self.edit(path, self.assigned(path, self._small_stem(path)), was)
        elif key in self.transformation.removed:
            was = f"was {layer.op}, stride {stride}"
            yield self.edit(path, self.assigned(path, "nn.Identity()"), was)
        else:
            yield self.unit_stride(path)

    def in_forward(self, layer: Layer, change: ForwardChange) -> ForwardChange:
        """A call of a pooling that passes its input on, or has stride 1."""
        if layer_key(layer) in self.transformation.removed:
            return replace(change, left_out=(*change.left_out, layer))
        return super().in_forward(layer, change)

    def _small_stem(self, path: str) -> str:
        stem = self.modules[path]
        if type(stem) not in (nn.Conv1d, nn.Conv2d, nn.Conv3d):
            raise Inexpressible(f"{path} is a {type(stem).__name__}, whose kernel may not shrink")
        assert isinstance(stem, nn.modules.conv._ConvNd)
        options = {"padding": str(SMALL_KERNEL // 2)}
        if stem.groups != 1:
            options["groups"] = str(stem.groups)
        if stem.bias is None:
            options["bias"] = "False"
        if stem.padding_mode != "zeros":
            options["padding_mode"] = repr(stem.padding_mode)
        listed = "".join(f", {name}={value}" for name, value in options.items())
        shape = f"{stem.in_channels}, {stem.out_channels}, {SMALL_KERNEL}"
        return f"nn.Sequential(nn.{type(stem).__name__}({shape}{listed}{self.keywords}))"
