"""Edits that end a network behind a layer.

New layers with weights go into a Sequential of their own, so that they have names of their own: a
state dict of the original model then loads with strict=False, which forbids other shapes, not
other names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from torch import nn

from rflint.analysis.analysis import Analysis
from rflint.analysis.roles import Role
from rflint.graph.layer import Kind, Layer
from rflint.graph.windows import Extent
from rflint.repair.candidate import Candidate
from rflint.repair.edits.writer import Writer
from rflint.repair.forecast.cuts import behind, classes_of
from rflint.repair.repair import Edit

_FLATTENING = (Kind.LINEAR, Kind.CONV)

GONE = "cut off"
HEAD = "the new classifier; its weights have names of their own, so that old state dicts still load"


class Endings(Writer):
    """Writes the end of a truncated network."""

    def __init__(self, model: nn.Module, analysis: Analysis, candidate: Candidate) -> None:
        super().__init__(model, analysis, candidate)
        cut = candidate.change.cut
        self.classes = classes_of(analysis) if cut is not None else 0
        self.gone = behind(analysis, cut) if cut is not None else frozenset[int]()
        trunk = [i for i, x in enumerate(analysis.layers) if x.role is not Role.HEAD]
        # from here on, nothing has positions any more but what pools or flattens them
        head = max((i for i in trunk if not _loses_positions(self.layers[i])), default=-1) + 1
        last = [index for index in sorted(self.gone) if index >= head]
        divides = next((i for i in last if _loses_positions(self.layers[i])), len(self.layers))
        self.flattens = divides < len(self.layers) and self.layers[divides].kind in _FLATTENING
        """Whether positions end in a layer with weights for each, and not in global pooling."""
        self.in_front = {index for index in self.gone if index < divides}
        self.behind = self.gone - self.in_front - (set() if self.flattens else {divides})
        self.names_of_weights = model.state_dict().keys()
        self.global_pooling = f"nn.AdaptiveAvgPool{analysis.architecture.axes}d(1)"

    def truncations(self, cut: int) -> Iterator[tuple[Edit, ...]]:
        """Ends behind a layer that keep the model's own pooling, or the place of it."""
        in_front = self._units(self.in_front)
        maps = self._maps()
        for delete in (True, False):
            for ending in self.endings(cut):
                if not self.flattens:
                    yield (*self.without(in_front, delete), *ending)
                elif maps and not self.weighs(maps[-1]):
                    yield self._pooled_then_flattened(maps, ending)

    def makeshifts(self, cut: int) -> Iterator[tuple[Edit, ...]]:
        """Ends for which modules serve that were something else."""
        maps = self._maps()
        for ending in self.endings(cut):
            if self.flattens and maps:
                yield self._pooled_then_flattened(maps, ending)
        everything = self._units(self.gone)
        for delete in (True, False):
            yield from self._pooled_and_classified(everything, cut, delete)

    def endings(self, cut: int) -> Iterator[tuple[Edit, ...]]:
        """What becomes of the modules behind the last map."""
        return self._endings(self._units(self.behind), cut)

    @property
    def last_map(self) -> int | None:
        """The layer behind the cut that makes the map which is flattened."""
        maps = [index for index in self.in_front if self.layers[index].is_map]
        return max(maps, default=None) if self.flattens else None

    def _maps(self) -> list[str]:
        """Modules in front of the end that make maps, and not features that were flattened."""
        last = {path: layer for layer in self.layers for path in layer.modules_around}
        return [
            unit
            for unit in self._units(self.in_front)
            if last[unit].is_map and not self.is_flatten(unit)
        ]

    def logits(self, cut: int) -> int | None:
        """The layer that makes the outputs, up to what is done to each of them; None: the cut."""
        (index,) = self.analysis.architecture.outputs
        layer = self.layers[index]
        while layer.kind in (Kind.ACTIVATION, Kind.ARITHMETIC) and len(layer.inputs) == 1:
            index = layer.inputs[0].source
            layer = self.layers[index]
        return index if index > cut else None

    def _pooled_then_flattened(
        self, maps: Sequence[str], ending: Sequence[Edit]
    ) -> tuple[Edit, ...]:
        """The last module in front of a model's own flattening becomes global pooling."""
        *between, last = maps
        pooled = Edit(self.assigned(last, self.global_pooling), "pools all that is left")
        return (*self.without(between, delete=False), pooled, *ending)

    def _pooled_and_classified(
        self, units: Sequence[str], cut: int, delete: bool
    ) -> Iterator[tuple[Edit, ...]]:
        """One module becomes pooling and classifier, and the others pass that on."""
        head = (self.global_pooling, "nn.Flatten()")
        if units:
            first, *rest = units
            yield (self._classifier(first, cut, head), *self.without(rest, delete))
            if rest and self.weighs(rest[-1]):
                *between, last = units
                yield (*self.without(between, delete), self._classifier(last, cut, head))

    def _units(self, indices: Set[int]) -> list[str]:
        """The largest modules among these layers."""
        return list(self.analysis.architecture.relations.modules_within(indices))

    def _endings(self, units: Sequence[str], cut: int) -> Iterator[tuple[Edit, ...]]:
        """Heads in the place of the last layer with weights, or of the module that it ends."""
        weighing = [unit for unit in units if self.weighs(unit)]
        if not weighing:
            return
        last = [
            layer.name
            for i, layer in enumerate(self.layers)
            if i in self.gone and layer.is_module and layer.kind in (Kind.LINEAR, Kind.CONV)
        ]
        of_unit = {
            unit: [name for name in last if self._is_inside(name, unit)] for unit in weighing
        }
        place = next((unit for unit in reversed(weighing) if of_unit[unit]), weighing[-1])
        earlier = weighing[: weighing.index(place)]
        identities = [Edit(self.assigned(unit, "nn.Identity()"), GONE) for unit in earlier]
        leaves = list(dict.fromkeys(of_unit[place]))
        # one layer with weights: what is around it (dropout, an activation) stays
        if len(leaves) == 1:
            yield (*identities, *self._ending(leaves[0], cut))
        if leaves[-1:] != [place]:
            yield (*identities, *self._ending(place, cut))
        if len(leaves) > 1:
            inner = [Edit(self.assigned(name, "nn.Identity()"), GONE) for name in leaves[:-1]]
            yield (*identities, *inner, *self._ending(leaves[-1], cut))

    def _is_inside(self, path: str, outer: str) -> bool:
        return path == outer or path.startswith(f"{outer}.")

    def _ending(self, path: str, cut: int) -> Iterator[Edit]:
        """A module becomes the head, unless it is one that fits already."""
        if not self._is_classifier(path, cut):
            yield self._classifier(path, cut)

    def _classifier(self, path: str, cut: int, in_front: Sequence[str] = ()) -> Edit:
        """A new classifier in the place of a module, with weights by names that are new."""
        code, name = self.linear(cut), f"{path}.{len(in_front)}"
        while any(key.startswith(f"{name}.") for key in self.names_of_weights):
            code, name = f"nn.Sequential({code})", f"{name}.0"
        layers = ", ".join([*in_front, code])
        return Edit(self.assigned(path, f"nn.Sequential({layers})"), HEAD)

    def _is_classifier(self, path: str, cut: int) -> bool:
        """Whether a module is the very layer that would replace it, so that it can stay."""
        module = self.modules[path]
        return (
            type(module) is nn.Linear
            and module.bias is not None
            and f"nn.Linear({module.in_features}, {module.out_features}{self.keywords})"
            == self.linear(cut)
        )

    def without(self, units: Sequence[str], delete: bool) -> Iterator[Edit]:
        """Take modules out: the ends of lists are deleted, others become nn.Identity()."""
        remaining = list(units)
        while remaining:
            unit = remaining.pop(0)
            parent, _, number = unit.rpartition(".")
            siblings = [number]
            while remaining and self._follows(parent, siblings[-1], remaining[0]):
                siblings.append(remaining.pop(0).rpartition(".")[2])
            container = self.modules[parent]
            reference = self.expression(parent)
            if self.is_numbered(unit) and len(siblings) < len(container._modules):
                first, last = int(siblings[0]), int(siblings[-1])
                if delete and last == len(container._modules) - 1:
                    yield Edit(f"del {reference}[{first}:]", GONE)
                    continue
                if len(siblings) > 2:
                    loop = (
                        f"for i in range({first}, {last + 1}):\n    {reference}[i] = nn.Identity()"
                    )
                    yield Edit(loop, GONE)
                    continue
            for sibling in siblings:
                path = f"{parent}.{sibling}" if parent else sibling
                empty = (
                    "ModuleList" if isinstance(self.modules[path], nn.ModuleList) else "Identity"
                )
                yield Edit(self.assigned(path, f"nn.{empty}()"), GONE)

    def _follows(self, parent: str, number: str, other: str) -> bool:
        """Whether a module is the next in the same list."""
        other_parent, _, other_number = other.rpartition(".")
        numbered = self.is_numbered(other) and number.isdigit()
        return other_parent == parent and numbered and int(other_number) == int(number) + 1

    def head_behind(self, cut: int) -> str:
        """Global average pooling and a classifier."""
        return f"nn.Sequential({self.global_pooling}, nn.Flatten(), {self.linear(cut)})"

    def linear(self, cut: int) -> str:
        """A new classifier for what a layer makes."""
        channels = self.layers[cut].out_shape[1]
        return f"nn.Linear({channels}, {self.classes}{self.keywords})"


def _loses_positions(layer: Layer) -> bool:
    return bool(layer.inputs) and all(
        reach is Extent.GLOBAL for edge in layer.inputs for reach in edge.reach
    )
