"""Which downsamplings can be removed, and which only together.

Branches that meet must have the same size. So whatever lies on one branch and not on the other
is changed together: a residual block's strided convolution and its projection shortcut, the three
reductions of an inception module. Found from the graph: every value remembers the layers that
change the size of the map on its way from the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from rflint.analysis.analysis import Analysis
from rflint.analysis.roles import Role
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.sizing import FixedSize, Scaled, Sliding
from rflint.graph.windows import Extent, Window
from rflint.repair.change import layer_key
from rflint.text.numbers import first_few

_NAMED = 4
"""So many places are named in a title; the edits name them all."""


@dataclass(frozen=True, slots=True)
class DownsamplingGroup:
    """Downsampling layers that keep or lose their strides together, in execution order."""

    convolutions: tuple[str, ...]
    poolings: tuple[str, ...]
    kept_because: str = ""
    """Why it cannot be removed, if it cannot."""

    @property
    def layers(self) -> tuple[str, ...]:
        """All of them, by their keys."""
        return self.convolutions + self.poolings


def removable_groups(analysis: Analysis) -> list[DownsamplingGroup]:
    """The downsamplings of the trunk that can be removed, in execution order."""
    return [group for group in downsampling_groups(analysis) if not group.kept_because]


def named_places(analysis: Analysis, keys: Set[str]) -> str:
    """Layers by name, in a few words; several of one group by the block that they are all in."""
    found: list[str] = []
    for group in downsampling_groups(analysis):
        members = [key for key in group.layers if key in keys]
        paths = [key.split(".") for key in members]
        shared = [parts[0] for parts in zip(*paths, strict=False) if len(set(parts)) == 1]
        several_in_a_block = len(members) > 1 and shared
        found += [".".join(shared)] if several_in_a_block else members
    return first_few(found, _NAMED)


def downsampling_groups(analysis: Analysis) -> tuple[DownsamplingGroup, ...]:
    """The downsamplings of the trunk, in execution order."""
    layers = analysis.architecture.layers
    changers = {
        i: layer_key(x.layer) for i, x in enumerate(analysis.layers) if _changes_size(x.layer)
    }
    together = _DisjointSets(changers)
    of_name: dict[str, int] = {}
    for index, name in changers.items():
        # a convolution that is called twice has one stride
        together.union((of_name.setdefault(name, index), index))
    for axis in range(analysis.architecture.axes):
        _unite_what_meets(axis, analysis, changers, together)
    editable = {
        i
        for i, x in enumerate(analysis.layers)
        if i in changers and x.role is not Role.ATTENTION and x.layer.kind in (Kind.CONV, Kind.POOL)
    }
    found = []
    for members in together.sets():
        downsampling = [layers[i] for i in members if layers[i].downsamples]
        if not downsampling or not any(analysis.layers[i].role is Role.TRUNK for i in members):
            continue
        named = {layer_key(layer): layer for layer in downsampling}.items()
        found.append(
            DownsamplingGroup(
                tuple(name for name, layer in named if layer.kind is Kind.CONV),
                tuple(name for name, layer in named if layer.kind is not Kind.CONV),
                _why_kept(layers, members, editable),
            )
        )
    return tuple(found)


def _unite_what_meets(
    axis: int, analysis: Analysis, changers: dict[int, str], together: _DisjointSets
) -> None:
    """Unite what two values that meet in a layer have not passed both, along one axis."""
    architecture = analysis.architecture
    nothing: frozenset[int] = frozenset()
    passed: list[frozenset[int]] = []
    for index, layer in enumerate(architecture.layers):
        meeting = [
            nothing if edge.source == INPUT else passed[edge.source]
            for edge in layer.feature_edges
            if edge.reach[axis] is not Extent.GLOBAL
            and not _is_gone(architecture.layers, edge.source, axis)
        ]
        first = meeting[0] if meeting else nothing
        for other in meeting[1:]:
            if other != first:
                together.union(first ^ other)
        if not meeting or isinstance(layer.sizing[axis], FixedSize):
            passed.append(frozenset({index} & changers.keys()))
        else:
            passed.append(first | {index} if index in changers else first)


def _is_gone(layers: Sequence[Layer], source: int, axis: int) -> bool:
    """Whether a value no longer has an axis: it is broadcast over what it meets."""
    return source != INPUT and layers[source].sizing[axis] == FixedSize(1)


def _changes_size(layer: Layer) -> bool:
    """Whether a layer's output has other positions: strides, upsampling, resizing to a size."""
    return any(
        isinstance(reach, Window) and reach.stride != 1
        for edge in layer.inputs
        for reach in edge.reach
    ) or any(isinstance(sizing, FixedSize) and sizing.size > 1 for sizing in layer.sizing)


def _why_kept(layers: Sequence[Layer], members: Iterable[int], editable: set[int]) -> str:
    """Why a group keeps its strides; empty where nothing keeps them."""
    for index in members:
        layer = layers[index]
        if layer.upsamples:
            return f"{layer.label} brings the map back to the size it had"
        if index not in editable or not all(
            isinstance(sizing, Sliding | Scaled) for sizing in layer.sizing
        ):
            return f"{layer.label} has no stride that could be set"
        if layer.kind is Kind.CONV and not layer.is_module:
            return f"{layer.label} is a function call: make it a module, or edit that line"
    return ""


class _DisjointSets:
    """Disjoint sets of numbers (union-find)."""

    def __init__(self, members: Iterable[int]) -> None:
        self._of = {member: {member} for member in members}

    def union(self, members: Iterable[int]) -> None:
        """Merge the sets that these numbers are in."""
        merged: set[int] = set()
        for member in members:
            merged |= self._of[member]
        for member in merged:
            self._of[member] = merged

    def sets(self) -> list[list[int]]:
        """All of them, each sorted, in the order of their first members."""
        distinct = {id(members): members for members in self._of.values()}.values()
        return sorted(sorted(members) for members in distinct)
