"""Edits that end a network behind a layer.

New layers with weights go into a Sequential of their own, so that they have names of their own: a
state dict of the original model then loads with strict=False, which forbids other shapes, not
other names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn

from rflint.analysis import Analysis
from rflint.architecture import Extent, Kind, Layer
from rflint.repair.change import Candidate, Edit
from rflint.repair.cuts import lineage, modules_within
from rflint.repair.names import LISTS
from rflint.repair.writer import Writer
from rflint.roles import Role

_GONE = "cut off"
_HEAD = (
    "the new classifier; its weights have names of their own, so that old state dicts still load"
)


class Endings(Writer):
    """Writes the end of a truncated network."""

    def __init__(self, model: nn.Module, analysis: Analysis, candidate: Candidate) -> None:
        super().__init__(model, analysis, candidate)
        shapes = analysis.architecture.output_shapes
        self.classes = shapes[0][-1] if shapes else 0
        trunk = [i for i, x in enumerate(analysis.layers) if x.role is not Role.HEAD]
        # from here on, nothing has positions any more but what pools or flattens them
        self.head = max((i for i in trunk if not _loses_positions(self.layers[i])), default=-1) + 1
        self.names_of_weights = model.state_dict().keys()
        self.global_pooling = f"nn.AdaptiveAvgPool{analysis.architecture.axes}d(1)"

    def truncations(self, cut: int) -> Iterator[tuple[Edit, ...]]:
        """Ends for a network behind a layer, the model's own pooling and head kept if they fit."""
        layers = self.layers
        end = len(layers)
        behind_cut = range(max(cut + 1, self.head), end)
        gone = next((index for index in behind_cut if _loses_positions(layers[index])), end)
        in_front = self._units(range(cut + 1, gone))
        flattens = gone < end and layers[gone].kind in (Kind.LINEAR, Kind.CONV)
        behind = self._units(range(gone if flattens else gone + 1, end))
        everything = self._units(range(cut + 1, end))
        for delete in (True, False):
            if flattens:
                yield from self._pooled_then_flattened(in_front, behind, cut)
            elif behind:
                # the model's own global pooling stays
                yield (*self.without(in_front, delete), *self._ending(behind, cut))
            yield from self._pooled_and_classified(everything, cut, delete)

    def _pooled_then_flattened(
        self, in_front: Sequence[str], behind: Sequence[str], cut: int
    ) -> Iterator[tuple[Edit, ...]]:
        """The last module in front of a model's own flattening becomes global pooling."""
        maps = [unit for unit in in_front if not self.flattens(unit)]
        if maps and behind:
            *between, last = maps
            pooled = Edit(self.assigned(last, self.global_pooling), "pools all that is left")
            yield (*self.without(between, delete=False), pooled, *self._ending(behind, cut))

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

    def _units(self, indices: range) -> list[str]:
        """The largest modules among these layers, but for those that only pass on what they get."""
        units = modules_within(self.layers, indices)
        return [
            unit
            for unit in units
            if self.weighs(unit)
            or any(
                x.kind not in (Kind.ACTIVATION, Kind.ARITHMETIC)
                for x in self.layers
                if unit in lineage(x)
            )
            or isinstance(self.modules[unit.rpartition(".")[0]], LISTS)
        ]

    def _ending(self, units: Sequence[str], cut: int) -> Iterator[Edit]:
        """The last of these that has weights becomes the head, the others pass on what they get."""
        weighing = [unit for unit in units if self.weighs(unit)]
        for unit in weighing[:-1]:
            yield Edit(self.assigned(unit, "nn.Identity()"), _GONE)
        if weighing and not self._is_classifier(weighing[-1], cut):
            yield self._classifier(weighing[-1], cut)

    def _classifier(self, path: str, cut: int, in_front: Sequence[str] = ()) -> Edit:
        """A new classifier in the place of a module, with weights by names that are new."""
        code, name = self.linear(cut), f"{path}.{len(in_front)}"
        while any(key.startswith(f"{name}.") for key in self.names_of_weights):
            code, name = f"nn.Sequential({code})", f"{name}.0"
        layers = ", ".join([*in_front, code])
        return Edit(self.assigned(path, f"nn.Sequential({layers})"), _HEAD)

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
                    yield Edit(f"del {reference}[{first}:]", _GONE)
                    continue
                if len(siblings) > 2:
                    loop = (
                        f"for i in range({first}, {last + 1}):\n    {reference}[i] = nn.Identity()"
                    )
                    yield Edit(loop, _GONE)
                    continue
            for sibling in siblings:
                path = f"{parent}.{sibling}" if parent else sibling
                empty = (
                    "ModuleList" if isinstance(self.modules[path], nn.ModuleList) else "Identity"
                )
                yield Edit(self.assigned(path, f"nn.{empty}()"), _GONE)

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
