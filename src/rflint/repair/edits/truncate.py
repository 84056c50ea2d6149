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
from rflint.repair.edit import Edit
from rflint.repair.edits.ending import Ending
from rflint.repair.edits.kind import KindEdits
from rflint.repair.edits.rewriter import ForwardChange
from rflint.repair.edits.writer import GONE, HEAD
from rflint.repair.forecast.cuts import classes_of, layers_behind
from rflint.repair.kinds.truncate import Truncation

_FLATTENING = (Kind.LINEAR, Kind.CONV)


class Edits(KindEdits[Truncation]):
    """Writes the end of a truncated network."""

    def __init__(
        self,
        model: nn.Module,
        analysis: Analysis,
        candidate: Candidate,
        transformation: Truncation,
    ) -> None:
        super().__init__(model, analysis, candidate, transformation)
        self.cut = transformation.cut
        self.classes = classes_of(analysis)
        self.gone = layers_behind(analysis, self.cut)
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

    def endings(self) -> Iterator[Ending]:
        """Edits of modules that end it already, another forward, edits of other modules."""
        yield from map(Ending, self._in_place())
        yield from self._in_forward()
        yield from map(Ending, self._makeshifts())

    # -- ends that are edits of modules

    def _in_place(self) -> Iterator[tuple[Edit, ...]]:
        """Ends that keep the model's own pooling, or the place of it."""
        in_front = self._units(self.in_front)
        maps = self._maps()
        for delete in (True, False):
            for classifier in self._classifiers():
                if not self.flattens:
                    yield (*self.taken_out(in_front, delete=delete), *classifier)
                elif maps and not self.weighs(maps[-1]):
                    yield self._pooled_then_flattened(maps, classifier)

    def _makeshifts(self) -> Iterator[tuple[Edit, ...]]:
        """Ends for which modules serve that were something else."""
        maps = self._maps()
        for classifier in self._classifiers():
            if self.flattens and maps:
                yield self._pooled_then_flattened(maps, classifier)
        everything = self._units(self.gone)
        for delete in (True, False):
            yield from self._pooled_and_classified(everything, delete=delete)

    def _maps(self) -> list[str]:
        """Modules in front of the end that make maps, and not features that were flattened."""
        last = {path: layer for layer in self.layers for path in layer.modules_around}
        return [
            unit
            for unit in self._units(self.in_front)
            if last[unit].is_map and not self.is_flatten(unit)
        ]

    def _pooled_then_flattened(
        self, maps: Sequence[str], classifier: Sequence[Edit]
    ) -> tuple[Edit, ...]:
        """The last module in front of a model's own flattening becomes global pooling."""
        *between, last = maps
        pooled = self.edit(last, self.assigned(last, self.global_pooling), "pools all that is left")
        return (*self.taken_out(between, delete=False), pooled, *classifier)

    def _pooled_and_classified(
        self, units: Sequence[str], *, delete: bool
    ) -> Iterator[tuple[Edit, ...]]:
        """One module becomes pooling and classifier, and the others pass that on."""
        head = (self.global_pooling, "nn.Flatten()")
        if units:
            first, *rest = units
            yield (self._classifier(first, head), *self.taken_out(rest, delete=delete))
            if rest and self.weighs(rest[-1]):
                *between, last = units
                yield (*self.taken_out(between, delete=delete), self._classifier(last, head))

    # -- ends in the model's own forward

    def _in_forward(self) -> Iterator[Ending]:
        """The model's forward up to a layer, a head, and what the model does with its outputs."""
        logits, last_map = self._logits(), self._last_map()
        if logits is not None:
            head = f"nn.Sequential({self.global_pooling}, nn.Flatten(), {self._linear()})"
            forward = ForwardChange(cut=self.cut, logits=logits, head=head)
            yield Ending(tuple(self._gone_inside(self.gone)), forward)
        if last_map is not None:
            # the map is pooled where the network ends, and flattened and classified where it was
            gone = tuple(self._gone_inside(self.in_front))
            forward = ForwardChange(cut=self.cut, logits=last_map, head=self.global_pooling)
            for classifier in self._classifiers():
                yield Ending((*gone, *classifier), forward)

    def _logits(self) -> int | None:
        """The layer that makes the outputs, up to what is done to each of them; None: the cut."""
        (index,) = self.analysis.architecture.outputs
        layer = self.layers[index]
        while layer.kind in (Kind.ACTIVATION, Kind.ARITHMETIC) and len(layer.inputs) == 1:
            index = layer.inputs[0].source
            layer = self.layers[index]
        return index if index > self.cut else None

    def _last_map(self) -> int | None:
        """The layer behind the cut that makes the map which is flattened."""
        maps = [index for index in self.in_front if self.layers[index].is_map]
        return max(maps, default=None) if self.flattens else None

    def _gone_inside(self, gone: Set[int]) -> Iterator[Edit]:
        """Take out what goes of modules of which something stays."""
        kept = (x for i, x in enumerate(self.layers) if i not in self.gone)
        children = {path for layer in kept for path in layer.modules_around[:1]}
        inside = [path for path in self._units(gone) if path.split(".")[0] in children]
        return self.taken_out(inside, delete=True)

    # -- classifiers

    def _classifiers(self) -> Iterator[tuple[Edit, ...]]:
        """What becomes of the modules behind the last map."""
        return self._in_place_of_last(self._units(self.behind))

    def _units(self, indices: Set[int]) -> list[str]:
        """The largest modules among these layers."""
        return list(self.analysis.architecture.relations.modules_within(indices))

    def _in_place_of_last(self, units: Sequence[str]) -> Iterator[tuple[Edit, ...]]:
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
        identities = [
            self.edit(unit, self.assigned(unit, "nn.Identity()"), GONE) for unit in earlier
        ]
        leaves = list(dict.fromkeys(of_unit[place]))
        # one layer with weights: what is around it (dropout, an activation) stays
        if len(leaves) == 1:
            yield (*identities, *self._replaced(leaves[0]))
        if leaves[-1:] != [place]:
            yield (*identities, *self._replaced(place))
        if len(leaves) > 1:
            inner = [
                self.edit(name, self.assigned(name, "nn.Identity()"), GONE) for name in leaves[:-1]
            ]
            yield (*identities, *inner, *self._replaced(leaves[-1]))

    def _is_inside(self, path: str, outer: str) -> bool:
        return path == outer or path.startswith(f"{outer}.")

    def _replaced(self, path: str) -> Iterator[Edit]:
        """A module becomes the head, unless it is one that fits already."""
        if not self._is_classifier(path):
            yield self._classifier(path)

    def _classifier(self, path: str, in_front: Sequence[str] = ()) -> Edit:
        """A new classifier in the place of a module, with weights by names that are new."""
        code, name = self._linear(), f"{path}.{len(in_front)}"
        while any(key.startswith(f"{name}.") for key in self.names_of_weights):
            code, name = f"nn.Sequential({code})", f"{name}.0"
        layers = ", ".join([*in_front, code])
        return self.edit(path, self.assigned(path, f"nn.Sequential({layers})"), HEAD)

    def _is_classifier(self, path: str) -> bool:
        """Whether a module is the very layer that would replace it, so that it can stay."""
        module = self.modules[path]
        return (
            type(module) is nn.Linear
            and module.bias is not None
            and f"nn.Linear({module.in_features}, {module.out_features}{self.keywords})"
            == self._linear()
        )

    def _linear(self) -> str:
        """A new classifier for what a layer makes."""
        channels = self.layers[self.cut].out_shape[1]
        return f"nn.Linear({channels}, {self.classes}{self.keywords})"


def _loses_positions(layer: Layer) -> bool:
    return bool(layer.inputs) and all(
        reach is Extent.GLOBAL for edge in layer.inputs for reach in edge.reach
    )
