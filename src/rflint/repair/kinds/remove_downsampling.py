"""Removing downsampling (paper, section V): strides become 1, poolings go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, combinations
from math import prod
from typing import ClassVar

from rflint.analysis.analysis import Analysis
from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.sizing import Sliding
from rflint.graph.traits import Trait
from rflint.graph.windows import Window
from rflint.repair.change import layer_key
from rflint.repair.forecast.downsampling import (
    DownsamplingGroup,
    downsampling_groups,
    named_places,
    removable_groups,
)
from rflint.repair.transformation import LayerAxis, Transformation

SMALL_KERNEL = 3
"""What the kernel of a first convolution shrinks to, with padding 1."""

_ALL_SUBSETS = 7
"""Of more downsamplings than this, neighbouring ones are taken together only."""


@dataclass(frozen=True, slots=True)
class DownsamplingRemoval(Transformation):
    """Layers that no longer downsample; a large first convolution may get a small kernel."""

    kind: ClassVar[str] = "remove-downsampling"
    edits: ClassVar[str] = "rflint.repair.edits.remove_downsampling"
    also_truncated: ClassVar[bool] = True

    unit_stride: frozenset[str] = frozenset()
    """Convolutions, and poolings that keep their window, that take stride 1."""
    removed: frozenset[str] = frozenset()
    """Poolings that pass their input on."""
    small_stem: str = ""
    """The first convolution, if its kernel shrinks to 3."""

    @classmethod
    def proposals(cls, analysis: Analysis) -> Iterator[Sequence[DownsamplingRemoval]]:
        """Every set of downsamplings, with the stem's kernel as it is and small."""
        stem = _large_stem(analysis.architecture)
        for chosen in _subsets(removable_groups(analysis)):
            convolutions = frozenset(name for group in chosen for name in group.convolutions)
            poolings = frozenset(name for group in chosen for name in group.poolings)
            # branches may fit only where a pooling keeps its window
            plain = [cls(convolutions, poolings)]
            if poolings:
                plain.append(cls(convolutions | poolings))
            yield plain
            if stem in convolutions:
                yield [replace(x, small_stem=stem) for x in plain]

    @classmethod
    def refusals(cls, analysis: Analysis, reasons: Iterable[str]) -> list[str]:
        """The downsamplings that have to stay, and what kept others from being removed."""
        return [
            *(
                f"removing the downsampling of {_some(group.layers)}, since {group.kept_because}"
                for group in downsampling_groups(analysis)
                if group.kept_because
            ),
            *(f"removing some downsamplings, since {x}" for x in reasons),
        ]

    @property
    def layers(self) -> frozenset[str]:
        """The layers that no longer downsample."""
        return self.unit_stride | self.removed

    @property
    def left_out(self) -> frozenset[str]:
        """The poolings that go."""
        return self.removed

    @property
    def retrained(self) -> frozenset[str]:
        """A first convolution whose kernel shrinks."""
        return frozenset([self.small_stem] if self.small_stem else [])

    def along_axis(self, layer: Layer, axis: LayerAxis) -> LayerAxis:
        """Left out, with a small kernel, or at stride 1."""
        key = layer_key(layer)
        if key in self.removed:
            return axis.left_out()
        if key == self.small_stem:
            padding = SMALL_KERNEL // 2
            window = Window(SMALL_KERNEL, 1, -padding)
            return LayerAxis(
                Sliding(SMALL_KERNEL, 1, padding, padding), tuple(window for _ in axis.reaches)
            )
        return axis.at_unit_stride(layer)

    def weights_kept(self, layer: Layer) -> Fraction:
        """The share of the kernel's taps that is left."""
        kernel = [k for k in layer.geometry.kernel if k is not None]
        return Fraction(SMALL_KERNEL ** len(kernel)) / prod(kernel)

    def within(self, keys: Set[str]) -> DownsamplingRemoval | None:
        """What of it concerns these layers."""
        left = replace(self, unit_stride=self.unit_stride & keys, removed=self.removed & keys)
        return left if left.layers else None

    def title(self, analysis: Analysis) -> str:
        """What no longer downsamples."""
        words = f"remove the downsampling of {named_places(analysis, self.layers)}"
        shrunk = f", shrink the kernel of {self.small_stem} to {SMALL_KERNEL}"
        return words + (shrunk if self.small_stem else "")


def _subsets(groups: Sequence[DownsamplingGroup]) -> Iterable[tuple[DownsamplingGroup, ...]]:
    if len(groups) <= _ALL_SUBSETS:
        sizes = range(1, len(groups) + 1)
        return chain.from_iterable(combinations(groups, size) for size in sizes)
    return (
        tuple(groups[start:end])
        for start in range(len(groups))
        for end in range(start + 1, len(groups) + 1)
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _large_stem(architecture: Architecture) -> str:
    """A first convolution whose kernel is larger than it has to be; empty where there is none."""
    for layer in architecture.layers:
        if layer.kind is not Kind.CONV:
            continue
        kernels = [kernel for kernel in layer.geometry.kernel if kernel is not None]
        strides = [
            reach.stride
            for edge in layer.inputs
            for reach in edge.reach
            if isinstance(reach, Window)
        ]
        alone = sum(other.name == layer.name for other in architecture.layers) == 1
        reads_input = [edge.source for edge in layer.inputs] == [INPUT]
        large = len(kernels) == architecture.axes and all(k > SMALL_KERNEL for k in kernels)
        dilated = any(dilation != 1 for dilation in layer.geometry.dilation)
        # a patch embedding cuts the image up; its kernel is no larger than its stride
        overlaps = all(k > s for k, s in zip(kernels, strides, strict=False))
        plain = Trait.RESIZABLE_KERNEL in layer.traits and layer.is_standard_module
        fits = reads_input and large and alone and overlaps and not dilated and plain
        return layer.name if fits and layer.is_map else ""
    return ""
